# SPDX-License-Identifier: Apache-2.0
"""Checks of the store's table, made on each new connection, before any record is read or written.

A table is refused if it could treat two keys as equal, alter or truncate a value, hide a row (a hidden record would be
taken for an absent one), lose acknowledged writes, or make further changes when it is written. Nothing is repaired.

https://www.postgresql.org/docs/current/catalogs.html, https://mariadb.com/kb/en/show-create-table/,
https://www.sqlite.org/datatype3.html#determination_of_column_affinity
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import StoreUnavailable
from ._sql import ROOT_TABLE, TABLE, Family

FetchAll = Callable[[str], Sequence[Sequence[Any]]]
"""Runs one statement and returns all rows of its result."""

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
"""The only query of the check on PostgreSQL; an async caller runs it first and passes its rows to ``has_table``."""
_POSTGRESQL_COLUMNS = {"key text C, value bytea", "key text POSIX, value bytea"}

_MYSQL_PATTERNS = (
    (r"^CREATE TABLE ", "is not an ordinary table"),
    (r"`?key`? varbinary\((4[4-9]|[5-9]\d|\d{3,})\)", "has a key column that is not VARBINARY(255)"),
    (r"`?value`? (mediumblob|longblob)", "has a value column that is neither MEDIUMBLOB nor LONGBLOB"),
    (r"PRIMARY KEY \(`?key`?\)", "has another primary key than its key column"),
    (r"\) ENGINE=InnoDB\b", "is not an InnoDB table"),
)


def has_table(family: Family, fetch_all: FetchAll) -> bool:
    """Return whether the store's table exists (both tables, on MariaDB and MySQL).

    Raises:
        StoreUnavailable: a table or view of that name exists and cannot keep records safely.
    """
    return _CHECKS[family](fetch_all)


def _unsafe_table(table: str, problem: str) -> StoreUnavailable:
    return StoreUnavailable(f"the table {table} cannot keep records: it {problem}")


def _postgresql(fetch_all: FetchAll) -> bool:
    rows = fetch_all(POSTGRESQL)
    if not rows:
        return False
    kind, persistence, row_security, inherits, rules, triggers, primary_key, columns = rows[0]
    for unsafe, problem in (
        (kind != "r", "is not an ordinary table"),
        (persistence != "p", "is UNLOGGED or temporary, and can lose acknowledged writes"),
        (row_security, "hides rows from this role (row security)"),
        (inherits, "inherits, or is inherited from"),
        (rules, "has rules"),
        (triggers, "has triggers"),
        (columns not in _POSTGRESQL_COLUMNS, f'has other columns than key text COLLATE "C", value bytea: {columns}'),
        (not primary_key, "has another primary key than its key column"),
    ):
        if unsafe:
            raise _unsafe_table(TABLE, problem)
    return True


def _mysql(fetch_all: FetchAll) -> bool:
    for table in (TABLE, ROOT_TABLE):
        try:
            definition = fetch_all(f"SHOW CREATE TABLE {table}")
        except Exception as error:
            if error.args[:1] == (_NO_SUCH_TABLE,):
                return False
            raise
        if len(definition) != 1:  # MariaDB interrupted the statement without an error
            raise StoreUnavailable(f"the database did not return the definition of the table {table}")
        for pattern, problem in _MYSQL_PATTERNS:
            if not re.search(pattern, str(definition[0][1])):
                raise _unsafe_table(table, problem)
        if fetch_all(f"SHOW TRIGGERS LIKE '{table}'"):
            raise _unsafe_table(table, "has triggers")
    return True


_NO_SUCH_TABLE = 1146


def _sqlite(fetch_all: FetchAll) -> bool:
    definition = fetch_all(f"SELECT type, sql FROM sqlite_master WHERE name = '{TABLE}'")  # noqa: S608 (a constant)
    if not definition:
        return False
    kind, text = definition[0][0], str(definition[0][1])
    table_info = fetch_all(f"PRAGMA table_info({TABLE})")
    columns = {name: (str(declared).upper(), position) for _, name, declared, _, _, position in table_info}
    key, value = columns.get("key", ("", 0)), columns.get("value", ("", 0))
    indexes = [row[1] for row in fetch_all(f"PRAGMA index_list({TABLE})") if row[3] == "pk"]
    collations = [row[4] for index in indexes for row in fetch_all(f"PRAGMA index_xinfo({index})") if row[2] == "key"]
    triggers = f"SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}'"  # noqa: S608 (likewise)
    collations += re.findall(r"COLLATE\s+[\"'`\[]?(\w+)", text, re.IGNORECASE)
    for unsafe, problem in (
        (kind != "table" or not re.match(r"CREATE\s+TABLE\b", text, re.IGNORECASE), "is not a table"),
        (re.search(r"\bWITHOUT\s+ROWID\b", text, re.IGNORECASE), "is WITHOUT ROWID"),
        ("key" not in columns or "value" not in columns, "has no columns key and value"),
        ("INT" in key[0] or not re.search("CHAR|CLOB|TEXT", key[0]), "has a key column that is not TEXT"),
        ("INT" in value[0] or (value[0] and "BLOB" not in value[0]), "has a value column that is not BLOB"),
        (
            key[1] != 1 or any(position > 1 for _, position in columns.values()),
            "has another primary key than its key column",
        ),
        (any(str(collation).upper() != "BINARY" for collation in collations), "has a collation other than BINARY"),
        (fetch_all(triggers), "has triggers"),
    ):
        if unsafe:
            raise _unsafe_table(TABLE, problem)
    return True


_CHECKS: dict[Family, Callable[[FetchAll], bool]] = {"postgresql": _postgresql, "mysql": _mysql, "sqlite": _sqlite}
