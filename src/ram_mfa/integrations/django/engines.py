# SPDX-License-Identifier: Apache-2.0
"""Settings of the store's own connections for each database engine: autocommit, deadlines, durability.

https://docs.djangoproject.com/en/stable/ref/databases/

Invariant: the project's settings determine how to reach a database, but not how durable it is. A setting that cannot be
made here is checked, and an unsafe one is refused.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ...errors import StoreUnavailable
from ...stores import _session_settings
from ...stores._sql import Family
from ...stores._sqlite_file import REPLACED, DatabaseFile, GuardedConnection
from ...stores._table_checks import has_table

Settings = dict[str, Any]


class Engine(Protocol):
    """The differences between database engines."""

    family: Family
    placeholder: str
    """The driver's placeholder for a parameter."""

    def options(self, options: Settings, deadline: float, /) -> Settings:
        """Return the OPTIONS of the store's own connection, derived from the project's."""
        ...

    def connected(self, raw: Any, deadline: float, /) -> list[str]:
        """Prepare a driver's connection before its first statement; return the list that collects warnings."""
        ...

    def prepare(self, raw: Any, deadline: float, /) -> None:
        """Make a connection safe, and check its table.

        Raises:
            StoreUnavailable: it cannot be made safe, or the table is missing or differs.
        """
        ...

    def check_file(self) -> None:
        """Check before a statement that the database's file is still the one that was opened.

        Raises:
            StoreUnavailable: it was replaced or removed.
        """
        ...

    def forget_file(self) -> None:
        """Accept whatever file is opened next."""
        ...

    def cursor(self, raw: Any, /) -> Any:
        """Return a cursor of the driver, without a wrapper of Django."""
        ...

    def is_disconnect(self, error: BaseException, raw: Any, /) -> bool:
        """Return whether an error means that the connection's server is gone."""
        ...


def unusable(problem: str) -> StoreUnavailable:
    """Return the error for a database that a store cannot use."""
    return StoreUnavailable(f"this database cannot be used: {problem}")


class NotMigrated(StoreUnavailable):
    """The database does not have the table yet."""

    def __init__(self) -> None:
        super().__init__("this database has no table ram_mfa: run migrate for the application ram_mfa on this alias")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


class SQLite:
    """SQLite, with one file in WAL mode."""

    family: Family = "sqlite"
    placeholder = "?"

    def __init__(self) -> None:
        self._file: DatabaseFile | None = None

    def options(self, options: Settings, deadline: float) -> Settings:
        """See ``Engine.options``; the transaction mode does not matter, since there are no transactions."""
        return {**options, "timeout": deadline, "factory": GuardedConnection}

    def connected(self, _raw: Any, _deadline: float) -> list[str]:
        """See ``Engine.connected``."""
        return []

    def prepare(self, raw: Any, deadline: float) -> None:
        """See ``Engine.prepare``."""
        raw.isolation_level = None  # autocommit, even if a receiver of connection_created changed it
        path = raw.execute("PRAGMA database_list").fetchone()[2]
        if not path:
            raise unusable("SQLite keeps it in memory; give the alias a file, and in tests set TEST NAME")
        file = DatabaseFile.at(Path(path))
        if self._file is not None and self._file.path == file.path and self._file != file:
            raise StoreUnavailable(REPLACED)
        self._file = file
        until = time.monotonic() + deadline
        # Enabling or recovering the write-ahead log fails at once while others hold a lock; SQLite does not wait there.
        while True:
            try:
                return _prepare_file(raw)
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(0.005)

    def check_file(self) -> None:
        """See ``Engine.check_file``."""
        if self._file is not None:
            self._file.check()

    def forget_file(self) -> None:
        """See ``Engine.forget_file``."""
        self._file = None

    def cursor(self, raw: Any) -> Any:
        """See ``Engine.cursor``."""
        return raw.cursor()

    def is_disconnect(self, _error: BaseException, _raw: Any) -> bool:
        """See ``Engine.is_disconnect``; a file has no server."""
        return False


def _prepare_file(raw: Any) -> None:
    _session_settings.prepare_sqlite(lambda text: raw.execute(text).fetchone())
    if not has_table("sqlite", lambda text: raw.execute(text).fetchall()):
        raise NotMigrated


