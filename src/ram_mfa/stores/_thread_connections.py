# SPDX-License-Identifier: Apache-2.0
"""One open connection per thread, all of them closed before a fork.

https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_

Neither ``sqlite3`` nor Django has a pool that closes its connections before a fork.

Invariant: no connection is open during a fork. A child's copy of an SQLite connection makes SQLite believe that the
child holds the parent's locks. The parent's next close then deletes the write-ahead log that the child still uses, and
the child's later writes are lost; a second connection opened in the child does not help. On a server's connection,
parent and child would write to one socket. Every connection is therefore closed before a fork, after its running
statement, and opened again on its next use.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from typing import Any, Generic, TypeVar

C = TypeVar("C")

FORKED = "this process was forked without Python's fork hooks: open the store after the fork"


class ThreadConnection(Generic[C]):
    """One thread's connection, open or closed. Only a fork or a close ever contends for its lock."""

    __slots__ = ("__weakref__", "connection", "lock", "pid")

    def __init__(self) -> None:
        self.lock: threading.RLock = threading.RLock()
        self.connection: C | None = None
        self.pid: int = os.getpid()

    def close(self) -> None:
        """Close the connection if it is open and belongs to this process."""
        connection: Any = self.connection
        self.connection = None
        if connection is None:
            return
        if self.pid != os.getpid():
            _inherited.append(connection)
            return
        with open_lock, contextlib.suppress(Exception):
            connection.close()

    def __del__(self) -> None:
        self.close()


T = TypeVar("T", bound=ThreadConnection[Any])


class ThreadConnections(Generic[T]):
    """The connections of one store, one per thread. A thread's connection is closed when the thread ends."""

    def __init__(self, connection_class: type[T]) -> None:
        self._connection_class = connection_class
        self._local = threading.local()
        self._guard = threading.Lock()
        self._all: weakref.WeakSet[T] = weakref.WeakSet()
        with _fork_lock:
            _pools.add(self)

    def current(self) -> T:
        """Return this thread's connection, open or closed."""
        connection: T | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connection_class()
            with self._guard:
                self._all.add(connection)
            self._local.connection = connection
        return connection

    def close(self) -> None:
        """Close all connections, each after its running statement."""
        connections = self.lock_all()
        for connection in connections:
            connection.close()
        self.unlock_all(connections)

    def lock_all(self) -> list[T]:
        """Take the guard and every connection's lock, so that no statement is running."""
        self._guard.acquire()
        connections = list(self._all)
        for connection in connections:
            connection.lock.acquire()
        return connections

    def unlock_all(self, connections: list[T]) -> None:
        """Release what ``lock_all`` took."""
        for connection in connections:
            connection.lock.release()
        self._guard.release()


def all_pools() -> list[ThreadConnections[Any]]:
    """Return the connections of all stores in this process."""
    with _fork_lock:
        return list(_pools)


open_lock = threading.RLock()
"""Held while a file is opened, while a connection is closed (also at the end of a thread), and during a fork, so that
these never overlap. A thread takes it after all its other locks."""
_fork_lock = threading.RLock()
_pools: weakref.WeakSet[ThreadConnections[Any]] = weakref.WeakSet()
_inherited: list[object] = []
"""Connections of a parent process that forked without running Python's fork hooks: neither used nor closed."""
_locked_pools: list[tuple[ThreadConnections[Any], list[ThreadConnection[Any]]]] = []


def _before_fork() -> None:
    _fork_lock.acquire()
    for pool in list(_pools):
        connections = pool.lock_all()
        _locked_pools.append((pool, connections))
        for connection in connections:
            connection.close()
    open_lock.acquire()


def _after_fork() -> None:
    open_lock.release()
    while _locked_pools:
        pool, connections = _locked_pools.pop()
        pool.unlock_all(connections)
    _fork_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
