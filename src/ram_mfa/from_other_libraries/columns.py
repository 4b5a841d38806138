# SPDX-License-Identifier: Apache-2.0
"""Fields of other libraries' rows, each read as one type or refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..encoding import base64url
from ..errors import MalformedMessage
from .incoming import Row

_MAX_COUNT: Final = 2**63 - 1


def text(row: Row, name: str, *, table: str) -> str:
    """Return a field that is text."""
    value = row.get(name)
    if not isinstance(value, str):
        raise MalformedMessage(table, name, "not text")
    return value


def optional_text(row: Row, name: str, *, table: str) -> str | None:
    """Return a field that is text, or None where it is empty or absent."""
    return text(row, name, table=table) if row.get(name) else None


def whole(row: Row, name: str, default: int, *, table: str, most: int = _MAX_COUNT) -> int:
    """Return a field that is a whole number from 0, or the default where it is absent or None."""
    value = row.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise MalformedMessage(table, name, f"not a whole number up to {most}")
    return value


def flag(row: Row, name: str, *, table: str) -> bool | None:
    """Return a field that is true or false, or None where it is absent or None."""
    value = row.get(name)
    if value is not None and not isinstance(value, bool):
        raise MalformedMessage(table, name, "not true or false")
    return value


def octets(row: Row, name: str, *, table: str, most: int) -> bytes:
    """Return a field that is bytes, or the base64url of bytes, padded or not."""
    value = row.get(name)
    if isinstance(value, str):
        value = base64url.decode(value.rstrip("="), message=table, field=name)
    if not isinstance(value, bytes | bytearray | memoryview) or not 1 <= len(bytes(value)) <= most:
        raise MalformedMessage(table, name, f"not 1 to {most} bytes, or their base64url")
    return bytes(value)


def optional_octets(row: Row, name: str, *, table: str, most: int) -> bytes | None:
    """Return a field of bytes, or None where it is empty or absent."""
    return octets(row, name, table=table, most=most) if row.get(name) else None


def texts(row: Row, name: str, *, most: int) -> tuple[str, ...]:
    """Return the text in a field that is a list of hints; other elements are left out."""
    value = row.get(name)
    return tuple(one for one in value if isinstance(one, str))[:most] if isinstance(value, list | tuple) else ()


def mapping(row: Row, name: str, *, table: str) -> Mapping[str, Any]:
    """Return a field that is a JSON object."""
    value = row.get(name)
    if not isinstance(value, Mapping):
        raise MalformedMessage(table, name, "not a JSON object")
    return value
