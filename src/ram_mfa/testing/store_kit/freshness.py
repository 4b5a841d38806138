# SPDX-License-Identifier: Apache-2.0
"""A load sees the last swap that landed: on every handle, in every thread, in every process (S2)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from .failure import expect
from .store_pair import RACERS, Bench, ordinary_bytes, race
from .watch import Handle


def reads_are_fresh(bench: Bench) -> None:
    """A load that begins after a swap has ended sees it, on every handle, also where that handle read before."""
    key, value = bench.record()
    handles = [bench.a, bench.b, bench.handle()]
    readers: list[Callable[[], bytes | None]] = [partial(handle.load, key) for handle in handles]
    for turn in range(bench.rounds):
        for _ in range(turn % 4):
            for reader in readers:
                expect(reader() == value, "S2", "a load is older than a swap that ended before it")
        new = ordinary_bytes()
        expect(handles[turn % 3].swap(key, value, new), "S1", "a swap from the record's bytes did not land")
        if turn % 2:
            found = [reader() for reader in readers]
            expect(found == [new] * 3, "S2", "a load is older than a swap that ended before it")
        found = race(readers)
        expect(found == [new] * 3, "S2", "a load in another thread is older than a swap that ended before it")
        value = new


def absence_is_fresh(bench: Bench) -> None:
    """A record that comes or goes is seen at once, also by a handle that saw it absent, or there, before."""
    for turn in range(max(4, bench.rounds // 2)):
        key, value = bench.key(), ordinary_bytes()
        handles = [bench.a, bench.b]
        writer, reader = handles[turn % 2], handles[1 - turn % 2]
        for _ in range(1 + turn % 3):
            expect(reader.load(key) is None, "S5", "load of a key without a record is not None")
        expect(not reader.swap(key, value, None), "S1", "deleting a record that is not there is not False")
        expect(writer.swap(key, None, value), "S7", "creating a record under a fresh key did not land")
        expect(reader.load(key) == value, "S2", "a load does not see a record that was created before it")
        expect(not reader.swap(key, None, value), "S7", "creating over a record is not False")
        expect(writer.swap(key, value, None), "S13", "deleting a record did not land")
        expect(reader.load(key) is None, "S13", "a load sees a record that was deleted before it")
        expect(reader.swap(key, None, value), "S7", "creating a record that was deleted did not land")


def across_threads(bench: Bench) -> None:
    """What one thread wrote, each other one sees at once, through the same handle too, and can replace."""
    for handle in (bench.a, bench.b):
        key, value = bench.record()
        for turn in range(6):
            new = ordinary_bytes()
            expect(_elsewhere(partial(handle.load, key)) == value, "S2", "another thread does not see what was written")
            landed = _elsewhere(partial(handle.swap, key, value, new))
            expect(landed, "S1", "a swap in another thread did not land from the record's bytes")
            expect(handle.load(key) == new, "S2", "a thread does not see what another one wrote")
            expect(not handle.swap(key, value, value), "S8", "a swap landed from bytes that another thread replaced")
            value = new if turn % 2 else ordinary_bytes()
            if value != new:
                expect(handle.swap(key, new, value), "S1", "a swap from the record's bytes did not land")
        landed = _elsewhere(partial(handle.swap, key, value, None))
        expect(landed, "S13", "a delete in another thread did not land")
        expect(handle.load(key) is None, "S13", "a thread sees a record that another one deleted")


def _elsewhere(call: Callable[[], object]) -> object:
    return race([call])[0]


def a_record_per_thread(bench: Bench) -> None:
    """Threads that each have a record of their own, through one handle, never meet another's."""
    for turn in range(max(4, bench.rounds // 3)):
        handle = (bench.a, bench.b)[turn % 2]
        jobs = [partial(_own_record, handle, bench.key(), 8) for _ in range(RACERS)]
        race(jobs, shake=turn if bench.threads and turn % 2 == 0 else None)


def _own_record(handle: Handle, key: str, turns: int) -> None:
    held: bytes | None = None
    for turn in range(turns):
        new = ordinary_bytes(100 + turn * 300)
        expect(handle.swap(key, held, new), "S1", "a swap did not land from the record of this thread alone")
        expect(handle.load(key) == new, "S6", "a thread does not read its own record")
        expect(not handle.swap(key, new + b"1", b"x"), "S1", "a swap from other bytes than the record's landed")
        held = new
    expect(handle.swap(key, held, None), "S13", "a delete did not land from the record of this thread alone")
    expect(handle.load(key) is None, "S13", "a thread reads a record after it deleted it")


def reads_while_written(bench: Bench) -> None:
    """A reader beside a writer never goes back in time, and never sees a part of a record of up to 16 kB."""
    sizes = (300, 2_500, 8_000, 16_000)
    key = bench.key()
    bench.put(key, None, _numbered(0, sizes[0]))
    writes = max(20, bench.rounds * 2)
    stop = threading.Event()

    def write() -> None:
        try:
            held = _numbered(0, sizes[0])
            for number in range(1, writes + 1):
                new = _numbered(number, sizes[number % 4])
                expect(bench.a.swap(key, held, new), "S1", "a swap did not land under the only writer")
                held = new
        finally:
            stop.set()

    def read(handle: Handle) -> None:
        last = 0
        while not stop.is_set():
            found = handle.load(key)
            expect(found is not None, "S6", "a record under way is read as absent")
            assert found is not None
            number = int.from_bytes(found[:8], "big")
            expect(found == _numbered(number, len(found)), "S6", "a record is read as a mixture of two")
            expect(len(found) == sizes[number % 4], "S6", "a part of a record is read")
            expect(number >= last, "S2", "a reader goes back in time")
            last = number

    for shake in (None, "shaken") if bench.threads else (None,):
        stop.clear()
        held = bench.a.load(key)
        bench.put(key, held, _numbered(0, sizes[0]))
        jobs: list[Callable[[], None]] = [write, *(partial(read, handle) for handle in (bench.a, bench.b, bench.b))]
        race(jobs, shake=shake)


def _numbered(number: int, size: int) -> bytes:
    return number.to_bytes(8, "big") + bytes([number % 251]) * (size - 8)
