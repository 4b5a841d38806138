# SPDX-License-Identifier: Apache-2.0
"""Freshness of loads: each returns what the last applied swap wrote, on every handle and in every thread (S2)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from .results import expect
from .store_pair import RACERS, StorePair, ordinary_bytes, race
from .watchdog import Handle


def fresh_reads(pair: StorePair) -> None:
    """Load what a swap wrote that ended before, on every handle, also on one that has read the record before."""
    key, value = pair.record()
    handles = [pair.a, pair.b, pair.handle()]
    readers: list[Callable[[], bytes | None]] = [partial(handle.load, key) for handle in handles]
    for turn in range(pair.rounds):
        for _ in range(turn % 4):
            for reader in readers:
                expect(reader() == value, "S2", "a load is older than a swap that ended before it")
        new = ordinary_bytes()
        expect(handles[turn % 3].swap(key, value, new), "S1", "a swap from the record's bytes was not applied")
        if turn % 2:
            found = [reader() for reader in readers]
            expect(found == [new] * 3, "S2", "a load is older than a swap that ended before it")
        found = race(readers)
        expect(found == [new] * 3, "S2", "a load in another thread is older than a swap that ended before it")
        value = new


def fresh_absence(pair: StorePair) -> None:
    """See a record that is created or deleted at once, also on a handle that has seen the earlier state."""
    for turn in range(max(4, pair.rounds // 2)):
        key, value = pair.key(), ordinary_bytes()
        handles = [pair.a, pair.b]
        writer, reader = handles[turn % 2], handles[1 - turn % 2]
        for _ in range(1 + turn % 3):
            expect(reader.load(key) is None, "S5", "load of a key without a record is not None")
        expect(not reader.swap(key, value, None), "S1", "deleting a record that is not there is not False")
        expect(writer.swap(key, None, value), "S7", "creating a record under a fresh key was not applied")
        expect(reader.load(key) == value, "S2", "a load does not see a record that was created before it")
        expect(not reader.swap(key, None, value), "S7", "creating over an existing record is not False")
        expect(writer.swap(key, value, None), "S13", "deleting a record was not applied")
        expect(reader.load(key) is None, "S13", "a load sees a record that was deleted before it")
        expect(reader.swap(key, None, value), "S7", "creating a record that was deleted was not applied")


def fresh_across_threads(pair: StorePair) -> None:
    """See and replace in one thread what another wrote, through the same handle too."""
    for handle in (pair.a, pair.b):
        key, value = pair.record()
        for turn in range(6):
            new = ordinary_bytes()
            expect(
                _in_another_thread(partial(handle.load, key)) == value,
                "S2",
                "another thread does not see what was written",
            )
            applied = _in_another_thread(partial(handle.swap, key, value, new))
            expect(applied, "S1", "a swap in another thread was not applied from the record's bytes")
            expect(handle.load(key) == new, "S2", "a thread does not see what another one wrote")
            expect(
                not handle.swap(key, value, value), "S8", "a swap was applied from bytes that another thread replaced"
            )
            value = new if turn % 2 else ordinary_bytes()
            if value != new:
                expect(handle.swap(key, new, value), "S1", "a swap from the record's bytes was not applied")
        applied = _in_another_thread(partial(handle.swap, key, value, None))
        expect(applied, "S13", "a delete in another thread was not applied")
        expect(handle.load(key) is None, "S13", "a thread sees a record that another one deleted")


def _in_another_thread(call: Callable[[], object]) -> object:
    return race([call])[0]


def record_per_thread(pair: StorePair) -> None:
    """Give each of many threads on one handle its own record, and never another's."""
    for turn in range(max(4, pair.rounds // 3)):
        handle = (pair.a, pair.b)[turn % 2]
        jobs = [partial(_own_record, handle, pair.key(), 8) for _ in range(RACERS)]
        race(jobs, pause_seed=turn if pair.threads and turn % 2 == 0 else None)


def _own_record(handle: Handle, key: str, turns: int) -> None:
    held: bytes | None = None
    for turn in range(turns):
        new = ordinary_bytes(100 + turn * 300)
        expect(handle.swap(key, held, new), "S1", "a swap was not applied from the record of this thread alone")
        expect(handle.load(key) == new, "S6", "a thread does not read its own record")
        expect(not handle.swap(key, new + b"1", b"x"), "S1", "a swap from other bytes than the record's was applied")
        held = new
    expect(handle.swap(key, held, None), "S13", "a delete was not applied from the record of this thread alone")
    expect(handle.load(key) is None, "S13", "a thread reads a record after it deleted it")


def reads_while_written(pair: StorePair) -> None:
    """Read while another thread writes: no older record after a newer one, and no part of a record of up to 16 kB."""
    sizes = (300, 2_500, 8_000, 16_000)
    key = pair.key()
    pair.put(key, None, _numbered(0, sizes[0]))
    writes = max(20, pair.rounds * 2)
    stop = threading.Event()

    def write() -> None:
        try:
            held = _numbered(0, sizes[0])
            for number in range(1, writes + 1):
                new = _numbered(number, sizes[number % 4])
                expect(pair.a.swap(key, held, new), "S1", "a swap was not applied under the only writer")
                held = new
        finally:
            stop.set()

    def read(handle: Handle) -> None:
        last = 0
        while not stop.is_set():
            found = handle.load(key)
            expect(found is not None, "S6", "a record that is being replaced is read as absent")
            assert found is not None
            number = int.from_bytes(found[:8], "big")
            expect(found == _numbered(number, len(found)), "S6", "a record is read as a mixture of two")
            expect(len(found) == sizes[number % 4], "S6", "a part of a record is read")
            expect(number >= last, "S2", "a reader finds an older record after a newer one")
            last = number

    for pause_seed in (None, "shaken") if pair.threads else (None,):
        stop.clear()
        held = pair.a.load(key)
        pair.put(key, held, _numbered(0, sizes[0]))
        jobs: list[Callable[[], None]] = [write, *(partial(read, handle) for handle in (pair.a, pair.b, pair.b))]
        race(jobs, pause_seed=pause_seed)


def _numbered(number: int, size: int) -> bytes:
    return number.to_bytes(8, "big") + bytes([number % 251]) * (size - 8)
