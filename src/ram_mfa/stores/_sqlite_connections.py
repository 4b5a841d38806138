# SPDX-License-Identifier: Apache-2.0
"""How a connection to an SQLite file is opened: one per thread, each with a write-ahead log that is synced.

https://www.sqlite.org/wal.html

The room's rule: see ``_kept.py`` for what a fork does to a connection.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from ..errors import StoreUnavailable
from . import _durable
from ._kept import Kept, PerThread, opening

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
                self._uri, uri=True, timeout=self.deadline, isolation_level=None, check_same_thread=False
            )
        try:
            _durable.sqlite(lambda text: connection.execute(text).fetchone(), synchronous=self._synchronous)
            if schema is not None:
                connection.execute(schema)
            connection.execute("SELECT key, value FROM ram_mfa LIMIT 0").close()
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_file(self) -> None:
        try:
            # Any close of the file drops every lock that this process has on it: hence the lock around.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            pass
        except OSError as error:
            raise StoreUnavailable(f"SQLite: {error.strerror}") from error

    def close(self) -> None:
        """Close all connections, each after the statement that it is in, and open no more."""
        self._closed = True
        super().close()


def unavailable(error: sqlite3.Error) -> StoreUnavailable:
    """Return the error of a statement that changed nothing, with SQLite's name for it."""
    return StoreUnavailable(f"SQLite: {getattr(error, 'sqlite_errorname', None) or type(error).__name__}: {error}")
