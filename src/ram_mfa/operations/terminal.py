# SPDX-License-Identifier: Apache-2.0
"""The operator's output: results on one stream, progress on the other."""

from __future__ import annotations

import time
from typing import Final, TextIO

import attrs

_ON_A_TERMINAL: Final = 0.2
_IN_A_LOG: Final = 10.0
_BAR: Final = 24


@attrs.define
class Terminal:
    """Where the command writes.

    Attributes:
        out: what was asked for.
        err: progress, and what went wrong.
        quiet: whether progress is left out.
    """

    out: TextIO
    err: TextIO
    quiet: bool = False

    def say(self, line: str) -> None:
        """Write one line of results."""
        self.out.write(f"{line}\n")

    def progress(self, verb: str, total: int | None = None) -> Progress:
        """Return the progress of a walk over records, of which there are ``total`` where that is known."""
        return Progress(self.err, verb, total, quiet=self.quiet)


class Progress:
    """One line that is written over on a terminal, ten seconds apart in a log."""

    def __init__(self, stream: TextIO, verb: str, total: int | None, *, quiet: bool) -> None:
        self._stream = stream
        self._verb = verb
        self._total = total
        self._quiet = quiet
        self._terminal = stream.isatty()
        self._began = self._shown = time.monotonic()
        self._open = False

    def at(self, seen: int, more: str = "") -> None:
        """Say how far it came, where it was not said just now."""
        now = time.monotonic()
        if self._quiet or now - self._shown < (_ON_A_TERMINAL if self._terminal else _IN_A_LOG):
            return
        self._shown = now
        text = f"{self._bar(seen)}{self._verb} {seen:,}"
        text += f" of {self._total:,}" if self._total else ""
        text += f"{more}, {seen / (now - self._began):,.0f}/s"
        self._stream.write(f"\r\x1b[K{text}" if self._terminal else f"{text}\n")
        self._stream.flush()
        self._open = self._terminal

    def _bar(self, seen: int) -> str:
        if not (self._terminal and self._total):
            return ""
        full = min(_BAR, _BAR * seen // self._total)
        return f"[{'#' * full}{'.' * (_BAR - full)}] "

    def end(self) -> None:
        """Take the line away."""
        if self._open:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._open = False
