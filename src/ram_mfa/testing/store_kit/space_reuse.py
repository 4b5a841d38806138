# SPDX-License-Identifier: Apache-2.0
"""Reuse of the space of replaced records (S9): an engine that never reuses it fills up, and refuses writes."""

from __future__ import annotations

import secrets
from typing import Final

from .results import expect, require
from .store_pair import StorePair

SIZES: Final = (700, 2_100, 2_700, 3_000)
"""Bytes: below and above the 2 kB from which PostgreSQL moves a value out of its row, and such as leave the most of a
page of 8 kB empty."""
WRITES: Final = 300


def space_is_reused(pair: StorePair) -> None:
    """Reuse the space of replaced bytes, so that repeated writes of one record do not grow the engine's files."""
    size_of_engine = pair.faults.size
    require(size_of_engine, "no hook: Faults(size=...)")
    assert size_of_engine is not None
    for size in SIZES:
        key, held = pair.record(size=size)
        before = size_of_engine()
        for _ in range(WRITES):
            expect(pair.a.load(key) == held, "S2", "a record is not read as it was written")
            new = secrets.token_bytes(size)
            expect(pair.a.swap(key, held, new) is True, "S1", "a swap from the record's bytes was not applied")
            held = new
        grown = size_of_engine() - before
        expect(
            grown < WRITES * size // 3, "S9", f"{WRITES} writes of one record of {size} bytes left {grown} bytes behind"
        )
