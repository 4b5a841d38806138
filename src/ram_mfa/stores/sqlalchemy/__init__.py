# SPDX-License-Identifier: Apache-2.0
"""A store on SQLite, PostgreSQL (psycopg 3), MariaDB or MySQL through a SQLAlchemy engine, awaited or not."""

from __future__ import annotations

from .asynchronous import AsyncSQLAlchemyStore
from .store import SQLAlchemyStore
from .table import metadata

__all__ = ["AsyncSQLAlchemyStore", "SQLAlchemyStore", "metadata"]
