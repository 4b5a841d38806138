# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import (
    AfterRecovery,
    DevicePolicy,
    Kind,
    KindRule,
    KnownBrowsers,
    Lifetimes,
    MFAPolicy,
    NewBrowserRule,
    OldRecoveryCodes,
    RecoveryCodes,
    RememberMachine,
    ThrottlePolicy,
    TOTPPolicy,
    policy_from_plain,
    policy_to_plain,
)
from ram_mfa.policy import GUESS_BOUND, guess_probability
from ram_mfa.policy.values import DAY, HOUR, MAX_CONSECUTIVE

NAN = float("nan")


class TestDefaults:
    def test_are_the_services_own(self):
        """The defaults are those of the service: the numbers that its manual and the design name."""
        assert DevicePolicy() == DevicePolicy(kinds=set(Kind), rule=KindRule.ONE_KIND, max_devices=1)
        assert TOTPPolicy() == TOTPPolicy(digits=6, period=30, backward=1, forward=1, codes=1, drift=10)
        assert ThrottlePolicy() == ThrottlePolicy(
            free_attempts=5, first_delay=30, max_delay=HOUR, max_per_day=20, max_consecutive=100
        )
        assert RememberMachine() == RememberMachine(lifetime=7 * DAY, max_machines=10)
        assert Lifetimes() == Lifetimes(challenge=300, enrolment=600, offer=600, receipt=300, password=600)


class TestBounds:
    @pytest.mark.requirement("O2", "O8", "O9", "O11", "O13", "B9")
    @pytest.mark.parametrize(
        ("value", "name", "fine", "wrong"),
        [
            (DevicePolicy, "max_devices", [1, 16], [0, 17, NAN, True, "1", None]),
            (TOTPPolicy, "digits", [6, 7, 8], [5, 9, 1, NAN, True, "6"]),
            (TOTPPolicy, "period", [1, 30, 120], [0, 121, -30, None]),
            (TOTPPolicy, "backward", [0, 2], [-1, 3, "1"]),
            (TOTPPolicy, "forward", [0, 2], [-1, 3, False]),
            (TOTPPolicy, "codes", [1, 2], [0, 3]),
            (TOTPPolicy, "drift", [0, 10], [-1, 11]),
            (KnownBrowsers, "lifetime", [HOUR, 90 * DAY], [0, 90 * DAY + 1, NAN, "1"]),
            (KnownBrowsers, "max_per_token", [1, 20], [0, 21, 2.0]),
            (KnownBrowsers, "max_per_day", [1, 1_000], [0, 1_001, True]),
            (KnownBrowsers, "closes_at", [1, 99], [0, 100, None]),
            (KnownBrowsers, "max_unforgiven", [1, 100], [0, 101, "60"]),
            (KnownBrowsers, "beyond", list(NewBrowserRule), ["two codes", None]),
            (ThrottlePolicy, "free_attempts", [1, 100], [0, 101, NAN]),
            (ThrottlePolicy, "first_delay", [1, HOUR], [0, -1, DAY, "30"]),
            (ThrottlePolicy, "max_delay", [30, DAY], [29, DAY + 1, float("inf")]),
            (ThrottlePolicy, "max_per_day", [1, 1_000], [0, 1_001]),
            (ThrottlePolicy, "max_consecutive", [1, 100], [0, 101, float("inf")]),
            (RecoveryCodes, "count", [1, 10, 16], [0, 17, 10.0, True]),
            (RecoveryCodes, "after_use", list(AfterRecovery), ["must bind", None]),
            (RecoveryCodes, "after_password", list(OldRecoveryCodes), ["keep", None]),
            (RecoveryCodes, "after_lost_history", list(OldRecoveryCodes), ["keep", None]),
            (RememberMachine, "lifetime", [1, 90 * DAY], [0, 90 * DAY + 1, NAN]),
            (RememberMachine, "max_machines", [1, 32], [0, 33]),
            (Lifetimes, "challenge", [1, 600], [0, 601]),
            (Lifetimes, "enrolment", [1, 600], [0, 601]),
            (Lifetimes, "offer", [1, 600], [0, 601]),
            (Lifetimes, "receipt", [1, 600], [0, 601]),
            (Lifetimes, "password", [1, 600], [0, 601, NAN]),
        ],
        ids=lambda one: one.__name__ if isinstance(one, type) else one if isinstance(one, str) else "",
    )
    def test_legal_or_not_built(self, value, name, fine, wrong):
        """Each number has its bounds, ends included, and what is out of them is refused when it is built."""
        for one in fine:
            assert getattr(value(**{name: one}), name) == one
        for one in wrong:
            with pytest.raises((TypeError, ValueError), match="must be"):
                value(**{name: one})

    def test_some_kind(self):
        """A policy that allows no kind of device is none."""
        with pytest.raises(ValueError, match="kinds must be a frozenset of 1"):
            DevicePolicy(kinds=())
        assert DevicePolicy(kinds=[Kind.VIRTUAL]).kinds == {Kind.VIRTUAL}


