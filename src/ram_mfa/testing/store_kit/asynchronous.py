# SPDX-License-Identifier: Apache-2.0
"""The same checks for an asynchronous store: its event loop runs in a thread, and every check talks to it.

So no check stands twice; racing threads become racing tasks of one loop. What only tasks can do is checked besides.
"""

from __future__ import annotations

import asyncio
import inspect
import secrets
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Self, TypeVar

from ...store import AsyncStore, has_history, has_listing
from .bench import Bench
from .failure import StoreCheckFailed, expect
from .faults import Faults
from .run import FAULTY, HEALTHY, Checks, run_check

T = TypeVar("T")


def check_async_store(
    make: Callable[[], AsyncStore | Awaitable[AsyncStore]],
    *,
    rounds: int = 20,
    tasks: int = 100,
    faults: Faults | None = None,
) -> None:
    """Check an asynchronous store as ``check_store`` checks one; call it outside of an event loop.

    Args:
        make: as for ``check_store``; it is called within the loop, and may be a coroutine function.
        rounds: how many rounds each race runs.
        tasks: how many tasks race, and how many are cancelled.
        faults: as for ``check_store``.

    Raises:
        StoreCheckFailed: a promise is broken.
    """
    with _Loop() as loop:
        bench = Bench(lambda: loop.handle(make), rounds, faults or Faults())
        together: Checks = (
            ("S1", lambda _: loop.run(_racing_tasks(loop.stores, tasks, rounds))),
            ("S14", lambda _: loop.run(_cancelled_tasks(loop.stores[0], tasks))),
        )
        try:
            for promise, check in HEALTHY + together + FAULTY:
                run_check(promise, check, bench)
        finally:
            bench.close()


class _Loop:
    """An event loop in a thread of its own."""

    def __enter__(self) -> Self:
        self.stores: list[AsyncStore] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def handle(self, make: Callable[[], AsyncStore | Awaitable[AsyncStore]]) -> _Handle:
        async def made() -> AsyncStore:
            store = make()
            return await store if inspect.isawaitable(store) else store

        store = self.run(made())
        self.stores.append(store)
        return _Handle(store, self)


class _Handle:
    """An asynchronous store, as the checks see it, with the capabilities that the store has."""

    def __init__(self, store: Any, loop: _Loop) -> None:
        self.store = store
        self.loop = loop
        if has_listing(store):
            self.keys = self._keys
        if has_history(store):
            self.incarnation, self.at = self._incarnation, self._at

    def load(self, key: str, /) -> bytes | None:
        return self.loop.run(self.store.load(key))  # type: ignore[no-any-return]

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return self.loop.run(self.store.swap(key, old, new))  # type: ignore[no-any-return]

    def close(self) -> None:
        if hasattr(self.store, "close"):

            async def close() -> None:
                closing = self.store.close()
                if inspect.isawaitable(closing):
                    await closing

            self.loop.run(close())

    def _keys(self, kind: str, /) -> Iterator[str]:
        keys = self.store.keys(kind)
        while True:
            key = self.loop.run(anext(keys, None))
            if key is None:
                return
            yield key

    def _incarnation(self) -> str:
        return self.loop.run(self.store.incarnation())  # type: ignore[no-any-return]

    def _at(self, incarnation: str, /) -> _Handle:
        return _Handle(self.store.at(incarnation), self.loop)


async def _racing_tasks(stores: list[AsyncStore], tasks: int, rounds: int) -> None:
    """Of many tasks that swap from the same bytes one lands, in every round."""
    key = "k" + secrets.token_urlsafe(32)
    held: bytes | None = None
    for _ in range(max(1, rounds // 4)):
        bids = [secrets.token_bytes(300) for _ in range(tasks)]
        asked = (stores[place % 2].swap(key, held, bid) for place, bid in enumerate(bids))
        wins = await asyncio.gather(*asked)
        expect(wins.count(True) == 1, "S1", f"{wins.count(True)} of {tasks} racing tasks landed")
        held = bids[wins.index(True)]
        expect(await stores[1].load(key) == held, "S1", "after a race the record is not the winner's")
    expect(await stores[0].swap(key, held, None), "S13", "deleting a record did not land")


async def _cancelled_tasks(store: AsyncStore, tasks: int) -> None:
    """Tasks that are cancelled at any moment take nothing with them: the next call works, and reads one of the bids."""
    key = "k" + secrets.token_urlsafe(32)
    bids: list[bytes | None] = [None]
    for place in range(tasks):
        held = await store.load(key)
        bid = secrets.token_bytes(300)
        bids.append(bid)
        task = asyncio.ensure_future(store.swap(key, held, bid))
        for _ in range(place % 7):
            await asyncio.sleep(0)
        task.cancel()
        ended = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended[0], Exception) and not isinstance(ended[0], asyncio.CancelledError):
            raise StoreCheckFailed("S16", f"a cancelled swap raises {type(ended[0]).__name__}") from ended[0]
        expect(await store.load(key) in bids, "S5", "after a cancelled swap the record is nothing that was asked")
    held = await store.load(key)
    expect(await store.swap(key, held, held and None) is (held is not None), "S14", "after cancellations a swap fails")
