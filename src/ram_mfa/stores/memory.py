# SPDX-License-Identifier: Apache-2.0
"""A store in the memory of one process, for tests and for services that may lose every device at a restart.

Fault model: the threads of one process. A restart or a fork begins another history; nothing is durable (S3).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Generator, Iterator

import attrs

from ..errors import HistoryLost


class MemoryStore:
    """Records in a dictionary behind a lock; its ``Listing`` copies the keys of one kind."""

    __slots__ = ("_lock", "_records")

    durable = False
    """False: records end with the process, so a plaintext seal causes no warning."""

    def __init__(self) -> None:
        self._records: dict[str, bytes] = {}
        self._lock = threading.RLock()  # reentrant: a view holds it while it calls the store

    def __repr__(self) -> str:
        return f"<MemoryStore of {len(self._records)} records>"

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``; reading one key of a dictionary is atomic."""
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
            keys = [key for key in self._records if key.startswith(kind)]
        return iter(keys)

    def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``: a process has a single history, without a name."""
        return ""

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, incarnation, beside)


@attrs.frozen
class _View:
    """A store at one incarnation, with one of its records pinned."""

    _store: MemoryStore
    _incarnation: str
    _beside: tuple[str, bytes] | None

    def load(self, key: str, /) -> bytes | None:
        with self.unchanged():
            return self._store.load(key)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        if old is None and new is None:
            return False
        with self.unchanged():
            return self._store.swap(key, old, new)

    @contextlib.contextmanager
    def unchanged(self) -> Generator[None, None, None]:
        """Hold the store's lock after checking that its history and the pinned record are the view's.

        Raises:
            HistoryLost: either differs.
        """
        store = self._store
        with store._lock:  # noqa: SLF001 (the store's own view)
            pinned = self._beside is None or store._records.get(self._beside[0]) == self._beside[1]  # noqa: SLF001
            if self._incarnation or not pinned:
                raise HistoryLost("")
            yield


class AsyncMemoryStore:
    """``MemoryStore`` for any number of event loops: no call waits."""

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

    async def incarnation(self) -> str:
        """See ``MemoryStore.incarnation``."""
        return self._store.incarnation()

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _AsyncView:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _AsyncView(self, self._store.at(incarnation, beside=beside))


@attrs.frozen
class _AsyncView:
    """Async variant of ``_View``. No call of the store suspends, so no other task runs while the lock is held."""

    _store: AsyncMemoryStore
    _view: _View

    async def load(self, key: str, /) -> bytes | None:
        with self._view.unchanged():
            return await self._store.load(key)

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        if old is None and new is None:
            return False
        with self._view.unchanged():
            return await self._store.swap(key, old, new)
