# SPDX-License-Identifier: Apache-2.0
"""The same store on PostgreSQL, awaited: what it says and hears is in ``common``; here is how it waits.

A call that is cancelled closes its connection; the server may still land what it was asked.
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
from .._earlier import WRITERS, Earlier
from .._sql import Pin, Value, found, only, text_of
from . import common
from .common import STATEMENTS, Link

R = TypeVar("R")


class AsyncPostgresStore:
    """``PostgresStore`` for one event loop. It connects when it is first used.

    Args:
        conninfo: as for ``PostgresStore``.
        size: how many connections there are at most.
        deadline: as for ``PostgresStore``.
    """

    def __init__(self, conninfo: str, *, size: int = 10, deadline: float = 5.0) -> None:
        if size < 1:
            raise ValueError("a store needs one connection at least")
        if not deadline > 0:
            raise ValueError("the deadline is a number of seconds above 0")
        self._deadline = deadline
        self._pool = _Pool(conninfo, size, deadline)

    def __repr__(self) -> str:
        return "<AsyncPostgresStore>"

    async def create_table(self) -> None:
        """Make the table where there is none."""
        await self._ask(common.CREATE_TABLE, (), rows=False)

    async def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return await self._load(key, None)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return await self._swap(key, old, new, None)

    async def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        last = kind
        while page := await self._ask(*STATEMENTS.keys(kind, last)):
            for (last,) in page:
                yield last

    async def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``."""
        return text_of(only(await self._ask(STATEMENTS.now, ())))

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, Pin(incarnation, beside))

    async def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``."""
        return float(only(await self._ask(STATEMENTS.clock, ())))

    async def close(self) -> None:
        """Close the connections that are not in use, and open no more."""
        await self._pool.close()

    async def _load(self, key: str, pin: Pin | None) -> bytes | None:
        return found(await self._ask(*STATEMENTS.load(key, pin)), pin)

    async def _swap(self, key: str, old: bytes | None, new: bytes | None, pin: Pin | None) -> bool:
        if old is None and new is None:
            return False
        text, values = STATEMENTS.swap(key, old, new, pin)
        until = time.monotonic() + self._deadline
        while True:
            landed = await self._write(text, values)
            if landed:
                if pin is not None and pin.beside is None:
                    await self._await_earlier()
                return True
            # ``SQLStore._lost`` says why this answer is right.
            if landed is False and (pin is None or await self._load(key, pin) != old):
                return False
            if time.monotonic() > until:
                raise common.locked()

    async def _await_earlier(self) -> None:
        earlier, until = Earlier(), time.monotonic() + self._deadline
        try:
            while not earlier.ended(await self._ask(WRITERS, ())):
                if time.monotonic() > until:
                    raise StoreUncertain
                await asyncio.sleep(0.005)
        except StoreUnavailable as error:
            raise StoreUncertain from error  # the swap itself has landed

    async def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        link = await self._pool.take()
        try:
            await link.cursor.execute(text, values)
            return link.landed()
        except psycopg.Error as error:
            common.raise_unless_again(error)
            return None
        finally:
            await self._pool.give(link)

    async def _ask(self, text: str, values: tuple[Value, ...], *, rows: bool = True) -> list[Any]:
        for again in (True, False):
            link = await self._pool.take()
            try:
                await link.cursor.execute(text, values)
                return await link.cursor.fetchall() if rows else []
            except psycopg.Error as error:
                if not again or isinstance(error, _psycopg.DeadlinePassed) or link.usable:
                    raise common.unavailable(error) from error
            finally:
                await self._pool.give(link)
        raise AssertionError  # the second turn returns or raises


@attrs.frozen
class _View:
    """A store on one history, beside one pinned record."""

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
    """Kept connections, the last used first; opened by the task that needs one."""

    def __init__(self, conninfo: str, size: int, deadline: float) -> None:
        self._conninfo = conninfo
        self._deadline = deadline
        self._closed = False
        self._idle: collections.deque[Link] = collections.deque()
        self._free = asyncio.Semaphore(size)

    async def take(self) -> Link:
        if self._free.locked():
            try:
                async with asyncio.timeout(self._deadline):
                    await self._free.acquire()
            except TimeoutError as error:
                raise common.crowded() from error
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

    async def give(self, link: Link) -> None:
        self._free.release()
        if link.usable and not self._closed:
            self._idle.append(link)
            return
        broken = link.connection.broken
        await link.connection.close()
        while broken and self._idle:
            await self._idle.pop().connection.close()

    async def _open(self) -> Link:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        settings = common.connection_settings(self._deadline)
        connection = await _Connection.connect(self._conninfo, **settings)
        try:
            connection.deadline = self._deadline
            link = Link(connection, connection.cursor(binary=True), _psycopg.warnings_of(connection))
            check = _psycopg.check(self._deadline, connection.info.backend_pid)
            answer = await link.cursor.execute(check, prepare=False)
            _psycopg.judge(await answer.fetchone())
            found = await (await link.cursor.execute(_table_checks.POSTGRESQL, prepare=False)).fetchall()
            _table_checks.has_table("postgresql", lambda _: found)
        except BaseException:
            await connection.close()
            raise
        return link

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            await self._idle.pop().connection.close()
