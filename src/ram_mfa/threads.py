# SPDX-License-Identifier: Apache-2.0
"""`in_threads`: a sync store for `AsyncMFA`, each call in a worker thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from .store import AsyncStore, Incarnated, Listing, Store

_END: Final = object()


def in_threads(store: Store) -> AsyncStore:
    """Return a sync store as an async one; it lists and has incarnations where the sync one does."""
    lists, incarnated = isinstance(store, Listing), isinstance(store, Incarnated)
    if lists:
        return _IncarnatedListing(store) if incarnated else _ListingInThreads(store)
    return _IncarnatedInThreads(store) if incarnated else _InThreads(store)


class _InThreads:
    def __init__(self, store: Any) -> None:
        self._store = store

    async def load(self, key: str, /) -> bytes | None:
        found: bytes | None = await asyncio.to_thread(self._store.load, key)
        return found

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        landed: bool = await asyncio.to_thread(self._store.swap, key, old, new)
        return landed


class _ListingInThreads(_InThreads):
    async def keys(self, kind: str, /) -> AsyncIterator[str]:
        keys: Iterator[str] = self._store.keys(kind)
        while (key := await asyncio.to_thread(next, keys, _END)) is not _END:
            assert isinstance(key, str)
            yield key


class _IncarnatedInThreads(_InThreads):
    async def incarnation(self) -> str:
        incarnation: str = await asyncio.to_thread(self._store.incarnation)
        return incarnation

    def at(self, incarnation: str, /) -> AsyncStore:
        return _InThreads(self._store.at(incarnation))


class _IncarnatedListing(_IncarnatedInThreads, _ListingInThreads):
    pass
