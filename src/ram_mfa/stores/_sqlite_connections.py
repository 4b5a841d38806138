# SPDX-License-Identifier: Apache-2.0
"""Connections to an SQLite file: one per thread, each with a write-ahead log that is synced.

https://www.sqlite.org/wal.html

``_thread_connections.py`` says why none of them may be open during a fork, and ``_sqlite_file.py`` what happens when
the file is replaced.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
import warnings
from pathlib import Path

from ..errors import StoreUnavailable
from . import _session_settings
from ._sqlite_file import DatabaseFile, GuardedConnection
from ._table_checks import has_table
from ._thread_connections import FORKED, ThreadConnection, ThreadConnections, open_lock

_SYNCHRONOUS = {"FULL": "FULL", "EXTRA": "EXTRA", "UnsafeNORMAL": "NORMAL"}

_SCHEMA = "CREATE TABLE IF NOT EXISTS ram_mfa (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL)"
"""An ordinary rowid table: with records of 2 kB, WITHOUT ROWID is slower by half."""


class SQLiteConnections(ThreadConnections[ThreadConnection[sqlite3.Connection]]):
    """The connections of one store."""

    def __init__(self, path: str | os.PathLike[str], *, synchronous: str, deadline: float) -> None:
        name = os.fspath(path)
        if not name or name == ":memory:":
            raise ValueError("an SQLite store needs a file; MemoryStore keeps its records in memory")
        if synchronous not in _SYNCHRONOUS:
            raise ValueError(f"synchronous is one of {', '.join(_SYNCHRONOUS)}")
        if not deadline > 0:
            raise ValueError("the deadline is a number of seconds above 0")
        self.path = Path(name).absolute()  # a later chdir must not lead to another file
        self._uri = f"{self.path.as_uri()}?mode=rw"  # only this constructor creates the file
        self._synchronous = _SYNCHRONOUS[synchronous]
        self.deadline = deadline
        self._closed = False
        with open_lock:
            self._create_file()
        self._file = DatabaseFile.at(self.path)
        super().__init__(ThreadConnection)
        holder = self.current()
        with holder.lock:
            self._open(holder, schema=_SCHEMA)

    def current(self) -> ThreadConnection[sqlite3.Connection]:
        """Return this thread's connection, open or closed.

        Raises:
            StoreUnavailable: it is open, and belongs to a parent process.
        """
        holder = super().current()
        if holder.pid != os.getpid():
            if holder.connection is not None:
                raise StoreUnavailable(FORKED)
            holder.pid = os.getpid()
        return holder

    def open(self, holder: ThreadConnection[sqlite3.Connection]) -> sqlite3.Connection:
        """Return a thread's SQLite connection for the next statement, opened if necessary. The caller holds its lock.

        Raises:
            StoreUnavailable: the file cannot be opened, is no database, or was replaced, or the store is closed.
        """
        connection = holder.connection or self._open(holder)
        self._file.check()
        return connection

    def _open(self, holder: ThreadConnection[sqlite3.Connection], *, schema: str | None = None) -> sqlite3.Connection:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        until = time.monotonic() + self.deadline
        while True:
            try:
                holder.connection = self._connect(schema)
                return holder.connection
            except sqlite3.Error as error:
                # SQLite's busy timeout does not cover switching to WAL mode and recovering a log.
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise unavailable(error) from error
            time.sleep(0.005)

    def _connect(self, schema: str | None) -> sqlite3.Connection:
        with open_lock:
            connection = sqlite3.connect(
                self._uri,
                uri=True,
                timeout=self.deadline,
                isolation_level=None,
                check_same_thread=False,
                factory=GuardedConnection,
            )
        connection.file = self._file
        try:
            self._file.check()  # before anything reads a new file together with the old log
            _session_settings.prepare_sqlite(
                lambda text: connection.execute(text).fetchone(), synchronous=self._synchronous
            )
            if schema is not None:
                connection.execute(schema)
            connection.execute("SELECT key, value FROM ram_mfa LIMIT 0").close()
            has_table("sqlite", lambda text: connection.execute(text).fetchall())
        except BaseException:
            connection.close()
            raise
        return connection

    def _create_file(self) -> None:
        try:
            # Closing any descriptor of the file drops all locks of this process on it, hence the caller's lock.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if os.name == "posix" and stat.S_IMODE(self.path.stat().st_mode) & 0o007:
                warnings.warn(f"every user of this machine can access {self.path}: chmod o= it", stacklevel=5)
        except OSError as error:
            raise StoreUnavailable(f"SQLite: {error.strerror}") from error

    def close(self) -> None:
        """Close all connections, each after its running statement, and open no more."""
        self._closed = True
        super().close()


def unavailable(error: sqlite3.Error) -> StoreUnavailable:
    """Return the error of a statement that was not applied, with SQLite's name for the cause."""
    return StoreUnavailable(f"SQLite: {getattr(error, 'sqlite_errorname', None) or type(error).__name__}: {error}")
