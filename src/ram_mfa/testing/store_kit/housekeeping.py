# SPDX-License-Identifier: Apache-2.0
"""The clock and the resources of a store, foreign places (S15), and untouched records (S9, S10)."""

from __future__ import annotations

import gc
import math
import threading
import time
from pathlib import Path
from typing import Final

from ...errors import MFAError
from .results import StoreCheckFailed, expect, require
from .store_pair import StorePair, ordinary_bytes, race
from .watchdog import Handle, has_server_clock

_CALLS: Final = 300
_MAX_MORE: Final = 60
"""Additional files and threads that are no leak: pools grow, and caches fill."""


def clock(pair: StorePair) -> None:
    """Return seconds since the epoch from the server's clock, which runs, alike on every handle."""
    require(has_server_clock(pair.a), "the store has no clock()")
    first = pair.a.clock()
    expect(math.isfinite(first) and 0 < first < 2**40, "S12", "a clock does not show seconds since the epoch")
    time.sleep(0.3)
    second, third = pair.b.clock(), pair.a.clock()
    expect(first < second <= third, "S12", "the clock does not run")
    expect(third - first < 60, "S12", "the clock does not show seconds")


def no_leaks(pair: StorePair) -> None:
    """Leave no open files and no threads behind, after calls and after threads that ended."""
    files = Path("/proc/self/fd")
    require(files.is_dir(), "this system does not list the open files of a process")
    key, held = pair.record()

    def turn() -> None:
        nonlocal held
        new = ordinary_bytes()
        expect(pair.a.load(key) == held, "S2", "a record is not read as it was written")
        expect(pair.a.swap(key, held, new), "S1", "a swap from the record's bytes was not applied")
        pair.a.swap(key, held, None)
        held = new

    for _ in range(3):
        turn()
    gc.collect()
    open_files, threads = sum(1 for _ in files.iterdir()), threading.active_count()
    for _ in range(_CALLS):
        turn()
    for _ in range(_MAX_MORE):
        race([turn])
    gc.collect()
    more = sum(1 for _ in files.iterdir()) - open_files
    expect(more < _MAX_MORE, "S14", f"{_CALLS} calls, and {_MAX_MORE} threads, left {more} open files behind")
    more = threading.active_count() - threads
    expect(more < _MAX_MORE, "S14", f"{_CALLS} calls, and {_MAX_MORE} threads, left {more} threads behind")


def foreign_places(pair: StorePair) -> None:
    """Refuse a place that holds something else when it is opened, or at the first call."""
    require(pair.faults.foreign, "no hook: Faults(foreign=...)")
    for number, make in enumerate(pair.faults.foreign):
        try:
            store = Handle(make(), pair.watch)
            store.load(pair.key())
            store.swap(pair.key(), None, b"value")
        except StoreCheckFailed:
            raise
        except (MFAError, ValueError, TypeError):
            continue
        except Exception as error:
            raise StoreCheckFailed("S16", f"a {type(error).__name__} crosses the protocol: {error}") from error
        raise StoreCheckFailed("S15", f"a place that holds something else (foreign[{number}]) is opened and used")


def first_records(pair: StorePair) -> None:
    """Write the records that `untouched_records` compares at the end of the run."""
    for size in (1, 40, 300, 2_500, 16_000):
        for kind in "kuc":
            pair.certain.append(pair.record(kind, size))
    key, value = pair.record()
    pair.put(key, value, None)
    pair.certain.append((key, None))


def untouched_records(pair: StorePair) -> None:
    """Find each untouched record as it was: nothing expired, was evicted, came back or was applied late."""
    for handle in (pair.a, pair.b, pair.handle()):
        for key, value in pair.certain:
            found = handle.load(key)
            if value is None:
                expect(found is None, "S13", "a record that was deleted long ago is back")
            expect(found is not None or value is None, "S9", "an untouched record is gone")
            expect(found == value, "S10", "an untouched record is another")