class _Server:
    """The methods of an engine whose database is not a file."""

    def check_file(self) -> None:
        """See ``Engine.check_file``."""

    def forget_file(self) -> None:
        """See ``Engine.forget_file``."""


class PostgreSQL(_Server):
    """PostgreSQL through psycopg 3, the only driver that reports a cancelled wait for a standby."""

    family: Family = "postgresql"
    placeholder = "%s"

    def options(self, options: Settings, deadline: float) -> Settings:
        """See ``Engine.options``; the project's pool is not used, since it would pass the connection on."""
        own = {name: value for name, value in options.items() if name not in {"pool", "isolation_level"}}
        return {**own, "connect_timeout": max(2, math.ceil(deadline)), "target_session_attrs": "read-write"}

    def connected(self, raw: Any, deadline: float) -> list[str]:
        """See ``Engine.connected``."""
        if not hasattr(raw, "add_notice_handler"):
            raise unusable("on PostgreSQL only psycopg 3 reports a cancelled wait for a standby")
        from ...stores._psycopg import collect_warnings, wait

        def timed_wait(steps: Any, *_given: Any, **_named: Any) -> Any:
            return wait(raw, steps, deadline)

        raw.wait = timed_wait
        return collect_warnings(raw)

    def prepare(self, raw: Any, deadline: float) -> None:
        """See ``Engine.prepare``."""
        from ...stores._psycopg import check_session, session_setup

        raw.autocommit = True  # even if a receiver of connection_created changed it
        cursor = self.cursor(raw)
        check_session(cursor.execute(session_setup(deadline, raw.info.backend_pid)).fetchone())
        if not has_table("postgresql", lambda text: cursor.execute(text).fetchall()):
            raise NotMigrated

    def cursor(self, raw: Any) -> Any:
        """See ``Engine.cursor``; Django's own cursor writes the parameters into the statement."""
        import psycopg

        return psycopg.Cursor(raw)

    def is_disconnect(self, error: BaseException, raw: Any) -> bool:
        """See ``Engine.is_disconnect``."""
        from psycopg.pq import TransactionStatus

        from ...stores._psycopg import DeadlinePassed

        idle = raw.pgconn.transaction_status == TransactionStatus.IDLE
        return not (idle or isinstance(error, DeadlinePassed))


class MySQL(_Server):
    """MariaDB and MySQL, with InnoDB tables."""

    family: Family = "mysql"
    placeholder = "_binary %s"
    """Both columns hold bytes, which the drivers would otherwise write as text."""

    def options(self, options: Settings, deadline: float) -> Settings:
        """See ``Engine.options``."""
        whole = max(1, math.ceil(deadline))
        own = {"connect_timeout": whole, "read_timeout": whole, "write_timeout": whole, "binary_prefix": False}
        return {**options, **own}

    def connected(self, _raw: Any, _deadline: float) -> list[str]:
        """See ``Engine.connected``."""
        return []

    def prepare(self, raw: Any, _deadline: float) -> None:
        """See ``Engine.prepare``."""
        raw.autocommit(True)  # noqa: FBT003 (the drivers' signature; a receiver of connection_created may change it)
        with raw.cursor() as cursor:

            def fetch_all(text: str) -> Any:
                cursor.execute(text)
                return cursor.fetchall()

            _session_settings.prepare_mysql(lambda text: next(iter(fetch_all(text)), None))
            if not has_table("mysql", fetch_all):
                raise NotMigrated

    def cursor(self, raw: Any) -> Any:
        """See ``Engine.cursor``."""
        return raw.cursor()

    def is_disconnect(self, error: BaseException, _raw: Any) -> bool:
        """See ``Engine.is_disconnect``."""
        return bool(error.args) and error.args[0] in {1053, 1927, 2006, 2013, 2055, 4031}


_ENGINES: dict[str, Callable[[], Engine]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "mysql": MySQL}
VENDORS = frozenset(_ENGINES)


def engine_of(vendor: str) -> Engine:
    """Return the engine with Django's name for it.

    Raises:
        ValueError: a store cannot use it.
    """
    if vendor not in VENDORS:
        raise ValueError(f"a store cannot use {vendor}: only SQLite, PostgreSQL, MariaDB and MySQL")
    return _ENGINES[vendor]()
