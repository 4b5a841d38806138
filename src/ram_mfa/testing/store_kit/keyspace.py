# SPDX-License-Identifier: Apache-2.0
"""Keys: compared character by character, with a namespace for each kind (S11); their records stay (S9)."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from functools import partial

from .look_alikes import look_alike_keys, malformed_keys
from .results import StoreCheckFailed, expect
from .store_pair import StorePair, ordinary_bytes
from .watchdog import can_list

KINDS = string.ascii_letters


def distinct_keys(pair: StorePair) -> None:
    """Distinguish keys that share a checksum, a prefix, a suffix or their folded form."""
    for alike, one, other in look_alike_keys():
        pair.used += one, other
        problem = f"a key is taken for another that is equal in {alike}"
        first, second = ordinary_bytes(), ordinary_bytes()
        pair.put(one, None, first)
        expect(pair.b.load(other) is None, "S11", problem)
        expect(not pair.b.swap(other, first, second), "S11", problem)
        expect(not pair.b.swap(other, first, None), "S11", problem)
        expect(pair.a.swap(other, None, second), "S11", problem)
        expect(pair.b.load(one) == first, "S11", f"{problem}: its record was overwritten")
        expect(pair.b.load(other) == second, "S11", problem)
        expect(pair.b.swap(one, first, None), "S11", problem)
        expect(pair.a.load(other) == second, "S11", f"{problem}: its record is gone")
        expect(pair.a.swap(other, second, None), "S11", problem)


def malformed_keys_refused(pair: StorePair) -> None:
    """Refuse a key with a blank, a NUL or a line end at either end, or take it for another key."""
    key, value = pair.record()
    for odd in malformed_keys(key):
        problem = f"a key is taken for another, which has {len(odd)} characters and differs at one of its ends"
        for handle in (pair.a, pair.b):
            expect(_harmless(partial(handle.load, odd)) is None, "S11", problem)
            applied = _harmless(partial(handle.swap, odd, value, value))
            expect(applied is not True, "S11", problem)
        expect(pair.a.load(key) == value, "S11", problem)


def _harmless(call: Callable[[], object]) -> object:
    try:
        return call()
    except StoreCheckFailed:
        raise
    except Exception:  # noqa: BLE001 (no key of the library's: it may be refused in any way)
        return None


def every_kind(pair: StorePair) -> None:
    """Keep the kinds of records apart: a key's first letter counts, and a listing names only its own kind."""
    tail = secrets.token_urlsafe(32)
    values = {kind + tail: ordinary_bytes(40) for kind in KINDS}
    pair.used.extend(values)
    for key, value in values.items():
        expect(pair.a.load(key) is None, "S11", "a key is taken for another that differs in its first letter")
        pair.put(key, None, value)
    for key, value in values.items():
        expect(pair.b.load(key) == value, "S11", "a key is taken for another that differs in its first letter")
    if can_list(pair.a):
        for kind in KINDS:
            named = [key for key in pair.b.keys(kind) if key[1:] == tail]
            expect(named == [kind + tail], "S11", f"the listing of the kind {kind} names {named or 'nothing'}")
    for key, value in values.items():
        expect(pair.a.swap(key, value, None), "S11", "a key is taken for another that differs in its first letter")
        if can_list(pair.a) and key[0] in "aAkzZ":
            expect(key not in set(pair.a.keys(key[0])), "S13", "a listing names a deleted key")


def no_eviction(pair: StorePair) -> None:
    """Keep every record while many more are written through another handle."""
    writer = pair.handle()
    first = {pair.key(): ordinary_bytes(1500) for _ in range(50)}
    large = {pair.key(): ordinary_bytes(16_000) for _ in range(10)}
    for key, value in (first | large).items():
        expect(writer.swap(key, None, value), "S9", "a record could not be written")
    spent = {pair.key(): ordinary_bytes(1500) for _ in range(population(pair))}
    for key, value in spent.items():
        expect(writer.swap(key, None, value), "S9", "a record could not be written among many")
    for key, value in (first | large).items():
        expect(pair.a.load(key) == value, "S9", "a record is gone after many others were written")
    for key, value in spent.items():
        expect(pair.b.load(key) == value, "S9", "a record is gone among many")
        expect(pair.a.swap(key, value, None), "S9", "a record is gone among many")
    pair.certain += first.items()


def population(pair: StorePair) -> int:
    """Return the number of records for checks that need many: above 1,000, a usual page, from 20 rounds on."""
    return min(5_000, max(1_100, 25 * pair.rounds)) if pair.rounds >= 10 else 60 * pair.rounds
