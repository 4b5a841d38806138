# SPDX-License-Identifier: Apache-2.0
"""The one table, ``ram_mfa``, as SQLAlchemy describes it: for ``create_all``, and for Alembic's ``target_metadata``."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import mysql

from .._sql import IN_ITS_ROW

metadata = sa.MetaData()

table = sa.Table(
    "ram_mfa",
    metadata,
    sa.Column(
        "key",
        # A collation that folds case or blanks would make one record of two.
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

in_its_row = sa.DDL(IN_ITS_ROW)  # type: ignore[no-untyped-call]
event.listen(table, "after_create", in_its_row.execute_if(dialect="postgresql"))
