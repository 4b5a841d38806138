# SPDX-License-Identifier: Apache-2.0
"""Requirements of a store's SQLAlchemy engine: autocommit, deadlines, durable settings, and safety across a fork.

https://docs.sqlalchemy.org/en/20/core/events.html, https://docs.sqlalchemy.org/en/20/core/pooling.html#pooling-multiprocessing

The room's rule: what is set is set once, when a connection is made; what cannot be set is checked there, and refused.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy import event

from ...errors import StoreUnavailable
from .. import _session_settings
from .._error_classification import told
from .._sql import Family
from .._table_checks import has_table

_FAMILIES: dict[str, Family] = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}


class Gate:
    """Lets statements in while nobody forks, and a fork while no statement is in.

    Only SQLite needs one: ``stores/_thread_connections.py`` says what an open connection does to both sides of a fork.
    """

    def __init__(self) -> None:
        self._empty = threading.Condition()
        self._inside = 0

    def __enter__(self) -> None:
        with self._empty:
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._empty:
            self._inside -= 1
            self._empty.notify_all()

    def shut(self, patience: float) -> None:
        """Let nobody in, and wait until nobody is."""
        self._empty.acquire()
        self._empty.wait_for(lambda: not self._inside, patience)

    def reopen(self) -> None:
        """Let statements in again."""
        self._empty.release()


class Open:
    """A gate that is always open."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@attrs.define(eq=False)
class Prepared:
    """An engine whose connections are all made as a store needs them."""

    engine: sa.Engine
    family: Family
    deadline: float
    gate: Gate | Open

    def connection(self) -> sa.PoolProxiedConnection:
        """Take a connection of the pool.

        Raises:
            StoreUnavailable: there is none, or it is not safe to use.
        """
        try:
            return self.engine.raw_connection()
        except StoreUnavailable:
            raise
        except Exception as error:
            raise StoreUnavailable(told(error)) from error

    def check_table(self) -> None:
        """Check the table that was just made or found, on a connection that may be older than it.

        Raises:
            StoreUnavailable: no store can keep its promises in it.
        """
        connection = self.connection()
        try:
            has_table(self.family, lambda text: ask_all(connection, text))
        except StoreUnavailable:
            raise
        except Exception as error:
            self.drop(connection, error)
            raise StoreUnavailable(told(error)) from error
        finally:
            connection.close()

    def drop(self, connection: sa.PoolProxiedConnection, error: BaseException) -> bool:
        """Drop a connection after an error, and the idle ones too where the server is gone: say whether it is."""
        raw = connection.dbapi_connection
        gone = raw is not None and self._disconnected(error, raw)
        connection.invalidate()
        if gone:
            self.engine.dispose()
        return gone

    def _disconnected(self, error: BaseException, raw: Any) -> bool:
        dbapi = self.engine.dialect.loaded_dbapi
        return isinstance(error, dbapi.Error) and self.engine.dialect.is_disconnect(error, raw, None)

    def warned(self, connection: sa.PoolProxiedConnection) -> bool:
        """Say whether the server warned of the last statement, and forget it."""
        heard: list[str] | None = connection.info.get("ram_mfa warnings")
        if not heard:
            return False
        heard.clear()
        return True


def prepare(engine: sa.Engine, deadline: float) -> Prepared:
    """Make an engine's present and future connections what a store needs.

    Raises:
        ValueError: it is an engine of a database that no store can use.
    """
    family = _FAMILIES.get(engine.dialect.name)
    if family is None:
        raise ValueError(f"no store on {engine.dialect.name}: only on SQLite, PostgreSQL, MariaDB and MySQL")
    if family == "sqlite" and (engine.url.database or ":memory:") == ":memory:":
        raise ValueError("an SQLite store needs a file; MemoryStore keeps its records in memory")
    if not deadline > 0:
        raise ValueError("the deadline is a number of seconds above 0")
    local = family == "sqlite" and not engine.dialect.is_async
    prepared = Prepared(engine, family, deadline, Gate() if local else Open())
    event.listen(engine, "do_connect", _deadlines(family, engine.dialect.driver, deadline))
    event.listen(engine, "connect", _CONNECTED[family](deadline))
    # In autocommit there is nothing to roll back when a connection returns to the pool; older ones than 2.0.43 do it.
    engine.dialect.skip_autocommit_rollback = True
    engine.dispose(close=False)  # what was connected before was not prepared
    _living.add(prepared)
    return prepared


def _deadlines(family: str, driver: str, deadline: float) -> Callable[..., None]:
    """Give a connection deadlines, where the engine has set none."""
    whole = max(1, math.ceil(deadline))
    said: dict[str, Any] = {}
    if family == "sqlite":
        said = {"timeout": deadline}
    elif family == "postgresql" and driver.startswith("psycopg"):
        said = {"connect_timeout": whole}
    elif family == "mysql":
        said = {"connect_timeout": whole}
        if driver == "pymysql":
            said |= {"read_timeout": deadline, "write_timeout": deadline}

    def do_connect(_dialect: Any, _record: Any, _arguments: Any, named: dict[str, Any]) -> None:
        for name, value in said.items():
            named.setdefault(name, value)

    return do_connect


def _sqlite(_deadline: float) -> Callable[..., None]:
    def connected(raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        _session_settings.sqlite(lambda text: _ask(raw, text))
        has_table("sqlite", lambda text: ask_all(raw, text))

    return connected


def _postgresql(deadline: float) -> Callable[..., None]:
    def connected(raw: Any, record: Any) -> None:
        from .._psycopg import check, judge, wait, wait_async, warnings_of

        if not hasattr(raw, "add_notice_handler"):
            raise StoreUnavailable("on PostgreSQL only psycopg 3 tells of a cancelled wait for a standby")
        raw.autocommit = True
        driver = getattr(raw, "driver_connection", raw)
        timed: Callable[..., Any] = wait if driver is raw else wait_async

        def timed_wait(steps: Any, *_given: Any, **_named: Any) -> Any:
            return timed(driver, steps, deadline)

        driver.wait = timed_wait
        record.info["ram_mfa warnings"] = warnings_of(driver)
        judge(_ask(raw, check(deadline, driver.info.backend_pid)))
        has_table("postgresql", lambda text: ask_all(raw, text))

    return connected


def _mysql(_deadline: float) -> Callable[..., None]:
    def connected(raw: Any, _record: Any) -> None:
        raw.autocommit(True)  # noqa: FBT003 (the drivers' own signature)
        _session_settings.mysql(lambda text: _ask(raw, text))
        has_table("mysql", lambda text: ask_all(raw, text))

    return connected


_CONNECTED: dict[str, Callable[[float], Callable[..., None]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
}


def _ask(raw: Any, text: str) -> Any:
    rows = ask_all(raw, text)
    return rows[0] if rows else None


def ask_all(raw: Any, text: str) -> list[Any]:
    """Run a statement on a driver's connection, and return the rows of its answer."""
    cursor = raw.cursor()
    try:
        cursor.execute(text)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        cursor.close()


_living: weakref.WeakSet[Prepared] = weakref.WeakSet()
_shut: list[Prepared] = []


def _before_fork() -> None:
    for prepared in list(_living):
        if isinstance(prepared.gate, Gate):
            prepared.gate.shut(prepared.deadline)
            prepared.engine.dispose()
            _shut.append(prepared)


def _after_fork() -> None:
    while _shut:
        gate = _shut.pop().gate
        if isinstance(gate, Gate):
            gate.reopen()


def _in_child() -> None:
    for prepared in list(_living):
        prepared.engine.dispose(close=False)  # the parent's connections are the parent's
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
