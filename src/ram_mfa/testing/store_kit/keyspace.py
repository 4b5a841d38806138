# SPDX-License-Identifier: Apache-2.0
"""Keys are told apart character by character, and each kind has its own (S11); what is kept under them stays (S9)."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from functools import partial

from .failure import StoreCheckFailed, expect
from .store_pair import Bench, ordinary_bytes
from .twins import key_twins, odd_keys
from .watch import lists

KINDS = string.ascii_letters


def keys_apart(bench: Bench) -> None:
    """Keys that are alike in a checksum, a prefix, a suffix or once folded are different keys."""
    for alike, one, other in key_twins():
        bench.used += one, other
        told = f"a key is taken for another that is alike in {alike}"
        first, second = ordinary_bytes(), ordinary_bytes()
        bench.put(one, None, first)
        expect(bench.b.load(other) is None, "S11", told)
        expect(not bench.b.swap(other, first, second), "S11", told)
        expect(not bench.b.swap(other, first, None), "S11", told)
        expect(bench.a.swap(other, None, second), "S11", told)
        expect(bench.b.load(one) == first, "S11", f"{told}: its record was overwritten")
        expect(bench.b.load(other) == second, "S11", told)
        expect(bench.b.swap(one, first, None), "S11", told)
        expect(bench.a.load(other) == second, "S11", f"{told}: its record is gone")
        expect(bench.a.swap(other, second, None), "S11", told)


def odd_keys_apart(bench: Bench) -> None:
    """A key with a blank, a NUL or a line end before or after it is refused, or is another key."""
    key, value = bench.record()
    for odd in odd_keys(key):
        told = f"a key is taken for another, which has {len(odd)} characters and differs at one of its ends"
        for handle in (bench.a, bench.b):
            expect(_harmless(partial(handle.load, odd)) is None, "S11", told)
            landed = _harmless(partial(handle.swap, odd, value, value))
            expect(landed is not True, "S11", told)
        expect(bench.a.load(key) == value, "S11", told)


def _harmless(call: Callable[[], object]) -> object:
    try:
        return call()
    except StoreCheckFailed:
        raise
    except Exception:  # noqa: BLE001 (no key of the library's: it may be refused in any way)
        return None


def every_kind(bench: Bench) -> None:
    """Each letter names a kind of its own: records do not mix, and a listing names its own kind's only."""
    tail = secrets.token_urlsafe(32)
    values = {kind + tail: ordinary_bytes(40) for kind in KINDS}
    bench.used.extend(values)
    for key, value in values.items():
        expect(bench.a.load(key) is None, "S11", "a key is taken for another that differs in its first letter")
        bench.put(key, None, value)
    for key, value in values.items():
        expect(bench.b.load(key) == value, "S11", "a key is taken for another that differs in its first letter")
    if lists(bench.a):
        for kind in KINDS:
            named = [key for key in bench.b.keys(kind) if key[1:] == tail]
            expect(named == [kind + tail], "S11", f"the listing of the kind {kind} names {named or 'nothing'}")
    for key, value in values.items():
        expect(bench.a.swap(key, value, None), "S11", "a key is taken for another that differs in its first letter")
        if lists(bench.a) and key[0] in "aAkzZ":
            expect(key not in set(bench.a.keys(key[0])), "S13", "a listing names a deleted key")


def nothing_goes(bench: Bench) -> None:
    """Many records are all there after many more were written, and after the handle that wrote them is gone."""
    writer = bench.handle()
    first = {bench.key(): ordinary_bytes(1500) for _ in range(50)}
    large = {bench.key(): ordinary_bytes(16_000) for _ in range(10)}
    for key, value in (first | large).items():
        expect(writer.swap(key, None, value), "S9", "a record could not be written")
    spent = {bench.key(): ordinary_bytes(1500) for _ in range(population(bench))}
    for key, value in spent.items():
        expect(writer.swap(key, None, value), "S9", "a record could not be written among many")
    for key, value in (first | large).items():
        expect(bench.a.load(key) == value, "S9", "a record is gone after many others were written")
    for key, value in spent.items():
        expect(bench.b.load(key) == value, "S9", "a record is gone among many")
        expect(bench.a.swap(key, value, None), "S9", "a record is gone among many")
    bench.certain += first.items()


def population(bench: Bench) -> int:
    """Return how many records are written where it takes many: more than a page of 1,000 from 20 rounds on."""
    return min(5_000, max(1_100, 25 * bench.rounds)) if bench.rounds >= 10 else 60 * bench.rounds
