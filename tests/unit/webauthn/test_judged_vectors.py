# SPDX-License-Identifier: Apache-2.0
"""Registrations and assertions from many projects' tests, each judged again: accepted or refused as judged.

What this library documents where the judges leave it open, or where it supports less than is valid:

- algorithms outside the list (RSA-PSS, RS384, RS512, RS1, ML-DSA): refused, ``Check.ALGORITHM``;
- formats that are recognised and not verified: refused, ``Check.ATTESTATION_FORMAT``, or accepted as unattested where
  the policy says so, whatever their statement holds;
- ``tokenBinding`` (policy): not looked at, as in Level 3;
- an attestation certificate that is not of version 3 (policy): refused, ``Check.CERTIFICATE``, by the letter;
- an assertion without user presence (policy): refused, ``Check.USER_PRESENCE``.
"""

from __future__ import annotations

import base64
import hashlib

import pytest

from ram_mfa.errors import Check, MalformedMessage, MFAError, VerificationError
from ram_mfa.webauthn import (
    AttestationPolicy,
    AuthenticationResponse,
    COSEAlgorithm,
    Credential,
    OtherFormats,
    RegistrationResponse,
    Verdict,
    load_public_key,
    verify_authentication,
    verify_registration,
)
from ram_mfa.webauthn.attestation import AttestationObject, AttestationType, verify_statement
from tests.support import vectors

FORMATS = {"none", "packed", "fido-u2f"}
SUPPORTED = {int(algorithm) for algorithm in COSEAlgorithm}
UNATTESTED = AttestationPolicy(other_formats=OtherFormats.UNATTESTED)
VERDICTS = {"none": Verdict.NONE, "self": Verdict.SELF, "basic-or-attca": Verdict.UNVERIFIED}
TYPES = {"none": AttestationType.NONE, "self": AttestationType.SELF, "basic-or-attca": AttestationType.CERTIFIED}
# The reasons that lie in a statement: in a format that is not verified, nobody looks for them.
IN_THE_STATEMENT = {
    "bad-attestation",
    "bad-signature",
    "bad-cert",
    "attestation-mismatch",
    "aaguid-mismatch",
    "alg-mismatch",
    "unsupported-alg",
}

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-registering-a-new-credential", "ram_mfa.webauthn.verify_registration"
)


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def origins(vector):
    """Some vectors are tried where no such origin can be configured: then none is."""
    return [vector["origin"]] if (vector["origin"] or "").startswith(("http", "android")) else []


def credential_id(vector):
    if "credential_id" in vector["expected"]:
        return vector["expected"]["credential_id"]
    try:
        found = AttestationObject.parse(unbase64(vector["attestation_object"])).credential.id
    except MFAError:
        found = b"unknown"
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode()


def register(vector, policy):
    identifier = credential_id(vector)
    response = RegistrationResponse.from_json(
        {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "response": {
                "clientDataJSON": vector["client_data_json"],
                "attestationObject": vector["attestation_object"],
            },
            "clientExtensionResults": {},
        }
    )
    return verify_registration(
        response,
        challenge=unbase64(vector["challenge"]),
        rp_id=vector["rp_id"],
        origins=origins(vector),
        cross_origin="cross_origin" in vector,
        attestation=policy,
    )


def statement_alone(vector):
    attestation = AttestationObject.parse(unbase64(vector["attestation_object"]))
    return verify_statement(attestation, bytes.fromhex(vector["client_data_hash"])), attestation.credential


def authenticate(vector):
    identifier = vector.get("credential_id", "AAAA")
    credential = Credential(
        id=unbase64(identifier),
        public_key=bytes.fromhex(vector["credential_public_key"]),
        sign_count=vector.get("previous_sign_count", 0),
        app_id=vector.get("app_id"),
    )
    response = AuthenticationResponse.from_json(
        {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "response": {
                "clientDataJSON": vector["client_data_json"],
                "authenticatorData": vector["authenticator_data"],
                "signature": vector["signature"],
            },
            "clientExtensionResults": {"appid": True} if "app_id" in vector else {},
        }
    )
    return verify_authentication(
        response,
        credential=credential,
        challenge=unbase64(vector["challenge"]),
        rp_id=vector["rp_id"],
        origins=origins(vector),
        app_id=vector.get("app_id"),
        cross_origin="cross_origin" in vector,
        require_user_verification=vector.get("require_user_verification", False),
    )


