# SPDX-License-Identifier: Apache-2.0
"""An engine that is stopped, silent, cut off or full (S4, S10, S14, S16): typed errors in time, and never a pass."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ...errors import HistoryLost, StoreUnavailable, StoreUncertain
from .durability import patient_load
from .failure import NotTriedError, StoreCheckFailed, expect, needs
from .faults import Fault
from .lost_history import pinned
from .store_pair import Bench, ordinary_bytes
from .watch import Handle, has_views, lists, tells_time

Attempt = tuple[Handle, str, bytes | None, bytes | None]
Answer = BaseException | bytes | bool | None

_LATE = 0.3
"""How many seconds a swap that was refused for certain is given to land after all."""


def while_stopped(bench: Bench) -> None:
    """An engine that is not there answers nothing, and raises in time."""
    _inflict(bench, bench.faults.stopped, "stopped", reads_work=False)


def while_paused(bench: Bench) -> None:
    """An engine that does not answer is given up in time; what it was asked before may land when it wakes up."""
    _inflict(bench, bench.faults.paused, "paused", reads_work=False)


def while_full(bench: Bench) -> None:
    """An engine without room refuses writes, says so, and loses nothing that it has."""
    _inflict(bench, bench.faults.full, "full", reads_work=True, size=200_000)


def while_replies_are_lost(bench: Bench) -> None:
    """A swap whose reply is lost is uncertain: not landed, not lost, not safe to say that nothing happened."""
    _inflict(bench, bench.faults.replies_lost, "replies_lost", reads_work=False, names_keys=True)


def while_one_reply_is_lost(bench: Bench) -> None:
    """A swap whose one reply is lost is not repeated: the repetition would find its own bytes and answer False."""
    fault = bench.faults.one_reply_lost
    needs(fault, "no hook: Faults(one_reply_lost=...)")
    assert fault is not None
    for turn in range(3):
        for handle, key, old, new in _attempts(bench, ordinary_bytes()):
            if turn:
                patient_load(bench, key, handle)
            with fault():
                answer = in_time(bench, partial(handle.swap, key, old, new))
            judge(answer, landed=patient_load(bench, key) == new, room=True)
            expect(patient_load(bench, key) in (old, new), "S5", "a record is neither what it was nor what was asked")
        key, value = bench.record()
        with fault():
            read = in_time(bench, partial(bench.failing.load, key))
        if not isinstance(read, StoreUnavailable):
            expect(read == value, "S2", "a load is answered by something else than the engine")
        next_is_right(bench, key)


def _attempts(bench: Bench, new: bytes) -> Iterator[Attempt]:
    """Yield a replacement, a delete and a create, on the store and on each kind of view that it makes."""
    handles = [bench.failing]
    if has_views(bench.a):
        name = bench.a.incarnation()
        handles.append(bench.failing.at(name))
        with contextlib.suppress(NotTriedError):
            handles.append(pinned(bench.failing, bench.record("r"), name))
    for handle in handles:
        yield (handle, *bench.record(), new)
        yield (handle, *bench.record(), None)
        yield handle, bench.key(), None, new


def _inflict(
    bench: Bench, fault: Fault | None, hook: str, *, reads_work: bool, size: int = 300, names_keys: bool = False
) -> None:
    needs(fault, f"no hook: Faults({hook}=...)")
    assert fault is not None
    attempts = list(_attempts(bench, ordinary_bytes(size)))
    name = bench.a.incarnation() if has_views(bench.a) else ""
    listed = {bench.record("v", 40)[0] for _ in range(5)}
    for handle, key, old, _ in attempts:
        expect(patient_load(bench, key, handle) == old, "S2", "a record is not read as it was written")
    told: list[Answer] = []
    with fault():
        for handle, key, old, asked in attempts:
            read = in_time(bench, partial(handle.load, key))
            if not (reads_work and read == old):
                expect(isinstance(read, StoreUnavailable), "S2", "a load is answered by something else than the engine")
            told.append(in_time(bench, partial(handle.swap, key, old, asked)))
        # A proxy may let pass what names no key of a record: then a question for names, keys and time is answered.
        _capabilities(bench, name, listed, reads_work=reads_work or names_keys)
    found = [patient_load(bench, key) for _, key, _, _ in attempts]
    for (_, _, old, asked), answer, there in zip(attempts, told, found, strict=True):
        judge(answer, landed=there == asked, room=reads_work)
        expect(there is not None or None in (old, asked), "S9", "a record is gone")
        expect(there in (old, asked), "S5", "a record is neither what it was nor what was asked")
    time.sleep(_LATE)
    for (_, key, old, _), answer in zip(attempts, told, strict=True):
        if isinstance(answer, StoreUnavailable):
            expect(patient_load(bench, key) == old, "S10", "a swap that was refused for certain landed later")
        next_is_right(bench, key)


def _capabilities(bench: Bench, name: str, listed: set[str], *, reads_work: bool) -> None:
    """Ask an engine that fails for names, keys and time: it answers rightly, or raises StoreUnavailable in time."""
    store: Any = bench.failing
    if lists(store):
        keys = in_time(bench, lambda: listed <= set(store.keys("v")))
        if not (reads_work and keys is True):
            expect(isinstance(keys, StoreUnavailable), "S9", "a listing ends though the engine fails")
    if has_views(store):
        asked = in_time(bench, lambda: store.incarnation() == name)
        if not (asked is True and (reads_work or not name)):
            expect(isinstance(asked, StoreUnavailable), "S12", "a history is named by something else than the engine")
    if tells_time(store) and not reads_work:
        asked = in_time(bench, lambda: store.clock() > 0)
        expect(isinstance(asked, StoreUnavailable), "S16", "a clock is shown by something else than the server")


def judge(answer: object, *, landed: bool, room: bool) -> None:
    """Check what a swap answered under a fault, knowing what became of it."""
    if isinstance(answer, StoreUncertain):
        return
    if isinstance(answer, StoreUnavailable):
        expect(not landed, "S4", "a swap that landed was called unavailable, which says that nothing landed")
        return
    if answer is True and room and landed:
        return  # there was still room for this one
    if isinstance(answer, HistoryLost):
        raise StoreCheckFailed("S12", "a view tells of a lost history though none was lost")
    if isinstance(answer, BaseException):
        raise StoreCheckFailed("S16", f"a {type(answer).__name__} crosses the protocol") from answer
    raise StoreCheckFailed("S4", f"a swap whose outcome was not known answered {answer!r}")


def in_time(bench: Bench, call: Callable[[], bytes | bool | None]) -> Answer:
    """Return what a call answers or raises; one that hangs fails."""
    answer: list[Answer] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as error:  # noqa: BLE001 (it is the answer)
            answer.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.5, bench.faults.patience * 0.9))
    expect(not thread.is_alive(), "S14", "a call has no deadline: it hangs while the engine does not answer")
    if isinstance(answer[0], StoreCheckFailed):
        raise answer[0]
    return answer[0]


def next_is_right(bench: Bench, key: str) -> None:
    """The attempt after a fault reads what there is, and lands."""
    until = time.monotonic() + bench.faults.patience
    while True:
        now = patient_load(bench, key)
        new = ordinary_bytes()
        try:
            if bench.failing.swap(key, now, new):
                expect(patient_load(bench, key) == new, "S2", "after a fault a load is older than the swap before it")
                return
        except (StoreUnavailable, StoreUncertain):
            time.sleep(0.05)
        expect(time.monotonic() < until, "S14", "the store does not work again after a fault")
