# SPDX-License-Identifier: Apache-2.0
"""Public keys of certificates: their kind and size are checked in the DER before they are loaded.

RFC 3279, sections 2.3.1 and 2.3.5; RFC 4055, section 1.2; RFC 5480, section 2; RFC 8410, sections 3 and 4
(https://www.rfc-editor.org/rfc/rfc5480).

A general loader validates what it loads, and for some kinds that is very expensive: the primality tests for a
Diffie-Hellman key took 3.4 seconds at 4,423 bits and 19 seconds at 9,689 bits (cryptography 50), with the interpreter
lock held. Anybody can send such a key in an attestation certificate.

Invariant: no key reaches ``cryptography`` unless it is EC on a named curve of `CURVES`, RSA within `MAX_RSA_BITS` and
`MAX_RSA_EXPONENT`, Ed25519 or Ed448; and it is built from its numbers, never parsed a second time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from ..encoding.der import INTEGER, DERReader
from ..errors import MalformedMessage
from .x509 import MESSAGE

EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
_RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"
_ED25519: Final = "1.3.101.112"
_ED448: Final = "1.3.101.113"
_NULL: Final = b"\x05\x00"

P256: Final = bytes.fromhex("06082a8648ce3d030107")
"""The parameters of a key on P-256: the DER of the curve's OID."""
CURVES: Final[dict[bytes, tuple[ec.EllipticCurve, int]]] = {
    P256: (ec.SECP256R1(), 65),
    bytes.fromhex("06052b81040022"): (ec.SECP384R1(), 97),
    bytes.fromhex("06052b81040023"): (ec.SECP521R1(), 133),
}
"""The supported curves by the DER of their OID, each with the size of an uncompressed point in bytes."""
MIN_RSA_BITS: Final = 1_024
"""The size of older attestation roots. Which roots to trust is the administrator's choice."""
MAX_RSA_BITS: Final = 4_096
MAX_RSA_EXPONENT: Final = (1 << 32) - 1

CertificateKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
"""The kinds of key that a certificate may hold here."""


@lru_cache(maxsize=128)
def load_certificate_key(algorithm: str, parameters: bytes, key: bytes) -> CertificateKey:
    """Return a certificate's public key, after a check of its kind and size; the last 128 are cached.

    Args:
        algorithm: the dotted OID of the SubjectPublicKeyInfo.
        parameters: the DER of the algorithm's parameters; empty where there are none.
        key: the contents of the BIT STRING.

    Raises:
        MalformedMessage: it is of another kind, curve, form or size, or invalid.
    """
    if algorithm == EC_PUBLIC_KEY:
        return _load_ec(parameters, key)
    if algorithm == _RSA_ENCRYPTION:
        return _load_rsa(parameters, key)
    if algorithm in {_ED25519, _ED448} and not parameters:
        return _load_edwards(algorithm, key)
    raise _refused("not a key of a supported kind")


def _load_ec(parameters: bytes, key: bytes) -> ec.EllipticCurvePublicKey:
    """Load a point. Explicit parameters are refused: only the OID of a curve is looked up."""
    curve, size = CURVES.get(parameters, (None, 0))
    if curve is None:
        raise _refused("not on a supported named curve")
    if len(key) != size or key[0] != 0x04:
        raise _refused(f"not an uncompressed point of {size} bytes")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, key)
    except ValueError:
        raise _refused("not a point on its curve") from None


def _load_rsa(parameters: bytes, key: bytes) -> rsa.RSAPublicKey:
    """Load an RSA key from RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }."""
    if parameters not in (_NULL, b""):
        raise _refused("RSA with parameters")
    outside = DERReader(key, MESSAGE)
    numbers = outside.enter("RSAPublicKey")
    outside.end("RSAPublicKey")
    n, e = (_positive(numbers, MAX_RSA_BITS // 8, field) for field in ("modulus", "publicExponent"))
    numbers.end("RSAPublicKey")
    if not (MIN_RSA_BITS <= n.bit_length() <= MAX_RSA_BITS and n & 1):
        raise _refused(f"an RSA modulus that is not odd, of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if not (3 <= e <= MAX_RSA_EXPONENT and e & 1):
        raise _refused("an RSA exponent that is not odd, of 3 to 2^32")
    return rsa.RSAPublicNumbers(e, n).public_key()


def _positive(reader: DERReader, size: int, field: str) -> int:
    """Read a positive INTEGER of at most ``size`` bytes, its sign byte not counted."""
    octets = reader.take(field, INTEGER).contents
    if not octets or len(octets) > size + 1 or octets[0] & 0x80:
        raise _refused(f"{field} empty, negative, or above {size} bytes")
    return int.from_bytes(octets, "big")


def _load_edwards(algorithm: str, key: bytes) -> ed25519.Ed25519PublicKey | ed448.Ed448PublicKey:
    try:
        if algorithm == _ED25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(key)
        return ed448.Ed448PublicKey.from_public_bytes(key)
    except ValueError:
        raise _refused("a key of the wrong length for its curve") from None


def _refused(problem: str) -> MalformedMessage:
    return MalformedMessage(MESSAGE, "subjectPublicKeyInfo", problem)
