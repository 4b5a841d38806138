# SPDX-License-Identifier: Apache-2.0
"""The SQL statements of the stores, each text built once and cached.

Invariant: each call is one statement in autocommit. Everything it depends on (the old bytes, the name of the history,
the bytes of a pinned record) is compared inside that statement; nothing is read first and written later.
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
"""A statement's text and its parameters, in the order of their placeholders."""

PAGE_SIZE = 500
"""Keys per statement of a listing."""

TABLE = "ram_mfa"
ROOT_TABLE = "ram_mfa_root"
"""The table of the records whose key begins with ``ROOT_KIND``, on MariaDB and MySQL only. There, a statement that
changes a table cannot read the same table in a subquery, and a self-join takes four times as long."""
ROOT_KIND = "r"

INLINE_STORAGE = "ALTER TABLE ram_mfa ALTER COLUMN value SET STORAGE MAIN, SET (fillfactor = 60)"
"""Storage settings of the table on PostgreSQL, applied when it is created. MAIN keeps a value of more than 2 kB in its
row, up to the size of a page; with a fill factor of 60 %, the next access to a page that is fuller than that
removes its replaced rows. Without both, each write of a record of 3 kB takes 4 kB more until the next vacuum."""

SET_SYSTEM_IDENTIFIER = "set_config('ram_mfa.system', (SELECT system_identifier::text FROM pg_control_system()), false)"
"""The expression that keeps the cluster's system identifier in a setting of the session; evaluated once on each new
connection to PostgreSQL."""

_INCARNATION: dict[Family, str] = {
    # A file has a single history: nothing in it shows that it is a restored copy.
    "sqlite": "''",
    # The cluster and its timeline. NULL on a session that no store has prepared; an error on a standby, whose reads
    # may be stale.
    "postgresql": (
        "(nullif(current_setting('ram_mfa.system', true), '') || '/' ||"
        " substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))"
    ),
    # The server and its current run: the clock sequence of a UUID is drawn when the server starts. A failover leads to
    # another server, and a server that comes back has been restarted.
    "mysql": "CONCAT_WS('/', @@server_id, @@hostname, @@port, RIGHT(UUID(), 17))",
}
"""The expression for the name of the current history (the incarnation), by engine."""

_CLOCK: dict[Family, str] = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch FROM clock_timestamp())::float8",
    # Not UNIX_TIMESTAMP(): it depends on the session's time zone, in which one hour of each year occurs twice.
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6",
}


@attrs.frozen
class Pin:
    """The values that a view compares within each statement.

    Attributes:
        name: the name of the view's history.
        beside: the key of the pinned record, and the exact bytes that it must have.
    """

    name: str
    beside: tuple[str, bytes] | None = None


@attrs.frozen
class Statements:
    """The statements for one engine and one placeholder syntax.

    Attributes:
        family: the engine.
        placeholder: a parameter as the driver writes it, such as ``%s``.
    """

    family: Family
    placeholder: str

    @property
    def incarnation(self) -> str:
        """Return the query for the name of the current history."""
        return f"SELECT {_INCARNATION[self.family]}"

    @property
    def clock(self) -> str:
        """Return the query for the server's time, in seconds since the epoch."""
        return f"SELECT {_CLOCK[self.family]}"

    def load(self, key: str, pin: Pin | None = None) -> Statement:
        """Return the statement of a load; ``read_record`` reads its result."""
        beside = () if pin is None or pin.beside is None else (self._key(pin.beside[0]), pin.beside[1])
        return self._texts(key, pin).load, (self._key(key), *beside)

    def swap(self, key: str, old: bytes | None, new: bytes | None, pin: Pin | None = None) -> Statement:
        """Return the statement of a swap, which changes one row or none. Not both of ``old`` and ``new`` are None."""
        texts, row_key, pinned = self._texts(key, pin), self._key(key), self._pinned(pin)
        if old is None:
            assert new is not None
            return texts.create, (row_key, new, *pinned)
        if new is None:
            return texts.delete, (row_key, old, *pinned)
        return texts.replace, (new, row_key, old, *pinned)

    def keys(self, kind: str, last: str) -> Statement:
        """Return the query for the next page of the keys of a kind; ``last`` is the last key of the page before."""
        return _build_listing(self.family, self.placeholder, self._table(kind))[0], self._key_range(kind, last)

    def end_of_keys(self, kind: str, last: str) -> Statement:
        """Return the query whose result is one row, holding NULL if no key of a kind follows ``last``."""
        return _build_listing(self.family, self.placeholder, self._table(kind))[1], self._key_range(kind, last)

    def _texts(self, key: str, pin: Pin | None) -> _Texts:
        beside = None if pin is None or pin.beside is None else self._table(pin.beside[0])
        return _build_texts(self.family, self.placeholder, self._table(key), pin is not None, beside)

    def _table(self, key: str) -> str:
        return ROOT_TABLE if self.family == "mysql" and key.startswith(ROOT_KIND) else TABLE

    def _key(self, key: str) -> Value:
        return key.encode() if self.family == "mysql" else key

    def _pinned(self, pin: Pin | None) -> tuple[Value, ...]:
        if pin is None:
            return ()
        return (pin.name,) if pin.beside is None else (pin.name, self._key(pin.beside[0]), pin.beside[1])

    def _key_range(self, kind: str, last: str) -> tuple[Value, ...]:
        return self._key(last), self._key(chr(ord(kind) + 1))


