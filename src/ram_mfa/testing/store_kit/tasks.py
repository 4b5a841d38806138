# SPDX-License-Identifier: Apache-2.0
"""Checks of asynchronous stores alone: tasks that interleave, cancellations, a loop that is held up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Final

from ...errors import MFAError, StoreUnavailable, StoreUncertain
from .desk import Desk, bounded, exactly
from .failure import StoreCheckFailed, expect
from .store_pair import ordinary_bytes

_LATE: Final = 0.4
"""Seconds that a write which was cancelled is given to land after all."""


class _Dawdling:
    """An awaitable that takes its time after each step, so that other tasks come in between."""

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


async def _dawdle(work: Awaitable[Any], dice: random.Random) -> Any:
    for _ in range(dice.choice((0, 0, 1, 3))):
        await asyncio.sleep(0)
    return await _Dawdling(work, dice)


async def racing_tasks(desk: Desk) -> None:
    """Of many tasks that swap from the same bytes one lands, in every round."""
    key, held = desk.key(), None
    for round_ in range(max(4, desk.bench.rounds // 4)):
        bids = [ordinary_bytes() for _ in range(desk.tasks)]
        calls = [desk.stores[place % 2].swap(key, held, bid) for place, bid in enumerate(bids)]
        if round_ % 2:
            calls = [_dawdle(call, random.Random(f"{round_} {place}")) for place, call in enumerate(calls)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        wins = [not isinstance(answer, StoreUnavailable) and _swapped(answer) for answer in answers]
        expect(wins.count(True) == 1, "S1" if held else "S7", f"{wins.count(True)} of {len(bids)} racing tasks landed")
        held = bids[wins.index(True)]
        expect(await desk.stores[1].load(key) == held, "S1", "after a race the record is not the winner's")
    expect(exactly(await desk.stores[0].swap(key, held, None)), "S13", "deleting a record did not land")


def _swapped(answer: Any) -> bool:
    if isinstance(answer, BaseException):
        raise answer
    return exactly(answer)


async def a_record_per_task(desk: Desk) -> None:
    """Tasks that each have a record of their own, on one store, never meet another's."""
    for turn in range(4):
        store = desk.stores[turn % 2]
        await asyncio.gather(*(_own_record(store, desk.key(), random.Random(f"{turn} {n}")) for n in range(20)))


async def _own_record(store: Any, key: str, dice: random.Random) -> None:
    held: bytes | None = None
    for size in (100, 2_500, 16_000, 300):
        new = ordinary_bytes(size)
        landed = exactly(await _dawdle(store.swap(key, held, new), dice))
        expect(landed, "S1", "a swap did not land from the record of this task alone")
        expect(await _dawdle(store.load(key), dice) == new, "S6", "a task does not read its own record")
        wrong = exactly(await _dawdle(store.swap(key, new + b"1", b"x"), dice))
        expect(not wrong, "S1", "a swap from other bytes than the record's landed")
        held = new
    expect(exactly(await store.swap(key, held, None)), "S13", "a delete did not land from this task's own record")
    expect(await store.load(key) is None, "S13", "a task reads a record after it deleted it")


async def cancelled_tasks(desk: Desk) -> None:
    """Tasks that are cancelled at any moment take nothing with them, and what they asked does not land late."""
    key, store = desk.key(), desk.stores[0]
    bids: list[bytes | None] = [None]
    began = time.monotonic()
    await store.load(key)
    usual = min(0.05, time.monotonic() - began)
    for place in range(max(40, desk.tasks)):
        held = await bounded(desk, store.load(key))
        expect(held in bids, "S5", "after a cancelled swap the record is nothing that was asked")
        bid = ordinary_bytes()
        bids.append(bid)
        before = asyncio.all_tasks()
        ended = await _cancelled(desk, store.swap(key, held, bid), place, usual)
        left = asyncio.all_tasks() - before
        now = await bounded(desk, store.load(key))
        if isinstance(ended, bool):
            expect((now == bid) == ended, "S4", f"a swap that was cancelled answered {ended}, and it is otherwise")
        elif isinstance(ended, StoreUnavailable):
            expect(now != bid, "S4", "a swap that landed was called unavailable when it was cancelled")
        if place % 4 == 0 and any(not task.done() for task in left):
            await asyncio.sleep(_LATE)
            later = await bounded(desk, store.load(key))
            expect(later == now, "S10", "a swap landed after its task was cancelled and had ended")
        await _cancelled(desk, store.load(key), place, usual)
    await asyncio.sleep(_LATE)
    held = await bounded(desk, store.load(key))
    expect(held in bids, "S5", "after a cancelled swap the record is nothing that was asked")
    expect(await bounded(desk, store.swap(key, held, b"last")) is True, "S14", "after cancellations a swap fails")
    expect(await bounded(desk, store.swap(key, b"last", None)) is True, "S14", "after cancellations a delete fails")


async def cancelled_crowd(desk: Desk) -> None:
    """Of many tasks some are cancelled in the middle: the others are answered rightly, and the store works on."""
    store, dice = desk.stores[0], random.Random("crowd")
    for _ in range(3):
        keys = [desk.key() for _ in range(24)]
        mine = {key: ordinary_bytes() for key in keys}
        running = [asyncio.ensure_future(store.swap(key, None, value)) for key, value in mine.items()]
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        for task in running[::2]:
            task.cancel()
        answers = await bounded(desk, asyncio.gather(*running, return_exceptions=True))
        for place, (key, answer) in enumerate(zip(keys, answers, strict=True)):
            found = await bounded(desk, store.load(key))
            expect(found in (None, mine[key]), "S5", "among cancelled tasks a record is another's")
            if place % 2:
                expect(not isinstance(answer, asyncio.CancelledError), "S14", "a task is cancelled with another")
                expect(_swapped(answer), "S1", "a create beside cancelled tasks did not land")
                expect(found == mine[key], "S1", "a create beside cancelled tasks is not there")


async def _cancelled(desk: Desk, work: Coroutine[Any, Any, Any], place: int, usual: float) -> Any:
    """Cancel a call after some turns of the loop, or some time, and return how it ended."""
    task = asyncio.ensure_future(work)
    if place % 3 == 2:
        await asyncio.sleep(usual * (place % 11) / 8)
    else:
        for _ in range(place % 8):
            await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=desk.bench.faults.patience * 0.9)
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
