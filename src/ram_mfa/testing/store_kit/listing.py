# SPDX-License-Identifier: Apache-2.0
"""Listing names every key of a kind exactly once, while others write."""

from __future__ import annotations

import secrets
import threading

from ...store import has_listing
from .bench import Bench
from .failure import expect

KIND, OTHER = "y", "Y"


def listing(bench: Bench) -> None:
    """Keys that stay come exactly once, other kinds and deleted keys not at all, while records come, change and go."""
    store = bench.a
    if not has_listing(store):
        return
    stay = {bench.record(KIND, 40)[0] for _ in range(min(1200, 40 * bench.rounds))}
    others = {bench.record(OTHER, 40)[0], bench.record("x", 40)[0], bench.record("z", 40)[0]}
    gone = {bench.record(KIND, 40) for _ in range(20)}
    for key, value in gone:
        bench.b.swap(key, value, None)
    stop = threading.Event()
    churn = threading.Thread(target=_churn, args=(bench, sorted(stay), stop), daemon=True)
    churn.start()
    try:
        for _ in range(3):
            named = list(store.keys(KIND))
            expect(stay <= set(named), "S9", "a listing leaves out keys that were there all along")
            expect(len(named) == len(set(named)), "S11", "a listing names a key twice")
            expect(all(key.startswith(KIND) for key in named), "S11", "a listing names keys of another kind")
            expect(all(type(key) is str for key in named), "S11", "a listing gives something else than str")
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
        key, value = bench.key(KIND), secrets.token_bytes(40)
        if bench.b.swap(key, None, value):
            passing.append((key, value))
        if len(passing) > 20:
            key, value = passing.pop(0)
            bench.b.swap(key, value, None)
        place = (place + 37) % len(stay)
        now = bench.b.load(stay[place])
        if now is not None:
            bench.b.swap(stay[place], now, secrets.token_bytes(40))
