# SPDX-License-Identifier: Apache-2.0
"""Warnings for the developer, which point at the line outside of this library that caused them."""

from __future__ import annotations

from sys import _getframe
from typing import Final
from warnings import warn

_OURS: Final = ("ram_mfa", "attr", "attrs")


def warn_caller(message: str, category: type[Warning]) -> None:
    """Issue a warning at the first frame outside of this library and of attrs, which build its values."""
    level, frame = 2, _getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warn(message, category, stacklevel=level)


def _is_ours(module: str) -> bool:
    """Return whether a module is one of the library's, or a method that attrs generated (which names no module)."""
    return not module or module.partition(".")[0] in _OURS
