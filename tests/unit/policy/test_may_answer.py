# SPDX-License-Identifier: Apache-2.0
"""`MFAPolicy.may_answer`: whether a device that is bound may still prove its user."""

from __future__ import annotations

import pytest

from ram_mfa import (
    DevicePolicy,
    DisallowedDevices,
    Kind,
    MFAPolicy,
    PolicyRule,
    RelyingParty,
    SecurityKeyPolicy,
    UserVerification,
)
from ram_mfa.policy import AttestationLevel, AttestationPolicy
from tests.support.certificates import CA, make

PARTY = RelyingParty(id="example.com", origins=["https://example.com"])
ROOT = make("root", extensions=[CA])
BOTH = frozenset(Kind)
A, B = "0" * 40, "b" * 40


def policy(*, kinds=BOTH, disallowed=DisallowedDevices.REFUSE, party=PARTY, **security_keys):
    return MFAPolicy.ram(
        issuer="Example",
        relying_party=party,
        devices=DevicePolicy(kinds=kinds, disallowed=disallowed),
        security_keys=SecurityKeyPolicy(**security_keys),
    )


def chained(**models):
    return AttestationPolicy(level=AttestationLevel.CHAINED, roots=[ROOT], **models)


class TestMayAnswer:
    @pytest.mark.parametrize("kind", Kind)
    @pytest.mark.parametrize("kinds", [BOTH, {Kind.VIRTUAL}, {Kind.SECURITY_KEY}])
    def test_kinds(self, kind, kinds):
        """A kind that the policy no longer allows is refused, or kept where the policy says so."""
        decision = policy(kinds=kinds).may_answer(kind)
        assert decision.allowed is (kind in kinds)
        assert decision.allowed or decision.rule is PolicyRule.DISALLOWED
        assert policy(kinds=kinds, disallowed=DisallowedDevices.KEEP).may_answer(kind).allowed

    @pytest.mark.parametrize("disallowed", DisallowedDevices)
    def test_without_a_relying_party(self, disallowed):
        """No key can be verified then, kept or not; phones do not ask for one."""
        without = policy(party=None, disallowed=disallowed)
        decision = without.may_answer(Kind.SECURITY_KEY)
        assert (decision.allowed, decision.rule) == (False, PolicyRule.RELYING_PARTY)
        assert without.may_answer(Kind.VIRTUAL).allowed

    @pytest.mark.parametrize("disallowed", DisallowedDevices)
    def test_user_verification(self, disallowed):
        """Where users must be verified, a key registered through U2F is refused, kept or not."""
        verifying = policy(user_verification=UserVerification.REQUIRED, disallowed=disallowed)
        decision = verifying.may_answer(Kind.SECURITY_KEY, through_u2f=True)
        assert (decision.allowed, decision.rule) == (False, PolicyRule.USER_VERIFICATION)
        assert verifying.may_answer(Kind.SECURITY_KEY).allowed
        assert policy(disallowed=disallowed).may_answer(Kind.SECURITY_KEY, through_u2f=True).allowed

    @pytest.mark.parametrize(
        ("models", "rules", "allowed"),
        [
            ((), {}, True),
            ((A,), {"denied": [B]}, True),
            ((A, B), {"denied": [B]}, False),
            ((A, B), {"accepted": [B]}, True),
            ((A,), {"accepted": [B]}, False),
            ((), {"accepted": [B]}, False),
        ],
    )
    def test_models(self, models, rules, allowed):
        """A key of a denied model, or of none of the accepted, is refused, unless bound devices are kept."""
        decision = policy(attestation=chained(**rules)).may_answer(Kind.SECURITY_KEY, models=models)
        assert decision.allowed is allowed
        assert allowed or decision.rule is PolicyRule.DISALLOWED
        kept = policy(attestation=chained(**rules), disallowed=DisallowedDevices.KEEP)
        assert kept.may_answer(Kind.SECURITY_KEY, models=models).allowed
        assert policy(attestation=chained(**rules)).may_answer(Kind.VIRTUAL).allowed
