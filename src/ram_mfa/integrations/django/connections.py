# SPDX-License-Identifier: Apache-2.0
"""Connections of the store's own: one per thread, never the request's, and none of them open across a fork.

https://docs.djangoproject.com/en/stable/topics/db/transactions/#tying-transactions-to-http-requests,
https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_

Django opens them, by the alias' settings, so that whatever a backend or the signal ``connection_created`` does is
done here too. The room's rule: all close before a fork, each after the statement that it is in, and open again when
next used; so they do when a test runner gives the alias another database.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from typing import Any

from django.db import connections as requests

from ...errors import StoreUnavailable
from .engines import Engine, engine_of


class Kept:
    """One thread's connection. Only a fork or a close ever contends for its lock."""

    __slots__ = ("__weakref__", "cursor", "database", "lock", "pid", "raw", "warnings")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.raw: Any = None
        self.cursor: Any = None
        self.warnings: list[str] = []
        self.database: object = None
        self.pid = os.getpid()

    def close(self) -> None:
        """Close the connection, where one is open and of this process."""
        raw, self.raw, self.cursor = self.raw, None, None
        if raw is None:
            return
        if self.pid != os.getpid():
            _inherited.append(raw)
            return
        with contextlib.suppress(Exception):
            raw.close()

    def __del__(self) -> None:
        self.close()


class Connections:
    """The kept connections of one store, and how one is opened."""

    def __init__(self, alias: str, deadline: float) -> None:
        if alias not in requests.settings:
            raise ValueError(f"DATABASES has no alias {alias!r}")
        if not deadline > 0:
            raise ValueError("the deadline is a number of seconds above 0")
        self.alias = alias
        self.engine: Engine = engine_of(requests[alias].vendor)
        self._deadline = deadline
        self._settings = requests.settings[alias]  # where a test runner writes another NAME
        self._local = threading.local()
        self._guard = threading.Lock()
        self._all: weakref.WeakSet[Kept] = weakref.WeakSet()
        _living.add(self)

    def mine(self) -> Kept:
        """Return this thread's place for a connection, open or not."""
        kept: Kept | None = getattr(self._local, "kept", None)
        if kept is None:
            kept = Kept()
            with self._guard:
                self._all.add(kept)
            self._local.kept = kept
        return kept

    def cursor(self, kept: Kept) -> Any:
        """Return the cursor of a thread, whose lock is held, on an open connection.

        Raises:
            StoreUnavailable: the database is not reached, or no store can be on it.
        """
        if kept.cursor is not None and kept.database == self._settings["NAME"] and kept.pid == os.getpid():
            return kept.cursor
        if kept.raw is not None and kept.pid != os.getpid() and self.engine.family == "sqlite":
            raise StoreUnavailable("this process was forked behind Python's back: open the store after the fork")
        kept.close()
        kept.pid, kept.database = os.getpid(), self._settings["NAME"]
        try:
            self._open(kept)
        except StoreUnavailable:
            kept.close()
            raise
        except Exception as error:
            kept.close()
            raise StoreUnavailable(told(error)) from error
        return kept.cursor

    def _open(self, kept: Kept) -> None:
        opener: Any = requests.create_connection(self.alias)
        options = self.engine.options(opener.settings_dict["OPTIONS"], self._deadline)
        opener.settings_dict = {**opener.settings_dict, "OPTIONS": options, "AUTOCOMMIT": True}
        connect = opener.get_new_connection

        def get_new_connection(parameters: dict[str, Any]) -> Any:
            kept.raw = connect(parameters)
            kept.warnings = self.engine.connected(kept.raw, self._deadline)
            return kept.raw

        # Before Django itself says the first word on it, which must have a deadline too.
        opener.get_new_connection = get_new_connection
        # Only SQLite has anything to fear of a fork meanwhile, and only it never waits for a server here.
        with _opening if self.engine.family == "sqlite" else contextlib.nullcontext():
            opener.ensure_connection()
            self.engine.settle(kept.raw, self._deadline)
        kept.cursor = self.engine.cursor(kept.raw)

    def close(self) -> None:
        """Close all connections, each after the statement that it is in; they open again when next used."""
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


def told(error: BaseException) -> str:
    """Return an error's kind and first line."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def close_connections(alias: str) -> None:
    """Close the connections of all stores on an alias; they open again when next used."""
    for connections in list(_living):
        if connections.alias == alias:
            connections.close()


def aliases() -> set[str]:
    """Return the aliases that this process has stores on."""
    return {connections.alias for connections in list(_living)}


_living: weakref.WeakSet[Connections] = weakref.WeakSet()
_inherited: list[Any] = []
"""Connections of a parent process that forked without Python's hooks: neither used nor closed."""
_opening = threading.Lock()
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
