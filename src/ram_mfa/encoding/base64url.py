# SPDX-License-Identifier: Apache-2.0
"""Base64url without padding, with exactly one encoding of each value.

RFC 4648 section 5 and section 3.5 (https://www.rfc-editor.org/rfc/rfc4648): no padding, no white space, no
characters of the plain alphabet, no bits set after the last byte. Alternative encodings of one value defeat
any comparison or count of encoded values (requirement U17), so they are refused.
"""

from __future__ import annotations

import binascii

from ..errors import MalformedMessage

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def encode(data: bytes) -> str:
    """Return the encoding of ``data``."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def decode(text: str, *, message: str, field: str, limit: int = 65_536) -> bytes:
    """Return the bytes that ``text`` encodes.

    Args:
        text: base64url without padding.
        message: the name of the message, for the error.
        field: which part of it, for the error.
        limit: the maximum length of ``text``, in characters.

    Raises:
        MalformedMessage: it is not a str, too long, or not the canonical encoding of any bytes.
    """
    if not isinstance(text, str):
        raise MalformedMessage(message, field, "not a string")
    if len(text) > limit:
        raise MalformedMessage(message, field, f"longer than {limit} characters")
    data, tail = None, len(text) % 4
    if text.isascii() and "+" not in text and "/" not in text and "=" not in text and tail != 1:
        try:
            data = binascii.a2b_base64(text.encode().translate(_FROM_URL) + b"=" * (-tail % 4), strict_mode=True)
        except binascii.Error:
            data = None
    # Only the last group can have a second encoding: bits after the last byte.
    if data is None or (tail and encode(data[1 - tail :]) != text[-tail:]):
        raise MalformedMessage(message, field, "not base64url without padding")
    return data
