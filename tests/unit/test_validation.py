# SPDX-License-Identifier: Apache-2.0
"""The validators, and the policies that words and fractions used to make."""

from __future__ import annotations

import copy
import enum

import attrs
import pytest

from ram_mfa import (
    MFA,
    AttestationLevel,
    AttestationPolicy,
    BeginLogon,
    DevicePolicy,
    Kind,
    KindRule,
    Lifetimes,
    MalformedMessage,
    MFAPolicy,
    PolicyRule,
    Reason,
    Refused,
    RelyingParty,
    RememberMachine,
    ThrottlePolicy,
    TOTPPolicy,
    UnsafePlaintext,
    new_session,
)
from ram_mfa import _validation as validation
from ram_mfa.otp import KeyURI
from ram_mfa.stores.memory import MemoryStore


class Word(enum.Enum):
    YES = "yes"


class Everything:
    """Equals everything, hashes like anything, and claims to be of the class that it is asked for."""

    def __init__(self, claimed=object):
        self.claimed = claimed

    @property
    def __class__(self):
        return self.claimed

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__


def build(validator, value, converter=None):
    """Return what a frozen class with one such field keeps."""
    kind = attrs.make_class("Thing", {"field": attrs.field(validator=validator, converter=converter)}, frozen=True)
    return kind(value).field


class TestValidators:
    @pytest.mark.requirement("A2")
    @pytest.mark.parametrize(
        ("validator", "fine", "wrong_types", "wrong_values"),
        [
            (validation.member_of(Word), [Word.YES], ["yes", "YES", None, 1, Everything(Word)], []),
            (validation.is_flag, [True, False], [0, 1, "", "yes", None, Everything(bool)], []),
            (validation.whole(1, 3), [1, 3], [1.0, True, "1", None, b"1", Everything(int)], [0, 4]),
            (
                validation.number(1, 3),
                [1, 1.5, 3],
                [True, "1", None, Everything(float)],
                [0, 3.1, float("nan"), float("inf"), 10**400, -(10**400)],
            ),
            (validation.text(1, 3), ["a", "abc"], [b"a", None, 1, Everything(str)], ["", "abcd", "\ud800"]),
            (
                validation.name(3),
                ["a", "a b", "é"],
                [b"a", None, Everything(str)],
                ["", "   ", "abcd", "a\n", "\u2028", "\ud800", "\u202e"],
            ),
            (validation.octets(1, 2), [b"a", b"ab"], ["a", bytearray(b"a"), None], [b"", b"abc"]),
            (validation.octets(2, 2), [b"ab"], ["ab"], [b"a"]),
            (validation.instance_of(Word, str), [Word.YES, "a"], [1, None, Everything(Word)], []),
            (validation.optional(validation.whole(1, 3)), [None, 1], [1.0, ""], [4]),
            (
                validation.each(tuple, validation.whole(1, 3), least=1, most=2),
                [(1,), (1, 3)],
                [[1], ("1",)],
                [(), (4,)],
            ),
            (validation.both(validation.text(), validation.name(2)), ["a"], [1], ["\n"]),
        ],
    )
    def test_each(self, validator, fine, wrong_types, wrong_values):
        """What is of its type and in its bounds is kept; the rest is refused by the name of class and field."""
        for value in fine:
            assert build(validator, value) is value
        for value in wrong_types:
            with pytest.raises(TypeError, match=r"Thing\.field must be"):
                build(validator, value)
        for value in wrong_values:
            with pytest.raises(ValueError, match=r"Thing\.field must be"):
                build(validator, value)

    @pytest.mark.parametrize("value", ["a secret word", b"a secret word"])
    def test_no_value_in_a_message(self, value):
        """A message never repeats the value, which may be a secret."""
        for validator in (validation.whole(1, 3), validation.text(1, 3), validation.octets(1, 3), validation.name(3)):
            with pytest.raises((TypeError, ValueError)) as error:
                build(validator, value)
            assert "secret" not in str(error.value)

    def test_collections(self):
        """A list or set is converted; text, bytes and what cannot be collected are left to the validator."""
        ones = validation.each(tuple, validation.whole(1, 3))
        assert build(ones, [1, 2], validation.as_tuple) == (1, 2)
        for wrong in ("12", b"12", {1: 2}, None, 5):
            with pytest.raises(TypeError):
                build(ones, wrong, validation.as_tuple)
        words = validation.each(frozenset, validation.member_of(Word))
        assert build(words, [Word.YES, Word.YES], validation.as_frozenset) == {Word.YES}
        with pytest.raises(TypeError):
            build(words, [[]], validation.as_frozenset)


