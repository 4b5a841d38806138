# SPDX-License-Identifier: Apache-2.0
"""Checks of a decoded CBOR row: the types of its fields, and their bounds."""

from __future__ import annotations

from typing import Any


class Unreadable(Exception):
    """These bytes are no record of that kind."""


def typed(row: list[Any], types: tuple[Any, ...]) -> list[Any]:
    """Return a row whose entries have exactly these types, position by position."""
    if type(row) is not list or len(row) != len(types) or not all(map(isinstance, row, types)):
        raise Unreadable("fields of other types than this version writes")
    return row


def check(fine: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence at its calls
    """Raise where a bound is not kept."""
    if not fine:
        raise Unreadable(f"{what} out of bounds")
