# SPDX-License-Identifier: Apache-2.0
"""A store's clock and resources, a place that is not its own (S15), and records that nobody touched (S9, S10)."""

from __future__ import annotations

import gc
import math
import threading
import time
from pathlib import Path
from typing import Final

from ...errors import MFAError
from .failure import StoreCheckFailed, expect, needs
from .store_pair import Bench, ordinary_bytes, race
from .watch import Handle, tells_time

_CALLS: Final = 300
_FEW: Final = 60
"""How many files and threads more than before are few: pools grow, and caches fill."""


def clock(bench: Bench) -> None:
    """The server's clock shows seconds since the epoch, runs, and is the same on every handle."""
    needs(tells_time(bench.a), "the store has no clock()")
    first = bench.a.clock()
    expect(math.isfinite(first) and 0 < first < 2**40, "S12", "a clock does not show seconds since the epoch")
    time.sleep(0.3)
    second, third = bench.b.clock(), bench.a.clock()
    expect(first < second <= third, "S12", "the clock does not run")
    expect(third - first < 60, "S12", "the clock does not show seconds")


def nothing_leaks(bench: Bench) -> None:
    """Calls leave no open files and no threads behind; neither do threads that end."""
    files = Path("/proc/self/fd")
    needs(files.is_dir(), "this system does not list the open files of a process")
    key, held = bench.record()

    def turn() -> None:
        nonlocal held
        new = ordinary_bytes()
        expect(bench.a.load(key) == held, "S2", "a record is not read as it was written")
        expect(bench.a.swap(key, held, new), "S1", "a swap from the record's bytes did not land")
        bench.a.swap(key, held, None)
        held = new

    for _ in range(3):
        turn()
    gc.collect()
    open_files, threads = sum(1 for _ in files.iterdir()), threading.active_count()
    for _ in range(_CALLS):
        turn()
    for _ in range(_FEW):
        race([turn])
    gc.collect()
    more = sum(1 for _ in files.iterdir()) - open_files
    expect(more < _FEW, "S14", f"{_CALLS} calls, and {_FEW} threads, left {more} open files behind")
    more = threading.active_count() - threads
    expect(more < _FEW, "S14", f"{_CALLS} calls, and {_FEW} threads, left {more} threads behind")


def foreign_places(bench: Bench) -> None:
    """A place that holds something else is refused when it is opened, or at the first call at the latest."""
    needs(bench.faults.foreign, "no hook: Faults(foreign=...)")
    for number, make in enumerate(bench.faults.foreign):
        try:
            store = Handle(make(), bench.watch)
            store.load(bench.key())
            store.swap(bench.key(), None, b"value")
        except StoreCheckFailed:
            raise
        except (MFAError, ValueError, TypeError):
            continue
        except Exception as error:
            raise StoreCheckFailed("S16", f"a {type(error).__name__} crosses the protocol: {error}") from error
        raise StoreCheckFailed("S15", f"a place that holds something else (foreign[{number}]) is opened and used")


def first_records(bench: Bench) -> None:
    """Records that are written when the run begins, and looked at when it ends, are a check of their own."""
    for size in (1, 40, 300, 2_500, 16_000):
        for kind in "kuc":
            bench.certain.append(bench.record(kind, size))
    key, value = bench.record()
    bench.put(key, value, None)
    bench.certain.append((key, None))


def last_look(bench: Bench) -> None:
    """Whatever nobody touched during the run is as it was: nothing expired, was evicted, came back or landed late."""
    for handle in (bench.a, bench.b, bench.handle()):
        for key, value in bench.certain:
            found = handle.load(key)
            if value is None:
                expect(found is None, "S13", "a record that was deleted long ago is back")
            expect(found is not None or value is None, "S9", "a record that nobody touched is gone")
            expect(found == value, "S10", "a record that nobody touched is another")
