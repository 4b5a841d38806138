# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import uuid

import attrs
import pytest

from ram_mfa.errors import Check, VerificationError
from ram_mfa.policy import MFAPolicy, SecurityKeyPolicy, policy_from_plain, policy_to_plain
from ram_mfa.u2f import AttestationCertificate
from ram_mfa.webauthn import AttestationLevel, AttestationPolicy, Verdict
from ram_mfa.webauthn.attestation import AttestationType, Statement, evaluate_attestation
from ram_mfa.webauthn.metadata import AuthenticatorStatus, MetadataRules, Unlisted, read_metadata
from tests.support.metadata import MODEL, base64_of, blob, entry, report, service_root
from tests.support.webauthn import AAGUID, AT_2030, ROOT_NAME, certificate, key_pair, leaf, root

pytestmark = [
    pytest.mark.requirement("U5", "V32"),
    pytest.mark.standard("FIDO Metadata Service 3.1.1 3.1.4", "ram_mfa.webauthn.metadata.MetadataRules.check"),
]
CHAINED = AttestationLevel.CHAINED
PATH = (AttestationCertificate.parse(leaf()),)
PACKED, U2F = (
    Statement("packed", AttestationType.CERTIFIED, PATH),
    Statement("fido-u2f", AttestationType.CERTIFIED, PATH),
)
KEY_IDENTIFIER = PATH[0].key_identifier.hex()
ELSEWHERE = certificate(key_pair(name="elsewhere"), subject=ROOT_NAME, authority=True)


def rules(*entries, **demands):
    return MetadataRules(blob=read_metadata(blob(*entries), roots=[service_root()], at=AT_2030), **demands)


def judge(statement, metadata, *, aaguid=AAGUID, **policy):
    policy = AttestationPolicy(level=CHAINED, metadata=metadata, **policy)
    return evaluate_attestation(statement, policy=policy, aaguid=aaguid, at=AT_2030)


def verdict(statement, metadata, **arguments):
    """Return the verdict, or the check that refused and why."""
    try:
        return judge(statement, metadata, **arguments).verdict
    except VerificationError as error:
        return error.check, error.problem


class TestModels:
    def test_a_certified_model_is_trusted(self):
        """A listed model that chains to its own roots is trusted, and named."""
        judged = judge(PACKED, rules())
        assert (judged.verdict, judged.models) == (Verdict.TRUSTED, (KEY_IDENTIFIER, MODEL))

    def test_a_u2f_key_is_found_by_its_attestation_key(self):
        """And by nothing else: no signature covers the AAGUID that stands in a fido-u2f registration."""
        by_key = rules(entry(aaguid=None, attestationCertificateKeyIdentifiers=[KEY_IDENTIFIER]))
        assert verdict(U2F, by_key) is Verdict.TRUSTED
        assert verdict(U2F, rules()) == (Check.MODEL, "the FIDO metadata does not list this model")

    def test_an_unlisted_model(self):
        """It is refused, or it is what it would be without metadata, where the rules say so."""
        other = uuid.uuid4().bytes
        refused = (Check.MODEL, "the FIDO metadata does not list this model")
        assert verdict(PACKED, rules(), aaguid=other) == refused
        allowing = rules(unlisted=Unlisted.ALLOWED)
        assert verdict(PACKED, allowing, aaguid=other) == (Check.TRUST_PATH, "no roots are configured")
        assert verdict(PACKED, allowing, aaguid=other, roots=[root()]) is Verdict.TRUSTED

    def test_another_makers_root_speaks_for_no_model(self):
        """A path must chain to the roots of the model that it claims, whatever other roots there are."""
        others = rules(entry(roots=[base64_of(ELSEWHERE)]))
        assert verdict(PACKED, others, roots=[root()])[0] is Check.TRUST_PATH
        assert verdict(PACKED, rules(entry(roots=[])))[0] is Check.TRUST_PATH

    def test_every_model_of_an_identifier_counts(self):
        """Where the BLOB lists an identifier twice, both entries must allow it."""
        assert verdict(PACKED, rules(entry(), entry(report("REVOKED"))))[0] is Check.MODEL

    def test_no_certificate_is_no_model(self):
        """A statement without a certificate is refused, even where unlisted models are allowed."""
        for kind in (AttestationType.NONE, AttestationType.SELF):
            for metadata in (rules(), rules(unlisted=Unlisted.ALLOWED)):
                assert verdict(Statement("packed", kind), metadata)[0] is Check.ATTESTATION

    def test_lists_of_models_still_count(self):
        assert verdict(PACKED, rules(), denied=[MODEL])[0] is Check.MODEL
        assert verdict(PACKED, rules(), accepted=[str(uuid.uuid4())])[0] is Check.MODEL


