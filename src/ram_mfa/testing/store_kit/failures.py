# SPDX-License-Identifier: Apache-2.0
"""An engine that is stopped, silent, cut off or full: typed errors within the deadline (S4, S10, S14, S16)."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ...errors import HistoryLost, StoreUnavailable, StoreUncertain
from .durability import load_patiently
from .faults import Fault
from .lost_history import pinned_view
from .results import NotTriedError, StoreCheckFailed, expect, require
from .store_pair import StorePair, ordinary_bytes
from .watchdog import Handle, can_list, has_server_clock, has_views

Attempt = tuple[Handle, str, bytes | None, bytes | None]
Answer = BaseException | bytes | bool | None

_LATE_AFTER = 0.3
"""Seconds after which a swap that was reported as not applied must still not be applied."""


def while_stopped(pair: StorePair) -> None:
    """Raise StoreUnavailable within the deadline while the engine is not running."""
    _check_under_fault(pair, pair.faults.stopped, "stopped", reads_work=False)


def while_paused(pair: StorePair) -> None:
    """Give up in time while the engine does not answer; an uncertain swap may be applied when it resumes."""
    _check_under_fault(pair, pair.faults.paused, "paused", reads_work=False)


def while_full(pair: StorePair) -> None:
    """Refuse writes of an engine that is full, and lose no record."""
    _check_under_fault(pair, pair.faults.full, "full", reads_work=True, size=200_000)


def while_replies_are_lost(pair: StorePair) -> None:
    """Report a swap whose reply is lost as uncertain: neither applied, nor lost, nor unavailable."""
    _check_under_fault(pair, pair.faults.replies_lost, "replies_lost", reads_work=False, names_keys=True)


def while_one_reply_is_lost(pair: StorePair) -> None:
    """Do not repeat a swap whose reply is lost: the repetition would find its own bytes and answer False."""
    fault = pair.faults.one_reply_lost
    require(fault, "no hook: Faults(one_reply_lost=...)")
    assert fault is not None
    for turn in range(3):
        for handle, key, old, new in _attempts(pair, ordinary_bytes()):
            if turn:
                load_patiently(pair, key, handle)
            with fault():
                answer = call_in_time(pair, partial(handle.swap, key, old, new))
            check_answer(answer, applied=load_patiently(pair, key) == new, allow_success=True)
            expect(
                load_patiently(pair, key) in (old, new), "S5", "a record is neither what it was nor what was requested"
            )
        key, value = pair.record()
        with fault():
            read = call_in_time(pair, partial(pair.failing.load, key))
        if not isinstance(read, StoreUnavailable):
            expect(read == value, "S2", "a load is answered by something other than the engine")
        check_recovery(pair, key)


def _attempts(pair: StorePair, new: bytes) -> Iterator[Attempt]:
    """Yield a replacement, a delete and a create, on the store and on each kind of view that it makes."""
    handles = [pair.failing]
    if has_views(pair.a):
        name = pair.a.incarnation()
        handles.append(pair.failing.at(name))
        with contextlib.suppress(NotTriedError):
            handles.append(pinned_view(pair.failing, pair.record("r"), name))
    for handle in handles:
        yield (handle, *pair.record(), new)
        yield (handle, *pair.record(), None)
        yield handle, pair.key(), None, new


def _check_under_fault(
    pair: StorePair, fault: Fault | None, hook: str, *, reads_work: bool, size: int = 300, names_keys: bool = False
) -> None:
    require(fault, f"no hook: Faults({hook}=...)")
    assert fault is not None
    attempts = list(_attempts(pair, ordinary_bytes(size)))
    name = pair.a.incarnation() if has_views(pair.a) else ""
    listed = {pair.record("v", 40)[0] for _ in range(5)}
    for handle, key, old, _ in attempts:
        expect(load_patiently(pair, key, handle) == old, "S2", "a record is not read as it was written")
    answers: list[Answer] = []
    with fault():
        for handle, key, old, asked in attempts:
            read = call_in_time(pair, partial(handle.load, key))
            if not (reads_work and read == old):
                expect(
                    isinstance(read, StoreUnavailable), "S2", "a load is answered by something other than the engine"
                )
            answers.append(call_in_time(pair, partial(handle.swap, key, old, asked)))
        # A proxy may let pass what names no key of a record: then a question for names, keys and time is answered.
        _capabilities(pair, name, listed, reads_work=reads_work or names_keys)
    found = [load_patiently(pair, key) for _, key, _, _ in attempts]
    for (_, _, old, asked), answer, bytes_found in zip(attempts, answers, found, strict=True):
        check_answer(answer, applied=bytes_found == asked, allow_success=reads_work)
        expect(bytes_found is not None or None in (old, asked), "S9", "a record is gone")
        expect(bytes_found in (old, asked), "S5", "a record is neither what it was nor what was requested")
    time.sleep(_LATE_AFTER)
    for (_, key, old, _), answer in zip(attempts, answers, strict=True):
        if isinstance(answer, StoreUnavailable):
            expect(load_patiently(pair, key) == old, "S10", "a swap that was refused for certain was applied later")
        check_recovery(pair, key)


def _capabilities(pair: StorePair, name: str, listed: set[str], *, reads_work: bool) -> None:
    """Check that names, keys and time are right while the engine fails, or StoreUnavailable is raised in time."""
    store: Any = pair.failing
    if can_list(store):
        keys = call_in_time(pair, lambda: listed <= set(store.keys("v")))
        if not (reads_work and keys is True):
            expect(isinstance(keys, StoreUnavailable), "S9", "a listing ends though the engine fails")
    if has_views(store):
        asked = call_in_time(pair, lambda: store.incarnation() == name)
        if not (asked is True and (reads_work or not name)):
            expect(isinstance(asked, StoreUnavailable), "S12", "a history is named by something other than the engine")
    if has_server_clock(store) and not reads_work:
        asked = call_in_time(pair, lambda: store.clock() > 0)
        expect(isinstance(asked, StoreUnavailable), "S16", "the clock of something other than the server is returned")


def check_answer(answer: object, *, applied: bool, allow_success: bool) -> None:
    """Check the answer of a swap under a fault against what became of the record."""
    if isinstance(answer, StoreUncertain):
        return
    if isinstance(answer, StoreUnavailable):
        expect(not applied, "S4", "an applied swap was reported as unavailable, which says that nothing was applied")
        return
    if answer is True and allow_success and applied:
        return  # e.g. a full engine still had space for this write
    if isinstance(answer, HistoryLost):
        raise StoreCheckFailed("S12", "a view reports a lost history though none was lost")
    if isinstance(answer, BaseException):
        raise StoreCheckFailed("S16", f"a {type(answer).__name__} crosses the protocol") from answer
    raise StoreCheckFailed("S4", f"a swap of unknown outcome answered {answer!r}")


def call_in_time(pair: StorePair, call: Callable[[], bytes | bool | None]) -> Answer:
    """Return what a call answers or raises, and fail where it hangs."""
    answer: list[Answer] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as error:  # noqa: BLE001 (it is the answer)
            answer.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.5, pair.faults.patience * 0.9))
    expect(not thread.is_alive(), "S14", "a call has no deadline: it hangs while the engine does not answer")
    if isinstance(answer[0], StoreCheckFailed):
        raise answer[0]
    return answer[0]


def check_recovery(pair: StorePair, key: str) -> None:
    """Check that a load and a swap succeed after a fault."""
    until = time.monotonic() + pair.faults.patience
    while True:
        now = load_patiently(pair, key)
        new = ordinary_bytes()
        try:
            if pair.failing.swap(key, now, new):
                expect(load_patiently(pair, key) == new, "S2", "after a fault a load is older than the swap before it")
                return
        except (StoreUnavailable, StoreUncertain):
            time.sleep(0.05)
        expect(time.monotonic() < until, "S14", "the store does not work again after a fault")
