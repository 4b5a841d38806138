# SPDX-License-Identifier: Apache-2.0
"""JSON as a client may send it: bounded, in UTF-8, one value for one name.

RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259); duplicate names are refused because two readers of one text must not
see two messages (requirement U12). NaN and the infinities are not JSON.
"""

from __future__ import annotations

import codecs
import json
from typing import Any, NoReturn

from ..errors import MalformedMessage

_WHITE_SPACE = " \t\n\r"


def load_object(text: str | bytes, *, message: str, limit: int) -> dict[str, Any]:
    """Return the object that ``text`` spells.

    Args:
        text: JSON; bytes must be UTF-8, with or without a byte order mark.
        message: which message it is, for errors.
        limit: the most characters or bytes that are looked at.

    Raises:
        MalformedMessage: too long, not UTF-8, not JSON, not an object, nested too deep, or with a name twice.
    """
    if len(text) > limit:
        raise MalformedMessage(message, "JSON", f"longer than {limit}")
    try:
        if isinstance(text, bytes):
            # #sctn-registering-a-new-credential: "UTF-8 decode", which strips one leading byte order mark.
            text = text.removeprefix(codecs.BOM_UTF8).decode()
        text = text.strip(_WHITE_SPACE)
        value, end = _decoder.raw_decode(text)
    except RecursionError:
        raise MalformedMessage(message, "JSON", "nested too deep") from None
    except ValueError:  # UnicodeDecodeError and JSONDecodeError, and numbers of thousands of digits
        raise MalformedMessage(message, "JSON", "not JSON in UTF-8, or a name twice") from None
    if end != len(text) or not isinstance(value, dict):
        raise MalformedMessage(message, "JSON", "not one object")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError
    return value


def _constant(_: str) -> NoReturn:
    raise ValueError


_decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)
