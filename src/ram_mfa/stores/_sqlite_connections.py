# SPDX-License-Identifier: Apache-2.0
"""Connections to an SQLite file: one per thread, each with a write-ahead log that is synced.

https://www.sqlite.org/wal.html

The room's rule: see ``_thread_connections.py`` for what a fork does to a connection.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import stat
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from ..errors import StoreUnavailable
from . import _session_settings
from ._table_checks import has_table
from ._thread_connections import Kept, PerThread, opening

_SYNCHRONOUS = {"FULL": "FULL", "EXTRA": "EXTRA", "UnsafeNORMAL": "NORMAL"}

_SCHEMA = "CREATE TABLE IF NOT EXISTS ram_mfa (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL)"
"""An ordinary rowid table: with records of 2 kB, WITHOUT ROWID is slower by half."""


class Connections(PerThread[Kept[sqlite3.Connection]]):
    """The kept connections of one store, and how one is opened."""

    def __init__(self, path: str | os.PathLike[str], *, synchronous: str, deadline: float) -> None:
        name = os.fspath(path)
        if not name or name == ":memory:":
            raise ValueError("an SQLite store needs a file; MemoryStore keeps its records in memory")
        if synchronous not in _SYNCHRONOUS:
            raise ValueError(f"synchronous is one of {', '.join(_SYNCHRONOUS)}")
        if not deadline > 0:
            raise ValueError("the deadline is a number of seconds above 0")
        self.path = Path(name).absolute()  # a later chdir must not lead to another file
        self._uri = f"{self.path.as_uri()}?mode=rw"  # only the constructor makes the file
        self._synchronous = _SYNCHRONOUS[synchronous]
        self.deadline = deadline
        self._closed = False
        with opening:
            self._make_file()
        self._identity = _identity(self.path)
        super().__init__(Kept)
        kept = self.mine()
        with kept.lock:
            self.open(kept, schema=_SCHEMA)

    def mine(self) -> Kept[sqlite3.Connection]:
        """Return this thread's place for a connection, open or not.

        Raises:
            StoreUnavailable: it is open, and of a parent process.
        """
        kept = super().mine()
        if kept.pid != os.getpid():
            if kept.connection is not None:
                raise StoreUnavailable("this process was forked behind Python's back: open the store after the fork")
            kept.pid = os.getpid()
        return kept

    def connection(self, kept: Kept[sqlite3.Connection]) -> sqlite3.Connection:
        """Return the open connection of a thread, whose lock is held, for the next statement.

        Raises:
            StoreUnavailable: it does not open, or the file is no longer the one that this store was opened on.
        """
        connection = kept.connection or self.open(kept)
        self._compare()
        return connection

    def _compare(self) -> None:
        if self._replaced():
            raise StoreUnavailable(_REPLACED)

    def _replaced(self) -> bool:
        """Say whether another file is in the place of the store's, or none."""
        try:
            return _identity(self.path) != self._identity
        except StoreUnavailable:
            return True

    def open(self, kept: Kept[sqlite3.Connection], *, schema: str | None = None) -> sqlite3.Connection:
        """Open the connection of a thread, whose lock is held.

        Raises:
            StoreUnavailable: the file does not open, or is no database, or the store is closed.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        until = time.monotonic() + self.deadline
        while True:
            try:
                kept.connection = self._connect(schema)
                return kept.connection
            except sqlite3.Error as error:
                # Turning the log on, and recovering one, fail at once where others hold a lock: no wait is built in.
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise unavailable(error) from error
            time.sleep(0.005)

    def _connect(self, schema: str | None) -> sqlite3.Connection:
        with opening:
            connection = sqlite3.connect(
                self._uri,
                uri=True,
                timeout=self.deadline,
                isolation_level=None,
                check_same_thread=False,
                factory=_Connection,
            )
        connection.replaced = self._replaced
        try:
            self._compare()
            _session_settings.sqlite(lambda text: connection.execute(text).fetchone(), synchronous=self._synchronous)
            if schema is not None:
                connection.execute(schema)
            connection.execute("SELECT key, value FROM ram_mfa LIMIT 0").close()
            has_table("sqlite", lambda text: connection.execute(text).fetchall())
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_file(self) -> None:
        try:
            # Any close of the file drops every lock that this process has on it: hence the lock around.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if os.name == "posix" and stat.S_IMODE(self.path.stat().st_mode) & 0o007:
                warnings.warn(f"everybody on this machine may use {self.path}: chmod o= it", stacklevel=5)
        except OSError as error:
            raise StoreUnavailable(f"SQLite: {error.strerror}") from error

    def close(self) -> None:
        """Close all connections, each after the statement that it is in, and open no more."""
        self._closed = True
        super().close()


class _Connection(sqlite3.Connection):
    """A connection that is abandoned instead of closed where its file was replaced.

    A close of the last connection to a file removes the write-ahead log, by its path: then it is the log of the file
    that came in its place, with what was acknowledged there.
    """

    replaced: Callable[[], bool]

    def close(self) -> None:
        if self.replaced():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))  # not even the end of the process closes it
        else:
            super().close()


_REPLACED = (
    "the SQLite file was replaced or removed under an open store: stop every process, remove what is left of the "
    "write-ahead log (-wal, -shm), put the copy in its place, and declare the restore"
)


def _identity(path: Path) -> tuple[int, int]:
    """Return what tells a file from one that comes in its place; an open file keeps its own to itself."""
    try:
        found = path.stat()
    except OSError as error:
        raise StoreUnavailable(f"SQLite: {error.strerror}") from error
    return found.st_dev, found.st_ino


def unavailable(error: sqlite3.Error) -> StoreUnavailable:
    """Return the error of a statement that changed nothing, with SQLite's name for it."""
    return StoreUnavailable(f"SQLite: {getattr(error, 'sqlite_errorname', None) or type(error).__name__}: {error}")
