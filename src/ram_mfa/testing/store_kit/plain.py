# SPDX-License-Identifier: Apache-2.0
"""What load and swap mean, with nobody else about: create, replace, delete, and all the ways not to."""

from __future__ import annotations

import secrets

from .bench import Bench
from .failure import expect


def absence(bench: Bench) -> None:
    """A key without a record is None, and there is nothing to replace or delete under it."""
    key, value = bench.key(), secrets.token_bytes(300)
    expect(bench.a.load(key) is None, "S5", "load of a key without a record is not None")
    expect(bench.a.swap(key, None, None) is False, "S1", "swap(key, None, None) without a record is not False")
    expect(bench.a.swap(key, value, None) is False, "S1", "deleting a record that is not there is not False")
    expect(bench.a.swap(key, value, value + b"1") is False, "S1", "replacing a record that is not there is not False")
    expect(bench.a.swap(key, value, value) is False, "S1", "swap(key, x, x) without a record is not False")
    expect(bench.b.load(key) is None, "S1", "a swap that answered False made a record")


def creating(bench: Bench) -> None:
    """Creating lands once, answers True, is seen by every handle, and never replaces."""
    key, value = bench.record()
    expect(bench.b.load(key) == value, "S2", "another handle does not see a record that was created")
    expect(bench.b.swap(key, None, value + b"1") is False, "S7", "creating over a record is not False")
    expect(bench.b.swap(key, None, value) is False, "S7", "creating over the same bytes is not False")
    expect(bench.b.swap(key, None, None) is False, "S1", "swap(key, None, None) over a record is not False")
    expect(bench.a.load(key) == value, "S7", "creating over a record changed it")


def replacing(bench: Bench) -> None:
    """Replacing needs the old bytes exactly, and may write the same bytes again."""
    key, value = bench.record()
    new = secrets.token_bytes(300)
    for wrong in (new, value[:-1], value + b"\0", value[:-1] + bytes([value[-1] ^ 1]), b"\0" + value):
        expect(bench.b.swap(key, wrong, new + b"1") is False, "S1", "a swap from other bytes than the record's landed")
        expect(bench.b.swap(key, wrong, wrong) is False, "S1", "swap(key, x, x) landed where the record is not x")
    expect(bench.a.load(key) == value, "S1", "a swap that answered False changed the record")
    expect(bench.b.swap(key, value, value) is True, "S1", "swap(key, x, x) is not True where the record is x")
    expect(bench.a.load(key) == value, "S1", "swap(key, x, x) changed the record")
    expect(bench.b.swap(key, value, new) is True, "S1", "a swap from the record's bytes did not land")
    expect(bench.a.load(key) == new, "S2", "a handle does not see what another one wrote")
    expect(bench.a.swap(key, value, new + b"1") is False, "S8", "a swap from bytes that were replaced landed")
    expect(bench.b.load(key) == new, "S8", "a stale swap changed the record")


def deleting(bench: Bench) -> None:
    """Deleting needs the old bytes exactly; a deleted record stays away, and its key is free again."""
    key, value = bench.record()
    expect(bench.b.swap(key, value + b"1", None) is False, "S1", "a delete from other bytes than the record's landed")
    expect(bench.a.load(key) == value, "S1", "a delete that answered False changed the record")
    expect(bench.b.swap(key, value, None) is True, "S13", "deleting a record did not land")
    for handle in (bench.a, bench.b, bench.handle()):
        expect(handle.load(key) is None, "S13", "a deleted record is still read")
        expect(handle.swap(key, value, None) is False, "S13", "a record is deleted twice")
        expect(handle.swap(key, value, value) is False, "S13", "a deleted record is replaced")
    expect(bench.a.swap(key, None, value) is True, "S13", "a deleted record's key cannot be created again")
    expect(bench.b.load(key) == value, "S2", "a record that was created again is not read")
