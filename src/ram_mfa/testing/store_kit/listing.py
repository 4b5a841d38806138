# SPDX-License-Identifier: Apache-2.0
"""Listing names every key of a kind exactly once, while others write."""

from __future__ import annotations

import itertools
import threading

from .keyspace import population
from .results import expect, require
from .store_pair import StorePair, ordinary_bytes
from .watchdog import can_list

KIND, OTHER = "y", "Y"


def listing(pair: StorePair) -> None:
    """List lasting keys once, and no deleted or foreign ones, while records are created, replaced and deleted."""
    store = pair.a
    require(can_list(store), "the store lists no keys")
    stay = {pair.record(KIND, 40)[0] for _ in range(population(pair))}
    others = {pair.record(OTHER, 40)[0], pair.record("x", 40)[0], pair.record("z", 40)[0]}
    gone = {pair.record(KIND, 40) for _ in range(20)}
    for key, value in gone:
        pair.put(key, value, None)
    named = list(pair.b.keys(KIND))
    expect(stay <= set(named), "S9", "a listing leaves out keys")
    stop = threading.Event()
    churn = threading.Thread(target=_churn, args=(pair, sorted(stay), stop), daemon=True)
    churn.start()
    try:
        for place in range(3):
            named = list(pair.handles[place % 2].keys(KIND))
            expect(stay <= set(named), "S9", "a listing leaves out keys that were there all along")
            expect(len(named) == len(set(named)), "S11", "a listing names a key twice")
            expect(all(key.startswith(KIND) for key in named), "S11", "a listing names keys of another kind")
            expect(not {key for key, _ in gone} & set(named), "S13", "a listing names a deleted key")
    finally:
        stop.set()
        churn.join()
    expect(set(store.keys(OTHER)) >= {key for key in others if key[0] == OTHER}, "S11", "a listing folds case")
    expect(next(iter(store.keys("!")), None) is None, "S11", "a listing of a kind without keys is not empty")


def _churn(pair: StorePair, stay: list[str], stop: threading.Event) -> None:
    """Write while a listing runs: new keys before, between and after the lasting ones, and new bytes for those."""
    passing: list[tuple[str, bytes]] = []
    place = 0
    while not stop.is_set():
        key, value = pair.key(KIND), ordinary_bytes(40)
        if pair.b.swap(key, None, value):
            passing.append((key, value))
        if len(passing) > 20:
            key, value = passing.pop(0)
            pair.b.swap(key, value, None)
        place = (place + 37) % len(stay)
        now = pair.b.load(stay[place])
        if now is not None:
            pair.b.swap(stay[place], now, ordinary_bytes(40))


def listing_and_writing(pair: StorePair) -> None:
    """Write during a listing, abandon listings, and run two at a time."""
    require(can_list(pair.a), "the store lists no keys")
    held = dict(pair.record("w", 40) for _ in range(30))
    for handle in (pair.a, pair.b):
        for key in handle.keys("w"):
            if key in held:
                new = ordinary_bytes(40)
                expect(handle.swap(key, held[key], new), "S1", "a swap was not applied during a listing")
                expect(pair.a.load(key) == new, "S2", "a load during a listing is older than a swap")
                held[key] = new
        for _ in range(30):
            some = list(itertools.islice(handle.keys("w"), 3))
            expect(len(some) == 3, "S9", "a listing leaves out keys")
        both = set(zip(handle.keys("w"), pair.a.keys("w"), strict=False))
        expect({one for one, _ in both} >= held.keys(), "S9", "of two listings at a time one leaves out keys")
        expect({other for _, other in both} >= held.keys(), "S9", "of two listings at a time one leaves out keys")
    for key, value in held.items():
        expect(pair.b.swap(key, value, None), "S13", "a delete was not applied after unfinished listings")
    expect(not held.keys() & set(pair.a.keys("w")), "S13", "a listing names a deleted key")
