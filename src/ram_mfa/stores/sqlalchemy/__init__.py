# SPDX-License-Identifier: Apache-2.0
"""Stores, sync and async, on SQLite, PostgreSQL (psycopg 3), MariaDB or MySQL through a SQLAlchemy engine.

The async store is imported on first use, because only that one needs greenlet (``sqlalchemy[asyncio]``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .store import SQLAlchemyStore
from .table import metadata

if TYPE_CHECKING:
    from .aio import AsyncSQLAlchemyStore

__all__ = ["AsyncSQLAlchemyStore", "SQLAlchemyStore", "metadata"]


def __getattr__(name: str) -> Any:
    """Import the async store on first use."""
    if name != "AsyncSQLAlchemyStore":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .aio import AsyncSQLAlchemyStore

    return AsyncSQLAlchemyStore
