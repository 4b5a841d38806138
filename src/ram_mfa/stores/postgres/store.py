# SPDX-License-Identifier: Apache-2.0
"""A store on PostgreSQL for threads and processes.

https://www.psycopg.org/psycopg3/docs/

Fault model: that of the server, with fsync on; with a synchronous standby, also the loss of either machine. Each new
connection checks these settings. A promotion is detected, because the timeline is part of the incarnation and is
compared within each statement (S12). A connection string may name several hosts; only the one that accepts writes is
used.

The pool is not psycopg_pool's, for two reasons. Its background threads open the connections, so that a caller waits
for its whole timeout and gets ``PoolTimeout`` without the reason (a wrong password, a pooler, an unsafe table). After a
fork, its threads do not run in the child, and its idle connections are the parent's.
"""

from __future__ import annotations

import collections
import os
import threading
import weakref
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import psycopg

from ...errors import StoreUnavailable
from .. import _psycopg
from .._sql import Value
from .._sql_store import SQLStore, fetch_rows
from .._table_checks import has_table
from . import common
from .common import PooledConnection

R = TypeVar("R")


class PostgresStore(SQLStore):
    """Records in the table ``ram_mfa`` of a PostgreSQL database.

    Args:
        conninfo: a connection string of libpq: a URL, or ``host=... dbname=...``. It names all hosts of a cluster.
        size: the maximum number of connections in each process.
        deadline: how many seconds a call waits for a connection, and then for the server's answer.

    Raises:
        ValueError: the size is below 1, or the deadline is not above 0.
    """

    def __init__(self, conninfo: str, *, size: int = 10, deadline: float = 5.0) -> None:
        common.check_arguments(size, deadline)
        super().__init__("postgresql", "%s", deadline)
        self._pool = _Pool(conninfo, size, deadline)

    def __repr__(self) -> str:
        return "<PostgresStore>"

    def create_table(self) -> None:
        """Create the table if there is none."""
        self._read(common.CREATE_TABLE, (), lambda _: [])

    def close(self) -> None:
        """Close the idle connections at once, and each other one after its running call. Later calls fail."""
        self._pool.close()

    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """See ``SQLStore._write``."""
        pooled = self._pool.acquire()
        try:
            pooled.cursor.execute(text, values)
            return pooled.applied()
        except psycopg.Error as error:
            common.raise_unless_retryable(error)
            return None
        finally:
            self._pool.release(pooled)

    def _rows(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        """See ``SQLStore._rows``."""
        return self._read(text, values, fetch_rows)

    def _read(self, text: str, values: tuple[Value, ...], fetch: Callable[[Any], list[Any]]) -> list[Any]:
        for may_retry in (True, False):
            pooled = self._pool.acquire()
            try:
                pooled.cursor.execute(text, values)
                return fetch(pooled.cursor)
            except psycopg.Error as error:
                if not may_retry or isinstance(error, _psycopg.DeadlinePassed) or pooled.is_idle:
                    raise common.unavailable(error) from error
            finally:
                self._pool.release(pooled)
        raise AssertionError  # the second attempt returns or raises


class _Connection(psycopg.Connection[Any]):
    """A connection whose statements have a deadline."""

    deadline: float

    def wait(self, gen: Generator[Any, Any, R], *_: Any, **__: Any) -> R:
        return _psycopg.wait(self, gen, self.deadline)


class _Pool:
    """Open connections, the most recently used first. The thread that needs a new connection opens it itself."""

    def __init__(self, conninfo: str, size: int, deadline: float) -> None:
        self._conninfo = conninfo
        self._size = size
        self._deadline = deadline
        self._closed = False
        self._inherited: list[PooledConnection] = []
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._idle: collections.deque[PooledConnection] = collections.deque()
        self._free = threading.Semaphore(self._size)

    def acquire(self) -> PooledConnection:
        """Take a connection out of the pool.

        Raises:
            StoreUnavailable: all connections stay in use until the deadline, or a new one cannot be opened.
        """
        if not self._free.acquire(timeout=self._deadline):
            raise common.pool_exhausted()
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

    def release(self, pooled: PooledConnection) -> None:
        """Return a connection to the pool. If its server is gone, close the idle connections too."""
        if pooled.is_idle and not self._closed:
            self._idle.append(pooled)
        else:
            broken = pooled.connection.broken
            pooled.connection.close()
            if broken:
                self._close_idle()
        self._free.release()

    def _open(self) -> PooledConnection:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        connection = _Connection.connect(self._conninfo, **common.connection_settings(self._deadline))
        try:
            connection.deadline = self._deadline
            pooled = PooledConnection(connection, connection.cursor(binary=True), _psycopg.collect_warnings(connection))
            setup = _psycopg.session_setup(self._deadline, connection.info.backend_pid)
            _psycopg.check_session(pooled.cursor.execute(setup, prepare=False).fetchone())
            has_table("postgresql", lambda text: pooled.cursor.execute(text, prepare=False).fetchall())
        except BaseException:
            connection.close()
            raise
        return pooled

    def _close_idle(self) -> None:
        while self._idle:
            try:
                self._idle.pop().connection.close()
            except IndexError:
                return

    def close(self) -> None:
        """Close the idle connections, and each other one when it is released."""
        self._closed = True
        self._close_idle()

    def reset_after_fork(self) -> None:
        """Start empty in a child process. Closing the inherited connections would end the parent's sessions."""
        self._inherited.extend(self._idle)
        self._reset()


_pools: weakref.WeakSet[_Pool] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
