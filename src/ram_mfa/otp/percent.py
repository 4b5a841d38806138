# SPDX-License-Identifier: Apache-2.0
"""Strict percent-encoding: text that does not decode to UTF-8 is refused, never replaced.

RFC 3986 section 2.1 (https://www.rfc-editor.org/rfc/rfc3986). All but the unreserved characters are encoded, a space
as ``%20``; a plus sign stands for itself in both directions, since apps without form decoding would show it. The
standard library's ``unquote`` is not used: it leaves a broken escape as it is and replaces broken UTF-8.
"""

from __future__ import annotations

from ..errors import MalformedMessage

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED = tuple(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256))
_HEX = "0123456789ABCDEFabcdef"
_DECODED = {high + low: bytes([int(high + low, 16)]) for high in _HEX for low in _HEX}


def encode(text: str) -> str:
    """Return ``text`` with all characters but the unreserved ones encoded."""
    return "".join([_ENCODED[byte] for byte in text.encode()])


def decode(text: str, *, message: str, field: str) -> str:
    """Return the decoded text.

    Args:
        text: characters that are not percent-encoded stand for themselves, also beyond ASCII (RFC 3987).
        message: the name of the message, for the error.
        field: which part of it, for the error.

    Raises:
        MalformedMessage: an escape is not ``%`` and two hexadecimal digits, or the bytes are not UTF-8.
    """
    if "%" not in text:
        return text
    head, *escapes = text.split("%")
    parts = [head.encode()]
    for escape in escapes:
        byte = _DECODED.get(escape[:2])
        if byte is None:
            raise MalformedMessage(message, field, "broken percent-encoding")
        parts += byte, escape[2:].encode()
    try:
        return b"".join(parts).decode()
    except UnicodeDecodeError:
        raise MalformedMessage(message, field, "percent-encoding is not UTF-8") from None
