# SPDX-License-Identifier: Apache-2.0
"""Interrupted statements: the answer is right or an exception, and absence is never assumed (S4, S16)."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from ...errors import StoreUnavailable, StoreUncertain
from .failures import check_answer, check_recovery
from .lost_history import pinned_view
from .results import NotTriedError, expect, require
from .store_pair import RACERS, StorePair, ordinary_bytes, race
from .watchdog import Handle, can_list, has_server_clock, has_views


def while_interrupted(pair: StorePair) -> None:
    """Find in each of several threads what it wrote, while statements are interrupted."""
    fault = pair.faults.interrupted
    require(fault, "no hook: Faults(interrupted=...)")
    assert fault is not None
    name = pair.a.incarnation() if has_views(pair.a) else ""
    handles = [pair.a, pair.b]
    if has_views(pair.a):
        handles.append(pair.b.at(name))
        with contextlib.suppress(NotTriedError):
            handles.append(pinned_view(pair.a, pair.record("r")))
    listed = {pair.record("v", 40)[0] for _ in range(20)}
    jobs = [
        partial(_read_and_write, handles[place % len(handles)], pair.record(), 20 * pair.rounds)
        for place in range(RACERS // 2)
    ]
    with fault():
        race([*jobs, partial(_ask, pair.a, name, listed, pair.rounds)])
    for key in list(pair.used)[-2:]:
        check_recovery(pair, key)


def _read_and_write(handle: Handle, record: tuple[str, bytes], turns: int) -> None:
    key, value = record
    may_be: set[bytes | None] = {value}
    for turn in range(turns):
        try:
            found = handle.load(key)
        except StoreUnavailable:
            continue
        problem = "an interrupted load says that there is no record" if found is None else "a load gives another record"
        expect(found in may_be, "S2", problem)
        may_be = {found}
        new = None if turn % 4 == 3 and found is not None else ordinary_bytes()
        try:
            applied: Any = handle.swap(key, found, new)
        except StoreUncertain:
            may_be.add(new)
        except StoreUnavailable:
            continue  # nothing was applied, which the next load verifies
        else:
            check_answer(applied, applied=applied, allow_success=True)
            may_be = {new}


def _ask(store: Any, name: str, listed: set[str], turns: int) -> None:
    for _ in range(turns):
        try:
            if can_list(store):
                expect(listed <= set(store.keys("v")), "S9", "an interrupted listing leaves out keys")
            if has_views(store):
                expect(store.incarnation() == name, "S12", "an interrupted question gives the history another name")
            if has_server_clock(store):
                expect(store.clock() > 0, "S16", "an interrupted question shows a wrong clock")
        except StoreUnavailable:
            continue
