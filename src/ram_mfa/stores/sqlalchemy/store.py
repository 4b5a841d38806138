# SPDX-License-Identifier: Apache-2.0
"""A store on SQLite, PostgreSQL (psycopg 3), MariaDB or MySQL through a SQLAlchemy engine.

https://docs.sqlalchemy.org/en/20/core/connections.html

It takes an Engine and never a Session, so that no surrounding transaction can undo a refusal. It uses SQLAlchemy's pool
and dialect; the statements are text, and each runs in the driver's autocommit mode.
Fault model: that of the database with its durable settings, which each new connection checks. On PostgreSQL, a
promotion and a change of cluster are detected (timeline and system identifier); on MariaDB and MySQL, a change of
server and a restart; on SQLite, a replaced or removed file. A restored dump, or a copy written into the file, is
detected only through the pinned root record, once the restore has been declared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from ...errors import StoreUnavailable, StoreUncertain
from .._error_classification import CLASSIFIERS, Outcome, first_line
from .._sql import Value
from .._sql_store import SQLStore, fetch_row_count, fetch_rows
from .engine import prepare
from .table import inline_storage, tables

T = TypeVar("T")


class SQLAlchemyStore(SQLStore):
    """Records in the table ``ram_mfa`` of an engine's database.

    Do not use the engine for anything else: the store sets autocommit and deadlines on each of its connections. With
    SQLAlchemy before 2.0.43, ``create_engine(url, pool_reset_on_return=None)`` saves a round trip per call on MariaDB.

    Args:
        engine: an engine for SQLite (with a file), PostgreSQL (psycopg 3), MariaDB or MySQL.
        deadline: how many seconds a statement, or opening a connection, may take. The engine's own ``pool_timeout``
            bounds the wait for a connection of the pool.

    Raises:
        ValueError: the engine is for another database or for SQLite in memory, or the deadline is not above 0.
    """

    def __init__(self, engine: sa.Engine, *, deadline: float = 5.0) -> None:
        self._engine = engine
        self._prepared = prepare(engine, deadline)
        self._classify = CLASSIFIERS[self._prepared.family]
        placeholder = "?" if engine.dialect.paramstyle == "qmark" else "%s"
        super().__init__(self._prepared.family, placeholder, deadline)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._engine.url.render_as_string(hide_password=True)}>"

    def create_table(self) -> None:
        """Create the table, or both tables on MariaDB and MySQL, unless they exist. Several processes may call it.

        Raises:
            StoreUnavailable: the database cannot be reached, or a table of that name cannot keep records safely.
        """
        for table in tables(self._prepared.family):
            try:
                table.create(self._engine, checkfirst=True)
            except StoreUnavailable:
                raise
            except Exception as error:
                if not self._finish_table(table):
                    raise StoreUnavailable(first_line(error)) from error
        self._prepared.check_table()

    def _finish_table(self, table: sa.Table) -> bool:
        """Apply the storage settings to a table that another process has just created; return whether there is one."""
        try:
            with self._engine.connect() as connection:
                exists = sa.inspect(connection).has_table(table.name)
                if exists and self._engine.dialect.name == "postgresql":
                    connection.execute(inline_storage)
                return exists
        except Exception:  # noqa: BLE001 (the caller raises the error of the statement before)
            return False

    def close(self) -> None:
        """Close the engine's idle connections."""
        self._engine.dispose()

    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """See ``SQLStore._write``."""
        with self._prepared.gate:
            connection = self._prepared.connection()
            try:
                count = self._run(connection, text, values, fetch_row_count)
            except Exception as error:
                outcome = self._classify(error)
                if outcome is Outcome.DUPLICATE:
                    connection.close()
                    return False
                self._prepared.drop(connection, error)
                if outcome is Outcome.RETRY:
                    return None
                if outcome is Outcome.NOT_APPLIED:
                    raise StoreUnavailable(first_line(error)) from error
                raise StoreUncertain from error
            warned = self._prepared.pop_warnings(connection)
            connection.close()
        if warned or count not in {0, 1}:
            raise StoreUncertain
        return bool(count)

    def _rows(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        """See ``SQLStore._rows``."""
        try:
            return self._read(text, values)
        except _ConnectionLost:
            try:
                return self._read(text, values)
            except _ConnectionLost as error:
                raise StoreUnavailable(first_line(error)) from error

    def _read(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        with self._prepared.gate:
            connection = self._prepared.connection()
            try:
                rows = self._run(connection, text, values, fetch_rows)
            except Exception as error:
                if self._prepared.drop(connection, error):
                    raise _ConnectionLost(first_line(error)) from error
                raise StoreUnavailable(first_line(error)) from error
            connection.close()
        return rows

    @staticmethod
    def _run(
        connection: sa.PoolProxiedConnection, text: str, values: tuple[Value, ...], fetch: Callable[[Any], T]
    ) -> T:
        try:
            cursor = connection.cursor()
            try:
                cursor.execute(text, values)
                return fetch(cursor)
            finally:
                cursor.close()
        except Exception:
            raise
        except BaseException:  # cancelled or interrupted: the state of the connection is unknown
            connection.invalidate()
            raise


class _ConnectionLost(Exception):
    """The connection turned out to be dead. A read may be retried on a new one."""
