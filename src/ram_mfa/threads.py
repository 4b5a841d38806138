# SPDX-License-Identifier: Apache-2.0
"""`in_threads`, which adapts a sync store to `AsyncMFA` by running each call in a worker thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from .store import AsyncStore, Store, has_clock, has_history, has_listing

_END: Final = object()


def in_threads(store: Store) -> AsyncStore:
    """Return an async store that calls a sync one, with the same capabilities: listing, history and clock."""
    return _InThreads(store)


class _InThreads:
    def __init__(self, store: Any) -> None:
        self._store = store
        self.durable = getattr(store, "durable", True)
        if has_listing(store):
            self.keys = self._keys
        if has_history(store):
            self.incarnation, self.at = self._incarnation, self._at
        if has_clock(store):
            self.clock = self._clock

    async def load(self, key: str, /) -> bytes | None:
        record: bytes | None = await asyncio.to_thread(self._store.load, key)
        return record

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        applied: bool = await asyncio.to_thread(self._store.swap, key, old, new)
        return applied

    async def _keys(self, kind: str, /) -> AsyncIterator[str]:
        keys: Iterator[str] = self._store.keys(kind)
        while (key := await asyncio.to_thread(next, keys, _END)) is not _END:
            assert isinstance(key, str)
            yield key

    async def _incarnation(self) -> str:
        incarnation: str = await asyncio.to_thread(self._store.incarnation)
        return incarnation

    def _at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> AsyncStore:
        pinned = {} if beside is None else {"beside": beside}
        return _InThreads(self._store.at(incarnation, **pinned))

    async def _clock(self) -> float:
        clock: float = await asyncio.to_thread(self._store.clock)
        return clock
