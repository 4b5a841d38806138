# SPDX-License-Identifier: Apache-2.0
"""Async variant of ``SQLAlchemyStore``: the sync code, run in the greenlets of SQLAlchemy's own asyncio extension.

https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html

Invariant: each call runs under a deadline, because not every driver has its own.
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
    """``SQLAlchemyStore`` on an AsyncEngine. A cancelled call closes its connection.

    Args:
        engine: as for ``SQLAlchemyStore``, with an async driver.
        deadline: how many seconds a call may take.

    Raises:
        ValueError: as for ``SQLAlchemyStore``.
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
        return await self._read(self._store.load, key)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return await self._write(self._store.swap, key, old, new)

    async def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        last = kind
        while page := await self._read(self._store._page, kind, last):  # noqa: SLF001 (the same package)
            for key in page:
                yield key
            last = page[-1]

    async def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``."""
        return await self._read(self._store.incarnation)

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _AsyncView:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _AsyncView(self, Pin(incarnation, beside))

    async def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``."""
        return await self._read(self._store.clock)

    async def close(self) -> None:
        """Close the engine's idle connections."""
        await self._engine.dispose()

    async def _read(self, call: Callable[..., T], *arguments: object) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await greenlet_spawn(call, *arguments)
        except TimeoutError as error:
            raise StoreUnavailable("no answer by the deadline") from error

    async def _write(self, call: Callable[..., T], *arguments: object) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await greenlet_spawn(call, *arguments)
        except TimeoutError as error:
            raise StoreUncertain from error


@attrs.frozen
class _AsyncView:
    """An async store bound to one history and one pinned record."""

    _store: AsyncSQLAlchemyStore
    _pin: Pin

    async def load(self, key: str, /) -> bytes | None:
        store = self._store
        return await store._read(store._store._load, key, self._pin)  # noqa: SLF001 (the store's own view)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        store = self._store
        return await store._write(store._store._swap, key, old, new, self._pin)  # noqa: SLF001 (likewise)
