# SPDX-License-Identifier: Apache-2.0
"""An engine that is stopped, silent, cut off or full (S4, S10, S14, S16): typed errors in time, and never a pass."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from functools import partial

from ...errors import StoreUnavailable, StoreUncertain
from .bench import Bench
from .durability import patient_load
from .failure import StoreCheckFailed, expect
from .faults import Fault

_LATE = 0.3
"""How many seconds a swap that was refused for certain is given to land after all."""


def while_stopped(bench: Bench) -> None:
    """An engine that is not there answers nothing, and raises in time."""
    _inflict(bench, bench.faults.stopped, reads_work=False)


def while_paused(bench: Bench) -> None:
    """An engine that does not answer is given up in time; what it was asked before may land when it wakes up."""
    _inflict(bench, bench.faults.paused, reads_work=False)


def while_full(bench: Bench) -> None:
    """An engine without room refuses writes, says so, and loses nothing that it has."""
    _inflict(bench, bench.faults.full, reads_work=True, size=200_000)


def while_replies_are_lost(bench: Bench) -> None:
    """A swap whose reply is lost is uncertain: not landed, not lost, not safe to say that nothing happened."""
    _inflict(bench, bench.faults.replies_lost, reads_work=False)


def _inflict(bench: Bench, fault: Fault | None, *, reads_work: bool, size: int = 300) -> None:
    if fault is None:
        return
    new = secrets.token_bytes(size)
    attempts = [(*bench.record(), new), (*bench.record(), None), (bench.key(), None, new)]
    for key, old, _ in attempts:
        expect(bench.a.load(key) == old, "S2", "a record is not read as it was written")
    told: list[BaseException | bytes | bool | None] = []
    with fault():
        for key, old, asked in attempts:
            read = _in_time(bench, partial(bench.a.load, key))
            if not (reads_work and read == old):
                expect(isinstance(read, StoreUnavailable), "S2", "a load is answered by something else than the engine")
            told.append(_in_time(bench, partial(bench.a.swap, key, old, asked)))
    found = [patient_load(bench, key) for key, _, _ in attempts]
    for (_, old, asked), answer, there in zip(attempts, told, found, strict=True):
        _judge(answer, landed=there == asked, room=reads_work)
        expect(there in (old, asked), "S5", "a record is neither what it was nor what was asked")
    time.sleep(_LATE)
    for (key, old, _), answer in zip(attempts, told, strict=True):
        if isinstance(answer, StoreUnavailable):
            expect(patient_load(bench, key) == old, "S10", "a swap that was refused for certain landed later")
        _next_is_right(bench, key)


def _judge(answer: object, *, landed: bool, room: bool) -> None:
    """Judge what a swap answered under a fault, knowing what became of it."""
    if isinstance(answer, StoreUncertain):
        return
    if isinstance(answer, StoreUnavailable):
        expect(not landed, "S4", "a swap that landed was called unavailable, which says that nothing landed")
        return
    if answer is True and room and landed:
        return  # there was still room for this one
    if isinstance(answer, BaseException):
        raise StoreCheckFailed("S16", f"a {type(answer).__name__} crosses the protocol") from answer
    raise StoreCheckFailed("S4", f"a swap whose outcome was not known answered {answer!r}")


def _in_time(bench: Bench, call: Callable[[], bytes | bool | None]) -> BaseException | bytes | bool | None:
    """Return what a call answers or raises; one that hangs fails."""
    answer: list[BaseException | bytes | bool | None] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as error:  # noqa: BLE001 (it is the answer)
            answer.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(bench.faults.patience)
    expect(not thread.is_alive(), "S14", "a call has no deadline: it hangs while the engine does not answer")
    return answer[0]


def _next_is_right(bench: Bench, key: str) -> None:
    """The attempt after a fault reads what there is, and lands."""
    until = time.monotonic() + bench.faults.patience
    while True:
        now = patient_load(bench, key)
        new = secrets.token_bytes(300)
        try:
            if bench.a.swap(key, now, new):
                expect(patient_load(bench, key) == new, "S2", "after a fault a load is older than the swap before it")
                return
        except (StoreUnavailable, StoreUncertain):
            time.sleep(0.05)
        expect(time.monotonic() < until, "S14", "the store does not work again after a fault")
