# SPDX-License-Identifier: Apache-2.0
"""Detection of an SQLite file that was replaced or removed while it is open.

https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use

An open connection keeps reading and writing its own file after another one has been moved to its path, and what it
acknowledges there is lost.

Invariant: a connection to a replaced file is never closed. Closing the last connection to a file deletes the
write-ahead log by its path, which is by then the log of the new file.
"""

from __future__ import annotations

import ctypes
import sqlite3
from pathlib import Path
from typing import Any

import attrs

from ..errors import StoreUnavailable

REPLACED = (
    "the SQLite file was replaced or removed while a store had it open: stop every process, remove the old write-ahead "
    "log (-wal, -shm), put the copy in its place, and declare the restore"
)


@attrs.frozen
class DatabaseFile:
    """One file at one path, identified by its device and inode numbers.

    An inode number is not used again while the file is open, so a new file at the same path has another identity.
    """

    path: Path
    device: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> DatabaseFile:
        """Return the identity of the file that is now at a path.

        Raises:
            StoreUnavailable: there is no file, or it cannot be accessed.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise StoreUnavailable(f"SQLite: {error.strerror}") from error
        return cls(path, status.st_dev, status.st_ino)

    def is_replaced(self) -> bool:
        """Return whether the path now leads to another file, or to none."""
        try:
            return DatabaseFile.at(self.path) != self
        except StoreUnavailable:
            return True

    def check(self) -> None:
        """Check that the path still leads to this file.

        Raises:
            StoreUnavailable: it does not.
        """
        if self.is_replaced():
            raise StoreUnavailable(REPLACED)


class GuardedConnection(sqlite3.Connection):
    """A connection that is abandoned instead of closed if its file was replaced."""

    file: DatabaseFile | None = None
    _abandoned = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        path = self.execute("PRAGMA database_list").fetchone()[2]  # does not read the file
        self.file = DatabaseFile.at(Path(path)) if path else None

    def close(self) -> None:
        """Close the connection, unless its file was replaced."""
        if not self._abandon():
            super().close()

    def __del__(self) -> None:
        if not self._abandon():
            getattr(super(), "__del__", bool)()

    def _abandon(self) -> bool:
        """Keep a connection to a replaced file open until the process ends; return whether it is one."""
        if not self._abandoned and self.file is not None and self.file.is_replaced():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))  # no finaliser may close it, not even at exit
            self._abandoned = True
        return self._abandoned
