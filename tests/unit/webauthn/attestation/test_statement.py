# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import cbor2
import pytest

from ram_mfa.errors import MalformedMessage
from ram_mfa.webauthn.attestation import AttestationObject
from tests.support.webauthn import AAGUID, ID, attestation_object, authenticator_data, key_pair

DATA = authenticator_data(key=key_pair().cose)
GOOD = {"fmt": "none", "attStmt": {}, "authData": DATA}

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-generating-an-attestation-object", "ram_mfa.webauthn.attestation.AttestationObject.parse"
)


class TestAttestationObject:
    def test_three_members(self):
        parsed = AttestationObject.parse(cbor2.dumps(GOOD))
        assert (parsed.format, parsed.statement, parsed.authenticator_data.raw) == ("none", {}, DATA)
        assert (parsed.credential.id, parsed.credential.aaguid) == (ID, AAGUID)

    def test_encoded_at_length(self):
        """Members in another order and of indefinite lengths are the same object; what is signed is inside a string."""
        head, tail = DATA[:40], DATA[40:]
        chunks = b"\x5f" + cbor2.dumps(head) + cbor2.dumps(tail) + b"\xff"
        encoded = b"\xbf" + cbor2.dumps("authData") + chunks + b"\x67attStmt\xbf\xff\x63fmt\x7f\x62no\x62ne\xff\xff"
        assert AttestationObject.parse(encoded) == AttestationObject.parse(cbor2.dumps(GOOD))

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            [],
            None,
            {1: "none", 2: DATA, 3: {}},
            {"fmt": "none", "attStmt": {}},
            {"fmt": "none", "authData": DATA},
            {"attStmt": {}, "authData": DATA},
            GOOD | {"epAtt": True},
            GOOD | {1: 2},
            GOOD | {"fmt": 1},
            GOOD | {"fmt": b"none"},
            GOOD | {"fmt": None},
            GOOD | {"authData": DATA.hex()},
            GOOD | {"authData": None},
            GOOD | {"authData": b""},
            GOOD | {"authData": authenticator_data()},
            GOOD | {"authData": DATA + b"\x00"},
        ],
    )
    def test_refused(self, wrong):
        """Another set of members, members of other types, authenticator data without a new credential."""
        with pytest.raises(MalformedMessage):
            AttestationObject.parse(cbor2.dumps(wrong))

    def test_bounded(self):
        with pytest.raises(MalformedMessage, match="longer than"):
            AttestationObject.parse(attestation_object("none", {"x": bytes(65_536)}, DATA))
