# SPDX-License-Identifier: Apache-2.0
"""A store on whatever SQLAlchemy reaches of SQLite, PostgreSQL (psycopg 3) and MariaDB or MySQL, awaited or not.

https://docs.sqlalchemy.org/en/20/core/connections.html

It takes an Engine and never a Session: no surrounding transaction can take a refusal back. Of SQLAlchemy it uses
the pool and the dialect; the statements are text, and each is one autocommit of the driver.
Fault model: the database's, with its durable settings, which each new connection checks. On PostgreSQL a promotion
and another cluster are seen (timeline and system identifier), on MariaDB and MySQL another server and a restart; a file
or a dump that is put back shows by the pinned root record only, once the restore is declared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from ...errors import StoreUnavailable, StoreUncertain
from .._error_classification import JUDGES, Outcome, told
from .._sql import Value
from .._sql_store import SQLStore, all_rows, row_count
from .engine import prepare
from .table import in_its_row, tables

T = TypeVar("T")


class SQLAlchemyStore(SQLStore):
    """Records in the table ``ram_mfa`` of an engine's database.

    Give it an engine of its own: the store sets each connection to autocommit and gives it deadlines. With SQLAlchemy
    before 2.0.43, ``create_engine(url, pool_reset_on_return=None)`` spares MariaDB a round trip for each call.

    Args:
        engine: of SQLite (a file), PostgreSQL (psycopg 3), MariaDB or MySQL.
        deadline: how many seconds a statement, or a connection, may take. Waiting for a connection of the pool is
            bounded by the engine's own ``pool_timeout``.

    Raises:
        ValueError: the engine is of another database, or of one that lives in memory.
    """

    def __init__(self, engine: sa.Engine, *, deadline: float = 5.0) -> None:
        self._engine = engine
        self._prepared = prepare(engine, deadline)
        self._judge = JUDGES[self._prepared.family]
        mark = "?" if engine.dialect.paramstyle == "qmark" else "%s"
        super().__init__(self._prepared.family, mark, deadline)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._engine.url.render_as_string(hide_password=True)}>"

    def create_table(self) -> None:
        """Make the table where there is none (MariaDB and MySQL need two); what another has made meanwhile stays.

        Raises:
            StoreUnavailable: the database is not reached, or something else is in the table's place.
        """
        for table in tables(self._prepared.family):
            try:
                table.create(self._engine, checkfirst=True)
            except StoreUnavailable:
                raise
            except Exception as error:
                if not self._made_by_another(table):
                    raise StoreUnavailable(told(error)) from error
        self._prepared.check_table()

    def _made_by_another(self, table: sa.Table) -> bool:
        """Say whether there is a table, and finish it where its maker may not have come so far."""
        try:
            with self._engine.connect() as connection:
                made = sa.inspect(connection).has_table(table.name)
                if made and self._engine.dialect.name == "postgresql":
                    connection.execute(in_its_row)
                return made
        except Exception:  # noqa: BLE001 (the error of the statement before is the one to tell)
            return False

    def close(self) -> None:
        """Close the engine's connections that are not in use."""
        self._engine.dispose()

    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """Run a statement that writes; None where nothing landed and it may be asked again."""
        with self._prepared.gate:
            connection = self._prepared.connection()
            try:
                count = self._run(connection, text, values, row_count)
            except Exception as error:
                outcome = self._judge(error)
                if outcome is Outcome.DUPLICATE:
                    connection.close()
                    return False
                self._prepared.drop(connection, error)
                if outcome is Outcome.AGAIN:
                    return None
                if outcome is Outcome.NOTHING_LANDED:
                    raise StoreUnavailable(told(error)) from error
                raise StoreUncertain from error
            warned = self._prepared.warned(connection)
            connection.close()
        if warned or count not in {0, 1}:
            raise StoreUncertain
        return bool(count)

    def _rows(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        """Run a statement that reads; once more where the connection turns out to be of a server that is gone."""
        try:
            return self._read(text, values)
        except _Gone:
            try:
                return self._read(text, values)
            except _Gone as error:
                raise StoreUnavailable(told(error)) from error

    def _read(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        with self._prepared.gate:
            connection = self._prepared.connection()
            try:
                rows = self._run(connection, text, values, all_rows)
            except Exception as error:
                if self._prepared.drop(connection, error):
                    raise _Gone(told(error)) from error
                raise StoreUnavailable(told(error)) from error
            connection.close()
        return rows

    @staticmethod
    def _run(connection: sa.PoolProxiedConnection, text: str, values: tuple[Value, ...], get: Callable[[Any], T]) -> T:
        try:
            cursor = connection.cursor()
            try:
                cursor.execute(text, values)
                return get(cursor)
            finally:
                cursor.close()
        except Exception:
            raise
        except BaseException:  # cancelled, or interrupted: nobody knows in the middle of what
            connection.invalidate()
            raise


class _Gone(Exception):
    """The connection was of a server that is gone: a read may be asked again on a new one."""
