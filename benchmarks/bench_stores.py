# SPDX-License-Identifier: Apache-2.0
"""What a logon costs beside the raw driver's two statements, on each engine as durable as the store asks for.

``python -m benchmarks stores``; ``python -m benchmarks.bench_stores sqlite postgresql sqlalchemy mariadb redis`` for
some of them. It starts private servers and stops them. The limit is a SELECT and a conditional UPDATE of as many bytes
by the raw driver on a kept connection in autocommit (on Redis a GET and a SET), on the same server in the same round.
The latency of an append and fdatasync on the same disk stands beside the figures: each swap pays one at least. A row
shows the median of its ratios to the raw pair of the same round. Nothing is judged here.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import redis
import sqlalchemy as sa

from benchmarks.bench_perform import APART, ON_DISK, ROUNDS, Deployment, Times, seconds_each, table
from ram_mfa.engine.records import user_key
from ram_mfa.stores.postgres import PostgresStore
from ram_mfa.stores.redis import RedisStore
from ram_mfa.stores.sqlalchemy import SQLAlchemyStore
from ram_mfa.stores.sqlite import SQLiteStore
from tests.support.servers import MariaDB, PostgreSQL, Redis

KEY = user_key("", "raw")
DEADLINE = 30.0

Pair = Callable[[bytes], object]
"""Reads the raw record and writes another in its place, by the raw driver."""
Engine = Callable[[], contextlib.AbstractContextManager[tuple[Any, Callable[[bytes], Pair]]]]
"""Gives a store, and what makes the raw pair out of a first record."""


@contextlib.contextmanager
def sqlite() -> Iterator[tuple[Any, Callable[[bytes], Pair]]]:
    """SQLite in a file, synchronous FULL."""
    with tempfile.TemporaryDirectory() as folder:
        raw = sqlite3.connect(Path(folder, "raw.db"), isolation_level=None)
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("CREATE TABLE records (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL)")

        def made(first: bytes) -> Pair:
            raw.execute("INSERT INTO records VALUES (?, ?)", (KEY, first))

            def pair(new: bytes) -> None:
                (old,) = raw.execute("SELECT value FROM records WHERE key = ?", (KEY,)).fetchone()
                raw.execute("UPDATE records SET value = ? WHERE key = ? AND value = ?", (new, KEY, old))

            return pair

        yield SQLiteStore(Path(folder, "mfa.db")), made
        raw.close()


def by_psycopg(server: PostgreSQL) -> tuple[Any, Callable[[bytes], Pair]]:
    """Return a raw connection, with prepared statements, and what makes the raw pair on it."""
    raw = psycopg.connect(server.url(), autocommit=True, prepare_threshold=0)
    raw.execute('CREATE TABLE records (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL)')

    def made(first: bytes) -> Pair:
        cursor = raw.cursor(binary=True)
        cursor.execute("INSERT INTO records VALUES (%s, %s)", (KEY, first))

        def pair(new: bytes) -> None:
            (old,) = cursor.execute("SELECT value FROM records WHERE key = %s", (KEY,)).fetchone()
            cursor.execute("UPDATE records SET value = %s WHERE key = %s AND value = %s", (new, KEY, old))

        return pair

    return raw, made


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[Any, Callable[[bytes], Pair]]]:
    """PostgreSQL through `PostgresStore`."""
    with PostgreSQL() as server:
        raw, made = by_psycopg(server)
        store = PostgresStore(server.url(), deadline=DEADLINE)
        store.create_table()
        yield store, made
        raw.close()


@contextlib.contextmanager
def sqlalchemy() -> Iterator[tuple[Any, Callable[[bytes], Pair]]]:
    """PostgreSQL through `SQLAlchemyStore`."""
    with PostgreSQL() as server:
        raw, made = by_psycopg(server)
        store = SQLAlchemyStore(sa.create_engine(server.url().replace("sql:", "sql+psycopg:")), deadline=DEADLINE)
        store.create_table()
        yield store, made
        raw.close()


@contextlib.contextmanager
def mariadb() -> Iterator[tuple[Any, Callable[[bytes], Pair]]]:
    """MariaDB through `SQLAlchemyStore` and PyMySQL."""
    with MariaDB() as server:
        engine = sa.create_engine(server.url())
        store = SQLAlchemyStore(engine, deadline=DEADLINE)
        store.create_table()
        raw = pymysql.connect(**engine.dialect.create_connect_args(engine.url)[1], autocommit=True)
        cursor = raw.cursor()
        cursor.execute("CREATE TABLE records (`key` VARBINARY(44) PRIMARY KEY, value MEDIUMBLOB NOT NULL)")

        def made(first: bytes) -> Pair:
            cursor.execute("INSERT INTO records VALUES (%s, _binary %s)", (KEY, first))

            def pair(new: bytes) -> None:
                cursor.execute("SELECT value FROM records WHERE `key` = %s", (KEY,))
                (old,) = cursor.fetchone()
                cursor.execute(
                    "UPDATE records SET value = _binary %s WHERE `key` = %s AND value = _binary %s", (new, KEY, old)
                )

            return pair

        yield store, made
        raw.close()


@contextlib.contextmanager
def on_redis() -> Iterator[tuple[Any, Callable[[bytes], Pair]]]:
    """Redis, appendfsync always."""
    with Redis() as server:
        client = redis.Redis(port=server.port, socket_timeout=DEADLINE, socket_connect_timeout=DEADLINE)
        raw = redis.Redis(port=server.port, socket_timeout=DEADLINE)

        def made(first: bytes) -> Pair:
            raw.set("raw", first)

            def pair(new: bytes) -> None:
                raw.get("raw")
                raw.set("raw", new)

            return pair

        yield RedisStore(client), made
        raw.close()


ENGINES: dict[str, Engine] = {
    "sqlite": sqlite,
    "postgresql": postgresql,
    "sqlalchemy": sqlalchemy,
    "mariadb": mariadb,
    "redis": on_redis,
}


def syncs(file: int, data: bytes) -> float:
    """Seconds that one append and fdatasync take."""

    def append(_: object) -> None:
        os.write(file, data)
        os.fdatasync(file)

    return seconds_each(append, [None] * ON_DISK)


def measure(engine: Engine) -> None:
    """Measure one engine and print its table."""
    with engine() as (store, made), tempfile.TemporaryDirectory() as folder:
        deployment = Deployment(store)
        deployment.whole(deployment.clock.now + APART)
        size = len(store.load(user_key("", "alice")))
        pair = made(os.urandom(size))
        file = os.open(Path(folder, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        times: Times = {}
        began = time.perf_counter()
        for _ in range(ROUNDS):
            values = [os.urandom(size) for _ in range(ON_DISK)]
            times.setdefault("limit: the raw pair", []).append(seconds_each(pair, values))
            times.setdefault("FinishLogon alone", []).append(
                seconds_each(deployment.perform, deployment.logons(ON_DISK))
            )
            moments = [deployment.clock.now + APART * (number + 1) for number in range(ON_DISK)]
            times.setdefault("BeginLogon and FinishLogon", []).append(seconds_each(deployment.whole, moments))
            times.setdefault("append and fdatasync", []).append(syncs(file, values[0]))
        os.close(file)
        table(f"{(engine.__doc__ or '').rstrip('.')}: a whole logon, records of {size} bytes", times)
        print(f"  {time.perf_counter() - began:.1f} s for {ROUNDS} rounds of {ON_DISK}")
        store.close()


def main(names: list[str]) -> None:
    """Measure all engines, or those named."""
    for name in names or ENGINES:
        measure(ENGINES[name])


if __name__ == "__main__":
    main(sys.argv[1:])
