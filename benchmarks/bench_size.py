# SPDX-License-Identifier: Apache-2.0
"""What a logon costs among a million users beside one among ten thousand, on SQLite and on PostgreSQL.

``python -m benchmarks size``; it takes some minutes, most of them to load the users, and starts private servers and
stops them. Users are drawn at random. The raw driver's SELECT and UPDATE on the same tables stand beside the logons: a
larger table costs those more too. A row shows the median of its ratios to the small store of the same round. Nothing is
judged here.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.bench_perform import Times, seconds_each, table
from ram_mfa.engine.records import user_key
from ram_mfa.testing import ManualClock
from tests.support.millions import START, filled, log_on, name_of, service
from tests.support.servers import PostgreSQL

FEW, MANY = 10_000, 1_000_000
ROUNDS = 31
LOGONS = 40

Raw = Callable[[int], object]


def raw_sqlite(path: str) -> Raw:
    """Return the raw pair on a file."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA synchronous = FULL")

    def pair(number: int) -> None:
        key = user_key("", name_of(number))
        (old,) = raw.execute("SELECT value FROM ram_mfa WHERE key = ?", (key,)).fetchone()
        raw.execute("UPDATE ram_mfa SET value = ? WHERE key = ? AND value = ?", (old[::-1], key, old))

    return pair


def raw_postgresql(url: str) -> Raw:
    """Return the raw pair on a database."""
    raw = psycopg.connect(url, autocommit=True, prepare_threshold=0).cursor(binary=True)

    def pair(number: int) -> None:
        key = user_key("", name_of(number))
        (old,) = raw.execute("SELECT value FROM ram_mfa WHERE key = %s", (key,)).fetchone()
        raw.execute("UPDATE ram_mfa SET value = %s WHERE key = %s AND value = %s", (old[::-1], key, old))

    return pair


class Side:
    """One of the two stores, with its service and the raw pair."""

    def __init__(self, users: int, url: str, raw: Callable[[str], Raw]) -> None:
        self.users, self.clock = users, ManualClock(START)
        begin = time.perf_counter()
        self.store: Any = filled(url, users)
        print(f"  {users:,} users loaded in {time.perf_counter() - begin:.0f} s", flush=True)
        self.mfa = service(self.store, self.clock)
        self.pair = raw(url)

    def log_on(self, number: int) -> None:
        """Log one user on; ten minutes after the one before."""
        self.clock.advance(600)
        log_on(self.mfa, number, self.clock.now)

    def some(self, odd: int) -> list[int]:
        """Return some users: the odd ones log on, the records of the even ones are the raw pair's."""
        return [random.randrange(odd, self.users, 2) for _ in range(LOGONS)]


def measure(title: str, small: Side, large: Side) -> None:
    """Measure both sides in turn and print the tables."""
    logons: Times = {}
    pairs: Times = {}
    for _ in range(ROUNDS):
        for side in (small, large):
            name = f"{side.users:,} users"
            pairs.setdefault(name, []).append(seconds_each(side.pair, side.some(0)))
            logons.setdefault(name, []).append(seconds_each(side.log_on, side.some(1)))
    table(f"{title}: the raw pair", pairs)
    table(f"{title}: a whole logon, the phone's code too", logons)
    for side in (small, large):
        side.store.close()


def main(most: int) -> None:
    """Measure on both engines."""
    with tempfile.TemporaryDirectory() as folder:
        print("\nSQLite, synchronous FULL")
        small, large = (Side(users, str(Path(folder, f"{users}.db")), raw_sqlite) for users in (FEW, most))
        measure("SQLite", small, large)
    with contextlib.ExitStack() as servers:
        print("\nPostgreSQL")
        small, large = (Side(users, servers.enter_context(PostgreSQL()).url(), raw_postgresql) for users in (FEW, most))
        measure("PostgreSQL", small, large)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MANY)
