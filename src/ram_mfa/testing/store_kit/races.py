# SPDX-License-Identifier: Apache-2.0
"""Races of threads for one record: one wins, no update is lost, no read is partial (S1, S2, S6, S7)."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

from .results import expect
from .store_pair import RACERS, Progress, StorePair, ordinary_bytes, race, try_swap

Bid = tuple[Any, bytes | None]


def one_winner(pair: StorePair) -> None:
    """Apply one of N creates, one of N replacements and one of N deletes from the same bytes."""
    handles = list(itertools.islice(itertools.cycle([pair.a, pair.b]), RACERS))
    for round_ in range(pair.rounds):
        pause_seed = round_ if pair.threads and round_ % 2 == 0 else None
        key = pair.key()
        held: bytes | None = None
        for stage, promise in (("creates", "S7"), ("replacements", "S1")):
            bids: list[Bid] = [(handle, ordinary_bytes()) for handle in handles]
            held = _race_once(pair, key, held, bids, promise, stage, pause_seed)
        if round_ % 3 == 0:  # some delete what others replace
            bids = [(handle, None if place % 2 else ordinary_bytes()) for place, handle in enumerate(handles)]
            held = _race_once(pair, key, held, bids, "S1", "replacements and deletes", pause_seed)
        if held is not None:
            _race_once(pair, key, held, [(handle, None) for handle in handles], "S13", "deletes", pause_seed)


def _race_once(  # noqa: PLR0917 (a race, and how it is called)
    pair: StorePair, key: str, old: bytes | None, bids: list[Bid], promise: str, stage: str, pause_seed: object
) -> bytes | None:
    """Run one race, and return the bytes of its winner."""
    wins = race([partial(try_swap, handle, key, old, new) for handle, new in bids], pause_seed=pause_seed)
    expect(wins.count(True) == 1, promise, f"{wins.count(True)} of {len(bids)} racing {stage} were applied")
    held = bids[wins.index(True)][1]
    for handle in (pair.a, pair.b):
        expect(handle.load(key) == held, promise, f"after a race of {stage} the record is not the winner's")
    return held


def no_lost_update(pair: StorePair) -> None:
    """Count one record up in N threads by load and swap; the sum is the number of applied swaps."""
    each = max(4, pair.rounds // 4)
    for size, pause_seed in ((2_500, None), (16_000, "pauses"), (700, "more")):
        key = pair.key()  # a record of the usual size and of the largest: a torn one would not be all of one digit
        pair.put(key, None, _counted(0, size))
        progress = Progress(pair.faults.patience, "S1", "no swap of racing threads is applied any more")
        count = partial(_count, key, size, each, progress)
        handles = itertools.islice(itertools.cycle([pair.a, pair.b]), RACERS)
        race([partial(count, store) for store in handles], pause_seed=pause_seed if pair.threads else None)
        final = pair.b.load(key)
        expect(final == _counted(each * RACERS, size), "S1", "applied swaps are lost")


def _count(key: str, size: int, each: int, progress: Progress, store: Any) -> None:
    done = 0
    while done < each:
        now = store.load(key)
        expect(now is not None, "S6", "a record that is being replaced is read as absent")
        expect(now == _counted(int.from_bytes(now[:8], "big"), size), "S6", "a record is read as a mixture of two")
        done += progress.note(try_swap(store, key, now, _counted(int.from_bytes(now[:8], "big") + 1, size)))


def _counted(number: int, size: int) -> bytes:
    return number.to_bytes(8, "big") + bytes([number % 251]) * (size - 8)


def create_and_delete(pair: StorePair) -> None:
    """Create and delete one record in several threads: the creator holds it alone until its delete."""
    key = pair.key()
    holders: list[bytes] = []
    each = max(3, pair.rounds // 4)
    progress = Progress(pair.faults.patience, "S7", "no create of racing threads is applied any more")

    def claim(store: Any, number: int) -> None:
        done = 0
        while done < each:
            mine = b"%d " % number + ordinary_bytes(40)
            if not progress.note(try_swap(store, key, None, mine)):
                continue
            holders.append(mine)
            expect(holders == [mine], "S7", "a record was created twice")
            expect(store.load(key) == mine, "S2", "a record that was created is not read by its creator")
            holders.remove(mine)
            expect(store.swap(key, mine, None), "S13", "a record could not be deleted by its creator")
            done += 1

    for pause_seed in (None, "pauses") if pair.threads else (None,):
        handles = itertools.islice(itertools.cycle([pair.a, pair.b]), RACERS // 2)
        race([partial(claim, store, number) for number, store in enumerate(handles)], pause_seed=pause_seed)
    expect(pair.b.load(key) is None, "S13", "a record that was deleted is still there")
