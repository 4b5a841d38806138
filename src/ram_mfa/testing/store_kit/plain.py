# SPDX-License-Identifier: Apache-2.0
"""Load and swap without concurrency: creates, replacements and deletes, applied and refused."""

from __future__ import annotations

from .results import expect
from .store_pair import StorePair, ordinary_bytes
from .watchdog import Handle


def absence(pair: StorePair) -> None:
    """Load None for a key without a record, and refuse to replace or delete it."""
    key, value = pair.key(), ordinary_bytes()
    expect(pair.a.load(key) is None, "S5", "load of a key without a record is not None")
    expect(not pair.a.swap(key, None, None), "S1", "swap(key, None, None) without a record is not False")
    for old in (value, b"\0", b" ", b"None", b"null"):
        expect(not pair.a.swap(key, old, None), "S1", "deleting a record that is not there is not False")
        expect(not pair.a.swap(key, old, value + b"1"), "S1", "replacing a record that is not there is not False")
        expect(not pair.a.swap(key, old, old), "S1", "swap(key, x, x) without a record is not False")
    expect(pair.b.load(key) is None, "S1", "a swap that answered False made a record")


def creating(pair: StorePair) -> None:
    """Create a record once, show it on every handle, and never replace by a create."""
    key, value = pair.record()
    for handle in (pair.b, pair.a, pair.handle()):
        expect(handle.load(key) == value, "S2", "another handle does not see a record that was created")
        expect(not handle.swap(key, None, value + b"1"), "S7", "creating over an existing record is not False")
        expect(not handle.swap(key, None, value), "S7", "creating over the same bytes is not False")
        expect(not handle.swap(key, None, None), "S1", "swap(key, None, None) over a record is not False")
        expect(handle.load(key) == value, "S7", "creating over an existing record changed it")


def replacing(pair: StorePair) -> None:
    """Replace only from exactly the old bytes, also by the same bytes, whatever the handle has read before."""
    key, value = pair.record()
    new = ordinary_bytes()
    for handle in (pair.a, pair.b):
        for wrong in (new, value[:-1], value + b"\0", value[:-1] + bytes([value[-1] ^ 1]), b"\0" + value):
            _refused(handle, key, value, wrong)
    expect(pair.b.swap(key, value, value), "S1", "swap(key, x, x) is not True where the record is x")
    expect(pair.a.load(key) == value, "S1", "swap(key, x, x) changed the record")
    expect(pair.b.swap(key, value, new), "S1", "a swap from the record's bytes was not applied")
    expect(pair.a.load(key) == new, "S2", "a handle does not see what another one wrote")
    expect(not pair.a.swap(key, value, new + b"1"), "S8", "a swap from bytes that were replaced was applied")
    expect(pair.b.load(key) == new, "S8", "a stale swap changed the record")


def _refused(handle: Handle, key: str, value: bytes, wrong: bytes) -> None:
    """Check that nothing is applied from wrong bytes, though the handle has just read the right ones."""
    expect(handle.load(key) == value, "S1", "a swap that answered False changed the record")
    expect(not handle.swap(key, wrong, wrong + b"1"), "S1", "a swap from other bytes than the record's was applied")
    expect(not handle.swap(key, wrong, wrong), "S1", "swap(key, x, x) was applied where the record is not x")
    expect(not handle.swap(key, wrong, None), "S1", "a delete from other bytes than the record's was applied")
    expect(not handle.swap(key, wrong, value), "S1", "a swap from other bytes to the record's own was applied")
    expect(handle.load(key) == value, "S1", "a swap that answered False changed the record")


def stale_swaps(pair: StorePair) -> None:
    """Refuse swaps from bytes that were replaced just before, or up to 300 writes ago."""
    key, first = pair.record()
    held = first
    for turn in range(300):
        expect(pair.a.load(key) == held, "S2", "a handle does not see what was written")
        new = ordinary_bytes(40)
        expect(pair.b.swap(key, held, new), "S1", "a swap from the record's bytes was not applied")
        before, held = held, new
        if turn < 40:
            expect(
                not pair.a.swap(key, before, first + b"1"), "S8", "a swap from bytes replaced just before was applied"
            )
        expect(pair.a.load(key) == held, "S2", "a handle does not see what was written")
        for old in (before, first):
            expect(
                not pair.a.swap(key, old, first), "S8", f"a swap from bytes that {turn + 1} writes replaced was applied"
            )
        expect(not pair.a.swap(key, None, first), "S7", "creating over an existing record is not False")
    expect(pair.b.load(key) == held, "S8", "a stale swap changed the record")


def returning_value(pair: StorePair) -> None:
    """Apply a swap from A, and none from B, to a record that was A, then B, then A again."""
    key, one = pair.record()
    other = ordinary_bytes()
    for handle in (pair.a, pair.b):
        expect(handle.load(key) == one, "S2", "a handle does not see what was written")
        pair.put(key, one, other)
        pair.put(key, other, one)
        expect(not handle.swap(key, other, one), "S8", "a swap from bytes that were replaced was applied")
        expect(
            handle.swap(key, one, other), "S1", "a swap from the record's bytes was not applied, after they returned"
        )
        expect(pair.a.load(key) == pair.b.load(key) == other, "S2", "a handle does not see what was written")
        pair.put(key, other, None)
        pair.put(key, None, other)
        expect(handle.swap(key, other, one), "S13", "a swap was not applied on a record that was created again")


def deleting(pair: StorePair) -> None:
    """Delete only from exactly the old bytes; the record stays deleted, and its key can be created again."""
    key, value = pair.record()
    for turn in range(4):
        expect(
            not pair.b.swap(key, value + b"1", None), "S1", "a delete from other bytes than the record's was applied"
        )
        expect(pair.a.load(key) == value, "S1", "a delete that answered False changed the record")
        expect(pair.b.swap(key, value, None), "S13", "deleting a record was not applied")
        for handle in (pair.a, pair.b, pair.handle()):
            expect(handle.load(key) is None, "S13", "a deleted record is still read")
            expect(not handle.swap(key, value, None), "S13", "a deleted record is deleted again")
            expect(not handle.swap(key, value, value), "S13", "a deleted record is replaced")
            expect(not handle.swap(key, value, value + b"1"), "S13", "a deleted record is replaced")
            expect(not handle.swap(key, None, None), "S1", "swap(key, None, None) without a record is not False")
            expect(handle.load(key) is None, "S13", "a deleted record is back")
        gone, value = value, ordinary_bytes() if turn % 2 else value
        expect(pair.a.swap(key, None, value), "S13", "a deleted record's key cannot be created again")
        expect(pair.b.load(key) == value, "S2", "a record that was created again is not read")
        expect(
            gone == value or not pair.a.swap(key, gone, gone), "S13", "a swap from a deleted record's bytes was applied"
        )
    pair.put(key, value, None)
    pair.certain.append((key, None))
