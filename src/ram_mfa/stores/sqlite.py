# SPDX-License-Identifier: Apache-2.0
"""A store in one SQLite file: the embedded default, for any number of threads and processes of one machine.

https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous

Every statement runs in autocommit, in WAL mode, on one open connection per thread; the file must be on a local file
system. Fault model: with ``synchronous="FULL"``, acknowledged writes survive kill -9 and power loss, provided that the
disk honours fsync. Nothing in a file shows that it was restored from a backup: call ``MFA.declare_restored()``.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from typing import Any, Literal

import attrs

from ..errors import HistoryLost, StoreUnavailable, StoreUncertain
from ._error_classification import Outcome, classify_sqlite
from ._sqlite_connections import SQLiteConnections, unavailable

Synchronous = Literal["FULL", "EXTRA", "UnsafeNORMAL"]

_LOAD = "SELECT value FROM ram_mfa WHERE key = ?"
_CREATE = "INSERT INTO ram_mfa (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
_REPLACE = "UPDATE ram_mfa SET value = ? WHERE key = ? AND value = ?"
_DELETE = "DELETE FROM ram_mfa WHERE key = ? AND value = ?"
_PINNED = "EXISTS (SELECT 1 FROM ram_mfa WHERE key = ? AND value = ?)"
_LOAD_BESIDE = f"SELECT {_PINNED}, record.value FROM (SELECT 1) LEFT JOIN ram_mfa AS record ON record.key = ?"  # noqa: S608
_CREATE_BESIDE = f"INSERT INTO ram_mfa (key, value) SELECT ?, ? WHERE {_PINNED} ON CONFLICT (key) DO NOTHING"
_REPLACE_BESIDE = f"{_REPLACE} AND {_PINNED}"
_DELETE_BESIDE = f"{_DELETE} AND {_PINNED}"
_KEYS = "SELECT key FROM ram_mfa WHERE key > ? AND key < ? ORDER BY key LIMIT 500"


class SQLiteStore:
    """Records in one table, ``ram_mfa``, of one SQLite file.

    If there is no file, it is created, readable by its owner only; two processes may create it at the same time. A
    store may be opened before a fork and used on both sides of it.

    Args:
        path: the file. ``:memory:`` is refused: use ``MemoryStore``.
        synchronous: ``FULL`` syncs the log at each commit; ``EXTRA`` also syncs the folder when a file is created or
            removed. ``UnsafeNORMAL`` is ten times faster, but a power loss undoes acknowledged writes (S3).
        deadline: how many seconds a call waits for another writer's lock.

    Raises:
        ValueError: the path is empty or ``:memory:``, or the mode or the deadline is invalid.
        StoreUnavailable: the file cannot be opened or created, or is not a database.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, synchronous: Synchronous = "FULL", deadline: float = 5.0
    ) -> None:
        self._connections = SQLiteConnections(path, synchronous=synchronous, deadline=deadline)

    def __repr__(self) -> str:
        return f"<SQLiteStore {self._connections.path}>"

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        row = self._read(_LOAD, (key,))
        return None if row is None else row[0]

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        if old is None:
            return new is not None and self._write(_CREATE, (key, new))
        if new is None:
            return self._write(_DELETE, (key, old))
        return self._write(_REPLACE, (new, key, old))

    def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``: a file has a single history, without a name."""
        return ""

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, incarnation, beside)

    def _read(self, statement: str, values: tuple[str | bytes, ...]) -> tuple[Any, ...] | None:
        """Run a statement that reads one row."""
        holder = self._connections.current()
        with holder.lock:
            connection = self._connections.open(holder)
            try:
                return connection.execute(statement, values).fetchone()  # type: ignore[no-any-return]
            except sqlite3.Error as error:
                raise unavailable(error) from error

    def _write(self, statement: str, values: tuple[str | bytes, ...]) -> bool:
        """Run a statement that writes; return whether it changed its row."""
        holder = self._connections.current()
        with holder.lock:
            connection = self._connections.open(holder)
            try:
                return connection.execute(statement, values).rowcount == 1
            except sqlite3.Error as error:
                if classify_sqlite(error) is Outcome.UNCERTAIN:
                    raise StoreUncertain from error
                raise unavailable(error) from error

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``; read in pages, because a long read keeps the log from being truncated."""
        last, end = kind, chr(ord(kind) + 1)
        while True:
            holder = self._connections.current()
            with holder.lock:
                connection = self._connections.open(holder)
                try:
                    page = [key for (key,) in connection.execute(_KEYS, (last, end))]
                except sqlite3.Error as error:
                    raise unavailable(error) from error
            if not page:
                return
            yield from page
            last = page[-1]

    def close(self) -> None:
        """Close every thread's connection after its running call. Later calls raise StoreUnavailable."""
        self._connections.close()


@attrs.frozen
class _View:
    """A store at one incarnation, with one of its records pinned.

    After a pinned swap that changed nothing, one statement reads the pinned record and the record together. If the
    pinned record differs: HistoryLost. If the record is not ``old``: False. If both match (the pinned record was
    different only while the swap ran), the swap is retried.
    """

    _store: SQLiteStore
    _incarnation: str
    _beside: tuple[str, bytes] | None

    def load(self, key: str, /) -> bytes | None:
        self._check_incarnation()
        if self._beside is None:
            return self._store.load(key)
        row = self._store._read(_LOAD_BESIDE, (*self._beside, key))  # noqa: SLF001 (the store's own view)
        if row is None or not row[0]:
            raise HistoryLost("")
        value: bytes | None = row[1]
        return value

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        if old is None and new is None:
            return False
        self._check_incarnation()
        if self._beside is None:
            return self._store.swap(key, old, new)
        until = time.monotonic() + self._store._connections.deadline  # noqa: SLF001 (likewise)
        while not self._swap_beside(key, old, new, self._beside):
            if self.load(key) != old:
                return False
            if time.monotonic() > until:
                raise StoreUnavailable("SQLite: the pinned record kept changing until the deadline")
        return True

    def _swap_beside(self, key: str, old: bytes | None, new: bytes | None, beside: tuple[str, bytes]) -> bool:
        write = self._store._write  # noqa: SLF001 (likewise)
        if old is None:
            assert new is not None
            return write(_CREATE_BESIDE, (key, new, *beside))
        if new is None:
            return write(_DELETE_BESIDE, (key, old, *beside))
        return write(_REPLACE_BESIDE, (new, key, old, *beside))

    def _check_incarnation(self) -> None:
        if self._incarnation:
            raise HistoryLost("")
