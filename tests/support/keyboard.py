# SPDX-License-Identifier: Apache-2.0
"""A program on a pseudo-terminal: what it prints is read, and typed to, as a person would."""

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
"""Seconds until a program that prints nothing more is given up."""

# Ctrl-C reaches the programs of the session that has the terminal, also where ours was started with it ignored.
_CONTROLLED = """import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@attrs.define
class Terminal:
    """The other side of a program's terminal.

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
        """Return what the program prints from the last such place on, up to the words and with them.

        Raises:
            AssertionError: it ends, or falls silent, without them.
        """
        end = time.monotonic() + PATIENCE
        while (found := self.shown.find(words, self._read)) < 0:
            assert time.monotonic() < end, f"{words!r} does not come:\n{self.shown}"
            assert self._more(), f"the program ended without {words!r}:\n{self.shown}"
        start, self._read = self._read, found + len(words)
        return self.shown[start : self._read]

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        os.write(self._descriptor, line.encode() + b"\n")

    def press(self, control: int) -> None:
        """Press a key, by its control character: 3 is Ctrl-C, 4 is Ctrl-D."""
        self._pressed = bytes([control])
        os.write(self._descriptor, self._pressed)

    def end(self) -> int:
        """Read to the end, and return the exit status; press the last key again where nothing comes of it.

        A Ctrl-C that meets the program between its prompt and its read is seen only behind the read.
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
        except OSError:  # Linux's way to say that the program's side is closed
            return False
        self._raw += part
        self.shown = self._raw.decode(errors="replace").replace("\r\n", "\n")
        return bool(part)


@contextmanager
def terminal(*command: str, cwd: Path, columns: int = 100) -> Iterator[Terminal]:
    """Start a program on a terminal of its own, and end it if it has not ended."""
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