@attrs.frozen
class _Texts:
    load: str
    create: str
    replace: str
    delete: str


_ONE_ROW = "FROM (SELECT 1 AS one) AS one_row"
"""The left side of an outer join. An interrupted statement on MariaDB sometimes returns NULL for a subquery, or no row,
without an error; a row of an outer join on this one is returned only if the join was completed."""


@lru_cache(maxsize=64)
def _build_texts(family: Family, mark: str, table: str, named: bool, beside: str | None) -> _Texts:  # noqa: FBT001
    """Return the statements on a table: ``named`` compares the history, ``beside`` is the pinned record's table."""
    name, key = _INCARNATION[family], _key_column(family)
    pinned = f"p.{key} = {mark} AND p.value = {mark}"
    same_name = f" AND {name} = {mark}" if named else ""
    load = f"SELECT {name}, 1 = 1, r.{key} IS NOT NULL, r.value {_ONE_ROW} LEFT JOIN {table} AS r ON r.{key} = {mark}"
    if beside is not None:
        load = f"{load} LEFT JOIN {beside} AS p ON {pinned}".replace("1 = 1", f"p.{key} IS NOT NULL")
    unchanged = f"WHERE r.{key} = {mark} AND r.value = {mark}{same_name}"
    if family == "mysql":
        both = f"{table} AS r" if beside is None else f"{table} AS r, {beside} AS p"
        source = "DUAL" if beside is None else f"{beside} AS p"
        pinned = "" if beside is None else f" AND {pinned}"
        row = f"SELECT {mark}, {mark} FROM {source} WHERE 1 = 1{same_name}{pinned}"  # noqa: S608
        create = f"INSERT INTO {table} ({key}, value) {row}"
        replace = f"UPDATE {both} SET r.value = {mark} {unchanged}{pinned}"  # noqa: S608
        delete = f"DELETE r FROM {both} {unchanged}{pinned}"
    else:
        pinned = "" if beside is None else f" AND EXISTS (SELECT 1 FROM {beside} AS p WHERE {pinned})"  # noqa: S608
        typed = f"{mark}::text, {mark}::bytea" if family == "postgresql" else f"{mark}, {mark}"
        row = f"SELECT {typed} WHERE 1 = 1{same_name}{pinned}"
        create = f"INSERT INTO {table} (key, value) {row} ON CONFLICT (key) DO NOTHING"
        replace = f"UPDATE {table} AS r SET value = {mark} {unchanged}{pinned}"  # noqa: S608
        delete = f"DELETE FROM {table} AS r {unchanged}{pinned}"  # noqa: S608
    return _Texts(load, create, replace, delete)


@lru_cache(maxsize=64)
def _build_listing(family: Family, mark: str, table: str) -> tuple[str, str]:
    """Return the queries for a page of keys and for the end of the keys."""
    key = _key_column(family)
    key_range = f"r.{key} > {mark} AND r.{key} < {mark}"
    return (
        f"SELECT r.{key} FROM {table} AS r WHERE {key_range} ORDER BY r.{key} LIMIT {PAGE_SIZE}",  # noqa: S608
        f"SELECT r.{key} {_ONE_ROW} LEFT JOIN {table} AS r ON {key_range} LIMIT 1",
    )


def _key_column(family: Family) -> str:
    return "`key`" if family == "mysql" else "key"


def read_record(rows: Sequence[Sequence[Any]], pin: Pin | None = None) -> bytes | None:
    """Return the record in the result of a load.

    Raises:
        HistoryLost: the history or the pinned record differs from the view's.
        StoreUnavailable: the result is not exactly one complete row, so nothing is known about the record.
    """
    if len(rows) != 1 or len(rows[0]) != 4:
        raise StoreUnavailable("a load returned something other than one row")
    name, pinned, present, value = rows[0]
    name = to_text(name)
    if pinned not in {0, 1} or present not in {0, 1} or bool(present) is (value is None):
        raise StoreUnavailable("a load returned an incomplete row")
    if pin is not None and (name != pin.name or not pinned):
        raise HistoryLost(name)
    return None if value is None else bytes(value)


def single_value(rows: Sequence[Sequence[Any]]) -> Any:
    """Return the single value of a result.

    Raises:
        StoreUnavailable: the result is not one row of one value.
    """
    if len(rows) != 1 or len(rows[0]) != 1 or rows[0][0] is None:
        raise StoreUnavailable("a query returned an incomplete result")
    return rows[0][0]


def to_text(value: object) -> str:
    """Return a text value as ``str``; some drivers return bytes.

    Raises:
        StoreUnavailable: the value is NULL.
    """
    if value is None:
        raise StoreUnavailable("the database does not name its history: no store has prepared this session")
    return value.decode() if isinstance(value, bytes) else str(value)
