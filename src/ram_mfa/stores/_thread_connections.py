# SPDX-License-Identifier: Apache-2.0
"""One kept connection per thread, and none of them open across a fork.

https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_

The room's rule: a connection that is open during a fork is poison on both sides. An SQLite child's copy makes SQLite
believe that the child holds the parent's locks; the parent's next close then deletes the write-ahead log under the
child, and what the child acknowledges afterwards is gone. Opening a second connection in the child does not help. And
on a server's connection both sides would speak at once.
So all connections close before a fork, each after the statement that it is in, and open again when next used.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from typing import Any, Generic, TypeVar

C = TypeVar("C")


class Kept(Generic[C]):
    """One thread's place for a connection. Only a fork or a close ever contends for its lock."""

    __slots__ = ("__weakref__", "connection", "lock", "pid")

    def __init__(self) -> None:
        self.lock: threading.RLock = threading.RLock()
        self.connection: C | None = None
        self.pid: int = os.getpid()

    def close(self) -> None:
        """Close the connection, where one is open and of this process."""
        connection: Any = self.connection
        self.connection = None
        if connection is None:
            return
        if self.pid != os.getpid():
            _inherited.append(connection)
            return
        with opening, contextlib.suppress(Exception):
            connection.close()

    def __del__(self) -> None:
        self.close()


K = TypeVar("K", bound=Kept[Any])


class PerThread(Generic[K]):
    """The kept connections of one store; a thread that ended closes its own."""

    def __init__(self, kind: type[K]) -> None:
        self._kind = kind
        self._local = threading.local()
        self._guard = threading.Lock()
        self._all: weakref.WeakSet[K] = weakref.WeakSet()
        with _one_fork:
            _living.add(self)

    def mine(self) -> K:
        """Return this thread's place for a connection, open or not."""
        kept: K | None = getattr(self._local, "kept", None)
        if kept is None:
            kept = self._kind()
            with self._guard:
                self._all.add(kept)
            self._local.kept = kept
        return kept

    def close(self) -> None:
        """Close all connections, each after the statement that it is in."""
        everyone = self.held()
        for kept in everyone:
            kept.close()
        self.let_go(everyone)

    def held(self) -> list[K]:
        """Hold the guard, and the lock of every thread's connection, each of which is then between statements."""
        self._guard.acquire()
        everyone = list(self._all)
        for kept in everyone:
            kept.lock.acquire()
        return everyone

    def let_go(self, everyone: list[K]) -> None:
        """Undo ``held``."""
        for kept in everyone:
            kept.lock.release()
        self._guard.release()


def living() -> list[PerThread[Any]]:
    """Return the connections of all stores of this process."""
    with _one_fork:
        return list(_living)


opening = threading.RLock()
"""Held while a file is opened and while a connection is closed, by a thread's end too, and by a fork: so no fork comes
in between. It is the last lock that a thread takes."""
_one_fork = threading.RLock()
_living: weakref.WeakSet[PerThread[Any]] = weakref.WeakSet()
_inherited: list[object] = []
"""Connections of a parent process that forked without Python's hooks: neither used nor closed."""
_forking: list[tuple[PerThread[Any], list[Kept[Any]]]] = []


def _before_fork() -> None:
    _one_fork.acquire()
    for connections in list(_living):
        everyone = connections.held()
        _forking.append((connections, everyone))
        for kept in everyone:
            kept.close()
    opening.acquire()


def _after_fork() -> None:
    opening.release()
    while _forking:
        connections, everyone = _forking.pop()
        connections.let_go(everyone)
    _one_fork.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
