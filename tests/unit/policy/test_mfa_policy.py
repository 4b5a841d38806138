# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import (
    DevicePolicy,
    Kind,
    KindRule,
    MFAPolicy,
    PolicyRule,
    RelyingParty,
    RememberMachine,
    Requirement,
    SelfManagement,
    ThrottlePolicy,
    TOTPPolicy,
    UnknownUsers,
)
from ram_mfa.policy import GUESS_BOUND, guess_probability
from ram_mfa.policy.values import DAY

PARTY = RelyingParty(id="example.com", origins=["https://example.com"])


def ram(**choices):
    return MFAPolicy.ram(issuer="Example", **choices)


class TestBuilding:
    def test_frozen(self):
        """A policy is a value: equal to its equal, and never changed."""
        assert ram() == ram()
        assert hash(ram()) == hash(ram())
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            ram().outbox = 3

    @pytest.mark.requirement("V39")
    @pytest.mark.parametrize("issuer", ["", "a:b", "a\nb", " Example", "x" * 65, "Exam\u2028ple"])
    def test_issuer(self, issuer):
        """An issuer that an otpauth URI cannot hold is refused when the policy is built."""
        with pytest.raises(ValueError):
            MFAPolicy(issuer=issuer)

    @pytest.mark.parametrize("issuer", ["E", "Example Cloud", "实例云", "x" * 64])
    def test_good_issuer(self, issuer):
        """Letters of all scripts and spaces inside are fine."""
        assert MFAPolicy(issuer=issuer).issuer == issuer

    @pytest.mark.parametrize(
        ("name", "wrong"), [("outbox", -1), ("outbox", 257), ("clock_skew", -1), ("clock_skew", 301)]
    )
    def test_bounds(self, name, wrong):
        """The outbox and the clocks' skew have their bounds."""
        with pytest.raises(ValueError, match=name):
            ram(**{name: wrong})


class TestGuessing:
    @pytest.mark.requirement("V7")
    def test_defaults(self):
        """The defaults give 6 in 100,000 a day, below the bound of 3 in 10,000."""
        assert ram().guess_probability == Fraction(6, 100_000)
        assert Fraction(3, 10_000) == GUESS_BOUND

    @pytest.mark.requirement("V7")
    @given(digits=st.integers(6, 8), back=st.integers(0, 2), ahead=st.integers(0, 2), max_per_day=st.integers(1, 1_000))
    def test_bound(self, digits, back, ahead, max_per_day):
        """A policy can be built exactly where the probability, in integers, is not above the bound."""
        totp, throttle = (
            TOTPPolicy(digits=digits, backward=back, forward=ahead),
            ThrottlePolicy(max_per_day=max_per_day),
        )
        probability = guess_probability(digits=digits, window=back + 1 + ahead, max_per_day=max_per_day)
        assert probability == Fraction(max_per_day * (back + 1 + ahead), 10**digits)
        if probability <= GUESS_BOUND:
            policy = ram(totp=totp, throttle=throttle)
            assert policy.guess_probability == probability
            assert policy.guessable_device_allowed(digits=digits)
        else:
            with pytest.raises(ValueError, match="a guess would succeed"):
                ram(totp=totp, throttle=throttle)

    @pytest.mark.requirement("A34", "V7")
    def test_the_edge_of_the_bound(self):
        """A policy that meets the bound exactly can be built; with one wrong code a day more it cannot."""
        policy = ram(throttle=ThrottlePolicy(max_per_day=100))
        assert policy.guess_probability == GUESS_BOUND
        assert policy.guessable_device_allowed(digits=6)
        with pytest.raises(ValueError, match="a guess would succeed"):
            ram(throttle=ThrottlePolicy(max_per_day=101))

    def test_a_device_of_its_own(self):
        """A device that is brought in is judged by its own digits."""
        policy = ram(totp=TOTPPolicy(digits=8), throttle=ThrottlePolicy(max_per_day=1_000))
        assert policy.guessable_device_allowed(digits=8)
        assert not policy.guessable_device_allowed(digits=6)


class TestPresets:
    def test_ram(self):
        """RAM: required per user, unknown users refused, one device of one kind, self-managed, nothing remembered."""
        policy = ram()
        assert policy.requirement is Requirement.PER_USER
        assert policy.unknown_users is UnknownUsers.REFUSE
        assert policy.devices == DevicePolicy(rule=KindRule.ONE_KIND, max_devices=1)
        assert policy.self_management is SelfManagement.ALLOWED
        assert policy.remember is None
        assert policy.totp.codes == 1

    @pytest.mark.requirement("B15", "B10")
    @pytest.mark.standard("NIST SP 800-63B-4 5.1", "ram_mfa.MFAPolicy.nist_aal2")
    def test_nist_aal2(self):
        """NIST: required of everybody, several devices of one kind, and remembering capped at a day."""
        policy = MFAPolicy.nist_aal2(issuer="Example")
        assert policy.requirement is Requirement.EVERYBODY
        assert (policy.devices.max_devices, policy.devices.rule) == (5, KindRule.ONE_KIND)
        assert policy.remember is None
        day = RememberMachine(lifetime=DAY)
        assert MFAPolicy.nist_aal2(issuer="Example", remember=day).remember == day
        with pytest.raises(ValueError, match="24 hours"):
            MFAPolicy.nist_aal2(issuer="Example", remember=RememberMachine())

    def test_aws(self):
        """AWS: eight devices of any mix, two codes at binding."""
        policy = MFAPolicy.aws(issuer="Example")
        assert policy.devices == DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8)
        assert policy.totp.codes == 2

    @pytest.mark.parametrize("preset", [MFAPolicy.ram, MFAPolicy.nist_aal2, MFAPolicy.aws])
    def test_choices(self, preset):
        """Any attribute may be chosen otherwise, by its name; no other name is taken."""
        assert preset(issuer="Example", totp=TOTPPolicy(digits=8)).totp.digits == 8
        with pytest.raises(TypeError):
            preset(issuer="Example", skip_mfa=True)


