# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import cbor2
import pytest

from ram_mfa.errors import MalformedMessage
from ram_mfa.webauthn import AuthenticatorData
from tests.support.webauthn import AAGUID, AT, ED, ID, RP_ID, authenticator_data, key_pair

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-authenticator-data", "ram_mfa.webauthn.AuthenticatorData.parse"
)
EXTENSIONS = cbor2.dumps({"credProtect": 2, "hmac-secret": True}, canonical=True)


class TestParse:
    def test_an_assertion(self):
        """Thirty-seven bytes: hash, flags, an unsigned counter."""
        data = AuthenticatorData.parse(authenticator_data(flags=0x05, count=0xFFFF_FFFE))
        assert data.rp_id_hash == hashlib.sha256(RP_ID.encode()).digest()
        assert (data.flags, data.sign_count, data.attested, data.extensions) == (0x05, 0xFFFF_FFFE, None, {})
        assert (data.user_present, data.user_verified, data.backup_eligible, data.backup_state) == (
            True,
            True,
            False,
            False,
        )

    @pytest.mark.parametrize("number", [-7, -8, -35, -36, -53, -257])
    @pytest.mark.parametrize("extensions", [b"", EXTENSIONS])
    def test_a_registration(self, number, extensions):
        """The key ends where it ends, whatever its kind, and extensions follow it."""
        key = key_pair(number).cose
        raw = authenticator_data(key=key, extensions=extensions)
        data = AuthenticatorData.parse(raw)
        assert data.raw == raw
        assert data.attested is not None
        assert (data.attested.aaguid, data.attested.id, data.attested.public_key) == (AAGUID, ID, key)
        assert data.extensions == (cbor2.loads(extensions) if extensions else {})

    def test_extensions_of_an_assertion(self):
        data = AuthenticatorData.parse(authenticator_data(extensions=EXTENSIONS))
        assert data.extensions == {"credProtect": 2, "hmac-secret": True}

    @pytest.mark.parametrize("number", [-7, -8, -257])
    def test_every_cut_and_extension(self, number):
        """No prefix of authenticator data is authenticator data, and no byte may follow."""
        for raw in (
            authenticator_data(),
            authenticator_data(key=key_pair(number).cose),
            authenticator_data(key=key_pair(number).cose, extensions=EXTENSIONS),
            authenticator_data(extensions=EXTENSIONS),
        ):
            for size in range(len(raw)):
                with pytest.raises(MalformedMessage):
                    AuthenticatorData.parse(raw[:size])
            for byte in range(256):
                with pytest.raises(MalformedMessage):
                    AuthenticatorData.parse(raw + bytes([byte]))

    @pytest.mark.parametrize("flags", range(256))
    def test_all_flags(self, flags):
        """AT and ED say what follows, and nothing else may; the other six bits change no byte of the reading."""
        raw = bytearray(authenticator_data(key=key_pair().cose, extensions=EXTENSIONS))
        raw[32] = flags
        if flags & AT and flags & ED:
            data = AuthenticatorData.parse(bytes(raw))
            assert data.user_present == bool(flags & 1)
            assert data.user_verified == bool(flags & 4)
            assert data.backup_eligible == bool(flags & 8)
            assert data.backup_state == bool(flags & 16)
        else:
            with pytest.raises(MalformedMessage):
                AuthenticatorData.parse(bytes(raw))
        if not flags & (AT | ED):
            assert AuthenticatorData.parse(bytes(raw[:37])).attested is None

    def test_a_credential_id_of_no_bytes(self):
        with pytest.raises(MalformedMessage, match="credential id"):
            AuthenticatorData.parse(authenticator_data(key=key_pair().cose, credential_id=b""))

    @pytest.mark.parametrize(
        "extensions", [cbor2.dumps([1]), cbor2.dumps({1: 2}), b"\xf6", b"\xbf\xff", b"\xa2\x61b\x00\x61a\x00"]
    )
    def test_extensions_are_a_canonical_map_of_identifiers(self, extensions):
        with pytest.raises(MalformedMessage, match="extensions"):
            AuthenticatorData.parse(authenticator_data(extensions=extensions))

    @pytest.mark.parametrize(
        "key", [b"\xbf\x01\x02\xff", b"\xa2\x03\x26\x01\x02", b"\xa2\x01\x02\x01\x02", b"\x18\x01"]
    )
    def test_the_key_is_canonical(self, key):
        """Indefinite lengths, unsorted or repeated keys and long heads are refused in a new credential's key."""
        with pytest.raises(MalformedMessage, match="credential public key"):
            AuthenticatorData.parse(authenticator_data(key=key))

    def test_it_is_bounded(self):
        with pytest.raises(MalformedMessage, match="length"):
            AuthenticatorData.parse(authenticator_data(extensions=cbor2.dumps({"a": bytes(16_384)})))
