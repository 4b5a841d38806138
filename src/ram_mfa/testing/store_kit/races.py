# SPDX-License-Identifier: Apache-2.0
"""N threads want one record (S1, S2, S6, S7): one wins, nobody's work is lost, and nobody sees a half of it."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

from .failure import expect
from .store_pair import RACERS, Bench, Progress, ordinary_bytes, race, try_swap

Bid = tuple[Any, bytes | None]


def one_winner(bench: Bench) -> None:
    """Of N creates, N replacements and N deletes from the same bytes, one of each lands, and it is then read."""
    handles = list(itertools.islice(itertools.cycle([bench.a, bench.b]), RACERS))
    for round_ in range(bench.rounds):
        shake = round_ if bench.threads and round_ % 2 == 0 else None
        key = bench.key()
        held: bytes | None = None
        for stage, promise in (("creates", "S7"), ("replacements", "S1")):
            bids: list[Bid] = [(handle, ordinary_bytes()) for handle in handles]
            held = _only(bench, key, held, bids, promise, stage, shake)
        if round_ % 3 == 0:  # some delete what others replace
            bids = [(handle, None if place % 2 else ordinary_bytes()) for place, handle in enumerate(handles)]
            held = _only(bench, key, held, bids, "S1", "replacements and deletes", shake)
        if held is not None:
            _only(bench, key, held, [(handle, None) for handle in handles], "S13", "deletes", shake)


def _only(  # noqa: PLR0917 (a race, and how it is called)
    bench: Bench, key: str, old: bytes | None, bids: list[Bid], promise: str, stage: str, shake: object
) -> bytes | None:
    """Race, and return the bid of the one that won."""
    wins = race([partial(try_swap, handle, key, old, new) for handle, new in bids], shake=shake)
    expect(wins.count(True) == 1, promise, f"{wins.count(True)} of {len(bids)} racing {stage} landed")
    held = bids[wins.index(True)][1]
    for handle in (bench.a, bench.b):
        expect(handle.load(key) == held, promise, f"after a race of {stage} the record is not the winner's")
    return held


def no_lost_update(bench: Bench) -> None:
    """N threads count up one record by load and swap; the sum is the number of swaps that landed."""
    each = max(4, bench.rounds // 4)
    for size, shake in ((2_500, None), (16_000, "shaken"), (700, "more")):
        key = bench.key()  # a record of the usual size and of the largest: a torn one would not be all of one digit
        bench.put(key, None, _counted(0, size))
        progress = Progress(bench.faults.patience, "S1", "no swap of racing threads lands any more")
        count = partial(_count, key, size, each, progress)
        handles = itertools.islice(itertools.cycle([bench.a, bench.b]), RACERS)
        race([partial(count, store) for store in handles], shake=shake if bench.threads else None)
        final = bench.b.load(key)
        expect(final == _counted(each * RACERS, size), "S1", "swaps that landed are lost")


def _count(key: str, size: int, each: int, progress: Progress, store: Any) -> None:
    done = 0
    while done < each:
        now = store.load(key)
        expect(now is not None, "S6", "a record under way is read as absent")
        expect(now == _counted(int.from_bytes(now[:8], "big"), size), "S6", "a record is read as a mixture of two")
        done += progress.note(try_swap(store, key, now, _counted(int.from_bytes(now[:8], "big") + 1, size)))


def _counted(number: int, size: int) -> bytes:
    return number.to_bytes(8, "big") + bytes([number % 251]) * (size - 8)


def create_and_delete(bench: Bench) -> None:
    """Threads take and give back one claim: whoever created it holds it alone until it deletes it."""
    key = bench.key()
    holders: list[bytes] = []
    each = max(3, bench.rounds // 4)
    progress = Progress(bench.faults.patience, "S7", "no create of racing threads lands any more")

    def claim(store: Any, number: int) -> None:
        done = 0
        while done < each:
            mine = b"%d " % number + ordinary_bytes(40)
            if not progress.note(try_swap(store, key, None, mine)):
                continue
            holders.append(mine)
            expect(holders == [mine], "S7", "a record was created twice")
            expect(store.load(key) == mine, "S2", "a record that was created is not read by who created it")
            holders.remove(mine)
            expect(store.swap(key, mine, None), "S13", "a record could not be deleted by who created it")
            done += 1

    for shake in (None, "shaken") if bench.threads else (None,):
        handles = itertools.islice(itertools.cycle([bench.a, bench.b]), RACERS // 2)
        race([partial(claim, store, number) for number, store in enumerate(handles)], shake=shake)
    expect(bench.b.load(key) is None, "S13", "a record that was deleted is still there")
