# SPDX-License-Identifier: Apache-2.0
"""Exit codes of the operator's command, and the distinction between temporary and lasting errors of a store.

A script that repeats the command after every failure would do so forever if the file is missing or the password is
wrong. So errors that a person has to correct have an exit code of their own.

Invariant: for an unknown error the code is `AGAIN`, since repeating the command is harmless.
"""

from __future__ import annotations

import re
from typing import Final

from ..errors import StoreUnavailable

DONE: Final = 0
WRONG: Final = 1
USAGE: Final = 2
AGAIN: Final = 3
NEVER: Final = 4
FAULT: Final = 70
INTERRUPTED: Final = 130
PIPE: Final = 141

_SQLSTATES: Final = ("28", "3D", "3F", "42")
"""Classes of SQLSTATE (SQL:2016; PostgreSQL, appendix A): authorisation, no such database or schema, no such table or
no right to it."""
_MYSQL: Final = frozenset({1044, 1045, 1049, 1142, 1143, 1146, 1698})
"""Access denied, no such database, no right to the table, no such table (MariaDB, "Error Code Reference")."""
_SQLITE: Final = ("SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")
_REDIS: Final = re.compile(r"\b(NOAUTH|WRONGPASS|NOPERM|invalid username-password|invalid password)\b", re.IGNORECASE)
_OURS: Final = re.compile(
    r"cannot keep records|did not return the definition|can lose acknowledged writes|(is|may be) a replica"
    r"|cannot keep a write-ahead log|no such table|cannot be listed|password authentication failed|Authentication"
)


class Missing(StoreUnavailable):
    """The store does not exist at the given address."""


def exit_code_of(error: StoreUnavailable) -> int:
    """Return `NEVER` if repeating the command cannot help, else `AGAIN`."""
    cause: BaseException | None = error
    visited: set[int] = set()
    while cause is not None and id(cause) not in visited:
        visited.add(id(cause))
        if isinstance(cause, Missing) or _is_lasting(cause):
            return NEVER
        cause = getattr(cause, "orig", None) or cause.__cause__ or cause.__context__
    return AGAIN


def _is_lasting(error: BaseException) -> bool:
    """Return whether an error, of a driver or of this library, is one that only a person can correct."""
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and state.startswith(_SQLSTATES):
        return True
    if any(type(number) is int and number in _MYSQL for number in error.args[:1]):
        return True
    name = getattr(error, "sqlite_errorname", None)
    if isinstance(name, str) and name.startswith(_SQLITE):
        return True
    text = str(error)
    return bool(_REDIS.search(text) or _OURS.search(text))
