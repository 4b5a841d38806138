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
from collections.abc import Iterator
from typing import Literal

from ..errors import StoreUncertain
from ._outcomes import Outcome, of_sqlite
from ._sqlite_connections import Connections, unavailable

Synchronous = Literal["FULL", "EXTRA", "UnsafeNORMAL"]

_LOAD = "SELECT value FROM ram_mfa WHERE key = ?"
_CREATE = "INSERT INTO ram_mfa (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
_REPLACE = "UPDATE ram_mfa SET value = ? WHERE key = ? AND value = ?"
_DELETE = "DELETE FROM ram_mfa WHERE key = ? AND value = ?"
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
        kept = self._connections.mine()
        with kept.lock:
            connection = kept.connection or self._connections.open(kept)
            try:
                row = connection.execute(_LOAD, (key,)).fetchone()
            except sqlite3.Error as error:
                raise unavailable(error) from error
        return None if row is None else row[0]

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        values: tuple[str | bytes, ...]
        if old is None:
            if new is None:
                return False
            statement, values = _CREATE, (key, new)
        elif new is None:
            statement, values = _DELETE, (key, old)
        else:
            statement, values = _REPLACE, (new, key, old)
        kept = self._connections.mine()
        with kept.lock:
            connection = kept.connection or self._connections.open(kept)
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
                connection = kept.connection or self._connections.open(kept)
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
