# SPDX-License-Identifier: Apache-2.0
"""P-256 public keys, validated as points of the curve, and ECDSA signatures in strict DER.

FIDO U2F Raw Message Formats 1.2, sections 4.3 and 5.4
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html);
SEC 1 2.0, section 2.3.3 (https://www.secg.org/sec1-v2.pdf); RFC 3279, section 2.2.3 (https://www.rfc-editor.org/rfc/rfc3279).

Invariant: no key is used before it is known to be a point of the curve, and only ``cryptography`` computes on one. A
signature never identifies anything: anyone who holds (r, s) can produce the equally valid (r, n - s).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from ..errors import Check, MalformedMessage, VerificationError

PUBLIC_KEY_SIZE: Final = 65
"""0x04, x, y: the uncompressed form of SEC 1, in bytes."""

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order n of the curve's group (SEC 2, section 2.4.2)."""

_CURVE = ec.SECP256R1()
_ECDSA_SHA256 = ec.ECDSA(SHA256())


def load_p256(public_key: bytes, *, message: str = "P-256 public key") -> ec.EllipticCurvePublicKey:
    """Return the key that 65 bytes encode, after checking that they are a point of the curve.

    Args:
        public_key: ``0x04 || x || y``; the compressed and the hybrid form and the point at infinity are refused.
        message: the name of the message, for the error.

    Raises:
        MalformedMessage: the bytes are no uncompressed point on P-256.
    """
    if not isinstance(public_key, bytes):
        raise MalformedMessage(message, "public key", "not bytes")
    if len(public_key) != PUBLIC_KEY_SIZE or public_key[0] != 0x04:
        raise MalformedMessage(message, "public key", "not an uncompressed point of 65 bytes")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, public_key)
    except ValueError:
        raise MalformedMessage(message, "public key", "not a point on P-256") from None


@lru_cache(maxsize=256)
def stored_p256(public_key: bytes) -> ec.EllipticCurvePublicKey:
    """Return a stored key; the last 256 are cached in loaded form, since a step-up often follows a logon.

    Args:
        public_key: ``0x04 || x || y``.

    Raises:
        MalformedMessage: the bytes are no uncompressed point on P-256.
    """
    return load_p256(public_key, message="stored public key")


def check_signature_form(signature: bytes, *, message: str) -> None:
    """Check that a signature is strict DER of two numbers from 1 to n - 1, with nothing after them.

    Args:
        signature: ``SEQUENCE { r INTEGER, s INTEGER }``.
        message: the name of the message, for the error.

    Raises:
        MalformedMessage: it is not: BER, padded, negative, zero, too large, cut or too long.
    """
    if len(signature) < 2 or signature[0] != 0x30 or signature[1] != len(signature) - 2 or signature[1] > 0x7F:
        raise MalformedMessage(message, "signature", "not one DER sequence up to the end of the message")
    end = _check_number(signature, 2, message)
    if _check_number(signature, end, message) != len(signature):
        raise MalformedMessage(message, "signature", "more than two numbers")


def _check_number(signature: bytes, start: int, message: str) -> int:
    """Check the DER INTEGER at ``start`` and return the offset after it."""
    first = start + 2
    if first >= len(signature) or signature[start] != 0x02:
        raise MalformedMessage(message, "signature", "a number is missing")
    end = first + signature[start + 1]
    number = signature[first:end]
    if end > len(signature) or not number:
        raise MalformedMessage(message, "signature", "a number is cut or empty")
    if number[0] & 0x80 or (number[0] == 0 and (len(number) == 1 or not number[1] & 0x80)):
        raise MalformedMessage(message, "signature", "a number is negative, zero or padded")
    if len(number) > 33 or int.from_bytes(number, "big") >= ORDER:
        raise MalformedMessage(message, "signature", "a number is not below the order of the group")
    return end


def verify_p256(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    """Verify an ECDSA signature with SHA-256 under a key from `load_p256`.

    Args:
        key: the signer's key.
        signature: DER.
        data: what was signed, not yet hashed.

    Raises:
        VerificationError: SIGNATURE; the signature is not that key's over that data.
    """
    try:
        key.verify(signature, data, _ECDSA_SHA256)
    except InvalidSignature:
        raise VerificationError(Check.SIGNATURE, "not made by that key over that data") from None
