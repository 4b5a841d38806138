# SPDX-License-Identifier: Apache-2.0
"""A lean store on PostgreSQL: psycopg 3, prepared statements and a small pool, awaited or not."""

from __future__ import annotations

from .aio import AsyncPostgresStore
from .store import PostgresStore

__all__ = ["AsyncPostgresStore", "PostgresStore"]
