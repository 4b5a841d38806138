# SPDX-License-Identifier: Apache-2.0
"""Exceptions without the frames of the library: a traceback that is printed with its locals shows no secret.

Tools that report errors print the locals of each frame. Locals that hold a secret have a type with a blank repr, but a
signal may raise between any two lines, and then hundreds of frames of this package, of attrs and of the standard
library would each have to be looked at. So what is not an `MFAError`, whose frames are known, leaves without them.

Invariant: the frames of the store, of an observer and of whoever called stay, and where the others were is said in a
note: file, line and function, without locals.
"""

from __future__ import annotations

import traceback
from types import TracebackType

from ..errors import MFAError

_MAX_NOTED = 24


class Frames:
    """The frames of what the outside world raised last, for one run of a plan."""

    __slots__ = ("_error", "_frames")

    def __init__(self) -> None:
        self._error: BaseException | None = None
        self._frames: TracebackType | None = None

    def keep(self, error: BaseException) -> None:
        """Keep the frames below the caller's own: those of a store, an observer, or another part of the outside."""
        self._error = error
        self._frames = error.__traceback__.tb_next if error.__traceback__ else None

    def strip(self, error: BaseException) -> None:
        """Leave an error the frames that were kept, and a note of the others."""
        if isinstance(error, MFAError):
            return
        noted = traceback.extract_tb(error.__traceback__)[-_MAX_NOTED:]
        behind: BaseException | None = error
        seen: set[int] = set()
        while behind is not None and id(behind) not in seen:
            seen.add(id(behind))
            behind.__traceback__ = self._frames if behind is self._error else None
            behind = behind.__cause__ or behind.__context__
        places = "".join(f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in noted)
        error.add_note(f"ram_mfa took its frames out, whose locals may hold secrets. They were:{places}")
