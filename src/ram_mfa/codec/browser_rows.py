# SPDX-License-Identifier: Apache-2.0
"""The row of what is counted of known and new browsers, inside an account."""

from __future__ import annotations

import struct
from typing import Any, Final

from .. import browsers as bounds
from ..browsers import Browsers, WrongKnownCode
from .rows import check, typed, types_of

_WRONG_KNOWN: Final = struct.Struct(f">d{bounds.TOKEN_TAG}s")


def browsers_row(browsers: Browsers) -> list[Any]:
    """Return what is counted of browsers as a row."""
    return [
        browsers.epoch,
        b"".join([_WRONG_KNOWN.pack(one.at, one.token) for one in browsers.wrong]),
        b"".join(browsers.unforgiven),
        float(browsers.faded_at),
        float(browsers.cleared_at),
    ]


_BROWSERS: Final = types_of(bytes, bytes, bytes, float, float)


def read_browsers(row: list[Any]) -> Browsers:
    """Return what is counted of browsers, from a row."""
    epoch, wrong, unforgiven, faded_at, cleared_at = typed(row, _BROWSERS)
    size = bounds.SESSION_TAG
    check(len(epoch) == 16, "browser epoch")
    check(len(wrong) <= bounds.MAX_WRONG_KNOWN * _WRONG_KNOWN.size, "wrong codes of known browsers")
    check(len(unforgiven) % size == 0 and len(unforgiven) <= bounds.MAX_UNFORGIVEN * size, "unforgiven codes")
    return Browsers(
        epoch,
        tuple([WrongKnownCode(at, token) for at, token in _WRONG_KNOWN.iter_unpack(wrong)]),
        tuple([unforgiven[start : start + size] for start in range(0, len(unforgiven), size)]),
        faded_at,
        cleared_at,
    )