class TestQuestions:
    def test_may_use(self):
        """A kind may be bound where the policy allows it; a security key needs a site."""
        decisions = {
            (kind, with_site): ram(relying_party=PARTY if with_site else None).may_use(kind)
            for kind in Kind
            for with_site in (True, False)
        }
        assert [decision.allowed for decision in decisions.values()] == [True, True, True, False]
        assert decisions[Kind.SECURITY_KEY, False].rule == PolicyRule.RELYING_PARTY
        virtual = ram(relying_party=PARTY, devices=DevicePolicy(kinds={Kind.VIRTUAL}))
        assert virtual.may_use(Kind.SECURITY_KEY).rule == PolicyRule.KIND
        assert not virtual.may_use(Kind.SECURITY_KEY).allowed
        assert virtual.kinds() == (Kind.VIRTUAL,)
        assert ram(relying_party=PARTY).kinds() == (Kind.VIRTUAL, Kind.SECURITY_KEY)

    @pytest.mark.requirement("B10")
    def test_may_bind(self):
        """One kind per user, and no more of it than the policy allows; each answer names its rule."""
        one, two = ram(relying_party=PARTY), ram(relying_party=PARTY, devices=DevicePolicy(max_devices=2))
        mixed = MFAPolicy.aws(issuer="Example", relying_party=PARTY)
        virtual, key = Kind.VIRTUAL, Kind.SECURITY_KEY
        table = [
            (one, virtual, (), True, PolicyRule.MAX_DEVICES),
            (one, virtual, (virtual,), False, PolicyRule.MAX_DEVICES),
            (one, key, (virtual,), False, PolicyRule.ONE_KIND),
            (two, virtual, (virtual,), True, PolicyRule.MAX_DEVICES),
            (two, virtual, (virtual, virtual), False, PolicyRule.MAX_DEVICES),
            (two, virtual, (key,), False, PolicyRule.ONE_KIND),
            (mixed, key, (virtual, key), True, PolicyRule.MAX_DEVICES),
            (mixed, key, (virtual,) * 8, False, PolicyRule.MAX_DEVICES),
            (ram(), key, (), False, PolicyRule.RELYING_PARTY),
        ]
        for policy, kind, bound, allowed, rule in table:
            decision = policy.may_bind(kind, bound=bound)
            assert (decision.allowed, decision.rule) == (allowed, rule)

    def test_require_relying_party(self):
        """The site of security keys, and an error where the policy names none: no key is bound or asked without one."""
        assert ram(relying_party=PARTY).require_relying_party() == PARTY
        with pytest.raises(LookupError):
            ram().require_relying_party()

    def test_must_use_mfa(self):
        """Everybody, those of whom an administrator requires it, or nobody."""
        answers = {
            (requirement, required): ram(requirement=requirement).must_use_mfa(required=required)
            for requirement in Requirement
            for required in (False, True)
        }
        assert {key for key, decision in answers.items() if decision.allowed} == {
            (Requirement.PER_USER, True),
            (Requirement.EVERYBODY, False),
            (Requirement.EVERYBODY, True),
        }
        assert answers[Requirement.NOBODY, True].rule == PolicyRule.REQUIRED_OF_NOBODY
        assert answers[Requirement.PER_USER, False].rule == answers[Requirement.PER_USER, True].rule

    def test_may_manage_self(self):
        """Users manage their own devices, or only administrators do."""
        assert ram().may_manage_self().allowed
        refused = ram(self_management=SelfManagement.NOT_ALLOWED).may_manage_self()
        assert (refused.allowed, refused.rule) == (False, PolicyRule.NOT_SELF_MANAGED)

    @pytest.mark.requirement("B15")
    def test_may_remember(self):
        """No machine is remembered unless the policy says how."""
        assert not ram().may_remember().allowed
        decision = ram(remember=RememberMachine()).may_remember()
        assert decision.allowed
        assert "604800 seconds" in decision.reason

    def test_every_answer_says_why(self):
        """Each decision has a stable rule and a sentence."""
        policy = ram()
        for decision in (policy.may_use(Kind.VIRTUAL), policy.must_use_mfa(required=True), policy.may_remember()):
            assert decision.rule.value.islower()
            assert " " in decision.reason
