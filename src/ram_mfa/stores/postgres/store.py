# SPDX-License-Identifier: Apache-2.0
"""A store on PostgreSQL, for threads and processes.

https://www.psycopg.org/psycopg3/docs/

Fault model: the server's, with fsync; with a synchronous standby, the loss of either machine. Each connection checks
the settings. A promotion is seen: the incarnation is the timeline, asked within the statement (S12). A connection
string may name several hosts; only the one that takes writes is used.
"""

from __future__ import annotations

import collections
import os
import threading
import time
import weakref
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import attrs
import psycopg

from ...errors import StoreUnavailable, StoreUncertain
from .. import _psycopg
from .._earlier import WRITERS, Earlier
from .._sql import Pin, Value, found, only, text_of
from .._table_checks import has_table
from . import common
from .common import STATEMENTS, Link

R = TypeVar("R")


class PostgresStore:
    """Records in the table ``ram_mfa`` of a PostgreSQL database.

    Args:
        conninfo: where, as libpq writes it: a URL, or ``host=... dbname=...``; with all hosts of a cluster.
        size: how many connections there are at most, in each process.
        deadline: how many seconds a call waits for a connection, and then for the server's answer.

    Raises:
        ValueError: no such size or deadline.
    """

    def __init__(self, conninfo: str, *, size: int = 10, deadline: float = 5.0) -> None:
        if size < 1:
            raise ValueError("a store needs one connection at least")
        if not deadline > 0:
            raise ValueError("the deadline is a number of seconds above 0")
        self._deadline = deadline
        self._pool = _Pool(conninfo, size, deadline)

    def __repr__(self) -> str:
        return "<PostgresStore>"

    def create_table(self) -> None:
        """Make the table where there is none."""
        self._ask(common.CREATE_TABLE, (), rows=False)

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return self._load(key, None)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return self._swap(key, old, new, None)

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        last = kind
        while page := self._ask(*STATEMENTS.keys(kind, last)):
            for (last,) in page:
                yield last

    def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``."""
        return text_of(only(self._ask(STATEMENTS.now, ())))

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, Pin(incarnation, beside))

    def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``."""
        return float(only(self._ask(STATEMENTS.clock, ())))

    def close(self) -> None:
        """Close the connections that are not in use, and open no more."""
        self._pool.close()

    def _load(self, key: str, pin: Pin | None) -> bytes | None:
        return found(self._ask(*STATEMENTS.load(key, pin)), pin)

    def _swap(self, key: str, old: bytes | None, new: bytes | None, pin: Pin | None) -> bool:
        if old is None and new is None:
            return False
        text, values = STATEMENTS.swap(key, old, new, pin)
        until = time.monotonic() + self._deadline
        while True:
            landed = self._write(text, values)
            if landed:
                if pin is not None and pin.beside is None:
                    self._await_earlier()
                return True
            # ``SQLStore._lost`` says why this answer is right.
            if landed is False and (pin is None or self._load(key, pin) != old):
                return False
            if time.monotonic() > until:
                raise common.locked()

    def _await_earlier(self) -> None:
        """Wait for the statements that may be pinned to what was just replaced; see ``Earlier``."""
        earlier, until = Earlier(), time.monotonic() + self._deadline
        try:
            while not earlier.ended(self._ask(WRITERS, ())):
                if time.monotonic() > until:
                    raise StoreUncertain
                time.sleep(0.005)
        except StoreUnavailable as error:
            raise StoreUncertain from error  # the swap itself has landed

    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """Run a statement that writes; None where nothing landed and it may be asked again."""
        link = self._pool.take()
        try:
            link.cursor.execute(text, values)
            return link.landed()
        except psycopg.Error as error:
            common.raise_unless_again(error)
            return None
        finally:
            self._pool.give(link)

    def _ask(self, text: str, values: tuple[Value, ...], *, rows: bool = True) -> list[Any]:
        """Run a statement that may be repeated; once more where its connection was of a server that is gone."""
        for again in (True, False):
            link = self._pool.take()
            try:
                link.cursor.execute(text, values)
                return link.cursor.fetchall() if rows else []
            except psycopg.Error as error:
                if not again or isinstance(error, _psycopg.DeadlinePassed) or link.usable:
                    raise common.unavailable(error) from error
            finally:
                self._pool.give(link)
        raise AssertionError  # the second turn returns or raises


@attrs.frozen
class _View:
    """A store on one history, beside one pinned record."""

    _store: PostgresStore
    _pin: Pin

    def load(self, key: str, /) -> bytes | None:
        return self._store._load(key, self._pin)  # noqa: SLF001 (the store's own view)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return self._store._swap(key, old, new, self._pin)  # noqa: SLF001 (likewise)


class _Connection(psycopg.Connection[Any]):
    """A connection whose statements have a deadline."""

    deadline: float

    def wait(self, gen: Generator[Any, Any, R], *_: Any, **__: Any) -> R:
        return _psycopg.wait(self, gen, self.deadline)


class _Pool:
    """Kept connections, the last used first; opened in the thread that needs one, so that its errors are told there."""

    def __init__(self, conninfo: str, size: int, deadline: float) -> None:
        self._conninfo = conninfo
        self._size = size
        self._deadline = deadline
        self._closed = False
        self._inherited: list[Link] = []
        self._start_anew()
        _living.add(self)

    def _start_anew(self) -> None:
        self._idle: collections.deque[Link] = collections.deque()
        self._free = threading.Semaphore(self._size)

    def take(self) -> Link:
        """Take a connection.

        Raises:
            StoreUnavailable: there is none.
        """
        if not self._free.acquire(timeout=self._deadline):
            raise common.crowded()
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._open()
        except psycopg.Error as error:
            self._free.release()
            raise common.unavailable(error) from error
        except BaseException:
            self._free.release()
            raise

    def give(self, link: Link) -> None:
        """Give a connection back; where it is of a server that is gone, so are the others that lie idle."""
        if link.usable and not self._closed:
            self._idle.append(link)
        else:
            broken = link.connection.broken
            link.connection.close()
            if broken:
                self._close_idle()
        self._free.release()

    def _open(self) -> Link:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        settings = common.connection_settings(self._deadline)
        connection = _Connection.connect(self._conninfo, **settings)
        try:
            connection.deadline = self._deadline
            link = Link(connection, connection.cursor(binary=True), _psycopg.warnings_of(connection))
            check = _psycopg.check(self._deadline, connection.info.backend_pid)
            _psycopg.judge(link.cursor.execute(check, prepare=False).fetchone())
            has_table("postgresql", lambda text: link.cursor.execute(text, prepare=False).fetchall())
        except BaseException:
            connection.close()
            raise
        return link

    def _close_idle(self) -> None:
        while self._idle:
            try:
                self._idle.pop().connection.close()
            except IndexError:
                return

    def close(self) -> None:
        """Close the idle connections, and each other one when it comes back."""
        self._closed = True
        self._close_idle()

    def forked(self) -> None:
        """Leave the parent's connections to the parent: closing them here would end its sessions."""
        self._inherited.extend(self._idle)
        self._start_anew()


_living: weakref.WeakSet[_Pool] = weakref.WeakSet()


def _in_child() -> None:
    for pool in list(_living):
        pool.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
