# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import DevicePolicy, Kind, KindRule, Lifetimes, RememberMachine, ThrottlePolicy, TOTPPolicy
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
            (ThrottlePolicy, "free_attempts", [1, 100], [0, 101, NAN]),
            (ThrottlePolicy, "first_delay", [1, HOUR], [0, -1, DAY, "30"]),
            (ThrottlePolicy, "max_delay", [30, DAY], [29, DAY + 1, float("inf")]),
            (ThrottlePolicy, "max_per_day", [1, 1_000], [0, 1_001]),
            (ThrottlePolicy, "max_consecutive", [1, 100], [0, 101, float("inf")]),
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
