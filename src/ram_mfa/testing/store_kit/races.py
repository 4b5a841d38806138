# SPDX-License-Identifier: Apache-2.0
"""N threads want one record (S1, S2, S6, S7): one wins, nobody's work is lost, and nobody sees a half of it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from functools import partial

from ...store import Store
from .bench import RACERS, Bench, race, try_swap
from .failure import expect


def one_winner(bench: Bench) -> None:
    """Of N creates, N replacements and N deletes from the same bytes, one of each lands, and it is then read."""
    handles = list(itertools.islice(itertools.cycle([bench.a, bench.b]), RACERS))
    for _ in range(bench.rounds):
        key = bench.key()
        held: bytes | None = None
        for stage, promise in (("creates", "S7"), ("replacements", "S1")):
            bids = [secrets.token_bytes(300) for _ in handles]
            held = _only(_bid(key, held, list(zip(handles, bids, strict=True))), bids, promise, stage)
            expect(bench.b.load(key) == held, "S1", f"after a race of {stage} the record is not the winner's")
        wins = _bid(key, held, [(handle, None) for handle in handles])
        expect(wins.count(True) == 1, "S13", f"{wins.count(True)} of {RACERS} racing deletes landed")
        expect(bench.a.load(key) is None, "S13", "a record that a race deleted is still read")


def _bid(key: str, old: bytes | None, bids: list[tuple[Store, bytes | None]]) -> list[bool]:
    return race([partial(try_swap, handle, key, old, new) for handle, new in bids])


def _only(wins: list[bool], bids: list[bytes], promise: str, stage: str) -> bytes:
    expect(wins.count(True) == 1, promise, f"{wins.count(True)} of {RACERS} racing {stage} landed")
    return bids[wins.index(True)]


def no_lost_update(bench: Bench) -> None:
    """N threads count up one record by load and swap; the sum is the number of swaps that landed."""
    key = bench.key()
    size = 2500  # a record of the usual size: a torn one would not be all of one digit
    bench.a.swap(key, None, _counted(0, size))
    each = max(2, bench.rounds // 4)

    def count(store: Store) -> None:
        done = 0
        while done < each:
            now = store.load(key)
            expect(now is not None, "S6", "a record under way is read as absent")
            assert now is not None
            expect(len(set(now[8:])) == 1 and len(now) == size, "S6", "a record is read as a mixture of two")
            done += try_swap(store, key, now, _counted(int.from_bytes(now[:8], "big") + 1, size))

    race([partial(count, store) for store in itertools.islice(itertools.cycle([bench.a, bench.b]), RACERS)])
    final = bench.b.load(key)
    assert final is not None
    expect(int.from_bytes(final[:8], "big") == each * RACERS, "S1", "swaps that landed are lost")


def _counted(number: int, size: int) -> bytes:
    return number.to_bytes(8, "big") + bytes([number % 251]) * (size - 8)


def reads_are_fresh(bench: Bench) -> None:
    """A load that begins after a swap has ended sees it, on every handle, also where that handle read before."""
    key, value = bench.record()
    readers: list[Callable[[], bytes | None]] = [partial(handle.load, key) for handle in (bench.a, bench.b)]
    for _ in range(bench.rounds):
        for reader in readers:
            expect(reader() == value, "S2", "a load is older than a swap that ended before it")
        new = secrets.token_bytes(300)
        expect(bench.b.swap(key, value, new) is True, "S1", "a swap from the record's bytes did not land")
        expect(race(readers) == [new, new], "S2", "a load in another thread is older than a swap that ended before it")
        value = new
