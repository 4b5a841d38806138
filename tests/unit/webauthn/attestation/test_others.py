# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.webauthn import AttestationPolicy, OtherFormats
from ram_mfa.webauthn.attestation import AttestationObject, AttestationType, verify_statement
from tests.support.webauthn import attestation_object, authenticator_data, key_pair

KNOWN = ["tpm", "android-key", "android-safetynet", "apple", "compound"]
UNKNOWN = [
    "",
    "made-up",
    "FIDO-U2F",
    "fido-u2f ",
    "None",
    "NONE",
    "Packed",
    "packed\0",
    "u2f",
    "webauthn",
    "TPM",
    "fido_u2f",
]

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-attstn-fmt-ids", "ram_mfa.webauthn.attestation.verify_statement"
)


def verify(fmt, statement, other_formats):
    raw = attestation_object(fmt, statement, authenticator_data(key=key_pair().cose))
    return verify_statement(
        AttestationObject.parse(raw), bytes(32), policy=AttestationPolicy(other_formats=other_formats)
    )


class TestOtherFormats:
    @pytest.mark.parametrize("fmt", KNOWN)
    def test_recognised_and_refused(self, fmt):
        """The default: with an error of their own."""
        with pytest.raises(VerificationError) as refused:
            verify(fmt, {"sig": b""}, OtherFormats.REFUSED)
        assert refused.value.check is Check.ATTESTATION_FORMAT
        assert "recognised" in str(refused.value)
        assert AttestationPolicy().other_formats is OtherFormats.REFUSED

    @pytest.mark.parametrize("fmt", KNOWN)
    @pytest.mark.parametrize("statement", [{}, {"sig": b"", "x5c": [b"junk"]}, [{}, {}]])
    def test_accepted_as_unattested(self, fmt, statement):
        """Where said so: what was not verified proves nothing, and no certificate of it goes on."""
        verified = verify(fmt, statement, OtherFormats.UNATTESTED)
        assert (verified.format, verified.type, verified.path) == (fmt, AttestationType.NONE, ())

    @pytest.mark.parametrize("fmt", KNOWN)
    @pytest.mark.parametrize("statement", [None, 1, "", b""])
    @pytest.mark.parametrize("other_formats", list(OtherFormats))
    def test_what_is_no_statement(self, fmt, statement, other_formats):
        with pytest.raises(MalformedMessage):
            verify(fmt, statement, other_formats)

    @pytest.mark.parametrize("fmt", UNKNOWN)
    @pytest.mark.parametrize("other_formats", list(OtherFormats))
    def test_unknown(self, fmt, other_formats):
        """A format is matched exactly, with its case; what is not known is refused, whatever is said of others."""
        with pytest.raises(VerificationError) as refused:
            verify(fmt, {}, other_formats)
        assert refused.value.check is Check.ATTESTATION_FORMAT
        assert "unknown" in str(refused.value)
