# SPDX-License-Identifier: Apache-2.0
"""The same checks for an asynchronous store: its event loop runs in a thread, and every check talks to it.

So no check stands twice; racing threads become racing tasks of one loop. What only tasks can do is checked besides.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from functools import partial, update_wrapper
from typing import Any, Self, TypeVar

from ...store import AsyncStore, has_clock, has_history, has_listing
from . import event_loop
from . import tasks as tasks_
from .desk import Desk, TaskCheck
from .faults import Faults
from .report import StoreReport
from .run import FAULTY, HEALTHY, Check, _silent, chosen, run
from .store_pair import Bench
from .watch import Watch

T = TypeVar("T")

AMONG_TASKS: tuple[tuple[str, TaskCheck], ...] = (
    ("S1", tasks_.racing_tasks),
    ("S1", tasks_.a_record_per_task),
    ("S14", tasks_.cancelled_tasks),
    ("S14", tasks_.cancelled_crowd),
    ("S14", event_loop.the_loop_goes_on),
    ("S14", event_loop.the_loop_goes_on_without_the_engine),
    ("S1", event_loop.two_loops),
)
"""Each check, with the promise that is broken where it ends in an error of the store's own."""


def check_async_store(
    make: Callable[[], AsyncStore | Awaitable[AsyncStore]],
    *,
    rounds: int = 20,
    tasks: int = 100,
    faults: Faults | None = None,
    only: Iterable[str] = (),
    progress: Callable[[str], object] | None = None,
    seconds: float | None = None,
) -> StoreReport:
    """Check an asynchronous store as ``check_store`` checks one; call it outside of an event loop.

    Args:
        make: as for ``check_store``; it is called within the loop, and may be a coroutine function.
        rounds: how many rounds each race runs.
        tasks: how many tasks race, and how many are cancelled.
        faults: as for ``check_store``.
        only: as for ``check_store``.
        progress: as for ``check_store``.
        seconds: as for ``check_store``.

    Raises:
        StoreCheckFailed: a promise is broken.
        ValueError: ``only`` names a check that there is not.
    """
    seconds = 300 + 15.0 * rounds if seconds is None else seconds
    faults = faults or Faults()
    with Loop() as loop:
        together = tuple(_among(loop, make, promise, check, tasks) for promise, check in AMONG_TASKS)
        checks = chosen(HEALTHY + together + FAULTY, only)

        def bench() -> Bench:
            short = faults.short_deadline
            failing = None if short is None else lambda: loop.handle(short)
            return Bench(
                lambda: loop.handle(make), rounds, faults, seconds=seconds, threads=False, make_failing=failing
            )

        return run(bench, checks, progress or _silent, Watch(faults.patience, seconds))


def _among(loop: Loop, make: Callable[[], Any], promise: str, check: TaskCheck, tasks: int) -> Check:
    def body(bench: Bench) -> None:
        desk = Desk(loop.stores, make, tasks, bench, bench.failing.store.store)
        bench.watch.long_call(check.__name__, loop.run, check(desk))

    update_wrapper(body, check)
    return promise, body


class Loop:
    """An event loop in a thread of its own."""

    def __enter__(self) -> Self:
        self.stores: list[Any] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        if not self._thread.is_alive():
            self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something that nobody waits for: it may be asked for by whatever thread collects garbage."""
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(work, self._loop)
        else:
            work.close()

    def handle(self, make: Callable[[], AsyncStore | Awaitable[AsyncStore]]) -> Bridge:
        """Open a store in the loop."""
        store = self.run(made(make))
        self.stores.append(store)
        return Bridge(store, self)


async def made(make: Callable[[], Any]) -> Any:
    """Open a store by a function, or by a coroutine function."""
    store = make()
    return await store if inspect.isawaitable(store) else store


async def _answer(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    answer = call(*arguments, **named)
    return await answer if inspect.isawaitable(answer) else answer


class Bridge:
    """An asynchronous store as a sync one, with the capabilities that the store has."""

    def __init__(self, store: Any, loop: Loop) -> None:
        self.store = store
        self.loop = loop
        if has_listing(store):
            self.keys: Callable[[str], Iterator[str]] = self._keys
        if has_history(store):
            self.incarnation: Callable[[], str] = self._incarnation
            self.at: Callable[..., Bridge] = self._at
        if has_clock(store):
            self.clock: Callable[[], float] = partial(self._call, "clock")

    def load(self, key: str, /) -> bytes | None:
        """See ``Store.load``."""
        found: bytes | None = self._call("load", key)
        return found

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``Store.swap``."""
        landed: bool = self._call("swap", key, old, new)
        return landed

    def close(self) -> None:
        """Close the store, where it can be closed."""
        if callable(getattr(self.store, "close", None)):
            self._call("close")

    def _call(self, word: str, *arguments: Any) -> Any:
        return self.loop.run(_answer(getattr(self.store, word), *arguments))

    def _keys(self, kind: str, /) -> Iterator[str]:
        keys = self.store.keys(kind)
        try:
            while True:
                key = self.loop.run(anext(keys, None))
                if key is None:
                    return
                yield key
        finally:
            if hasattr(keys, "aclose"):
                self.loop.begin(keys.aclose())

    def _incarnation(self) -> str:
        name: str = self._call("incarnation")
        return name

    def _at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> Bridge:
        pinned = {} if beside is None else {"beside": beside}
        return Bridge(self.store.at(incarnation, **pinned), self.loop)