class TestWindow:
    @pytest.mark.requirement("V6")
    @pytest.mark.parametrize(("back", "ahead", "steps"), [(0, 0, 1), (1, 1, 3), (2, 2, 5), (2, 0, 3)])
    def test_counts_its_steps(self, back, ahead, steps):
        """The window is the current step and those beside it: five at the most."""
        assert TOTPPolicy(backward=back, forward=ahead).window == steps


class TestDelay:
    @pytest.mark.requirement("O14")
    @pytest.mark.standard("NIST SP 800-63B-4 3.2.2", "ram_mfa.ThrottlePolicy.delay")
    def test_grows(self):
        """Four wrong codes cost nothing; from the fifth on the gate closes for 30 seconds, doubling to an hour."""
        delay = ThrottlePolicy().delay
        assert [delay(failures) for failures in range(1, 14)] == [
            0,
            0,
            0,
            0,
            30,
            60,
            120,
            240,
            480,
            960,
            1920,
            3600,
            3600,
        ]

    @given(
        free=st.integers(1, 100),
        first=st.floats(1, HOUR),
        longest=st.floats(HOUR, DAY),
        failures=st.integers(1, 10 * MAX_CONSECUTIVE),
    )
    def test_law(self, free, first, longest, failures):
        """A delay never shrinks as failures grow, and never leaves its bounds."""
        throttle = ThrottlePolicy(free_attempts=free, first_delay=first, max_delay=longest)
        now, later = throttle.delay(failures), throttle.delay(failures + 1)
        assert now <= later <= longest
        assert (now == 0) is (failures < free)
        assert now == 0 or now >= first


class TestKnownBrowsers:
    def test_defaults(self):
        """The defaults allow 60 wrong codes in 24 hours, of the 100 that the bound allows at a window of 3."""
        policy = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers())
        assert policy.guess_probability == guess_probability(digits=6, window=3, max_per_day=60)
        assert policy.wrong_codes_per_day(digits=6) == policy.wrong_codes_of_known_browsers(digits=6) == 20

    @pytest.mark.parametrize(
        ("throttle", "known", "fine"),
        [
            (ThrottlePolicy(max_per_day=40), KnownBrowsers(max_per_day=20), True),
            (ThrottlePolicy(max_per_day=40), KnownBrowsers(max_per_day=21), False),
            (ThrottlePolicy(max_per_day=41), KnownBrowsers(max_per_day=20), False),
            (ThrottlePolicy(max_per_day=100), None, True),
        ],
    )
    def test_the_bound_on_guessing(self, throttle, known, fine):
        """Twice the codes of new browsers and once those of known ones stay within the bound, or nothing is built."""
        if fine:
            assert MFAPolicy.ram(issuer="Example", throttle=throttle, known_browsers=known).known_browsers is known
        else:
            with pytest.raises(ValueError, match="a guess would succeed"):
                MFAPolicy.ram(issuer="Example", throttle=throttle, known_browsers=known)

    def test_the_gate_of_new_browsers_closes_first(self):
        """The gate of new browsers closes before a device is disabled, or the policy cannot be built."""
        throttle = ThrottlePolicy(max_consecutive=80)
        with pytest.raises(ValueError, match="closes_at must be below"):
            MFAPolicy.ram(issuer="Example", throttle=throttle, known_browsers=KnownBrowsers())
        assert MFAPolicy.ram(issuer="Example", throttle=throttle, known_browsers=KnownBrowsers(closes_at=79))

    @pytest.mark.filterwarnings("ignore::ram_mfa.UnsupportedByAppsWarning")
    @pytest.mark.parametrize(("new", "known"), [(1_000, 1_000), (1_000, 5), (5, 1_000), (33, 34)])
    def test_a_device_of_fewer_digits(self, new, known):
        """A device of fewer digits than the policy asks for keeps the bound: fewer wrong codes of both are allowed."""
        policy = MFAPolicy.ram(
            issuer="Example",
            totp=TOTPPolicy(digits=8),
            throttle=ThrottlePolicy(max_per_day=new),
            known_browsers=KnownBrowsers(max_per_day=known),
        )
        allowed = policy.wrong_codes_per_day(digits=6), policy.wrong_codes_of_known_browsers(digits=6)
        assert min(allowed) >= 1
        assert guess_probability(digits=6, window=3, max_per_day=2 * allowed[0] + allowed[1]) <= GUESS_BOUND
        assert (policy.wrong_codes_per_day(digits=8), policy.wrong_codes_of_known_browsers(digits=8)) == (new, known)

    def test_off_by_default(self):
        """No preset tells browsers apart, and then no code counts as a known browser's."""
        for preset in (MFAPolicy.ram, MFAPolicy.nist_aal2, MFAPolicy.aws):
            policy = preset(issuer="Example")
            assert policy.known_browsers is None
            assert policy.wrong_codes_of_known_browsers(digits=6) == 0

    @pytest.mark.parametrize("rule", NewBrowserRule)
    def test_plain(self, rule):
        """It is written as plain data and read again."""
        policy = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers(beyond=rule))
        plain = policy_to_plain(policy)
        assert plain["known_browsers"]["beyond"] == rule.value
        assert policy_from_plain(plain) == policy
