# SPDX-License-Identifier: Apache-2.0
"""Checks of tasks: races, records of their own, and cancellations (S1, S14)."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Final

from ...errors import MFAError, StoreUnavailable, StoreUncertain
from .results import StoreCheckFailed, expect
from .store_pair import ordinary_bytes
from .task_context import TaskContext, bounded, require_bool

_LATE_AFTER: Final = 0.4
"""Seconds after which a write that was cancelled must still not be applied."""


class _Delayed:
    """Awaitable that lets other tasks run after each resumption of another."""

    def __init__(self, work: Awaitable[Any], dice: random.Random) -> None:
        self._work, self._dice = work, dice

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        send: Callable[[], Any] = lambda: next(steps)  # noqa: E731
        while True:
            try:
                waited_for = send()
            except StopIteration as done:
                return done.value
            try:
                got = yield waited_for
                for _ in range(self._dice.choice((0, 0, 1, 2, 5))):
                    yield None
            except BaseException as error:  # noqa: BLE001 (a cancellation is the store's to see)
                send = lambda error=error: steps.throw(error)  # type: ignore[misc] # noqa: E731
            else:
                send = lambda got=got: steps.send(got)  # type: ignore[misc] # noqa: E731


async def _delay(work: Awaitable[Any], dice: random.Random) -> Any:
    for _ in range(dice.choice((0, 0, 1, 3))):
        await asyncio.sleep(0)
    return await _Delayed(work, dice)


async def racing_tasks(context: TaskContext) -> None:
    """Apply one of the swaps of many tasks from the same bytes, in every round."""
    key, held = context.key(), None
    for round_ in range(max(4, context.pair.rounds // 4)):
        bids = [ordinary_bytes() for _ in range(context.tasks)]
        calls = [context.stores[place % 2].swap(key, held, bid) for place, bid in enumerate(bids)]
        if round_ % 2:
            calls = [_delay(call, random.Random(f"{round_} {place}")) for place, call in enumerate(calls)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        wins = [not isinstance(answer, StoreUnavailable) and _swapped(answer) for answer in answers]
        expect(
            wins.count(True) == 1,
            "S1" if held else "S7",
            f"{wins.count(True)} of {len(bids)} racing tasks were applied",
        )
        held = bids[wins.index(True)]
        expect(await context.stores[1].load(key) == held, "S1", "after a race the record is not the winner's")
    expect(require_bool(await context.stores[0].swap(key, held, None)), "S13", "deleting a record was not applied")


def _swapped(answer: Any) -> bool:
    if isinstance(answer, BaseException):
        raise answer
    return require_bool(answer)


async def record_per_task(context: TaskContext) -> None:
    """Give each of many tasks on one store its own record, and never another's."""
    for turn in range(4):
        store = context.stores[turn % 2]
        await asyncio.gather(*(_own_record(store, context.key(), random.Random(f"{turn} {n}")) for n in range(20)))


async def _own_record(store: Any, key: str, dice: random.Random) -> None:
    held: bytes | None = None
    for size in (100, 2_500, 16_000, 300):
        new = ordinary_bytes(size)
        applied = require_bool(await _delay(store.swap(key, held, new), dice))
        expect(applied, "S1", "a swap was not applied from the record of this task alone")
        expect(await _delay(store.load(key), dice) == new, "S6", "a task does not read its own record")
        wrong = require_bool(await _delay(store.swap(key, new + b"1", b"x"), dice))
        expect(not wrong, "S1", "a swap from other bytes than the record's was applied")
        held = new
    expect(
        require_bool(await store.swap(key, held, None)), "S13", "a delete was not applied from this task's own record"
    )
    expect(await store.load(key) is None, "S13", "a task reads a record after it deleted it")


async def cancelled_tasks(context: TaskContext) -> None:
    """Cancel tasks at any point: later calls work, and a cancelled swap is not applied late."""
    key, store = context.key(), context.stores[0]
    bids: list[bytes | None] = [None]
    began = time.monotonic()
    await store.load(key)
    usual = min(0.05, time.monotonic() - began)
    for place in range(max(40, context.tasks)):
        held = await bounded(context, store.load(key))
        expect(held in bids, "S5", "after a cancelled swap the record is none of the requested values")
        bid = ordinary_bytes()
        bids.append(bid)
        before = asyncio.all_tasks()
        ended = await _cancelled(context, store.swap(key, held, bid), place, usual)
        left = asyncio.all_tasks() - before
        now = await bounded(context, store.load(key))
        if isinstance(ended, bool):
            expect((now == bid) == ended, "S4", f"a swap that was cancelled answered {ended}, and it is otherwise")
        elif isinstance(ended, StoreUnavailable):
            expect(now != bid, "S4", "an applied swap was reported as unavailable when it was cancelled")
        if place % 4 == 0 and any(not task.done() for task in left):
            await asyncio.sleep(_LATE_AFTER)
            later = await bounded(context, store.load(key))
            expect(later == now, "S10", "a swap was applied after its task was cancelled and had ended")
        await _cancelled(context, store.load(key), place, usual)
    await asyncio.sleep(_LATE_AFTER)
    held = await bounded(context, store.load(key))
    expect(held in bids, "S5", "after a cancelled swap the record is none of the requested values")
    expect(await bounded(context, store.swap(key, held, b"last")) is True, "S14", "after cancellations a swap fails")
    expect(await bounded(context, store.swap(key, b"last", None)) is True, "S14", "after cancellations a delete fails")


async def cancelled_crowd(context: TaskContext) -> None:
    """Cancel half of many tasks: the others are answered rightly, and the store goes on working."""
    store, dice = context.stores[0], random.Random("crowd")
    for _ in range(3):
        keys = [context.key() for _ in range(24)]
        mine = {key: ordinary_bytes() for key in keys}
        running = [asyncio.ensure_future(store.swap(key, None, value)) for key, value in mine.items()]
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        for task in running[::2]:
            task.cancel()
        answers = await bounded(context, asyncio.gather(*running, return_exceptions=True))
        for place, (key, answer) in enumerate(zip(keys, answers, strict=True)):
            found = await bounded(context, store.load(key))
            expect(found in (None, mine[key]), "S5", "among cancelled tasks a record is another's")
            if place % 2:
                expect(not isinstance(answer, asyncio.CancelledError), "S14", "a task is cancelled with another")
                expect(_swapped(answer), "S1", "a create next to cancelled tasks was not applied")
                expect(found == mine[key], "S1", "a create next to cancelled tasks is not there")


async def _cancelled(context: TaskContext, work: Coroutine[Any, Any, Any], place: int, usual: float) -> Any:
    """Cancel a call after some turns of the loop, or some time, and return its result or error."""
    task = asyncio.ensure_future(work)
    if place % 3 == 2:
        await asyncio.sleep(usual * (place % 11) / 8)
    else:
        for _ in range(place % 8):
            await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=context.pair.faults.patience * 0.9)
    expect(done, "S14", "a cancelled call does not end")
    if task.cancelled():
        return None
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, StoreCheckFailed):
        raise error
    if not isinstance(error, StoreUnavailable | StoreUncertain):
        what = "" if isinstance(error, MFAError) else "S16"
        raise StoreCheckFailed(what or "S14", f"a cancelled call raises {type(error).__name__}") from error
    return error
