# SPDX-License-Identifier: Apache-2.0
"""Servers whose disk gets full: on a small file system of their own, or by a limit on the size of files.

A file system takes the right to mount, which a container may not have. A limit takes none: it is set on the running
processes by the user that they run as, and a write beyond it fails as a write to a full disk does.
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from . import real, require_program
from .servers import MariaDB, PostgreSQL, Redis, family

SIZE = "size=200m"


class Disk:
    """The disk of one server, which is started on it and ended with it.

    Args:
        server: not running yet.
    """

    def __init__(self, server: PostgreSQL | MariaDB | Redis) -> None:
        self.server = server

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Leave no room for writes; afterwards there is room again, and the server is started where it ended."""
        try:
            with self._without_room():
                yield
        finally:
            self._revive()

    def press(self) -> None:
        """Have the server use up room that it set aside: PostgreSQL writes on in the files of its log that it has."""
        if isinstance(self.server, PostgreSQL):
            with contextlib.suppress(RuntimeError):
                self.server.sql("SELECT pg_switch_wal()")

    def _without_room(self) -> contextlib.AbstractContextManager[None]:
        raise NotImplementedError

    def _revive(self) -> None:
        if not self.server.answers():
            self.server.restart()

    def __enter__(self) -> Self:
        try:
            self.server.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server."""
        self.server.close()


class SmallFileSystem(Disk):
    """A file system in memory, filled to the last byte by somebody else."""

    def __init__(self, server: PostgreSQL | MariaDB | Redis) -> None:
        super().__init__(server)
        self.place = place = server.data
        written = place.rename(place.with_name("written"))
        place.mkdir()
        if not _mounted(place):
            raise RuntimeError("mounting a file system takes the right to mount")
        subprocess.run(["cp", "-a", f"{written}/.", place], check=True)

    @contextlib.contextmanager
    def _without_room(self) -> Iterator[None]:
        ballast = self.place / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        try:
            yield
        finally:
            ballast.unlink()

    def close(self) -> None:
        """End the server, and the file system with it."""
        if self.server.child is not None:
            self.server.kill()
        subprocess.run(["umount", "-l", self.place], check=True)
        super().close()


class LimitOnFiles(Disk):
    """No file may grow, and none may be written to."""

    @contextlib.contextmanager
    def _without_room(self) -> Iterator[None]:
        usual, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._limit("0:")
        try:
            yield
        finally:
            self._limit("unlimited:" if usual == resource.RLIM_INFINITY else f"{usual}:")

    def _limit(self, size: str) -> None:
        program = require_program("prlimit", "util-linux")
        for pid in family(self.server.child.pid):
            # Its parents hand it down; one that has just ended needs none.
            subprocess.run(
                [program, f"--pid={pid}", f"--fsize={size}"], user=self.server.user, check=False, capture_output=True
            )


def _mounted(place: Path) -> bool:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", SIZE, "none", place], check=False, capture_output=True)
    return not done.returncode


def kinds() -> list[type[Disk]]:
    """Return how a disk can be full here: by a limit always, on a file system of its own where mounting is allowed.

    Where not everything must really run, what is quick.
    """
    if not real:
        return [LimitOnFiles]
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory() as place:
        if _mounted(Path(place)):
            subprocess.run(["umount", place], check=True)
            return [LimitOnFiles, SmallFileSystem]
    return [LimitOnFiles]
