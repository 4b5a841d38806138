# SPDX-License-Identifier: Apache-2.0
"""Statements that are interrupted (S4, S16): an answer is right, or there is none; absence is never guessed."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from ...errors import StoreUnavailable, StoreUncertain
from .failure import NotTriedError, expect, needs
from .failures import judge, next_is_right
from .lost_history import pinned
from .store_pair import RACERS, Bench, ordinary_bytes, race
from .watch import Handle, has_views, lists, tells_time


def while_interrupted(bench: Bench) -> None:
    """Between interruptions and under them, threads that each have a record of their own find what they wrote."""
    fault = bench.faults.interrupted
    needs(fault, "no hook: Faults(interrupted=...)")
    assert fault is not None
    name = bench.a.incarnation() if has_views(bench.a) else ""
    handles = [bench.a, bench.b]
    if has_views(bench.a):
        handles.append(bench.b.at(name))
        with contextlib.suppress(NotTriedError):
            handles.append(pinned(bench.a, bench.record("r")))
    listed = {bench.record("v", 40)[0] for _ in range(20)}
    jobs = [
        partial(_live_on, handles[place % len(handles)], bench.record(), 20 * bench.rounds)
        for place in range(RACERS // 2)
    ]
    with fault():
        race([*jobs, partial(_ask, bench.a, name, listed, bench.rounds)])
    for key in list(bench.used)[-2:]:
        next_is_right(bench, key)


def _live_on(handle: Handle, record: tuple[str, bytes], turns: int) -> None:
    key, value = record
    may_be: set[bytes | None] = {value}
    for turn in range(turns):
        try:
            found = handle.load(key)
        except StoreUnavailable:
            continue
        told = "an interrupted load says that there is no record" if found is None else "a load gives another record"
        expect(found in may_be, "S2", told)
        may_be = {found}
        new = None if turn % 4 == 3 and found is not None else ordinary_bytes()
        try:
            landed: Any = handle.swap(key, found, new)
        except StoreUncertain:
            may_be.add(new)
        except StoreUnavailable:
            continue  # nothing landed: the next load says whether that is so
        else:
            judge(landed, landed=landed, room=True)
            may_be = {new}


def _ask(store: Any, name: str, listed: set[str], turns: int) -> None:
    for _ in range(turns):
        try:
            if lists(store):
                expect(listed <= set(store.keys("v")), "S9", "an interrupted listing leaves out keys")
            if has_views(store):
                expect(store.incarnation() == name, "S12", "an interrupted question gives the history another name")
            if tells_time(store):
                expect(store.clock() > 0, "S16", "an interrupted question shows a wrong clock")
        except StoreUnavailable:
            continue
