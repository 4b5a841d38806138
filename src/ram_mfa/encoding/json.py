# SPDX-License-Identifier: Apache-2.0
"""A strict reader of JSON objects from a peer: bounded, in UTF-8, and without duplicate member names.

RFC 8259, sections 4 and 8 (https://www.rfc-editor.org/rfc/rfc8259): the RFC leaves the meaning of a repeated
name open, so two readers can interpret one message differently; here a repeated name is refused (requirement U12).
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from ..errors import MalformedMessage

MAX_CONTAINERS: Final = 1_024
"""The maximum number of opening brackets and braces in a document, including those inside its strings."""
MAX_COMMAS: Final = 4_096
"""The maximum number of commas in a document. Both counts bound what the parser builds, not only the text it reads."""
MAX_NUMBER: Final = 40
"""The maximum length of a number in characters: no client writes longer ones, and long ones are slow to convert."""


def load_object(document: str | bytes, *, message: str, limit: int) -> dict[str, Any]:
    """Return the object that a JSON document is.

    Args:
        document: the text, or its UTF-8 encoding.
        message: the name of the message, for errors.
        limit: the maximum length of the document, in characters of text or in bytes.

    Raises:
        MalformedMessage: it is too long, not UTF-8, not JSON, not an object, nested too deeply, has too many parts or a
            number of too many digits, or names a member twice.
    """
    if not isinstance(document, str | bytes):
        raise MalformedMessage(message, "message", "neither text nor bytes")
    if len(document) > limit:
        raise MalformedMessage(message, "message", f"longer than {limit}")
    try:
        text = document if isinstance(document, str) else document.decode()
        bounded = text.count("{") + text.count("[") <= MAX_CONTAINERS and text.count(",") <= MAX_COMMAS
        value = _DECODER.decode(text) if bounded else None
    except (ValueError, RecursionError):
        # ValueError: JSONDecodeError, UnicodeDecodeError, and those raised below.
        raise MalformedMessage(message, "message", "not JSON in UTF-8 whose names are unique") from None
    if not bounded:
        raise MalformedMessage(message, "message", "JSON of too many parts")
    if not isinstance(value, dict):
        raise MalformedMessage(message, "message", "not a JSON object")
    return value


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _constant(_: str) -> NoReturn:
    """Refuse NaN and Infinity, which JSON does not have."""
    raise ValueError


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_NUMBER:
        raise ValueError
    return int(digits)


def _fraction(digits: str) -> float:
    if len(digits) > MAX_NUMBER:
        raise ValueError
    return float(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unrepeated, parse_constant=_constant, parse_int=_whole_number, parse_float=_fraction
)


def text_member(members: dict[str, Any], name: str, *, message: str) -> str:
    """Return a member that must be there and be a string.

    Raises:
        MalformedMessage: it is not there, or something else.
    """
    value = members.get(name)
    if not isinstance(value, str):
        raise MalformedMessage(message, name, "missing, or not a string")
    return value
