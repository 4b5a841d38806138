# SPDX-License-Identifier: Apache-2.0
"""One kept SQLite connection per thread, and none of them open across a fork.

https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_

The room's rule: a connection that is open during a fork is poison on both sides. The child's copy makes SQLite
believe that the child holds the parent's locks; the parent's next close then deletes the write-ahead log under the
child, and what the child acknowledges afterwards is gone. Opening a second connection in the child does not help.
So all connections close before a fork, each after the statement that it is in, and open again when next used.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from pathlib import Path

from ..errors import StoreUnavailable

_SYNCHRONOUS = {"FULL": "FULL", "EXTRA": "EXTRA", "UnsafeNORMAL": "NORMAL"}

_SCHEMA = "CREATE TABLE IF NOT EXISTS ram_mfa (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL)"
"""An ordinary rowid table: with records of 2 kB, WITHOUT ROWID is slower by half."""


class Kept:
    """One thread's connection. Only a fork or a close ever contends for its lock."""

    __slots__ = ("__weakref__", "connection", "lock", "pid")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.connection: sqlite3.Connection | None = None
        self.pid = os.getpid()

    def close(self) -> None:
        """Close the connection, where one is open and of this process."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if self.pid != os.getpid():
            _poisoned.append(connection)
            return
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    def __del__(self) -> None:
        self.close()


class Connections:
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
        self._deadline = deadline
        self._local = threading.local()
        self._guard = threading.Lock()
        self._all: weakref.WeakSet[Kept] = weakref.WeakSet()
        self._closed = False
        with _opening:
            self._make_file()
        _living.add(self)
        kept = self.mine()
        with kept.lock:
            self.open(kept, schema=_SCHEMA)

    def mine(self) -> Kept:
        """Return this thread's place for a connection, open or not."""
        kept: Kept | None = getattr(self._local, "kept", None)
        if kept is None:
            kept = Kept()
            with self._guard:
                self._all.add(kept)
            self._local.kept = kept
        elif kept.pid != os.getpid():
            if kept.connection is not None:
                raise StoreUnavailable("this process was forked behind Python's back: open the store after the fork")
            kept.pid = os.getpid()
        return kept

    def open(self, kept: Kept, *, schema: str | None = None) -> sqlite3.Connection:
        """Open the connection of a thread, whose lock is held.

        Raises:
            StoreUnavailable: the file does not open, or is no database, or the store is closed.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        until = time.monotonic() + self._deadline
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
        with _opening:
            connection = sqlite3.connect(
                self._uri, uri=True, timeout=self._deadline, isolation_level=None, check_same_thread=False
            )
        try:
            _turn_the_log_on(connection)
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA fullfsync = 1")
            connection.execute("PRAGMA checkpoint_fullfsync = 1")
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
        """Close all connections, and open no more."""
        self._closed = True
        everyone = self.held()
        for kept in everyone:
            kept.close()
        self.let_go(everyone)

    def held(self) -> list[Kept]:
        """Hold the guard, and the lock of every thread's connection, each of which is then between statements."""
        self._guard.acquire()
        everyone = list(self._all)
        for kept in everyone:
            kept.lock.acquire()
        return everyone

    def let_go(self, everyone: list[Kept]) -> None:
        """Undo ``held``."""
        for kept in everyone:
            kept.lock.release()
        self._guard.release()


def _turn_the_log_on(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreUnavailable("SQLite keeps no write-ahead log in this place")


def unavailable(error: sqlite3.Error) -> StoreUnavailable:
    """Return the error of a statement that changed nothing, with SQLite's name for it."""
    return StoreUnavailable(f"SQLite: {getattr(error, 'sqlite_errorname', None) or type(error).__name__}: {error}")


_living: weakref.WeakSet[Connections] = weakref.WeakSet()
_opening = threading.Lock()
_poisoned: list[sqlite3.Connection] = []
"""Connections of a parent process that forked without Python's hooks: neither used nor closed."""
_one_fork = threading.Lock()
_forking: list[tuple[Connections, list[Kept]]] = []


def _before_fork() -> None:
    _one_fork.acquire()
    for connections in list(_living):
        everyone = connections.held()
        _forking.append((connections, everyone))
        for kept in everyone:
            kept.close()
    _opening.acquire()


def _after_fork() -> None:
    _opening.release()
    while _forking:
        connections, everyone = _forking.pop()
        connections.let_go(everyone)
    _one_fork.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
