# SPDX-License-Identifier: Apache-2.0
"""The outcome of a statement by the database's error that ended it: not applied, to be repeated, or unknown.

The room's rule: uncertain unless the engine's documentation says otherwise. Only errors that an engine raises before
it commits say that nothing landed.

https://www.postgresql.org/docs/current/errcodes-appendix.html, https://mariadb.com/kb/en/mariadb-error-codes/,
https://www.sqlite.org/rescode.html
"""

from __future__ import annotations

import enum
import sqlite3
from collections.abc import Callable


class Outcome(enum.Enum):
    """What became of a statement that raised."""

    NOTHING_LANDED = "nothing landed"
    DUPLICATE = "nothing landed: the record is there already"
    AGAIN = "nothing landed: others were in the way, and the same statement may be asked again"
    UNCERTAIN = "it may have landed"


_SQLITE_BEFORE_THE_COMMIT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_TOOBIG,
    }
)
"""What a statement in autocommit only ever fails with before its commit frame is written.

A full disk and an I/O error are not among them: the frame may stand in the log although the sync failed, or the
padding behind it, and a recovery would then find it.
"""


def of_sqlite(error: BaseException) -> Outcome:
    """Judge an error of ``sqlite3``; one without a code is Python's own, and came before the statement."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
    return Outcome.NOTHING_LANDED if code in _SQLITE_BEFORE_THE_COMMIT else Outcome.UNCERTAIN


def of_postgresql(error: BaseException) -> Outcome:
    """Judge an error by its SQLSTATE; one without came from the connection."""
    state = getattr(error, "sqlstate", None) or ""
    if state in {"40001", "40P01"}:
        return Outcome.AGAIN
    # A shutdown (57P0x) may come while a commit waits for its standby; 58 and XX are the server's own troubles.
    if not state or state[:2] in {"08", "58", "XX"} or state.startswith("57P") or state == "40003":
        return Outcome.UNCERTAIN
    return Outcome.NOTHING_LANDED


_MYSQL_BEFORE_THE_COMMIT = frozenset(
    {1021, 1040, 1044, 1045, 1046, 1049, 1054, 1064, 1114, 1142, 1146, 1153, 1203, 1226, 1290, 1406, 1792, 1836}
)
"""Disk or table full, too many connections, denied, no such thing, syntax, packet or value too long, read-only."""


def of_mysql(error: BaseException) -> Outcome:
    """Judge an error by its number, which is the first argument in every driver."""
    number = error.args[0] if error.args else None
    if number in {1205, 1213}:  # lock wait timeout, deadlock: the statement was rolled back, and was all there was
        return Outcome.AGAIN
    if number == 1062:
        return Outcome.DUPLICATE
    return Outcome.NOTHING_LANDED if number in _MYSQL_BEFORE_THE_COMMIT else Outcome.UNCERTAIN


JUDGES: dict[str, Callable[[BaseException], Outcome]] = {
    "sqlite": of_sqlite,
    "postgresql": of_postgresql,
    "mysql": of_mysql,
}
"""What judges an engine's errors, by the engine's family."""


def told(error: BaseException) -> str:
    """Return an error's kind and first line."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
