# SPDX-License-Identifier: Apache-2.0
"""P-256 points and ECDSA signatures."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.signatures.p256 import ORDER, check_signature_form, stored_p256, verify_p256
from ram_mfa.u2f import load_p256
from tests.support import vectors
from tests.support.certificates import ECDSA_SHA256, key_pair, point

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
GOOD = point(key_pair())


class TestLoad:
    @pytest.mark.requirement("U4", "V34")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.u2f.load_p256")
    def test_a_point(self):
        """A point of the curve in uncompressed form loads as itself."""
        numbers = load_p256(GOOD).public_numbers()
        assert b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big") == GOOD

    @pytest.mark.requirement("U4", "V34")
    @pytest.mark.parametrize(
        "public_key",
        [
            b"",
            b"\x00",
            bytes(65),
            b"\x04" + bytes(64),
            b"\x04" + (1).to_bytes(32, "big") + bytes(32),
            b"\x04" + b"\xff" * 64,
            b"\x04" + P.to_bytes(32, "big") + GOOD[33:],
            GOOD[:-1],
            GOOD + b"\x00",
            b"\x02" + GOOD[1:33],
            b"\x03" + GOOD[1:33],
            b"\x06" + GOOD[1:],
            b"\x07" + GOOD[1:],
            b"\x05" + GOOD[1:],
            GOOD[:-1] + bytes((GOOD[-1] ^ 1,)),
            GOOD[:1] + GOOD[33:] + GOOD[1:33],
            None,
            GOOD.hex(),
            bytearray(GOOD),
        ],
    )
    def test_no_point(self, public_key):
        """Infinity, points off the curve, compressed and hybrid forms, and coordinates above p are refused."""
        with pytest.raises(MalformedMessage) as refused:
            load_p256(public_key)
        assert refused.value.field == "public key"

    def test_stored(self):
        """A stored key is kept loaded, and one that is no point is refused each time."""
        assert stored_p256(GOOD) is stored_p256(GOOD)
        for _ in range(2):
            with pytest.raises(MalformedMessage):
                stored_p256(bytes(65))

    @pytest.mark.requirement("U4")
    def test_every_bit(self):
        """A point with one bit changed is another point or none, and never the same one."""
        for at in range(len(GOOD) * 8):
            changed = bytearray(GOOD)
            changed[at // 8] ^= 0x80 >> at % 8
            try:
                assert load_p256(bytes(changed)).public_numbers() != load_p256(GOOD).public_numbers()
            except MalformedMessage:
                continue


def number(value, size=None):
    """Return a DER INTEGER, with its size written as it is told."""
    octets = value if isinstance(value, bytes) else value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((2, len(octets) if size is None else size)) + octets


def sequence(*parts, size=None):
    body = b"".join(parts)
    return bytes((0x30, len(body) if size is None else size)) + body


class TestForm:
    @pytest.mark.requirement("U1", "V34")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.signatures.p256.check_signature_form")
    @given(r=st.integers(1, ORDER - 1), s=st.integers(1, ORDER - 1))
    def test_der(self, r, s):
        """Every pair of numbers from 1 to n - 1 has one encoding, which is taken."""
        assert check_signature_form(encode_dss_signature(r, s), message="test") is None
        assert encode_dss_signature(r, s) == sequence(number(r), number(s))

    @pytest.mark.parametrize("value", [1, 127, 128, 255, ORDER - 1])
    def test_edges(self, value):
        """The smallest and largest numbers, and those around a sign bit, are taken."""
        assert check_signature_form(encode_dss_signature(value, value), message="test") is None

    @pytest.mark.requirement("U1", "V34")
    @pytest.mark.parametrize(
        "signature",
        [
            b"",
            b"\x30",
            b"\x30\x00",
            b"\x31" + sequence(number(5), number(5))[1:],
            sequence(number(5)),
            sequence(number(5), b"\x02"),
            sequence(number(5), b"\x02\x01"),
            sequence(number(5), number(5), number(5)),
            sequence(number(5), number(5)) + b"\x00",
            sequence(number(5), number(5), size=7),
            sequence(number(5), number(5), size=5),
            sequence(number(5), number(5), b"\x05\x00"),
            sequence(number(5), b"\x03\x01\x05"),
            sequence(number(0), number(5)),
            sequence(number(5), number(0)),
            sequence(number(b""), number(5)),
            sequence(number(5), number(b"")),
            sequence(number(b"\x80"), number(5)),
            sequence(number(5), number(b"\xff\x05")),
            sequence(number(b"\x00\x05"), number(5)),
            sequence(number(5), number(b"\x00\x00\x85")),
            sequence(number(ORDER), number(5)),
            sequence(number(5), number(ORDER)),
            sequence(number(5), number(ORDER + 5)),
            sequence(number(1 << 264), number(5)),
            sequence(number(5, size=9), number(5)),
            sequence(number(5), number(5, size=0x81)),
            b"\x30\x81\x06" + number(5) + number(5),
            b"\x30\x80" + number(5) + number(5) + b"\x00\x00",
            b"\x30\x80" + number(1 << 500) + number(1 << 500),
        ],
    )
    def test_not_der(self, signature):
        """BER, padding, zero, negative and too large numbers, and anything left over or missing are refused."""
        with pytest.raises(MalformedMessage) as refused:
            check_signature_form(signature, message="test")
        assert (refused.value.message, refused.value.field) == ("test", "signature")


class TestVerify:
    def test_signature(self):
        """The key's signature over the data verifies; over other data or by another key it does not."""
        key, signature = load_p256(GOOD), key_pair().sign(b"data", ECDSA_SHA256)
        assert verify_p256(key, signature, b"data") is None
        for other, data in ((key, b"Data"), (load_p256(point(key_pair("other"))), b"data")):
            with pytest.raises(VerificationError) as refused:
                verify_p256(other, signature, data)
            assert refused.value.check is Check.SIGNATURE

    @pytest.mark.requirement("U18")
    def test_malleable(self):
        """(r, n - s) verifies beside (r, s): signatures are no identities, and nothing here treats them as one."""
        signature = key_pair().sign(b"data", ECDSA_SHA256)
        r, s = decode_dss_signature(signature)
        other = encode_dss_signature(r, ORDER - s)
        assert other != signature
        assert check_signature_form(other, message="test") is None
        assert verify_p256(load_p256(GOOD), other, b"data") is None

    @pytest.mark.requirement("V34")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.signatures.p256.verify_p256")
    def test_wycheproof(self):
        """Every judged ECDSA vector is answered as judged, and the form alone never refuses a valid one."""
        for vector in vectors("ecdsa_wycheproof"):
            key, signature = load_p256(bytes.fromhex(vector["public_key"])), bytes.fromhex(vector["sig"])
            if vector["result"] == "valid":
                check_signature_form(signature, message="test")
                verify_p256(key, signature, bytes.fromhex(vector["msg"]))
                continue
            with pytest.raises(VerificationError):
                verify_p256(key, signature, bytes.fromhex(vector["msg"]))
