# SPDX-License-Identifier: Apache-2.0
"""A store on SQLite, PostgreSQL (psycopg 3), MariaDB or MySQL through a SQLAlchemy engine, awaited or not.

The awaited store is imported when its name is first asked for: only that one needs greenlet (``sqlalchemy[asyncio]``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .store import SQLAlchemyStore
from .table import metadata

if TYPE_CHECKING:
    from .aio import AsyncSQLAlchemyStore

__all__ = ["AsyncSQLAlchemyStore", "SQLAlchemyStore", "metadata"]


def __getattr__(name: str) -> Any:
    """Import the awaited store when it is first asked for."""
    if name != "AsyncSQLAlchemyStore":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .aio import AsyncSQLAlchemyStore

    return AsyncSQLAlchemyStore