def answer(ceremony, *arguments):
    """Return what the ceremony gives, or the check that refused, or MalformedMessage."""
    try:
        return ceremony(*arguments)
    except VerificationError as error:
        return error.check
    except MalformedMessage:
        return MalformedMessage


def of_kind(name, kind):
    return [vector for vector in vectors(name) if vector["kind"] == kind]


def documented(vector):
    """Return the check that refuses what is valid and not supported here; None where it is supported."""
    if vector["expected"]["alg"] not in SUPPORTED or statement_algorithm(vector) not in SUPPORTED:
        return Check.ALGORITHM
    return None if vector["fmt"] in FORMATS else Check.ATTESTATION_FORMAT


def statement_algorithm(vector):
    """The algorithm of a statement; where it has none, one that is supported."""
    statement = AttestationObject.parse(unbase64(vector["attestation_object"])).statement
    return statement.get("alg", -7) if vector["fmt"] == "packed" else -7


class TestRegistrations:
    def test_valid(self):
        """Accepted with the expected fields, or with the documented answer where it is not supported."""
        seen = {"accepted": 0, Check.ALGORITHM: 0, Check.ATTESTATION_FORMAT: 0}
        for vector in of_kind("webauthn_registration", "full"):
            expected = vector["expected"]
            if expected["outcome"] != "valid":
                continue
            credential, check = answer(register, vector, AttestationPolicy()), documented(vector)
            if check is not None:
                assert credential is check, vector["id"]
                seen[check] += 1
                continue
            seen["accepted"] += 1
            u2f = vector["fmt"] == "fido-u2f"
            assert credential.id == unbase64(expected["credential_id"]), vector["id"]
            assert credential.public_key.hex() == expected["credential_public_key"], vector["id"]
            assert credential.algorithm == expected["alg"], vector["id"]
            assert credential.sign_count == (0 if u2f else expected["sign_count"]), vector["id"]
            assert credential.aaguid.hex() == ("00" * 16 if u2f else expected["aaguid"]), vector["id"]
            assert credential.user_verified == (not u2f and expected["flags"]["uv"]), vector["id"]
            assert credential.attestation.verdict is VERDICTS[expected["attestation_type"]], vector["id"]
        assert seen["accepted"] >= 40
        assert all(seen.values())

    def test_valid_in_formats_that_are_not_verified(self):
        """Accepted as unattested, with the expected fields, where the policy says so."""
        count = 0
        for vector in of_kind("webauthn_registration", "full"):
            expected = vector["expected"]
            if expected["outcome"] != "valid" or documented(vector) is not Check.ATTESTATION_FORMAT:
                continue
            credential = register(vector, UNATTESTED)
            assert credential.public_key.hex() == expected["credential_public_key"], vector["id"]
            assert credential.sign_count == expected["sign_count"], vector["id"]
            assert credential.attestation.verdict is Verdict.NONE, vector["id"]
            count += 1
        assert count >= 20

    def test_invalid(self):
        """Refused, each of them, with one of the two documented errors."""
        count = 0
        for vector in of_kind("webauthn_registration", "full"):
            if vector["expected"]["outcome"] == "invalid":
                refusal = answer(register, vector, AttestationPolicy())
                assert refusal is MalformedMessage or isinstance(refusal, Check), vector["id"]
                count += 1
        assert count >= 250

    def test_invalid_where_other_formats_pass_as_unattested(self):
        """Only a fault inside a statement that nobody looks at may pass, and then nothing is attested."""
        for vector in of_kind("webauthn_registration", "full"):
            expected = vector["expected"]
            if expected["outcome"] != "invalid":
                continue
            result = answer(register, vector, UNATTESTED)
            if result is not MalformedMessage and not isinstance(result, Check):
                assert vector["fmt"] not in FORMATS, vector["id"]
                assert expected["reason"] in IN_THE_STATEMENT, vector["id"]
                assert result.attestation.verdict is Verdict.NONE, vector["id"]
                assert result.attestation.trust_path == (), vector["id"]

    def test_left_open(self):
        """The documented choices."""
        answers = {}
        for vector in of_kind("webauthn_registration", "full"):
            if vector["expected"]["outcome"] == "policy":
                answers[vector["id"].partition("/")[2]] = answer(register, vector, AttestationPolicy())
        token_binding = [result for name, result in answers.items() if "token-binding" in name]
        others = [result for name, result in answers.items() if "token-binding" not in name]
        assert [result.attestation.verdict for result in token_binding] == [Verdict.UNVERIFIED] * 2
        assert sorted(result.name for result in others) == ["ALGORITHM"] * 3 + ["ATTESTATION_FORMAT"]

    def test_statements_alone(self):
        """Where only the client data's hash is known, the statement is verified by itself."""
        count = 0
        for vector in of_kind("webauthn_registration", "statement"):
            expected = vector["expected"]
            result = answer(statement_alone, vector)
            if expected["outcome"] == "invalid":
                assert result is MalformedMessage or isinstance(result, Check), vector["id"]
            elif vector["fmt"] not in FORMATS:
                assert result is Check.ATTESTATION_FORMAT, vector["id"]
            elif expected["outcome"] == "policy":
                assert result is Check.CERTIFICATE, vector["id"]
            else:
                statement, credential = result
                assert statement.type is TYPES[expected["attestation_type"]], vector["id"]
                assert credential.public_key.hex() == expected["credential_public_key"], vector["id"]
                count += 1
        assert count >= 4


