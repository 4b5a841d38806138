# SPDX-License-Identifier: Apache-2.0
"""The meaning of load and swap without concurrency: create, replace, delete, and all the ways not to."""

from __future__ import annotations

from .failure import expect
from .store_pair import Bench, ordinary_bytes
from .watch import Handle


def absence(bench: Bench) -> None:
    """A key without a record is None, and there is nothing to replace or delete under it."""
    key, value = bench.key(), ordinary_bytes()
    expect(bench.a.load(key) is None, "S5", "load of a key without a record is not None")
    expect(not bench.a.swap(key, None, None), "S1", "swap(key, None, None) without a record is not False")
    for old in (value, b"\0", b" ", b"None", b"null"):
        expect(not bench.a.swap(key, old, None), "S1", "deleting a record that is not there is not False")
        expect(not bench.a.swap(key, old, value + b"1"), "S1", "replacing a record that is not there is not False")
        expect(not bench.a.swap(key, old, old), "S1", "swap(key, x, x) without a record is not False")
    expect(bench.b.load(key) is None, "S1", "a swap that answered False made a record")


def creating(bench: Bench) -> None:
    """Creating lands once, answers True, is seen by every handle, and never replaces."""
    key, value = bench.record()
    for handle in (bench.b, bench.a, bench.handle()):
        expect(handle.load(key) == value, "S2", "another handle does not see a record that was created")
        expect(not handle.swap(key, None, value + b"1"), "S7", "creating over a record is not False")
        expect(not handle.swap(key, None, value), "S7", "creating over the same bytes is not False")
        expect(not handle.swap(key, None, None), "S1", "swap(key, None, None) over a record is not False")
        expect(handle.load(key) == value, "S7", "creating over a record changed it")


def replacing(bench: Bench) -> None:
    """Replacing needs the old bytes exactly, whatever was read before, and may write the same bytes again."""
    key, value = bench.record()
    new = ordinary_bytes()
    for handle in (bench.a, bench.b):
        for wrong in (new, value[:-1], value + b"\0", value[:-1] + bytes([value[-1] ^ 1]), b"\0" + value):
            _refused(handle, key, value, wrong)
    expect(bench.b.swap(key, value, value), "S1", "swap(key, x, x) is not True where the record is x")
    expect(bench.a.load(key) == value, "S1", "swap(key, x, x) changed the record")
    expect(bench.b.swap(key, value, new), "S1", "a swap from the record's bytes did not land")
    expect(bench.a.load(key) == new, "S2", "a handle does not see what another one wrote")
    expect(not bench.a.swap(key, value, new + b"1"), "S8", "a swap from bytes that were replaced landed")
    expect(bench.b.load(key) == new, "S8", "a stale swap changed the record")


def _refused(handle: Handle, key: str, value: bytes, wrong: bytes) -> None:
    """Nothing lands from wrong bytes, though the handle has just read the right ones."""
    expect(handle.load(key) == value, "S1", "a swap that answered False changed the record")
    expect(not handle.swap(key, wrong, wrong + b"1"), "S1", "a swap from other bytes than the record's landed")
    expect(not handle.swap(key, wrong, wrong), "S1", "swap(key, x, x) landed where the record is not x")
    expect(not handle.swap(key, wrong, None), "S1", "a delete from other bytes than the record's landed")
    expect(not handle.swap(key, wrong, value), "S1", "a swap from other bytes to the record's own landed")
    expect(handle.load(key) == value, "S1", "a swap that answered False changed the record")


def stale_swaps(bench: Bench) -> None:
    """Bytes that were replaced at once, or 300 writes ago, replace nothing, whatever the handle read meanwhile."""
    key, first = bench.record()
    held = first
    for turn in range(300):
        expect(bench.a.load(key) == held, "S2", "a handle does not see what was written")
        new = ordinary_bytes(40)
        expect(bench.b.swap(key, held, new), "S1", "a swap from the record's bytes did not land")
        before, held = held, new
        if turn < 40:
            expect(not bench.a.swap(key, before, first + b"1"), "S8", "a swap from bytes replaced a moment ago landed")
        expect(bench.a.load(key) == held, "S2", "a handle does not see what was written")
        for old in (before, first):
            expect(not bench.a.swap(key, old, first), "S8", f"a swap from bytes that {turn + 1} writes replaced landed")
        expect(not bench.a.swap(key, None, first), "S7", "creating over a record is not False")
    expect(bench.b.load(key) == held, "S8", "a stale swap changed the record")


def bytes_that_return(bench: Bench) -> None:
    """A record that is A, then B, then A again is A: a swap from A lands, and one from B does not."""
    key, one = bench.record()
    other = ordinary_bytes()
    for handle in (bench.a, bench.b):
        expect(handle.load(key) == one, "S2", "a handle does not see what was written")
        bench.put(key, one, other)
        bench.put(key, other, one)
        expect(not handle.swap(key, other, one), "S8", "a swap from bytes that were replaced landed")
        expect(handle.swap(key, one, other), "S1", "a swap from the record's bytes did not land, after they returned")
        expect(bench.a.load(key) == bench.b.load(key) == other, "S2", "a handle does not see what was written")
        bench.put(key, other, None)
        bench.put(key, None, other)
        expect(handle.swap(key, other, one), "S13", "a swap did not land on a record that was created again")


def deleting(bench: Bench) -> None:
    """Deleting needs the old bytes exactly; a deleted record stays away, and its key is free again."""
    key, value = bench.record()
    for turn in range(4):
        expect(not bench.b.swap(key, value + b"1", None), "S1", "a delete from other bytes than the record's landed")
        expect(bench.a.load(key) == value, "S1", "a delete that answered False changed the record")
        expect(bench.b.swap(key, value, None), "S13", "deleting a record did not land")
        for handle in (bench.a, bench.b, bench.handle()):
            expect(handle.load(key) is None, "S13", "a deleted record is still read")
            expect(not handle.swap(key, value, None), "S13", "a record is deleted twice")
            expect(not handle.swap(key, value, value), "S13", "a deleted record is replaced")
            expect(not handle.swap(key, value, value + b"1"), "S13", "a deleted record is replaced")
            expect(not handle.swap(key, None, None), "S1", "swap(key, None, None) without a record is not False")
            expect(handle.load(key) is None, "S13", "a deleted record is back")
        gone, value = value, ordinary_bytes() if turn % 2 else value
        expect(bench.a.swap(key, None, value), "S13", "a deleted record's key cannot be created again")
        expect(bench.b.load(key) == value, "S2", "a record that was created again is not read")
        expect(gone == value or not bench.a.swap(key, gone, gone), "S13", "a deleted record's bytes still count")
    bench.put(key, value, None)
    bench.certain.append((key, None))
