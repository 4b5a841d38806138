# SPDX-License-Identifier: Apache-2.0
"""Stores on PostgreSQL, sync and async, on psycopg 3 with prepared statements and a small connection pool."""

from __future__ import annotations

from .aio import AsyncPostgresStore
from .store import PostgresStore

__all__ = ["AsyncPostgresStore", "PostgresStore"]
