# SPDX-License-Identifier: Apache-2.0
"""Async variant of ``PostgresStore``. Statements, results and errors are shared; this module adds pool and deadlines.

A cancelled call closes its connection; the server may still apply the statement.

The pool is not psycopg_pool's, because its background tasks open the connections: a caller waits for its whole timeout
and gets ``PoolTimeout`` without the reason (a wrong password, a pooler, an unsafe table).
"""

from __future__ import annotations

import asyncio
import collections
import time
from collections.abc import AsyncIterator, Generator
from typing import Any, TypeVar

import attrs
import psycopg

from ...errors import StoreUnavailable, StoreUncertain
from .. import _psycopg, _table_checks
from .._sql import Pin, Statements, Value, read_record, single_value, to_text
from .._sql_store import ACTIVE_WRITERS, EarlierWriters, contended
from . import common
from .common import PooledConnection

R = TypeVar("R")

_STATEMENTS = Statements("postgresql", "%s")


class AsyncPostgresStore:
    """``PostgresStore`` for one event loop. The first call opens the first connection.

    Args:
        conninfo: as for ``PostgresStore``.
        size: the maximum number of connections.
        deadline: as for ``PostgresStore``.
    """

    def __init__(self, conninfo: str, *, size: int = 10, deadline: float = 5.0) -> None:
        common.check_arguments(size, deadline)
        self._deadline = deadline
        self._pool = _Pool(conninfo, size, deadline)

    def __repr__(self) -> str:
        return "<AsyncPostgresStore>"

    async def create_table(self) -> None:
        """Create the table if there is none."""
        await self._rows(common.CREATE_TABLE, (), fetch=False)

    async def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return await self._load(key, None)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return await self._swap(key, old, new, None)

    async def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        last = kind
        while page := await self._rows(*_STATEMENTS.keys(kind, last)):
            for (last,) in page:
                yield last

    async def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``."""
        return to_text(single_value(await self._rows(_STATEMENTS.incarnation, ())))

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, Pin(incarnation, beside))

    async def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``."""
        return float(single_value(await self._rows(_STATEMENTS.clock, ())))

    async def close(self) -> None:
        """Close the idle connections at once, and each other one after its running call. Later calls fail."""
        await self._pool.close()

    async def _load(self, key: str, pin: Pin | None) -> bytes | None:
        return read_record(await self._rows(*_STATEMENTS.load(key, pin)), pin)

    async def _swap(self, key: str, old: bytes | None, new: bytes | None, pin: Pin | None) -> bool:
        if old is None and new is None:
            return False
        text, values = _STATEMENTS.swap(key, old, new, pin)
        until = time.monotonic() + self._deadline
        while True:
            applied = await self._write(text, values)
            if applied:
                if pin is not None and pin.beside is None:
                    await self._wait_for_earlier_writers()
                return True
            # For the reasons see ``SQLStore._lost_race``.
            if applied is False and (pin is None or await self._load(key, pin) != old):
                return False
            if time.monotonic() > until:
                raise contended()

    async def _wait_for_earlier_writers(self) -> None:
        """See ``SQLStore._wait_for_earlier_writers``."""
        earlier, until = EarlierWriters(), time.monotonic() + self._deadline
        try:
            while not earlier.have_ended(await self._rows(ACTIVE_WRITERS, ())):
                if time.monotonic() > until:
                    raise StoreUncertain
                await asyncio.sleep(0.005)
        except StoreUnavailable as error:
            raise StoreUncertain from error  # the swap itself was applied

    async def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        pooled = await self._pool.acquire()
        try:
            await pooled.cursor.execute(text, values)
            return pooled.applied()
        except psycopg.Error as error:
            common.raise_unless_retryable(error)
            return None
        finally:
            await self._pool.release(pooled)

    async def _rows(self, text: str, values: tuple[Value, ...], *, fetch: bool = True) -> list[Any]:
        for may_retry in (True, False):
            pooled = await self._pool.acquire()
            try:
                await pooled.cursor.execute(text, values)
                return await pooled.cursor.fetchall() if fetch else []
            except psycopg.Error as error:
                if not may_retry or isinstance(error, _psycopg.DeadlinePassed) or pooled.is_idle:
                    raise common.unavailable(error) from error
            finally:
                await self._pool.release(pooled)
        raise AssertionError  # the second attempt returns or raises


@attrs.frozen
class _View:
    """A store bound to one history and one pinned record."""

    _store: AsyncPostgresStore
    _pin: Pin

    async def load(self, key: str, /) -> bytes | None:
        return await self._store._load(key, self._pin)  # noqa: SLF001 (the store's own view)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return await self._store._swap(key, old, new, self._pin)  # noqa: SLF001 (likewise)


class _Connection(psycopg.AsyncConnection[Any]):
    """A connection whose statements have a deadline."""

    deadline: float

    async def wait(self, gen: Generator[Any, Any, R], *_: Any, **__: Any) -> R:
        return await _psycopg.wait_async(self, gen, self.deadline)


class _Pool:
    """Open connections, the most recently used first. The task that needs a new connection opens it itself."""

    def __init__(self, conninfo: str, size: int, deadline: float) -> None:
        self._conninfo = conninfo
        self._deadline = deadline
        self._closed = False
        self._idle: collections.deque[PooledConnection] = collections.deque()
        self._free = asyncio.Semaphore(size)

    async def acquire(self) -> PooledConnection:
        """See the method of the sync pool."""
        if self._free.locked():
            try:
                async with asyncio.timeout(self._deadline):
                    await self._free.acquire()
            except TimeoutError as error:
                raise common.pool_exhausted() from error
        else:
            await self._free.acquire()
        if self._idle:
            return self._idle.pop()
        try:
            return await self._open()
        except psycopg.Error as error:
            self._free.release()
            raise common.unavailable(error) from error
        except BaseException:
            self._free.release()
            raise

    async def release(self, pooled: PooledConnection) -> None:
        """See the method of the sync pool."""
        self._free.release()
        if pooled.is_idle and not self._closed:
            self._idle.append(pooled)
            return
        broken = pooled.connection.broken
        await pooled.connection.close()
        while broken and self._idle:
            await self._idle.pop().connection.close()

    async def _open(self) -> PooledConnection:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        connection = await _Connection.connect(self._conninfo, **common.connection_settings(self._deadline))
        try:
            connection.deadline = self._deadline
            pooled = PooledConnection(connection, connection.cursor(binary=True), _psycopg.collect_warnings(connection))
            setup = _psycopg.session_setup(self._deadline, connection.info.backend_pid)
            _psycopg.check_session(await (await pooled.cursor.execute(setup, prepare=False)).fetchone())
            rows = await (await pooled.cursor.execute(_table_checks.POSTGRESQL, prepare=False)).fetchall()
            _table_checks.has_table("postgresql", lambda _: rows)
        except BaseException:
            await connection.close()
            raise
        return pooled

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            await self._idle.pop().connection.close()