class TestPolicies:
    @pytest.mark.requirement("A2")
    @pytest.mark.parametrize(
        ("kind", "choices"),
        [
            (MFAPolicy, {"requirement": "everybody"}),
            (MFAPolicy, {"unknown_users": "refuse"}),
            (MFAPolicy, {"administrator_proof": "asked"}),
            (MFAPolicy, {"self_management": "allowed"}),
            (MFAPolicy, {"outbox": 3.0}),
            (MFAPolicy, {"clock_skew": True}),
            (MFAPolicy, {"remember": True}),
            (MFAPolicy, {"issuer": b"Example"}),
            (AttestationPolicy, {"level": "chained"}),
            (AttestationPolicy, {"level": "CHAINED"}),
            (AttestationPolicy, {"roots": 5}),
            (AttestationPolicy, {"roots": "root"}),
            (DevicePolicy, {"rule": "one kind"}),
            (DevicePolicy, {"kinds": {"security key"}}),
            (ThrottlePolicy, {"free_attempts": 5.0}),
            (TOTPPolicy, {"codes": 1.0}),
            (TOTPPolicy, {"codes": True}),
            (Lifetimes, {"offer": "600"}),
            (RememberMachine, {"max_machines": 10.0}),
        ],
    )
    def test_words_and_fractions(self, kind, choices):
        """A word in the place of an enum's member, or a fraction in that of a number, builds no policy."""
        whole = {"issuer": "Example"} if kind is MFAPolicy else {}
        with pytest.raises(TypeError, match=f"{kind.__name__}\\."):
            kind(**(whole | choices))
        with pytest.raises(TypeError):
            attrs.evolve(kind(**whole), **choices)

    @pytest.mark.requirement("A2")
    def test_the_branch_that_nobody_thought_of(self):
        """A policy that no constructor made still asks for MFA, and refuses users without a record and second kinds."""
        policy = copy.copy(MFAPolicy.ram(issuer="Example", relying_party=_site()))
        devices = copy.copy(policy.devices)
        for value, name in ((policy, "requirement"), (policy, "unknown_users"), (policy, "self_management")):
            object.__setattr__(value, name, Everything())
        object.__setattr__(devices, "rule", "any mix")
        object.__setattr__(devices, "max_devices", 2)
        object.__setattr__(policy, "devices", devices)
        assert policy.must_use_mfa(required=False).allowed
        assert not policy.may_manage_self().allowed
        assert policy.may_bind(Kind.SECURITY_KEY, bound=(Kind.VIRTUAL,)).rule == PolicyRule.ONE_KIND
        assert devices.rule is not KindRule.ANY_MIX
        mfa = MFA(MemoryStore(), lambda: policy, seal=UnsafePlaintext(), create=True)
        with pytest.raises(Refused) as refused:
            mfa.perform("nobody", BeginLogon(session=new_session()))
        assert refused.value.refusal.reason is Reason.NO_ACCOUNT

    @pytest.mark.requirement("A2")
    @pytest.mark.parametrize("found", [None, "everybody", {"issuer": "Example"}, Everything(MFAPolicy)])
    def test_a_callable_that_returns_no_policy(self, found):
        """What a policy callable returns is a policy, or nothing is performed under it."""
        mfa = MFA(MemoryStore(), lambda: found, seal=UnsafePlaintext(), create=True)
        with pytest.raises(TypeError, match="policy callable"):
            mfa.perform("alice", BeginLogon(session=new_session()))

    @pytest.mark.requirement("A33")
    def test_no_private_error(self):
        """What a developer meets is a class that has a public name."""
        for build in (
            lambda: MFAPolicy(issuer="a:b"),
            lambda: RelyingParty(id="example.com", origins=["https://example.com/"]),
            lambda: RelyingParty(id="example.com", origins=["https://example.com"], app_id="example.com"),
        ):
            with pytest.raises(ValueError) as error:
                build()
            assert type(error.value) is ValueError
        with pytest.raises(MalformedMessage) as malformed:
            KeyURI("totp", "a:b", "alice", bytes(20))
        assert malformed.value.field == "issuer"

    def test_levels(self):
        """Only the two levels that demand nothing demand nothing."""
        assert {level for level in AttestationLevel if AttestationPolicy(level=level).conveyance == "none"} == {
            AttestationLevel.NOT_ASKED
        }


def _site():
    return RelyingParty(id="example.com", origins=["https://example.com"])
