# SPDX-License-Identifier: Apache-2.0
"""The statements of the stores on SQL databases, as text that is made once.

Invariant: one statement in autocommit for each call. Whatever it depends on (the old bytes, the name of the history,
the bytes of a pinned record) it compares itself; nothing is read first and written later.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import attrs

from ..errors import HistoryLost, StoreUnavailable

Family = Literal["sqlite", "postgresql", "mysql"]
Value = str | bytes
Statement = tuple[str, tuple[Value, ...]]
"""A statement's text and its parameters, in the order in which the text names them."""

PAGE = 500
"""Keys per statement of a listing."""

TABLE = "ram_mfa"
ROOT_TABLE = "ram_mfa_root"
"""MariaDB and MySQL keep records whose key begins with ``ROOT_KIND`` here: a statement that changes one table may not
read it in a subquery there, and a self-join costs four times as much."""
ROOT_KIND = "r"

IN_ITS_ROW = "ALTER TABLE ram_mfa ALTER COLUMN value SET STORAGE MAIN, SET (fillfactor = 60)"
"""Said of a table on PostgreSQL once. A value of more than 2 kB stays in its row, up to the size of a page; and a page
that is full to three fifths is cleared of replaced rows by whoever comes next. Without either a record of 3 kB takes
4 kB more with each write, until a vacuum comes."""

SYSTEM = "set_config('ram_mfa.system', (SELECT system_identifier::text FROM pg_control_system()), false)"
"""Asked once on each new connection to PostgreSQL: which cluster this is, kept as a setting of the session."""

_NOW: dict[Family, str] = {
    # One file has one history: a copy put back gives no signal.
    "sqlite": "''",
    # The cluster and its timeline. NULL on a session that no store prepared; an error on a standby, whose reads may
    # be stale.
    "postgresql": (
        "(nullif(current_setting('ram_mfa.system', true), '') || '/' ||"
        " substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))"
    ),
    # Which server answers, and which run of it: the clock sequence of a UUID is drawn when the server starts. A
    # failover leads to another server, and a server that comes back has been started again.
    "mysql": "CONCAT_WS('/', @@server_id, @@hostname, @@port, RIGHT(UUID(), 17))",
}
"""What each engine calls its present history (its incarnation), asked within a statement."""

_CLOCK: dict[Family, str] = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch FROM clock_timestamp())::float8",
    # No function of the session's time zone, which has one hour of each year twice.
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6",
}


@attrs.frozen
class Pin:
    """What a view compares within each statement.

    Attributes:
        name: of the history that the view is of.
        beside: a record that must be exactly these bytes: its key and its value.
    """

    name: str
    beside: tuple[str, bytes] | None = None


@attrs.frozen
class Statements:
    """The statements for one engine and one way to write a parameter.

    Attributes:
        family: the engine.
        mark: how its driver writes a parameter, such as ``%s``.
    """

    family: Family
    mark: str

    @property
    def now(self) -> str:
        """Return what asks for the name of the present history."""
        return f"SELECT {_NOW[self.family]}"

    @property
    def clock(self) -> str:
        """Return what asks for the server's time, in seconds since the epoch."""
        return f"SELECT {_CLOCK[self.family]}"

    def load(self, key: str, pin: Pin | None = None) -> Statement:
        """Return a load; ``found`` reads its answer."""
        beside = () if pin is None or pin.beside is None else (self._key(pin.beside[0]), pin.beside[1])
        return self._texts(key, pin).load, (self._key(key), *beside)

    def swap(self, key: str, old: bytes | None, new: bytes | None, pin: Pin | None = None) -> Statement:
        """Return a swap, which is not from None to None. It changes one row, or none."""
        texts, place, more = self._texts(key, pin), self._key(key), self._pinned(pin)
        if old is None:
            assert new is not None
            return texts.create, (place, new, *more)
        if new is None:
            return texts.delete, (place, old, *more)
        return texts.replace, (new, place, old, *more)

    def keys(self, kind: str, last: str) -> Statement:
        """Return a page of the keys of a kind, above the last one of the page before."""
        return _listing(self.family, self.mark, self._table(kind))[0], self._between(kind, last)

    def end(self, kind: str, last: str) -> Statement:
        """Return the question whether there is no such key; one row answers it, and holds NULL where there is none."""
        return _listing(self.family, self.mark, self._table(kind))[1], self._between(kind, last)

    def _texts(self, key: str, pin: Pin | None) -> _Texts:
        beside = None if pin is None or pin.beside is None else self._table(pin.beside[0])
        return _texts(self.family, self.mark, self._table(key), pin is not None, beside)

    def _table(self, key: str) -> str:
        return ROOT_TABLE if self.family == "mysql" and key.startswith(ROOT_KIND) else TABLE

    def _key(self, key: str) -> Value:
        return key.encode() if self.family == "mysql" else key

    def _pinned(self, pin: Pin | None) -> tuple[Value, ...]:
        if pin is None:
            return ()
        return (pin.name,) if pin.beside is None else (pin.name, self._key(pin.beside[0]), pin.beside[1])

    def _between(self, kind: str, last: str) -> tuple[Value, ...]:
        return self._key(last), self._key(chr(ord(kind) + 1))


