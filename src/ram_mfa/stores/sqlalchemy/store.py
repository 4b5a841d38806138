# SPDX-License-Identifier: Apache-2.0
"""A store on whatever SQLAlchemy reaches of SQLite, PostgreSQL (psycopg 3) and MariaDB or MySQL, awaited or not.

https://docs.sqlalchemy.org/en/20/core/connections.html

It takes an Engine and never a Session: no surrounding transaction can take a refusal back. Of SQLAlchemy it uses
the pool and the dialect; the statements are text, and each is one autocommit of the driver.
Fault model: the database's, with its durable settings, which each new connection checks. On PostgreSQL a promotion is
seen (the timeline), on MariaDB and MySQL a failover to another server is; a file or a dump put back is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import attrs
import sqlalchemy as sa

from ...errors import HistoryLost, StoreUnavailable, StoreUncertain
from .. import _outcomes
from .._outcomes import Outcome
from .._sql import Statements, Value, statement, statements
from .engine import prepare
from .table import in_its_row, metadata, table

T = TypeVar("T")

_JUDGES: dict[str, Callable[[BaseException], Outcome]] = {
    "sqlite": _outcomes.of_sqlite,
    "postgresql": _outcomes.of_postgresql,
    "mysql": _outcomes.of_mysql,
}


class SQLAlchemyStore:
    """Records in the table ``ram_mfa`` of an engine's database.

    Give it an engine of its own: the store sets each connection to autocommit and gives it deadlines. With
    ``create_engine(url, pool_reset_on_return=None)`` MariaDB is spared a round trip for each call.

    Args:
        engine: of SQLite (a file), PostgreSQL (psycopg 3), MariaDB or MySQL.
        deadline: how many seconds a statement, or a connection, may take. Waiting for a connection of the pool is
            bounded by the engine's own ``pool_timeout``.

    Raises:
        ValueError: the engine is of another database, or of one that lives in memory.
    """

    def __init__(self, engine: sa.Engine, *, deadline: float = 5.0) -> None:
        self._engine = engine
        self._deadline = deadline
        self._prepared = prepare(engine, deadline)
        family = self._prepared.family
        self._texts: Statements = statements(family, _marks(engine.dialect.paramstyle))
        self._judge = _JUDGES[family]
        self._binary_keys = family == "mysql"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._engine.url.render_as_string(hide_password=True)}>"

    def create_table(self) -> None:
        """Make the table where there is none; where another has made it meanwhile, that one."""
        try:
            metadata.create_all(self._engine)
        except Exception as error:
            if not self._made_by_another():
                raise StoreUnavailable(_told(error)) from error

    def _made_by_another(self) -> bool:
        """Say whether there is a table, and finish it where its maker may not have come so far."""
        try:
            with self._engine.connect() as connection:
                made = sa.inspect(connection).has_table(table.name)
                if made and self._engine.dialect.name == "postgresql":
                    connection.execute(in_its_row)
                return made
        except Exception:  # noqa: BLE001 (the error of the statement before is the one to tell)
            return False

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return self._load(key, None)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return self._swap(key, old, new, None)

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        last = kind
        while page := self._page(kind, last):
            yield from page
            last = page[-1]

    def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``."""
        return str(self._rows(self._texts.now, ())[0][0])

    def at(self, incarnation: str, /) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, incarnation)

    def close(self) -> None:
        """Close the engine's connections that are not in use."""
        self._engine.dispose()

    def _load(self, key: str, at: str | None) -> bytes | None:
        ((now, value),) = self._rows(self._texts.load, (self._key(key),))
        if at is not None and now != at:
            raise HistoryLost(str(now))
        return None if value is None else bytes(value)

    def _swap(self, key: str, old: bytes | None, new: bytes | None, at: str | None) -> bool:
        if old is None and new is None:
            return False
        if old == new and self._binary_keys:  # MySQL counts the rows that changed, unless a flag says otherwise
            return self._load(key, at) == old
        text, values = statement(self._texts, self._key(key), old, new, at)
        until = time.monotonic() + self._deadline
        while (landed := self._write(text, values)) is None:
            if time.monotonic() > until:
                raise StoreUnavailable("others kept this record locked until the deadline")
        if not landed and at is not None:
            now = self.incarnation()
            if now != at:
                raise HistoryLost(now)
        return landed

    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """Run a statement that writes; None where nothing landed and it may be asked again."""
        with self._prepared.gate:
            connection = self._prepared.connection()
            try:
                count = self._run(connection, text, values, _row_count)
            except Exception as error:
                outcome = self._judge(error)
                if outcome is Outcome.DUPLICATE:
                    connection.close()
                    return False
                self._prepared.drop(connection, error)
                if outcome is Outcome.AGAIN:
                    return None
                if outcome is Outcome.NOTHING_LANDED:
                    raise StoreUnavailable(_told(error)) from error
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
                raise StoreUnavailable(_told(error)) from error

    def _read(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        with self._prepared.gate:
            connection = self._prepared.connection()
            try:
                rows = self._run(connection, text, values, _all_rows)
            except Exception as error:
                if self._prepared.drop(connection, error):
                    raise _Gone(_told(error)) from error
                raise StoreUnavailable(_told(error)) from error
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

    def _page(self, kind: str, last: str) -> list[str]:
        rows = self._rows(self._texts.keys, (self._key(last), self._key(chr(ord(kind) + 1))))
        return [key.decode() if isinstance(key, bytes) else key for (key,) in rows]

    def _key(self, key: str) -> Value:
        return key.encode() if self._binary_keys else key


@attrs.frozen
class _View:
    """A store at one incarnation."""

    _store: SQLAlchemyStore
    _at: str

    def load(self, key: str, /) -> bytes | None:
        return self._store._load(key, self._at)  # noqa: SLF001 (the store's own view)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return self._store._swap(key, old, new, self._at)  # noqa: SLF001 (likewise)


class _Gone(Exception):
    """The connection was of a server that is gone: a read may be asked again on a new one."""


def _all_rows(cursor: Any) -> list[Any]:
    return list(cursor.fetchall())


def _row_count(cursor: Any) -> int:
    return int(cursor.rowcount)


def _marks(paramstyle: str) -> tuple[str, str, str, str]:
    """Return how a driver writes the first to fourth parameter."""
    mark = "?" if paramstyle == "qmark" else "%s"
    return mark, mark, mark, mark


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
