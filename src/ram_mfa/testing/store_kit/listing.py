# SPDX-License-Identifier: Apache-2.0
"""Listing names every key of a kind exactly once, while others write."""

from __future__ import annotations

import itertools
import threading

from .failure import expect, needs
from .keyspace import population
from .store_pair import Bench, ordinary_bytes
from .watch import lists

KIND, OTHER = "y", "Y"


def listing(bench: Bench) -> None:
    """Keys that stay come exactly once, other kinds and deleted keys not at all, while records come, change and go."""
    store = bench.a
    needs(lists(store), "the store lists no keys")
    stay = {bench.record(KIND, 40)[0] for _ in range(population(bench))}
    others = {bench.record(OTHER, 40)[0], bench.record("x", 40)[0], bench.record("z", 40)[0]}
    gone = {bench.record(KIND, 40) for _ in range(20)}
    for key, value in gone:
        bench.put(key, value, None)
    named = list(bench.b.keys(KIND))
    expect(stay <= set(named), "S9", "a listing leaves out keys")
    stop = threading.Event()
    churn = threading.Thread(target=_churn, args=(bench, sorted(stay), stop), daemon=True)
    churn.start()
    try:
        for place in range(3):
            named = list(bench.handles[place % 2].keys(KIND))
            expect(stay <= set(named), "S9", "a listing leaves out keys that were there all along")
            expect(len(named) == len(set(named)), "S11", "a listing names a key twice")
            expect(all(key.startswith(KIND) for key in named), "S11", "a listing names keys of another kind")
            expect(not {key for key, _ in gone} & set(named), "S13", "a listing names a deleted key")
    finally:
        stop.set()
        churn.join()
    expect(set(store.keys(OTHER)) >= {key for key in others if key[0] == OTHER}, "S11", "a listing folds case")
    expect(next(iter(store.keys("!")), None) is None, "S11", "a listing of a kind without keys is not empty")


def _churn(bench: Bench, stay: list[str], stop: threading.Event) -> None:
    """Write among the listed: new keys before, between and after, and new bytes for those that stay."""
    passing: list[tuple[str, bytes]] = []
    place = 0
    while not stop.is_set():
        key, value = bench.key(KIND), ordinary_bytes(40)
        if bench.b.swap(key, None, value):
            passing.append((key, value))
        if len(passing) > 20:
            key, value = passing.pop(0)
            bench.b.swap(key, value, None)
        place = (place + 37) % len(stay)
        now = bench.b.load(stay[place])
        if now is not None:
            bench.b.swap(stay[place], now, ordinary_bytes(40))


def listing_and_writing(bench: Bench) -> None:
    """Whoever walks over the keys may write meanwhile, stop half-way, and walk twice at a time."""
    needs(lists(bench.a), "the store lists no keys")
    held = dict(bench.record("w", 40) for _ in range(30))
    for handle in (bench.a, bench.b):
        for key in handle.keys("w"):
            if key in held:
                new = ordinary_bytes(40)
                expect(handle.swap(key, held[key], new), "S1", "a swap did not land within a walk over the keys")
                expect(bench.a.load(key) == new, "S2", "a load within a walk over the keys is older than a swap")
                held[key] = new
        for _ in range(30):
            some = list(itertools.islice(handle.keys("w"), 3))
            expect(len(some) == 3, "S9", "a listing leaves out keys")
        both = set(zip(handle.keys("w"), bench.a.keys("w"), strict=False))
        expect({one for one, _ in both} >= held.keys(), "S9", "of two listings at a time one leaves out keys")
        expect({other for _, other in both} >= held.keys(), "S9", "of two listings at a time one leaves out keys")
    for key, value in held.items():
        expect(bench.b.swap(key, value, None), "S13", "a delete did not land after unfinished listings")
    expect(not held.keys() & set(bench.a.keys("w")), "S13", "a listing names a deleted key")
