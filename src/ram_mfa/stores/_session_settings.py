# SPDX-License-Identifier: Apache-2.0
"""Per-connection settings that make acknowledged writes durable.

https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous,
https://mariadb.com/kb/en/innodb-system-variables/#innodb_flush_log_at_trx_commit

The room's rule: what a session can set is set; what it cannot is checked, and refused. PostgreSQL's part is in
``_psycopg.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import StoreUnavailable
from ._sql import text_of

Ask = Callable[[str], Any]
"""Runs one statement, and returns the first row of its answer."""


def sqlite(ask: Ask, *, synchronous: str = "FULL") -> None:
    """Have an SQLite connection keep a write-ahead log, and sync it at each commit.

    Raises:
        StoreUnavailable: there can be no such log in this place.
    """
    (mode,) = ask("PRAGMA journal_mode = WAL")
    if mode != "wal":
        raise StoreUnavailable("SQLite keeps no write-ahead log in this place")
    for pragma in (f"synchronous = {synchronous}", "fullfsync = 1", "checkpoint_fullfsync = 1"):
        ask(f"PRAGMA {pragma}")


def mysql(ask: Ask) -> None:
    """Check that a MariaDB or MySQL server keeps what it acknowledges, and have the session cut no value.

    Raises:
        StoreUnavailable: the server does not sync each commit, would replicate a swap wrongly, or is read-only.
    """
    asked = ask("SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog, @@binlog_format, @@read_only")
    flushed, logged, synced, replicated, read_only = asked
    if int(flushed) != 1:
        raise StoreUnavailable("this server loses what it acknowledged: innodb_flush_log_at_trx_commit is not 1")
    if int(logged) and int(synced) != 1:
        # Recovery rolls back what InnoDB has prepared and the binary log has not.
        raise StoreUnavailable("this server loses what it acknowledged: it has a binary log, and sync_binlog is not 1")
    if int(logged) and text_of(replicated).upper() == "STATEMENT":
        # A swap names its server's history, and would change nothing on a replica.
        raise StoreUnavailable("this server's replicas would lose each swap: binlog_format is STATEMENT")
    if int(read_only):
        raise StoreUnavailable("this server only follows another: it is read-only")
    # Without strict mode a value that is too long is cut, and nothing is said.
    ask("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")
