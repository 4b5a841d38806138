# SPDX-License-Identifier: Apache-2.0
"""Preparation of a store's SQLAlchemy engine: autocommit, deadlines, durable settings, and safety across a fork.

https://docs.sqlalchemy.org/en/20/core/events.html, https://docs.sqlalchemy.org/en/20/core/pooling.html#pooling-multiprocessing

Invariant: all settings are made when a connection is opened; one that cannot be set is checked there, and an unsafe
value is refused.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy import event

from ...errors import StoreUnavailable
from .. import _session_settings
from .._error_classification import first_line
from .._sql import Family
from .._sqlite_file import REPLACED, DatabaseFile, GuardedConnection
from .._table_checks import has_table

_FAMILIES: dict[str, Family] = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}


class ForkGate:
    """A context manager around each statement. A fork waits until none is running, and holds new ones back.

    Only SQLite needs it: ``stores/_thread_connections.py`` says what an open connection does to both sides of a fork.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._running = 0

    def __enter__(self) -> None:
        with self._condition:
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._condition:
            self._running -= 1
            self._condition.notify_all()

    def close(self, seconds: float) -> None:
        """Hold back new statements, and wait for the running ones to end, at most so many seconds."""
        self._condition.acquire()
        self._condition.wait_for(lambda: not self._running, seconds)

    def reopen(self) -> None:
        """Admit statements again."""
        self._condition.release()


@attrs.define(eq=False)
class PreparedEngine:
    """An engine whose connections are all opened as a store needs them.

    Attributes:
        engine: SQLAlchemy's engine.
        family: the engine's database.
        deadline: in seconds.
        gate: entered around each statement.
        file: the SQLite file of the first connection.
    """

    engine: sa.Engine
    family: Family
    deadline: float
    gate: contextlib.AbstractContextManager[None]
    file: DatabaseFile | None = None

    def connection(self) -> sa.PoolProxiedConnection:
        """Take a connection out of the pool.

        Raises:
            StoreUnavailable: there is none, or it is not safe to use, or its SQLite file was replaced.
        """
        try:
            connection = self.engine.raw_connection()
        except StoreUnavailable:
            raise
        except Exception as error:
            raise StoreUnavailable(first_line(error)) from error
        if self.file is not None and self.file.is_replaced():
            connection.close()
            raise StoreUnavailable(REPLACED)
        return connection

    def check_file(self, path: str) -> None:
        """Check that a new SQLite connection has the same file as the first one.

        Raises:
            StoreUnavailable: the file was replaced.
        """
        file = DatabaseFile.at(Path(path))
        self.file = self.file or file
        if file != self.file:
            raise StoreUnavailable(REPLACED)

    def check_table(self) -> None:
        """Check the table on a connection that may have been opened before the table was created.

        Raises:
            StoreUnavailable: the table cannot keep records safely.
        """
        connection = self.connection()
        try:
            has_table(self.family, lambda text: fetch_all(connection, text))
        except StoreUnavailable:
            raise
        except Exception as error:
            self.drop(connection, error)
            raise StoreUnavailable(first_line(error)) from error
        finally:
            connection.close()

    def drop(self, connection: sa.PoolProxiedConnection, error: BaseException) -> bool:
        """Close a connection after an error; return whether it was dead, and if so close the idle ones too."""
        raw = connection.dbapi_connection
        dead = raw is not None and self._is_disconnect(error, raw)
        connection.invalidate()
        if dead:
            self.engine.dispose()
        return dead

    def _is_disconnect(self, error: BaseException, raw: Any) -> bool:
        dbapi = self.engine.dialect.loaded_dbapi
        return isinstance(error, dbapi.Error) and self.engine.dialect.is_disconnect(error, raw, None)

    @staticmethod
    def pop_warnings(connection: sa.PoolProxiedConnection) -> bool:
        """Return whether the server sent warnings about the last statement, and discard them."""
        warnings: list[str] | None = connection.info.get("ram_mfa warnings")
        if not warnings:
            return False
        warnings.clear()
        return True