@attrs.frozen
class _Texts:
    load: str
    create: str
    replace: str
    delete: str


_ALWAYS = "FROM (SELECT 1 AS one) AS always"
"""MariaDB answers an interrupted statement now and then with NULL for a subquery, or with no row, and without an error.
A row of an outer join on this one comes only where the join was finished."""


@lru_cache(maxsize=64)
def _texts(family: Family, mark: str, table: str, named: bool, beside: str | None) -> _Texts:  # noqa: FBT001
    """Return the statements on a table, where ``named`` of one history, and ``beside`` a record in that table."""
    now, key = _NOW[family], _column(family)
    pinned = f"p.{key} = {mark} AND p.value = {mark}"
    also = f" AND {now} = {mark}" if named else ""
    load = f"SELECT {now}, 1 = 1, r.{key} IS NOT NULL, r.value {_ALWAYS} LEFT JOIN {table} AS r ON r.{key} = {mark}"
    if beside is not None:
        load = f"{load} LEFT JOIN {beside} AS p ON {pinned}".replace("1 = 1", f"p.{key} IS NOT NULL")
    of_it = f"WHERE r.{key} = {mark} AND r.value = {mark}{also}"
    if family == "mysql":
        both = f"{table} AS r" if beside is None else f"{table} AS r, {beside} AS p"
        source = "DUAL" if beside is None else f"{beside} AS p"
        pinned = "" if beside is None else f" AND {pinned}"
        create = f"INSERT INTO {table} ({key}, value) SELECT {mark}, {mark} FROM {source} WHERE 1 = 1{also}{pinned}"  # noqa: S608
        replace = f"UPDATE {both} SET r.value = {mark} {of_it}{pinned}"  # noqa: S608
        delete = f"DELETE r FROM {both} {of_it}{pinned}"
    else:
        pinned = "" if beside is None else f" AND EXISTS (SELECT 1 FROM {beside} AS p WHERE {pinned})"  # noqa: S608
        typed = f"{mark}::text, {mark}::bytea" if family == "postgresql" else f"{mark}, {mark}"
        create = (
            f"INSERT INTO {table} (key, value) SELECT {typed} WHERE 1 = 1{also}{pinned} ON CONFLICT (key) DO NOTHING"
        )
        replace = f"UPDATE {table} AS r SET value = {mark} {of_it}{pinned}"  # noqa: S608
        delete = f"DELETE FROM {table} AS r {of_it}{pinned}"  # noqa: S608
    return _Texts(load, create, replace, delete)


@lru_cache(maxsize=64)
def _listing(family: Family, mark: str, table: str) -> tuple[str, str]:
    """Return what asks for a page of keys, and for their end."""
    key = _column(family)
    between = f"r.{key} > {mark} AND r.{key} < {mark}"
    return (
        f"SELECT r.{key} FROM {table} AS r WHERE {between} ORDER BY r.{key} LIMIT {PAGE}",  # noqa: S608
        f"SELECT r.{key} {_ALWAYS} LEFT JOIN {table} AS r ON {between} LIMIT 1",
    )


def _column(family: Family) -> str:
    return "`key`" if family == "mysql" else "key"


def found(rows: Sequence[Sequence[Any]], pin: Pin | None = None) -> bytes | None:
    """Return the record out of the answer to a load.

    Raises:
        HistoryLost: the history or the pinned record is not the view's.
        StoreUnavailable: the answer is not the one whole row that was asked for, so nothing is known of the record.
    """
    if len(rows) != 1 or len(rows[0]) != 4:
        raise StoreUnavailable("the database answered a load with something else than one row")
    now, same, there, value = rows[0]
    name = text_of(now)
    if same not in {0, 1} or there not in {0, 1} or bool(there) is (value is None):
        raise StoreUnavailable("the database answered a load in part")
    if pin is not None and (name != pin.name or not same):
        raise HistoryLost(name)
    return None if value is None else bytes(value)


def only(rows: Sequence[Sequence[Any]]) -> Any:
    """Return the one value that was asked for.

    Raises:
        StoreUnavailable: the answer is another.
    """
    if len(rows) != 1 or len(rows[0]) != 1 or rows[0][0] is None:
        raise StoreUnavailable("the database answered in part")
    return rows[0][0]


def text_of(said: object) -> str:
    """Return a text of the database's, which some drivers give as bytes.

    Raises:
        StoreUnavailable: it is NULL.
    """
    if said is None:
        raise StoreUnavailable("the database does not say which history this is: no store prepared this session")
    return said.decode() if isinstance(said, bytes) else str(said)
