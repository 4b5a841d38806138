# SPDX-License-Identifier: Apache-2.0
"""The statements of the stores on SQL databases, as text that is made once.

The room's rule: one table, and one statement in autocommit for each call. What it must find (the old bytes, the
incarnation) it compares in its own WHERE; nothing is read first and written later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import attrs

from ..errors import StoreUnavailable

Family = Literal["sqlite", "postgresql", "mysql"]

PAGE = 500
"""Keys per statement of a listing."""

IN_ITS_ROW = "ALTER TABLE ram_mfa ALTER COLUMN value SET STORAGE MAIN, SET (fillfactor = 60)"
"""Said of a table on PostgreSQL once. A value of more than 2 kB stays in its row, up to the size of a page; and a page
that is full to three fifths is cleared of replaced rows by whoever comes next. Without either a record of 3 kB takes
4 kB more with each write, until a vacuum comes."""

_NOW: dict[str, str] = {
    # One file has one history: a copy put back gives no signal.
    "sqlite": "'one file'",
    # The timeline; this also fails on a standby, whose reads may be stale.
    "postgresql": "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",
    # Which server answers: a failover leads to another one.
    "mysql": "CONCAT_WS('/', @@server_id, @@hostname, @@port)",
}
"""What each engine calls its present history (its incarnation), asked within a statement."""


@attrs.frozen
class Statements:
    """The statements for one engine and one way to write parameters.

    Parameters, in order: ``load`` (key); ``create`` (key, new); ``replace`` (new, key, old); ``delete`` (key, old);
    ``keys`` (above, below); those that end in ``_at`` take an incarnation as one more. ``load`` gives one row always:
    the incarnation, whether there is a record, and its value; ``found`` reads it. ``end`` (above, below) gives one row
    always too: NULL where there is no such key. It is asked where ``keys`` gave none.
    """

    now: str
    load: str
    create: str
    replace: str
    delete: str
    create_at: str
    replace_at: str
    delete_at: str
    keys: str
    end: str


def statements(family: Family, marks: tuple[str, str, str, str]) -> Statements:
    """Return the statements of an engine.

    Args:
        family: the engine.
        marks: how its driver writes the first to fourth parameter, such as ``%s`` or ``$1``.
    """
    now, (a, b, c, d) = _NOW[family], marks
    key = "`key`" if family == "mysql" else "key"
    new = f"INSERT INTO ram_mfa ({key}, value)"
    # MySQL has no ON CONFLICT, and its IGNORE hides other errors too: there a duplicate raises.
    once = "" if family == "mysql" else " ON CONFLICT (key) DO NOTHING"
    replace = f"UPDATE ram_mfa SET value = {a} WHERE {key} = {b} AND value = {c}"  # noqa: S608 (made of constants)
    delete = f"DELETE FROM ram_mfa WHERE {key} = {a} AND value = {b}"  # noqa: S608 (made of constants)
    # MariaDB answers an interrupted statement with NULL for a subquery, or with no row, and without an error. The row
    # of an outer join comes only where the join was finished.
    always = f"FROM (SELECT 1 AS one) AS always LEFT JOIN ram_mfa AS r ON r.{key}"
    source = " FROM DUAL" if family == "mysql" else ""
    typed = (f"{a}::text", f"{b}::bytea") if family == "postgresql" else (a, b)
    return Statements(
        now=f"SELECT {now}",
        load=f"SELECT {now}, r.{key} IS NOT NULL, r.value {always} = {a}",
        create=f"{new} VALUES ({a}, {b}){once}",
        replace=replace,
        delete=delete,
        create_at=f"{new} SELECT {typed[0]}, {typed[1]}{source} WHERE {now} = {c}{once}",
        replace_at=f"{replace} AND {now} = {d}",
        delete_at=f"{delete} AND {now} = {c}",
        keys=f"SELECT {key} FROM ram_mfa WHERE {key} > {a} AND {key} < {b} ORDER BY {key} LIMIT {PAGE}",  # noqa: S608
        end=f"SELECT r.{key} {always} > {a} AND r.{key} < {b} LIMIT 1",
    )


Value = str | bytes


def found(rows: Sequence[Sequence[Any]]) -> tuple[str, bytes | None]:
    """Return the incarnation and the record out of the answer to a load.

    Raises:
        StoreUnavailable: the answer is not the one row that was asked for, so nothing is known of the record.
    """
    if len(rows) != 1 or len(rows[0]) != 3:
        raise StoreUnavailable("the database answered a load with something else than one row")
    now, there, value = rows[0]
    if now is None or there not in {0, 1} or bool(there) is (value is None):
        raise StoreUnavailable("the database answered a load in part")
    return text_of(now), None if value is None else bytes(value)


def text_of(said: str | bytes | None) -> str:
    """Return a text of the database's, which some drivers give as bytes.

    Raises:
        StoreUnavailable: it is NULL.
    """
    if said is None:
        raise StoreUnavailable("the database answered in part")
    return said.decode() if isinstance(said, bytes) else str(said)


def statement(
    texts: Statements, key: Value, old: bytes | None, new: bytes | None, at: str | None
) -> tuple[str, tuple[Value, ...]]:
    """Return the text and the parameters of a swap, which is not from None to None."""
    name = () if at is None else (at,)
    if old is None:
        assert new is not None
        return (texts.create if at is None else texts.create_at), (key, new, *name)
    if new is None:
        return (texts.delete if at is None else texts.delete_at), (key, old, *name)
    return (texts.replace if at is None else texts.replace_at), (new, key, old, *name)
