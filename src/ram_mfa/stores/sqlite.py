# SPDX-License-Identifier: Apache-2.0
"""A store in one SQLite file: the embedded default, for any number of threads and processes of one machine.

https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous

Two statements in autocommit, on one kept connection per thread, in WAL mode, on a local file system.
Fault model: with ``synchronous="FULL"`` what was acknowledged survives kill -9 and power loss, as far as the disk
tells the truth about fsync. A file put back from a backup gives no signal: say ``MFA.declare_restored()``.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from typing import Any, Literal

import attrs

from ..errors import HistoryLost, StoreUnavailable, StoreUncertain
from ._error_classification import Outcome, of_sqlite
from ._sqlite_connections import Connections, unavailable

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

    The file is made where there is none, readable by its owner only; two processes may make it at once. A store may
    be opened before a fork and used on both sides of it.

    Args:
        path: the file. There is no ``:memory:``: that is ``MemoryStore``.
        synchronous: ``FULL`` syncs the log at each commit; ``EXTRA`` the folder too, where a file is made or removed.
            ``UnsafeNORMAL`` is ten times faster, and a power loss takes back what was acknowledged (S3).
        deadline: how many seconds a call waits for another writer's lock.

    Raises:
        ValueError: there is no file of that name, or no such mode.
        StoreUnavailable: the file cannot be opened or made, or is not a database.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, synchronous: Synchronous = "FULL", deadline: float = 5.0
    ) -> None:
        self._connections = Connections(path, synchronous=synchronous, deadline=deadline)

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
        """See ``ram_mfa.store.Incarnated.incarnation``: a file has one history, and no name for it."""
        return ""

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, incarnation, beside)

    def _read(self, statement: str, values: tuple[str | bytes, ...]) -> tuple[Any, ...] | None:
        """Run a statement that reads one row."""
        kept = self._connections.mine()
        with kept.lock:
            connection = self._connections.connection(kept)
            try:
                return connection.execute(statement, values).fetchone()  # type: ignore[no-any-return]
            except sqlite3.Error as error:
                raise unavailable(error) from error

    def _write(self, statement: str, values: tuple[str | bytes, ...]) -> bool:
        """Run a statement that writes; return whether it changed its row."""
        kept = self._connections.mine()
        with kept.lock:
            connection = self._connections.connection(kept)
            try:
                return connection.execute(statement, values).rowcount == 1
            except sqlite3.Error as error:
                if of_sqlite(error) is Outcome.UNCERTAIN:
                    raise StoreUncertain from error
                raise unavailable(error) from error

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``; in pages, so that no long read holds the log back."""
        last, end = kind, chr(ord(kind) + 1)
        while True:
            kept = self._connections.mine()
            with kept.lock:
                connection = self._connections.connection(kept)
                try:
                    page = [key for (key,) in connection.execute(_KEYS, (last, end))]
                except sqlite3.Error as error:
                    raise unavailable(error) from error
            if not page:
                return
            yield from page
            last = page[-1]

    def close(self) -> None:
        """Close every thread's connection, after the call that it is in. Whoever calls later gets StoreUnavailable."""
        self._connections.close()


@attrs.frozen
class _View:
    """A store at one incarnation, with one of its records pinned.

    A pinned swap that changed nothing asks with the pin what the record is: each answer rests on one statement.
    Where the pin differs: HistoryLost. Where the record is not the old one: False. Where both are as the swap wants
    them (the pin was another one for a moment), the swap is asked again.
    """

    _store: SQLiteStore
    _at: str
    _beside: tuple[str, bytes] | None

    def load(self, key: str, /) -> bytes | None:
        self._compare()
        if self._beside is None:
            return self._store.load(key)
        row = self._store._read(_LOAD_BESIDE, (*self._beside, key))  # noqa: SLF001 (the store's own view)
        if row is None or not row[0]:
            raise HistoryLost("")
        found: bytes | None = row[1]
        return found

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        if old is None and new is None:
            return False
        self._compare()
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

    def _compare(self) -> None:
        if self._at:
            raise HistoryLost("")
