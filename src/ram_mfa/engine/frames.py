# SPDX-License-Identifier: Apache-2.0
"""Removal of the library's frames from exceptions, so that a traceback printed with its locals shows no secret.

Error reporting tools print the locals of each frame. Locals that hold a secret have a type with a blank repr. But a
signal handler may raise between any two lines, in any of hundreds of frames of this package, of attrs and of the
standard library, and nobody has checked the locals of them all. Every exception except `MFAError`, whose frames were
checked, therefore loses them.

Invariant: the frames of the store, of an observer and of the caller stay. A note on the exception says where the
others were: file, line and function, without locals.
"""

from __future__ import annotations

import traceback
from types import TracebackType

from ..errors import MFAError

_MAX_FRAMES = 24


class Frames:
    """The frames of the last exception from outside the library, for one run of the loop."""

    __slots__ = ("_error", "_frames")

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._frames: TracebackType | None = None

    def keep(self, error: BaseException) -> None:
        """Keep the frames below the caller's own: those of a store, an observer, or other code outside the library."""
        self._error = error
        self._frames = error.__traceback__.tb_next if error.__traceback__ else None

    def strip(self, error: BaseException) -> None:
        """Remove all frames from an error except those kept, and note where the others were."""
        if isinstance(error, MFAError):
            return
        removed = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
        cause: BaseException | None = error
        visited: set[int] = set()
        while cause is not None and id(cause) not in visited:
            visited.add(id(cause))
            cause.__traceback__ = self._frames if cause is self._error else None
            cause = cause.__cause__ or cause.__context__
        places = "".join(f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in removed)
        error.add_note(f"ram_mfa removed its own frames, whose locals may hold secrets. They were:{places}")
