# SPDX-License-Identifier: Apache-2.0
"""The event loop of an asynchronous store: no call blocks it, and there may be two (S1, S14)."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import statistics
import sys
import threading
import time
from collections.abc import Generator
from typing import Any, Final, Self

from ...errors import StoreUnavailable
from .results import NotTriedError, expect, require
from .store_pair import ordinary_bytes
from .task_context import TaskContext, bounded, require_bool

_MAX_WAIT: Final = 0.001
"""Seconds that one resumption of a call may spend in the loop's own thread without computing."""


_PACE: Final = 0.005
"""Seconds between two turns of the loop, and between two counts of the thread that they are compared with."""
_FEW_PULSES: Final = 5
"""Counts of that thread within one turn of the loop that are no sign yet: threads are not woken evenly."""


async def loop_is_free(context: TaskContext) -> None:
    """Wait for the engine without blocking the thread of the event loop."""
    require(sys.platform == "linux", "this system does not count the waits of a thread")
    key, held = context.key(), None
    for word in ("swap", "load"):
        waits: list[float] = []
        for _ in range(25):
            if word == "load":
                waits.append(await _longest_wait(context.stores[0].load(key)))
                continue
            new = ordinary_bytes()
            waits.append(await _longest_wait(context.stores[0].swap(key, held, new)))
            held = new
        usual = statistics.quantiles(waits)[0]
        expect(usual < _MAX_WAIT, "S14", f"{word} waits in the loop's own thread, for {usual * 1000:.1f} ms as a rule")


async def _longest_wait(work: Any) -> float:
    """Await a call, and return the longest time that one of its resumptions spent without computing."""
    return (await _TimedSteps(work))[0]  # type: ignore[no-any-return]


class _TimedSteps:
    """Awaitable that times each resumption of another."""

    def __init__(self, work: Any) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        longest, got, error = 0.0, None, None
        while True:
            wall, computed, switches = time.monotonic(), time.thread_time(), _switches()
            try:
                waited_for = steps.throw(error) if error is not None else steps.send(got)
            except StopIteration as done:
                waited_for = done
            if _switches() > switches:
                longest = max(longest, time.monotonic() - wall - (time.thread_time() - computed))
            if isinstance(waited_for, StopIteration):
                return longest, waited_for.value
            got, error = None, None
            try:
                got = yield waited_for
            except BaseException as raised:  # noqa: BLE001 (a cancellation is the store's to see)
                error = raised


def _switches() -> int:
    """Return the number of voluntary context switches of this thread, which happen where it waits."""
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


async def loop_is_free_while_paused(context: TaskContext) -> None:
    """Let the loop run other tasks while a call waits for an engine that does not answer."""
    fault = context.pair.faults.paused
    require(fault, "no hook: Faults(paused=...)")
    assert fault is not None
    key, store = context.key(), context.failing
    with contextlib.suppress(StoreUnavailable):  # it connects, so that the call below has only to wait
        await bounded(context, store.load(key))
    with fault(), _Pulse() as pulse:
        beats = asyncio.ensure_future(_beat(pulse))
        try:
            await asyncio.sleep(0.02)
            first = pulse.count
            with contextlib.suppress(StoreUnavailable):
                await bounded(context, store.load(key))
            last = pulse.count
            await asyncio.sleep(0.02)
        finally:
            beats.cancel()
            await asyncio.wait([beats])
    longest = max(pulse.gaps)
    held_up = longest >= _FEW_PULSES and longest > (last - first) / 2
    expect(not held_up, "S14", "a call that waits for the engine holds up the loop")


class _Pulse:
    """Thread that counts at the pace at which this machine lets any thread run.

    The turns of the loop are compared with its count and not with a clock: a busy machine slows down both.

    Attributes:
        count: how often the thread has counted.
        gaps: by how much the count had grown at each turn of the loop.
    """

    def __init__(self) -> None:
        self.count = 0
        self.gaps: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_PACE):
            self.count += 1


async def _beat(pulse: _Pulse) -> None:
    """Note at each turn of the loop how far the count has grown since the last turn."""
    last = pulse.count
    while True:
        await asyncio.sleep(_PACE)
        now = pulse.count
        pulse.gaps.append(now - last)
        last = now


async def two_loops(context: TaskContext) -> None:
    """Count one record up in two loops, each with a store of its own on the same records."""
    first_store = context.stores[0]
    found: list[Any] = []
    key, rounds = context.key(), max(4, context.pair.rounds // 4)

    async def count_in_second_loop() -> None:
        made = context.make()
        store = await made if inspect.isawaitable(made) else made
        same = any(store is other for other in context.stores)
        found.append(same)
        if same:
            return
        try:
            await _count(store)
        finally:
            if callable(getattr(store, "close", None)):
                closing = store.close()
                if inspect.isawaitable(closing):
                    await closing

    async def _count(store: Any) -> None:
        done = 0
        while done < rounds:
            now = await store.load(key)
            with contextlib.suppress(StoreUnavailable):
                done += require_bool(await store.swap(key, now, b"%d" % (int(now or b"0") + 1)))

    other = asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(count_in_second_loop()))
    await asyncio.gather(_count(first_store), other)
    if found == [True]:
        raise NotTriedError("make() returns the same store each time, which belongs to one loop")
    expect(await first_store.load(key) == b"%d" % (2 * rounds), "S1", "applied swaps of two loops are lost")
