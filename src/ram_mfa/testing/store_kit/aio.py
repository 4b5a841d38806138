# SPDX-License-Identifier: Apache-2.0
"""The checks of the kit for an asynchronous store, whose event loop runs in a thread of its own.

The checks of synchronous stores call the store through that thread, so racing threads become racing tasks of one
loop. Checks of tasks alone, such as cancellation, are added.
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
from .faults import Faults
from .results import StoreReport
from .run import FAULTY, HEALTHY, Check, _ignore, run, select_checks
from .store_pair import StorePair
from .task_context import TaskCheck, TaskContext
from .watchdog import Watchdog

T = TypeVar("T")

TASK_CHECKS: tuple[tuple[str, TaskCheck], ...] = (
    ("S1", tasks_.racing_tasks),
    ("S1", tasks_.record_per_task),
    ("S14", tasks_.cancelled_tasks),
    ("S14", tasks_.cancelled_crowd),
    ("S14", event_loop.loop_is_free),
    ("S14", event_loop.loop_is_free_while_paused),
    ("S1", event_loop.two_loops),
)
"""Each check, and the promise that is broken where the check ends in an exception of the store."""


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
    with LoopThread() as loop:
        together = tuple(_task_check(loop, make, promise, check, tasks) for promise, check in TASK_CHECKS)
        checks = select_checks(HEALTHY + together + FAULTY, only)

        def pair() -> StorePair:
            short = faults.short_deadline
            failing = None if short is None else lambda: loop.handle(short)
            return StorePair(
                lambda: loop.handle(make), rounds, faults, seconds=seconds, threads=False, make_failing=failing
            )

        return run(pair, checks, progress or _ignore, Watchdog(faults.patience, seconds))


def _task_check(loop: LoopThread, make: Callable[[], Any], promise: str, check: TaskCheck, tasks: int) -> Check:
    def body(pair: StorePair) -> None:
        context = TaskContext(loop.stores, make, tasks, pair, pair.failing.store.store)
        pair.watch.long_call(check.__name__, loop.run, check(context))

    update_wrapper(body, check)
    return promise, body


class LoopThread:
    """Event loop in a thread of its own."""

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
        """Start a coroutine without waiting for it; any thread may call this, also one that collects garbage."""
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(work, self._loop)
        else:
            work.close()

    def handle(self, make: Callable[[], AsyncStore | Awaitable[AsyncStore]]) -> SyncAdapter:
        """Open a store in the loop."""
        store = self.run(open_store(make))
        self.stores.append(store)
        return SyncAdapter(store, self)


async def open_store(make: Callable[[], Any]) -> Any:
    """Open a store with a plain function or a coroutine function."""
    store = make()
    return await store if inspect.isawaitable(store) else store


async def _answer(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    answer = call(*arguments, **named)
    return await answer if inspect.isawaitable(answer) else answer


class SyncAdapter:
    """Synchronous view of an asynchronous store, with the capabilities that the store has."""

    def __init__(self, store: Any, loop: LoopThread) -> None:
        self.store = store
        self.loop = loop
        if has_listing(store):
            self.keys: Callable[[str], Iterator[str]] = self._keys
        if has_history(store):
            self.incarnation: Callable[[], str] = self._incarnation
            self.at: Callable[..., SyncAdapter] = self._at
        if has_clock(store):
            self.clock: Callable[[], float] = partial(self._call, "clock")

    def load(self, key: str, /) -> bytes | None:
        """See ``Store.load``."""
        found: bytes | None = self._call("load", key)
        return found

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``Store.swap``."""
        applied: bool = self._call("swap", key, old, new)
        return applied

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

    def _at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> SyncAdapter:
        pinned = {} if beside is None else {"beside": beside}
        return SyncAdapter(self.store.at(incarnation, **pinned), self.loop)
