# SPDX-License-Identifier: Apache-2.0
"""A program on a pseudo-terminal, whose output a test reads and to which it types."""

from __future__ import annotations

import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import attrs

PATIENCE = 60
"""Seconds to wait for a program's output before a test fails."""

# Give the program its own controlling terminal, so that Ctrl-C reaches it, and restore SIGINT's default action, which
# a test run in the background would pass on as ignored.
_CONTROLLED = """import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@attrs.define
class Terminal:
    """The user's side of a program's terminal.

    Attributes:
        shown: all that the program printed.
    """

    _descriptor: int
    _process: subprocess.Popen[bytes]
    shown: str = ""
    _read: int = 0
    _raw: bytes = b""
    _pressed: bytes = b""

    def until(self, words: str) -> str:
        """Return the output after the last match, up to and including the given words.

        Raises:
            AssertionError: the program ended, or printed nothing for PATIENCE seconds, without them.
        """
        end = time.monotonic() + PATIENCE
        while (found := self.shown.find(words, self._read)) < 0:
            assert time.monotonic() < end, f"{words!r} does not come:\n{self.shown}"
            assert self._more(), f"the program ended without {words!r}:\n{self.shown}"
        start, self._read = self._read, found + len(words)
        return self.shown[start : self._read]

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        os.write(self._descriptor, line.encode() + b"\n")

    def press(self, control: int) -> None:
        """Press a key, by its control character: 3 is Ctrl-C, 4 is Ctrl-D."""
        self._pressed = bytes([control])
        os.write(self._descriptor, self._pressed)

    def end(self) -> int:
        """Read to the end of the output, and return the exit status; press the last key again while nothing happens.

        A program that gets Ctrl-C after it has printed its prompt and before it reads notices it only after the read.
        """
        end = time.monotonic() + PATIENCE
        while True:
            before = len(self._raw)
            if not self._more():
                return self._process.wait(PATIENCE)
            assert time.monotonic() < end, f"the program does not end:\n{self.shown}"
            if len(self._raw) == before and self._pressed:
                os.write(self._descriptor, self._pressed)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], 1)
        if not ready:
            return True
        try:
            part = os.read(self._descriptor, 65_536)
        except OSError:  # Linux reports a closed program side as EIO
            return False
        self._raw += part
        self.shown = self._raw.decode(errors="replace").replace("\r\n", "\n")
        return bool(part)


@contextmanager
def terminal(*command: str, cwd: Path, columns: int = 100) -> Iterator[Terminal]:
    """Start a program on its own terminal, and kill it at the end if it still runs."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))

    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-c", _CONTROLLED, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
