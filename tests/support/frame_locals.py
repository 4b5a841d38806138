# SPDX-License-Identifier: Apache-2.0
"""The local variables that a crash reporter would print of the library's own frames."""

from __future__ import annotations

import traceback
from pathlib import Path

import ram_mfa

PACKAGE = Path(ram_mfa.__file__).parent


def locals_of_the_package(error: BaseException) -> str:
    """Return the reprs of all local variables in frames of ram_mfa, for an error and its causes."""
    found: list[str] = []
    behind: BaseException | None = error
    while behind is not None:
        for frame, _ in traceback.walk_tb(behind.__traceback__):
            if PACKAGE in Path(frame.f_code.co_filename).parents:
                found += map(repr, frame.f_locals.values())
        behind = behind.__cause__ or behind.__context__
    assert found, "the error has no frame of the package"
    return "\n".join(found)
