# SPDX-License-Identifier: Apache-2.0
"""Per-connection settings that make acknowledged writes durable.

https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous,
https://mariadb.com/kb/en/innodb-system-variables/#innodb_flush_log_at_trx_commit

PostgreSQL's are in ``_psycopg.py``.

Invariant: a setting that a session can change is set; any other is checked, and an unsafe value is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import StoreUnavailable
from ._sql import to_text

FetchOne = Callable[[str], Any]
"""Runs one statement and returns the first row of its result."""


def prepare_sqlite(fetch_one: FetchOne, *, synchronous: str = "FULL") -> None:
    """Switch an SQLite connection to a write-ahead log that is synced at each commit.

    Raises:
        StoreUnavailable: SQLite cannot keep a write-ahead log for this file.
    """
    (mode,) = fetch_one("PRAGMA journal_mode = WAL")
    if mode != "wal":
        raise StoreUnavailable("SQLite cannot keep a write-ahead log for this file")
    for pragma in (f"synchronous = {synchronous}", "fullfsync = 1", "checkpoint_fullfsync = 1"):
        fetch_one(f"PRAGMA {pragma}")


def prepare_mysql(fetch_one: FetchOne) -> None:
    """Check that the MariaDB or MySQL server is durable, and enable strict mode.

    Strict mode rejects an oversized value; without it, the server truncates the value and only warns.

    Raises:
        StoreUnavailable: the server does not sync each commit, would not replicate swaps, or is read-only.
    """
    row = fetch_one("SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog, @@binlog_format, @@read_only")
    flush_at_commit, binary_log, sync_binary_log, binary_log_format, read_only = row
    if int(flush_at_commit) != 1:
        raise StoreUnavailable("this server can lose acknowledged writes: innodb_flush_log_at_trx_commit is not 1")
    if int(binary_log) and int(sync_binary_log) != 1:
        # Crash recovery rolls back a transaction that InnoDB has prepared and the binary log does not hold.
        raise StoreUnavailable("this server can lose acknowledged writes: log_bin is on, and sync_binlog is not 1")
    if int(binary_log) and to_text(binary_log_format).upper() == "STATEMENT":
        # A swap compares the name of its own server's history, so its text would change nothing on a replica.
        raise StoreUnavailable("this server's replicas would not apply swaps: binlog_format is STATEMENT")
    if int(read_only):
        raise StoreUnavailable("this server is read-only: it may be a replica")
    fetch_one("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")
