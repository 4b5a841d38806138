# SPDX-License-Identifier: Apache-2.0
"""A store in the memory of one process: for tests, and for services that may forget every device at a restart.

Fault model: threads of one process. A restart or a fork starts another history; nothing here is durable (S3).
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator


class MemoryStore:
    """Records in a dictionary behind a lock; its ``Listing`` copies the keys of one kind."""

    __slots__ = ("_lock", "_records")

    def __init__(self) -> None:
        self._records: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<MemoryStore of {len(self._records)} records>"

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``; reading one key of a dictionary is atomic in itself."""
        return self._records.get(key)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        with self._lock:
            if self._records.get(key) != old:
                return False
            if new is not None:
                self._records[key] = new
                return True
            return self._records.pop(key, None) is not None

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        with self._lock:
            named = [key for key in self._records if key.startswith(kind)]
        return iter(named)


class AsyncMemoryStore:
    """``MemoryStore`` for one event loop, or for several: nothing in it waits."""

    __slots__ = ("_store",)

    def __init__(self) -> None:
        self._store = MemoryStore()

    def __repr__(self) -> str:
        return f"<Async{repr(self._store)[1:]}"

    async def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return self._store.load(key)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return self._store.swap(key, old, new)

    async def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        for key in self._store.keys(kind):
            yield key
