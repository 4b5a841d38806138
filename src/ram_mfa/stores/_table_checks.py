# SPDX-License-Identifier: Apache-2.0
"""Checks that the table in a store's place is one that a store can keep its promises in, made on each new connection.

Refused is what could fold two keys into one, alter or cut a value, hide a row (an absent record passes for nobody's),
lose what was acknowledged, or write more than the store asked for. Nothing is repaired.

https://www.postgresql.org/docs/current/catalogs.html, https://mariadb.com/kb/en/show-create-table/,
https://www.sqlite.org/datatype3.html#determination_of_column_affinity
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import StoreUnavailable
from ._sql import ROOT_TABLE, TABLE, Family

AskAll = Callable[[str], Sequence[Sequence[Any]]]
"""Runs one statement, and returns all rows of its answer."""

POSTGRESQL = f"""
    SELECT relkind::text, relpersistence::text, row_security_active(c.oid),
           EXISTS (SELECT 1 FROM pg_inherits WHERE c.oid IN (inhparent, inhrelid)),
           EXISTS (SELECT 1 FROM pg_rewrite WHERE ev_class = c.oid),
           EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal AND tgenabled <> 'D'),
           EXISTS (SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
                   WHERE indrelid = c.oid AND indisprimary AND indimmediate AND indisvalid AND indnatts = 1
                   AND attname = 'key'),
           (SELECT string_agg(concat_ws(' ', attname, typname, collname), ', ' ORDER BY attname)
            FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
            LEFT JOIN pg_collation ON pg_collation.oid = attcollation
            WHERE attrelid = c.oid AND attname IN ('key', 'value') AND NOT attisdropped)
    FROM pg_class AS c WHERE c.oid = to_regclass('{TABLE}')
"""  # noqa: S608 (made of constants)
"""The one statement of the check on PostgreSQL, for whoever has to await its answer."""
_POSTGRESQL_COLUMNS = {"key text C, value bytea", "key text POSIX, value bytea"}

_MYSQL_PARTS = (
    (r"^CREATE TABLE ", "is not an ordinary table"),
    (r"`?key`? varbinary\((4[4-9]|[5-9]\d|\d{3,})\)", "has a key column that is not VARBINARY(255)"),
    (r"`?value`? (mediumblob|longblob)", "has a value column that is neither MEDIUMBLOB nor LONGBLOB"),
    (r"PRIMARY KEY \(`?key`?\)", "has another primary key than its key column"),
    (r"\) ENGINE=InnoDB\b", "is not kept by InnoDB"),
)


def has_table(family: Family, ask: AskAll) -> bool:
    """Return whether the store's table is there (its tables, on MariaDB and MySQL).

    Raises:
        StoreUnavailable: something else is in its place, or it is not safe.
    """
    return _CHECKS[family](ask)


def _refused(table: str, problem: str) -> StoreUnavailable:
    return StoreUnavailable(f"the table {table} cannot keep records: it {problem}")


def _postgresql(ask: AskAll) -> bool:
    rows = ask(POSTGRESQL)
    if not rows:
        return False
    kind, persistence, hides, inherits, rules, triggers, primary_key, columns = rows[0]
    for wrong, problem in (
        (kind != "r", "is not an ordinary table"),
        (persistence != "p", "is UNLOGGED or temporary, and loses what it acknowledged"),
        (hides, "hides rows from this role (row security)"),
        (inherits, "inherits, or is inherited from"),
        (rules, "has rules"),
        (triggers, "has triggers"),
        (columns not in _POSTGRESQL_COLUMNS, f'has other columns than key text COLLATE "C", value bytea: {columns}'),
        (not primary_key, "has another primary key than its key column"),
    ):
        if wrong:
            raise _refused(TABLE, problem)
    return True


def _mysql(ask: AskAll) -> bool:
    for table in (TABLE, ROOT_TABLE):
        try:
            made = ask(f"SHOW CREATE TABLE {table}")
        except Exception as error:
            if error.args[:1] == (_NO_SUCH_TABLE,):
                return False
            raise
        if len(made) != 1:  # interrupted, and not said so
            raise StoreUnavailable(f"the database does not say what its table {table} is")
        for part, problem in _MYSQL_PARTS:
            if not re.search(part, str(made[0][1])):
                raise _refused(table, problem)
        if ask(f"SHOW TRIGGERS LIKE '{table}'"):
            raise _refused(table, "has triggers")
    return True


_NO_SUCH_TABLE = 1146


def _sqlite(ask: AskAll) -> bool:
    made = ask(f"SELECT type, sql FROM sqlite_master WHERE name = '{TABLE}'")  # noqa: S608 (a constant)
    if not made:
        return False
    columns = {name: (str(kind).upper(), place) for _, name, kind, _, _, place in ask(f"PRAGMA table_info({TABLE})")}
    key, value = columns.get("key", ("", 0)), columns.get("value", ("", 0))
    indexed = [row[1] for row in ask(f"PRAGMA index_list({TABLE})") if row[3] == "pk"]
    folded = [row[4] for index in indexed for row in ask(f"PRAGMA index_xinfo({index})") if row[2] == "key"]
    folded += re.findall(r"COLLATE\s+[\"'`\[]?(\w+)", str(made[0][1]), re.IGNORECASE)
    for wrong, problem in (
        (made[0][0] != "table" or not re.match(r"CREATE\s+TABLE\b", str(made[0][1]), re.IGNORECASE), "is not a table"),
        (re.search(r"\bWITHOUT\s+ROWID\b", str(made[0][1]), re.IGNORECASE), "is WITHOUT ROWID"),
        ("key" not in columns or "value" not in columns, "has no columns key and value"),
        ("INT" in key[0] or not re.search("CHAR|CLOB|TEXT", key[0]), "has a key column that is not TEXT"),
        ("INT" in value[0] or (value[0] and "BLOB" not in value[0]), "has a value column that is not BLOB"),
        (key[1] != 1 or any(place > 1 for _, place in columns.values()), "has another primary key than its key column"),
        (any(str(collation).upper() != "BINARY" for collation in folded), "has a collation other than BINARY"),
        (ask(f"SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}'"), "has triggers"),  # noqa: S608
    ):
        if wrong:
            raise _refused(TABLE, problem)
    return True


_CHECKS: dict[Family, Callable[[AskAll], bool]] = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}
