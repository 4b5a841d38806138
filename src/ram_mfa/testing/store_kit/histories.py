# SPDX-License-Identifier: Apache-2.0
"""Recorded histories of calls on one record, and a check that they are linearizable (S1, S2).

J. M. Wing and C. Gong, "Testing and verifying concurrent objects" (1993): search for an order of the calls that
respects their times and explains every answer.
"""

from __future__ import annotations

import itertools
import random
import time
from functools import partial

import attrs

from ...errors import StoreUnavailable
from .results import expect
from .store_pair import RACERS, StorePair, race
from .watchdog import Handle


@attrs.frozen
class Call:
    """Recorded call: its times in nanoseconds and its answer. A load has no ``new``, and ``old`` is its answer."""

    began: int
    ended: int
    is_load: bool
    old: bytes | None
    new: bytes | None = None
    applied: bool = False


def linearizable(history: list[Call], initial: bytes | None) -> bool:
    """Return whether some order of the calls, within their times, explains every answer."""
    calls = sorted(history, key=lambda call: call.began)
    failed: set[tuple[int, bytes | None]] = set()  # the calls that are left, as bits, and the record
    stack = [((1 << len(calls)) - 1, initial)]
    while stack:
        left, record = stack.pop()
        if not left:
            return True
        if (left, record) in failed:
            continue
        failed.add((left, record))
        waiting = [place for place in range(len(calls)) if left >> place & 1]
        first_end = min(calls[place].ended for place in waiting)
        for place in waiting:
            call = calls[place]
            if call.began > first_end:
                break  # something ended before this began, and so goes first
            if (record == call.old) == (call.is_load or call.applied):
                stack.append((left & ~(1 << place), call.new if call.applied else record))
    return False


def histories(pair: StorePair) -> None:
    """Load and swap one record at random in several threads, and check that the history is linearizable."""
    for round_ in range(max(1, pair.rounds // 2)):
        key = pair.key()
        runs = [
            partial(_some_calls, store, key, random.Random(f"{round_} {number}"), number)
            for number, store in enumerate(itertools.islice(itertools.cycle([pair.a, pair.b]), RACERS))
        ]
        pause_seed = round_ if pair.threads and round_ % 2 == 0 else None
        history = list(itertools.chain.from_iterable(race(runs, pause_seed=pause_seed)))
        expect(linearizable(history, None), "S1", "no order of the calls explains what they answered")


def _some_calls(store: Handle, key: str, dice: random.Random, number: int) -> list[Call]:
    calls: list[Call] = []
    seen: bytes | None = None
    for turn in range(6):
        began = time.monotonic_ns()
        try:
            if dice.random() < 0.5:
                seen = store.load(key)
                calls.append(Call(began, time.monotonic_ns(), is_load=True, old=seen))
            else:
                new = None if dice.random() < 0.2 and seen is not None else b"%d %d" % (number, turn)
                applied = store.swap(key, seen, new)
                calls.append(Call(began, time.monotonic_ns(), is_load=False, old=seen, new=new, applied=applied))
                seen = new if applied else seen
        except StoreUnavailable:
            continue  # nothing happened, and nothing is in the history
    return calls