class TestReports:
    @pytest.mark.parametrize(
        "status",
        [
            "REVOKED",
            "USER_VERIFICATION_BYPASS",
            "ATTESTATION_KEY_COMPROMISE",
            "USER_KEY_REMOTE_COMPROMISE",
            "USER_KEY_PHYSICAL_COMPROMISE",
            "A_STATUS_OF_A_LATER_RELEASE",
        ],
    )
    def test_a_compromised_model_is_refused(self, status):
        """Whatever was reported later, with a reason that an administrator can read."""
        reports = report(), report(status, "2029-02-03"), report("UPDATE_AVAILABLE", "2029-03-01"), report()
        expected = (Check.MODEL, f"reported as {status} since 2029-02-03: Example Key 1")
        assert verdict(PACKED, rules(entry(*reports))) == expected

    def test_a_report_without_a_date_counts(self):
        expected = (Check.MODEL, f"reported as REVOKED: {MODEL}")
        assert verdict(PACKED, rules(entry(report(), report("REVOKED", None), description=""))) == expected

    def test_what_is_refused_can_be_chosen(self):
        """An administrator may accept a status by name, and refuse others."""
        physical = rules(entry(report(), report("USER_KEY_PHYSICAL_COMPROMISE")), refused=[AuthenticatorStatus.REVOKED])
        assert verdict(PACKED, physical) is Verdict.TRUSTED
        retired = entry(report(), report("RETIRED"))
        assert verdict(PACKED, rules(retired)) is Verdict.TRUSTED
        assert verdict(PACKED, rules(retired, refused=[AuthenticatorStatus.RETIRED]))[0] is Check.MODEL

    def test_a_report_about_one_certificate(self):
        """It concerns the keys that show this certificate, and no others of the model."""
        this, other = report("ATTESTATION_KEY_COMPROMISE", certificate=base64_of(leaf())), base64_of(ELSEWHERE)
        assert verdict(PACKED, rules(entry(report(), this)))[0] is Check.MODEL
        another = report("ATTESTATION_KEY_COMPROMISE", certificate=other)
        assert verdict(PACKED, rules(entry(report(), another))) is Verdict.TRUSTED

    @pytest.mark.parametrize(
        ("reports", "certified"),
        [
            ([report("FIDO_CERTIFIED")], True),
            ([report("FIDO_CERTIFIED_L3plus")], True),
            ([report("FIDO_CERTIFIED", None)], True),
            ([report("NOT_FIDO_CERTIFIED")], False),
            ([report("SELF_ASSERTION_SUBMITTED")], False),
            ([report("FIPS140_CERTIFIED_L3")], False),
            ([report("UPDATE_AVAILABLE")], False),
            ([report("FIDO_CERTIFIED_L1", "2029-01-01"), report("NOT_FIDO_CERTIFIED", "2029-06-01")], False),
            ([report("NOT_FIDO_CERTIFIED", "2029-01-01"), report("FIDO_CERTIFIED_L1", "2029-06-01")], True),
            ([report("FIDO_CERTIFIED_L1", "2029-06-01"), report("NOT_FIDO_CERTIFIED", "2029-01-01")], True),
            ([report("NOT_FIDO_CERTIFIED", "2029-01-01"), report("FIDO_CERTIFIED_L1", "2029-01-01")], True),
            ([report("FIDO_CERTIFIED_L1", "2029-01-01"), report("NOT_FIDO_CERTIFIED", "2029-01-01")], False),
            ([report("FIDO_CERTIFIED_L1", "2030-01-02")], False),
        ],
    )
    def test_certification(self, reports, certified):
        """The latest report about certification that holds today decides; of one day's, the later in the BLOB."""
        expected = Verdict.TRUSTED if certified else (Check.MODEL, "not certified by FIDO: Example Key 1")
        assert verdict(PACKED, rules(entry(*reports))) == expected
        assert verdict(PACKED, rules(entry(*reports), certified=False)) is Verdict.TRUSTED


class TestPolicy:
    def test_needs_a_level_and_a_time(self):
        """Metadata below CHAINED would refuse nobody who leaves the statement out."""
        for level in (AttestationLevel.NOT_ASKED, AttestationLevel.UNVERIFIED_ALLOWED):
            with pytest.raises(ValueError, match="CHAINED"):
                AttestationPolicy(level=level, metadata=rules())
        policy = AttestationPolicy(level=CHAINED, metadata=rules())
        with pytest.raises(ValueError, match="at"):
            evaluate_attestation(PACKED, policy=policy, aaguid=AAGUID, at=None)

    @pytest.mark.requirement("A2")
    @pytest.mark.parametrize(
        "wrong",
        [
            {"blob": None},
            {"refused": ["REVOKED"]},
            {"certified": 1},
            {"unlisted": "allowed"},
        ],
    )
    def test_takes_values_of_its_types_alone(self, wrong):
        with pytest.raises(TypeError):
            attrs.evolve(rules(), **wrong)
        with pytest.raises(TypeError, match="MetadataRules"):
            AttestationPolicy(level=CHAINED, metadata=rules().blob)

    def test_stands_in_no_plain_data(self):
        """A policy with metadata is not written as plain data, and plain data bring none."""
        policy = MFAPolicy.ram(issuer="Example")
        with pytest.raises(ValueError, match="plain data"):
            attestation = AttestationPolicy(level=CHAINED, metadata=rules())
            policy_to_plain(attrs.evolve(policy, security_keys=SecurityKeyPolicy(attestation=attestation)))
        plain = policy_to_plain(policy)
        assert policy_from_plain(plain) == policy
        plain["security_keys"]["attestation"]["metadata"] = {}
        with pytest.raises(ValueError, match="null"):
            policy_from_plain(plain)