def prepare(engine: sa.Engine, deadline: float) -> PreparedEngine:
    """Prepare every connection of an engine; those that are already open are left to be closed by SQLAlchemy.

    Raises:
        ValueError: the engine's database is not supported, or is in memory, or the deadline is not above 0.
    """
    family = _FAMILIES.get(engine.dialect.name)
    if family is None:
        raise ValueError(f"no store on {engine.dialect.name}: only on SQLite, PostgreSQL, MariaDB and MySQL")
    if family == "sqlite" and (engine.url.database or ":memory:") == ":memory:":
        raise ValueError("an SQLite store needs a file; MemoryStore keeps its records in memory")
    if not deadline > 0:
        raise ValueError("the deadline is a number of seconds above 0")
    needs_gate = family == "sqlite" and not engine.dialect.is_async
    gate = ForkGate() if needs_gate else contextlib.nullcontext()
    prepared = PreparedEngine(engine, family, deadline, gate)
    event.listen(engine, "do_connect", _connect_arguments(family, engine.dialect.driver, deadline))
    event.listen(engine, "connect", _CONNECTED[family](prepared))
    # SQLAlchemy before 2.0.43 has no such attribute, and rolls back although autocommit leaves nothing to roll back.
    engine.dialect.skip_autocommit_rollback = True
    engine.dispose(close=False)  # connections that were opened earlier are not prepared
    _engines.add(prepared)
    return prepared


def _connect_arguments(family: str, driver: str, deadline: float) -> Callable[..., None]:
    """Return the listener that adds a store's connection arguments, unless the engine's owner has set them."""
    whole = max(1, math.ceil(deadline))
    arguments: dict[str, Any] = {}
    if family == "sqlite":
        arguments = {"timeout": deadline, "factory": GuardedConnection}
    elif family == "postgresql" and driver.startswith("psycopg"):
        arguments = {"connect_timeout": whole}
    elif family == "mysql":
        arguments = {"connect_timeout": whole}
        if driver == "pymysql":
            arguments |= {"read_timeout": deadline, "write_timeout": deadline}

    def do_connect(_dialect: Any, _record: Any, _positional: Any, named: dict[str, Any]) -> None:
        for name, value in arguments.items():
            named.setdefault(name, value)

    return do_connect


def _sqlite(prepared: PreparedEngine) -> Callable[..., None]:
    def connected(raw: Any, _record: Any) -> None:
        prepared.check_file(_fetch_one(raw, "PRAGMA database_list")[2])  # before anything reads the file
        raw.isolation_level = None
        _session_settings.prepare_sqlite(lambda text: _fetch_one(raw, text))
        has_table("sqlite", lambda text: fetch_all(raw, text))

    return connected


def _postgresql(prepared: PreparedEngine) -> Callable[..., None]:
    deadline = prepared.deadline

    def connected(raw: Any, record: Any) -> None:
        from .._psycopg import check_session, collect_warnings, session_setup, wait, wait_async

        if not hasattr(raw, "add_notice_handler"):
            raise StoreUnavailable("on PostgreSQL only psycopg 3 reports that a wait for a standby was cancelled")
        raw.autocommit = True
        driver = getattr(raw, "driver_connection", raw)
        wait_method: Callable[..., Any] = wait if driver is raw else wait_async

        def timed_wait(steps: Any, *_given: Any, **_named: Any) -> Any:
            return wait_method(driver, steps, deadline)

        driver.wait = timed_wait
        record.info["ram_mfa warnings"] = collect_warnings(driver)
        check_session(_fetch_one(raw, session_setup(deadline, driver.info.backend_pid)))
        has_table("postgresql", lambda text: fetch_all(raw, text))

    return connected


def _mysql(_prepared: PreparedEngine) -> Callable[..., None]:
    def connected(raw: Any, _record: Any) -> None:
        raw.autocommit(True)  # noqa: FBT003 (the drivers' own signature)
        _session_settings.prepare_mysql(lambda text: _fetch_one(raw, text))
        has_table("mysql", lambda text: fetch_all(raw, text))

    return connected


_CONNECTED: dict[str, Callable[[PreparedEngine], Callable[..., None]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
}


def _fetch_one(raw: Any, text: str) -> Any:
    rows = fetch_all(raw, text)
    return rows[0] if rows else None


def fetch_all(raw: Any, text: str) -> list[Any]:
    """Run a statement on a driver's connection and return the rows of its result."""
    cursor = raw.cursor()
    try:
        cursor.execute(text)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        cursor.close()


_engines: weakref.WeakSet[PreparedEngine] = weakref.WeakSet()
_closed_gates: list[ForkGate] = []


def _before_fork() -> None:
    for prepared in list(_engines):
        if isinstance(prepared.gate, ForkGate):
            prepared.gate.close(prepared.deadline)
            prepared.engine.dispose()
            _closed_gates.append(prepared.gate)


def _after_fork() -> None:
    while _closed_gates:
        _closed_gates.pop().reopen()


def _after_fork_in_child() -> None:
    for prepared in list(_engines):
        prepared.engine.dispose(close=False)  # the inherited connections belong to the parent
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
