# SPDX-License-Identifier: Apache-2.0
"""Policies as plain data."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import (
    AdministratorProof,
    AfterRecovery,
    Attachment,
    AttestationLevel,
    AttestationPolicy,
    DevicePolicy,
    Kind,
    KindRule,
    Lifetimes,
    MFAPolicy,
    RecoveryCodes,
    RelyingParty,
    RememberMachine,
    Requirement,
    ResidentKey,
    SecurityKeyPolicy,
    SelfManagement,
    ThrottlePolicy,
    TOTPPolicy,
    UserVerification,
    policy_from_plain,
    policy_to_plain,
)
from ram_mfa.errors import MalformedMessage
from ram_mfa.otp import Algorithm
from ram_mfa.testing.security_key import SoftAttestation
from ram_mfa.webauthn import COSEAlgorithm

ROOT = SoftAttestation.make(seed=b"plain").root

policies = st.builds(
    MFAPolicy,
    issuer=st.just("Example"),
    relying_party=st.just(RelyingParty(id="example.com", origins=["https://example.com"])),
    requirement=st.sampled_from(Requirement),
    devices=st.builds(
        DevicePolicy,
        kinds=st.sets(st.sampled_from(Kind), min_size=1),
        rule=st.sampled_from(KindRule),
        max_devices=st.integers(1, 16),
    ),
    totp=st.builds(TOTPPolicy, algorithm=st.sampled_from(Algorithm), digits=st.integers(6, 8), codes=st.integers(1, 2)),
    throttle=st.builds(ThrottlePolicy, free_attempts=st.integers(1, 9), max_per_day=st.integers(1, 20)),
    self_management=st.sampled_from(SelfManagement),
    administrator_proof=st.sampled_from(AdministratorProof),
    recovery_codes=st.none()
    | st.builds(RecoveryCodes, count=st.integers(1, 16), after_use=st.sampled_from(AfterRecovery)),
    remember=st.none() | st.builds(RememberMachine, lifetime=st.integers(1, 86_400)),
    lifetimes=st.builds(Lifetimes, offer=st.integers(1, 600)),
    security_keys=st.builds(
        SecurityKeyPolicy,
        user_verification=st.sampled_from(UserVerification),
        algorithms=st.lists(st.sampled_from(COSEAlgorithm), min_size=1, max_size=4),
        hints=st.lists(st.sampled_from(["security-key", "hybrid", "client-device"]), max_size=2),
        attachment=st.none() | st.sampled_from(Attachment),
        resident_key=st.sampled_from(ResidentKey),
        attestation=st.sampled_from(
            [
                AttestationPolicy(),
                AttestationPolicy(
                    level=AttestationLevel.CHAINED, roots=[ROOT], denied={"00" * 20}, accepted={"11" * 20}
                ),
            ]
        ),
    ),
    outbox=st.integers(0, 256),
)


class TestBothWays:
    @given(policies)
    def test_through_json(self, policy):
        """A policy comes back from JSON as it went."""
        assert policy_from_plain(json.loads(json.dumps(policy_to_plain(policy)))) == policy

    def test_defaults(self):
        """What is left out has its default."""
        assert policy_from_plain({"issuer": "Example"}) == MFAPolicy.ram(issuer="Example")


class TestStrictness:
    @pytest.mark.parametrize(
        "data",
        [
            [],
            {},
            {"issuer": "Example", "isuer": "Example"},
            {"issuer": "Example", "requirement": "sometimes"},
            {"issuer": "Example", "totp": {"algorithm": "MD5"}},
            {"issuer": "Example", "totp": 6},
            {"issuer": "Example", "devices": {"kinds": "U2F"}},
            {"issuer": "Example", "devices": {"kinds": ["abacus"]}},
            {"issuer": "Example", "security_keys": {"attestation": {"roots": ["not base64url!"]}}},
            {"issuer": "Example", "security_keys": {"user_verification": "always"}},
            {"issuer": "Example", "security_keys": {"algorithms": -7}},
            {"issuer": "Example", "security_keys": {"algorithms": [-1]}},
            {"issuer": "Example", "security_keys": {"attachment": "glued"}},
            {"issuer": "Example", "relying_party": {"id": "example.com"}},
        ],
    )
    def test_what_no_policy_says(self, data):
        """An unknown name or word, or a value of another type, is an error and never passed over."""
        with pytest.raises(MalformedMessage):
            policy_from_plain(data)

    def test_bounds(self):
        """Plain data build no policy that could not be built otherwise."""
        with pytest.raises(ValueError, match="probability"):
            policy_from_plain({"issuer": "Example", "throttle": {"max_per_day": 1_000}})

    def test_nobody_must_and_yet_must_bind(self):
        """Where MFA is required of nobody, users without a record cannot be made to bind."""
        with pytest.raises(ValueError, match="nobody"):
            policy_from_plain({"issuer": "Example", "requirement": "nobody", "unknown_users": "must bind"})
