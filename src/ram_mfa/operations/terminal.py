# SPDX-License-Identifier: Apache-2.0
"""The operator's output: results on one stream, progress on the other."""

from __future__ import annotations

import time
from typing import Final, TextIO

import attrs

_TERMINAL_INTERVAL: Final = 0.2
_LOG_INTERVAL: Final = 10.0
"""Seconds between two reports of progress."""
_BAR: Final = 24
"""Characters of the bar."""


@attrs.define
class Terminal:
    """The streams of the command.

    Attributes:
        out: for results.
        err: for progress and errors.
        quiet: whether progress is not shown.
    """

    out: TextIO
    err: TextIO
    quiet: bool = False

    def say(self, line: str) -> None:
        """Write one line of results."""
        self.out.write(f"{line}\n")

    def note(self, line: str) -> None:
        """Write one line apart from the results, for a person."""
        self.err.write(f"{line}\n")

    def progress(self, verb: str, total: int | None = None) -> Progress:
        """Return the progress of a walk over records; ``total`` is their number, or None if it is not known."""
        return Progress(self.err, verb, total, quiet=self.quiet)


class Progress:
    """Progress on one line that is overwritten on a terminal, or on a new line every ten seconds in a log."""

    def __init__(self, stream: TextIO, verb: str, total: int | None, *, quiet: bool) -> None:
        self._stream = stream
        self._verb = verb
        self._total = total
        self._quiet = quiet
        self._terminal = stream.isatty()
        self._start = self._last_shown = time.monotonic()
        self._open = False

    def at(self, number: int, more: str = "") -> None:
        """Show the number of records done, unless progress was shown just before."""
        now = time.monotonic()
        if self._quiet or now - self._last_shown < (_TERMINAL_INTERVAL if self._terminal else _LOG_INTERVAL):
            return
        self._last_shown = now
        text = f"{self._bar(number)}{self._verb} {number:,}"
        text += f" of {self._total:,}" if self._total else ""
        text += f"{more}, {number / (now - self._start):,.0f}/s"
        self._stream.write(f"\r\x1b[K{text}" if self._terminal else f"{text}\n")
        self._stream.flush()
        self._open = self._terminal

    def _bar(self, number: int) -> str:
        if not (self._terminal and self._total):
            return ""
        full = min(_BAR, _BAR * number // self._total)
        return f"[{'#' * full}{'.' * (_BAR - full)}] "

    def end(self) -> None:
        """Remove the line from the terminal."""
        if self._open:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._open = False
