# SPDX-License-Identifier: Apache-2.0
"""Base32, the encoding of secrets in key URIs and setup keys.

RFC 4648 section 6 (https://www.rfc-editor.org/rfc/rfc4648), without padding, as the Key Uri Format requires. The
decoder accepts more than the encoder produces, since its input comes from other vendors: lower case, full padding, and
bits set after the last byte, which occur where a vendor draws random characters instead of random bytes; every app
drops those bits, so the codes are the same. Secrets are never compared in their encoded form.
"""

from __future__ import annotations

import base64
import binascii

from .._secret import SecretBytes
from ..errors import MalformedMessage

MAX_SECRET = 65_536
"""The longest secret of a key URI or setup key in bytes: a bound on work, far above the bound for a device."""


def encode(data: bytes) -> str:
    """Return ``data`` in upper case, without padding."""
    return base64.b32encode(data).decode().rstrip("=")


def decode(text: str, *, message: str, field: str) -> SecretBytes:
    """Return the bytes, at least one, that ``text`` encodes.

    Args:
        text: base32, in either case, with all of its padding or none.
        message: the name of the message, for the error.
        field: which part of it, for the error.

    Raises:
        MalformedMessage: it is empty, too long, or not base32.
    """
    digits = text.rstrip("=")
    if not digits:
        raise MalformedMessage(message, field, "empty")
    if len(digits) * 5 // 8 > MAX_SECRET:
        raise MalformedMessage(message, field, f"longer than {MAX_SECRET} bytes")
    full = digits + "=" * (-len(digits) % 8)
    if text not in (digits, full):
        raise MalformedMessage(message, field, "padding of the wrong length")
    try:
        # b32decode refuses characters outside ASCII before it folds the case
        return SecretBytes(base64.b32decode(full, casefold=True))
    except (binascii.Error, ValueError):
        raise MalformedMessage(message, field, "not base32") from None
