# SPDX-License-Identifier: Apache-2.0
"""The same store on an AsyncEngine: the synchronous code, run in the greenlets that SQLAlchemy itself is awaited by.

https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html

The room's rule: a deadline is around each call, since not every driver has one of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import attrs
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from ...errors import StoreUnavailable, StoreUncertain
from .._sql import Pin
from .store import SQLAlchemyStore

T = TypeVar("T")


class AsyncSQLAlchemyStore:
    """``SQLAlchemyStore`` on an AsyncEngine: the same code, in SQLAlchemy's own greenlets.

    A call that is cancelled gives its connection up.
    """

    def __init__(self, engine: AsyncEngine, *, deadline: float = 5.0) -> None:
        self._engine = engine
        self._deadline = deadline
        self._store = SQLAlchemyStore(engine.sync_engine, deadline=deadline)

    def __repr__(self) -> str:
        return f"<Async{repr(self._store)[1:]}"

    async def create_table(self) -> None:
        """See ``SQLAlchemyStore.create_table``."""
        await greenlet_spawn(self._store.create_table)

    async def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return await self._reading(self._store.load, key)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return await self._writing(self._store.swap, key, old, new)

    async def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        last = kind
        while page := await self._reading(self._store._page, kind, last):  # noqa: SLF001 (the same room)
            for key in page:
                yield key
            last = page[-1]

    async def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``."""
        return await self._reading(self._store.incarnation)

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _AsyncView:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _AsyncView(self, Pin(incarnation, beside))

    async def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``."""
        return await self._reading(self._store.clock)

    async def close(self) -> None:
        """Close the engine's connections that are not in use."""
        await self._engine.dispose()

    async def _reading(self, call: Callable[..., T], *arguments: object) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await greenlet_spawn(call, *arguments)
        except TimeoutError as error:
            raise StoreUnavailable("no answer by the deadline") from error

    async def _writing(self, call: Callable[..., T], *arguments: object) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await greenlet_spawn(call, *arguments)
        except TimeoutError as error:
            raise StoreUncertain from error


@attrs.frozen
class _AsyncView:
    """An asynchronous store on one history, beside one pinned record."""

    _store: AsyncSQLAlchemyStore
    _pin: Pin

    async def load(self, key: str, /) -> bytes | None:
        store = self._store
        return await store._reading(store._store._load, key, self._pin)  # noqa: SLF001 (the store's own view)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        store = self._store
        return await store._writing(store._store._swap, key, old, new, self._pin)  # noqa: SLF001 (likewise)
