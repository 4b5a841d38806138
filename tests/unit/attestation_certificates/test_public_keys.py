# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ram_mfa import MalformedMessage
from ram_mfa.attestation_certificates import public_keys
from ram_mfa.attestation_certificates.public_keys import MAX_RSA_BITS, MIN_RSA_BITS, P256
from tests.support.certificates import tlv

RSA, NULL = "1.2.840.113549.1.1.1", b"\x05\x00"
N = rsa.generate_private_key(65_537, MIN_RSA_BITS).public_key().public_numbers().n


def integer(number, *, pad=0):
    return tlv(0x02, bytes(pad) + number.to_bytes(number.bit_length() // 8 + 1, "big"))


def rsa_key(n=N, e=65_537):
    return tlv(0x30, integer(n), integer(e))


def load(key, algorithm=RSA, parameters=NULL):
    return public_keys.load_certificate_key(algorithm, parameters, key)


def refused(key, algorithm=RSA, parameters=NULL):
    with pytest.raises(MalformedMessage) as error:
        load(key, algorithm, parameters)
    return str(error.value)


class TestRSA:
    @pytest.mark.parametrize("parameters", [NULL, b""])
    @pytest.mark.parametrize("e", [3, 65_537, 2**32 - 1])
    def test_numbers(self, parameters, e):
        """The key is built from its numbers."""
        assert load(rsa_key(e=e), parameters=parameters).public_numbers() == rsa.RSAPublicNumbers(e, N)

    @pytest.mark.parametrize("bits", [MIN_RSA_BITS, MAX_RSA_BITS])
    def test_sizes(self, bits):
        assert load(rsa_key(n=2**bits - 1)).key_size == bits

    @pytest.mark.requirement("A8")
    @pytest.mark.parametrize(
        "key",
        [
            rsa_key(n=2 ** (MIN_RSA_BITS - 1) - 1),
            rsa_key(n=2**MAX_RSA_BITS + 1),
            rsa_key(n=N - 1),
            rsa_key(e=1),
            rsa_key(e=65_538),
            rsa_key(e=2**32 + 1),
            tlv(0x30, tlv(0x02, b""), integer(65_537)),
            tlv(0x30, tlv(0x02, b"\x80" + bytes(MIN_RSA_BITS // 8)), integer(65_537)),
            tlv(0x30, integer(N, pad=MAX_RSA_BITS // 8), integer(65_537)),
            tlv(0x30, integer(N)),
            tlv(0x30, integer(N), integer(65_537), integer(1)),
            rsa_key() + b"\x00",
            b"",
        ],
    )
    def test_refused(self, key):
        """A number of a bad size, even, empty, negative or padded is refused; so is anything more or less."""
        refused(key)

    def test_parameters(self):
        assert "parameters" in refused(rsa_key(), parameters=b"\x05\x01\x00")


class TestOtherKinds:
    @pytest.mark.parametrize(
        ("curve", "parameters"),
        [
            (ec.SECP256R1(), P256),
            (ec.SECP384R1(), bytes.fromhex("06052b81040022")),
            (ec.SECP521R1(), bytes.fromhex("06052b81040023")),
        ],
        ids=lambda value: getattr(value, "name", ""),
    )
    def test_points(self, curve, parameters):
        """An uncompressed point of a named curve, and nothing that is shorter, compressed, or beside the curve."""
        key = ec.generate_private_key(curve).public_key()
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        assert load(point, public_keys.EC_PUBLIC_KEY, parameters) == key
        compressed = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        for wrong in (
            point[:-1],
            point + b"\x00",
            compressed,
            b"\x06" + point[1:],
            point[:-1] + bytes([point[-1] ^ 1]),
        ):
            refused(wrong, public_keys.EC_PUBLIC_KEY, parameters)
        refused(point, public_keys.EC_PUBLIC_KEY, b"\x06\x05\x2b\x81\x04\x00\x0a")

    @pytest.mark.parametrize(
        ("private", "algorithm"),
        [(ed25519.Ed25519PrivateKey, "1.3.101.112"), (ed448.Ed448PrivateKey, "1.3.101.113")],
    )
    def test_edwards(self, private, algorithm):
        """Without parameters, and of the exact length."""
        raw = private.generate().public_key().public_bytes_raw()
        assert load(raw, algorithm, b"").public_bytes_raw() == raw
        refused(raw, algorithm, NULL)
        for wrong in (raw[:-1], raw + b"\x00"):
            refused(wrong, algorithm, b"")

    @pytest.mark.parametrize("algorithm", ["1.2.840.113549.1.3.1", "1.2.840.10040.4.1", ""])
    def test_no_other(self, algorithm):
        """A Diffie-Hellman key, whose checks are slow, or a DSA key reaches no loader."""
        assert "supported kind" in refused(rsa_key(), algorithm)