@pytest.mark.standard("WebAuthn Level 3 #sctn-verifying-assertion", "ram_mfa.webauthn.verify_authentication")
class TestAssertions:
    def test_valid(self):
        """Accepted with the expected fields, or with the documented answer where the algorithm is not supported."""
        seen = {"accepted": 0, "refused": 0}
        for vector in of_kind("webauthn_authentication", "full"):
            expected = vector["expected"]
            if expected["outcome"] != "valid":
                continue
            verified = answer(authenticate, vector)
            if expected["alg"] not in SUPPORTED:
                assert verified is Check.ALGORITHM, vector["id"]
                seen["refused"] += 1
                continue
            assert verified.sign_count == expected["sign_count"], vector["id"]
            assert verified.user_verified == expected["flags"]["uv"], vector["id"]
            assert verified.backup_eligible == expected["flags"]["be"], vector["id"]
            assert verified.backup_state == expected["flags"]["bs"], vector["id"]
            seen["accepted"] += 1
        assert seen["accepted"] >= 20
        assert seen["refused"] >= 5

    def test_invalid(self):
        """Refused, each of them, with one of the two documented errors."""
        count = 0
        for vector in of_kind("webauthn_authentication", "full"):
            if vector["expected"]["outcome"] == "invalid":
                refusal = answer(authenticate, vector)
                assert refusal is MalformedMessage or isinstance(refusal, Check), vector["id"]
                count += 1
        assert count >= 200

    def test_left_open(self):
        """A good signature without a touch: refused, whoever accepts it."""
        for vector in of_kind("webauthn_authentication", "statement"):
            data = unbase64(vector["authenticator_data"])
            key = load_public_key(bytes.fromhex(vector["credential_public_key"]))
            key.verify(unbase64(vector["signature"]), data + bytes.fromhex(vector["client_data_hash"]))
            client = b'{"type":"webauthn.get","challenge":"","origin":"https://localhost"}'
            made = vector | {
                "client_data_json": base64.urlsafe_b64encode(client).rstrip(b"=").decode(),
                "challenge": "",
                "origin": "https://localhost",
                "rp_id": "localhost",
            }
            made["authenticator_data"] = (
                base64.urlsafe_b64encode(hashlib.sha256(b"localhost").digest() + data[32:]).rstrip(b"=").decode()
            )
            assert answer(authenticate, made) is Check.USER_PRESENCE
