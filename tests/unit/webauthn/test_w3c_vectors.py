# SPDX-License-Identifier: Apache-2.0
"""The test vectors that Web Authentication Level 3 prints (https://www.w3.org/TR/webauthn-3/#sctn-test-vectors)."""

from __future__ import annotations

import hashlib

import pytest

from ram_mfa.errors import Check, VerificationError
from ram_mfa.webauthn import (
    AttestationLevel,
    AttestationPolicy,
    AuthenticationResponse,
    AuthenticatorData,
    Credential,
    OtherFormats,
    RegistrationResponse,
    Verdict,
    verify_authentication,
    verify_registration,
)
from ram_mfa.webauthn.attestation import AttestationObject
from tests.support.webauthn import AT_2030, w3c, w3c_assertion, w3c_registration, w3c_root

ALGORITHMS = {
    "packed-es384": -35,
    "packed-es512": -36,
    "packed-rs256": -257,
    "packed-eddsa": -8,
    "packed-ed448": -53,
}
VERIFIED = [anchor for anchor in w3c() if anchor.startswith(("none-", "packed-", "fido-u2f-"))]
OTHERS = [anchor for anchor in w3c() if anchor not in VERIFIED]
FRAMED = {"cross_origin": True, "top_origins": ["https://example.com"]}
UNNAMED = {"cross_origin": True}
"""For the vector of a frame whose page is not said: no page is named, so that none is asked for."""
WHERE = {"rp_id": "example.org", "origins": ["https://example.org"]}
CHAINED = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[w3c_root()])

pytestmark = pytest.mark.standard("WebAuthn Level 3 #sctn-test-vectors", "ram_mfa.webauthn.verify_registration")


def framed(anchor):
    return UNNAMED if anchor == "none-es256-crossOrigin" else FRAMED


def register(anchor, **changes):
    arguments = WHERE | {"challenge": w3c()[anchor]["registration"]["challenge"]} | changes
    return verify_registration(RegistrationResponse.from_json(w3c_registration(anchor)), **arguments)


def authenticate(anchor, **changes):
    given = AttestationObject.parse(w3c()[anchor]["registration"]["attestationObject"]).credential
    credential = Credential(id=given.id, public_key=given.public_key, sign_count=0)
    arguments = WHERE | {"challenge": w3c()[anchor]["authentication"]["challenge"], "credential": credential} | changes
    return verify_authentication(AuthenticationResponse.from_json(w3c_assertion(anchor)), **arguments)


def test_all_are_there():
    assert (len(VERIFIED), OTHERS) == (12, ["tpm-es256", "android-key-es256", "apple-es256"])


@pytest.mark.parametrize("anchor", VERIFIED)
class TestVerifiedFormats:
    def test_registration(self, anchor):
        """Passes with its frame expected, and gives what the standard says went in."""
        given = w3c()[anchor]["registration"]
        credential = register(anchor, **framed(anchor))
        u2f = anchor == "fido-u2f-es256"
        assert credential.id == given["credential_id"]
        assert credential.algorithm == ALGORITHMS.get(anchor, -7)
        assert credential.sign_count == 0
        assert credential.aaguid == (bytes(16) if u2f else given["aaguid"])
        fmt, _, kind = anchor.partition("-")
        expected = {"none": Verdict.NONE, "packed": Verdict.SELF if "self" in kind else Verdict.UNVERIFIED}
        assert credential.attestation.verdict is expected.get(fmt, Verdict.UNVERIFIED)
        assert credential.attestation.format == ("fido-u2f" if u2f else fmt)

    def test_authentication(self, anchor):
        verified = authenticate(anchor, **framed(anchor))
        data = AuthenticatorData.parse(w3c()[anchor]["authentication"]["authenticatorData"])
        assert (verified.sign_count, verified.user_verified) == (0, data.user_verified)

    def test_its_chain(self, anchor):
        """Those with a certificate end in the root that the standard prints; self and none end nowhere."""
        arguments = framed(anchor) | {"attestation": CHAINED, "at": AT_2030}
        if anchor.startswith("none") or "self" in anchor:
            with pytest.raises(VerificationError) as refused:
                register(anchor, **arguments)
            assert refused.value.check is Check.ATTESTATION
        else:
            assert register(anchor, **arguments).attestation.verdict is Verdict.TRUSTED

    def test_another_s_challenge(self, anchor):
        challenge = hashlib.sha256(anchor.encode()).digest()
        for ceremony in (register, authenticate):
            with pytest.raises(VerificationError) as refused:
                ceremony(anchor, **framed(anchor) | {"challenge": challenge})
            assert refused.value.check is Check.CHALLENGE


@pytest.mark.parametrize("anchor", ["none-es256-crossOrigin", "none-es256-topOrigin"])
def test_frames_are_refused_by_default(anchor):
    for ceremony in (register, authenticate):
        with pytest.raises(VerificationError) as refused:
            ceremony(anchor)
        assert refused.value.check is Check.CROSS_ORIGIN


@pytest.mark.requirement("A13")
def test_the_page_around_the_frame():
    """Its origin must be one that was named; where pages are named and the browser says none, none is believed."""
    for ceremony in (register, authenticate):
        for anchor, page in (
            ("none-es256-topOrigin", "https://example.net"),
            ("none-es256-crossOrigin", "https://example.com"),
        ):
            with pytest.raises(VerificationError) as refused:
                ceremony(anchor, cross_origin=True, top_origins=[page])
            assert refused.value.check is Check.TOP_ORIGIN


def test_the_longest_credential_id():
    assert len(register("none-es256-long-credential-id").id) == 1_023


def test_the_aaguid_of_the_u2f_vector():
    """It is not zero: accepted and ignored by default, refused where zeros are required."""
    assert any(w3c()["fido-u2f-es256"]["registration"]["aaguid"])
    assert register("fido-u2f-es256").aaguid == bytes(16)
    with pytest.raises(VerificationError) as refused:
        register("fido-u2f-es256", attestation=AttestationPolicy(require_zero_aaguid=True))
    assert refused.value.check is Check.MODEL


@pytest.mark.parametrize("anchor", OTHERS)
class TestOtherFormats:
    def test_refused_by_default(self, anchor):
        with pytest.raises(VerificationError) as refused:
            register(anchor)
        assert refused.value.check is Check.ATTESTATION_FORMAT

    def test_accepted_as_unattested(self, anchor):
        """Where said so; the credential then answers like any other."""
        credential = register(anchor, attestation=AttestationPolicy(other_formats=OtherFormats.UNATTESTED))
        assert (credential.attestation.verdict, credential.attestation.trust_path) == (Verdict.NONE, ())
        assert authenticate(anchor).credential_id == credential.id
