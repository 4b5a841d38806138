# SPDX-License-Identifier: Apache-2.0
"""Classification of database errors: the statement was not applied, may be retried, or may have been applied.

https://www.postgresql.org/docs/current/errcodes-appendix.html, https://mariadb.com/kb/en/mariadb-error-codes/,
https://www.sqlite.org/rescode.html

Invariant: an error is UNCERTAIN unless the engine's documentation says that it is raised before the commit.
"""

from __future__ import annotations

import enum
import sqlite3
from collections.abc import Callable


class Outcome(enum.Enum):
    """The effect of a statement that raised an error."""

    NOT_APPLIED = "not applied"
    DUPLICATE = "not applied: the key already exists"
    RETRY = "not applied because of a conflict with other transactions: the same statement may be retried"
    UNCERTAIN = "possibly applied"


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
"""Errors that a statement in autocommit raises only before its commit frame is written.

A full disk and an I/O error are not included: the commit frame may already be in the log when its sync, or the write
of the padding after it, fails, and recovery would then apply it.
"""


def classify_sqlite(error: BaseException) -> Outcome:
    """Classify an error of ``sqlite3``; one without a code was raised by Python, before the statement ran."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
    return Outcome.NOT_APPLIED if code in _SQLITE_BEFORE_THE_COMMIT else Outcome.UNCERTAIN


def classify_postgresql(error: BaseException) -> Outcome:
    """Classify an error by its SQLSTATE; one without a SQLSTATE is a connection failure."""
    state = getattr(error, "sqlstate", None) or ""
    if state in {"40001", "40P01"}:
        return Outcome.RETRY
    # A shutdown (57P0x) can interrupt a commit that waits for its standby; 58 and XX are internal server errors.
    if not state or state[:2] in {"08", "58", "XX"} or state.startswith("57P") or state == "40003":
        return Outcome.UNCERTAIN
    return Outcome.NOT_APPLIED


_MYSQL_BEFORE_THE_COMMIT = frozenset(
    {1021, 1040, 1044, 1045, 1046, 1049, 1054, 1064, 1114, 1142, 1146, 1153, 1203, 1226, 1290, 1406, 1792, 1836}
)
"""Disk or table full, too many connections, access denied, unknown database, table or column, syntax error, packet or
value too long, read-only server."""


def classify_mysql(error: BaseException) -> Outcome:
    """Classify an error by its number, which is the first argument of the exception in every driver."""
    number = error.args[0] if error.args else None
    if number in {1205, 1213}:  # lock wait timeout, deadlock: the statement was rolled back, with its transaction
        return Outcome.RETRY
    if number == 1062:
        return Outcome.DUPLICATE
    return Outcome.NOT_APPLIED if number in _MYSQL_BEFORE_THE_COMMIT else Outcome.UNCERTAIN


CLASSIFIERS: dict[str, Callable[[BaseException], Outcome]] = {
    "sqlite": classify_sqlite,
    "postgresql": classify_postgresql,
    "mysql": classify_mysql,
}
"""The classifier of each engine's errors, by the engine's family."""


def first_line(error: BaseException) -> str:
    """Return the error's type and the first line of its message."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
