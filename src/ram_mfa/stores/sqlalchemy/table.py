# SPDX-License-Identifier: Apache-2.0
"""SQLAlchemy definitions of the tables, for ``create_table`` and for Alembic's ``target_metadata``.

Records are in ``ram_mfa``. On MariaDB and MySQL, and only there, the root record is in ``ram_mfa_root``.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import mysql

from .._sql import INLINE_STORAGE, ROOT_TABLE, TABLE, Family

metadata: sa.MetaData = sa.MetaData()


def _table(name: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column(
            "key",
            # A collation that ignores case or trailing blanks would treat two keys as equal.
            sa.String(255)
            .with_variant(sa.Text(collation="C"), "postgresql")
            .with_variant(mysql.VARBINARY(255), "mysql", "mariadb"),
            primary_key=True,
            nullable=False,
        ),
        sa.Column(
            "value",
            sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"),
            nullable=False,
        ),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )


table: sa.Table = _table(TABLE)
root_table: sa.Table = _table(ROOT_TABLE)


def tables(family: Family) -> tuple[sa.Table, ...]:
    """Return the tables that a store needs on an engine."""
    return (table, root_table) if family == "mysql" else (table,)


inline_storage: sa.DDL = sa.DDL(INLINE_STORAGE)  # type: ignore[no-untyped-call]
event.listen(table, "after_create", inline_storage.execute_if(dialect="postgresql"))
