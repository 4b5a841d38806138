# SPDX-License-Identifier: Apache-2.0
"""The parts that the sync and the async store on PostgreSQL share: arguments, connections, results and errors.

https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED

Invariant: each call is one statement in autocommit. Under READ COMMITTED, an UPDATE that waited for another transaction
evaluates its WHERE clause again on the new version of the row, so an UPDATE that compares the old bytes is a
compare-and-swap.
"""

from __future__ import annotations

from typing import Any

import attrs
import psycopg
from psycopg.pq import TransactionStatus

from ...errors import StoreUnavailable, StoreUncertain
from .._error_classification import Outcome, classify_postgresql
from .._psycopg import NO_GRANT
from .._sql import INLINE_STORAGE

CREATE_TABLE = f"""
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('ram_mfa'));
        IF to_regclass('ram_mfa') IS NULL THEN
            CREATE TABLE ram_mfa (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
            {INLINE_STORAGE};
        END IF;
    EXCEPTION WHEN duplicate_table OR duplicate_object OR unique_violation THEN
        NULL; -- created meanwhile by something that does not take the advisory lock
    END $$
"""


def check_arguments(size: int, deadline: float) -> None:
    """Check the arguments of a store.

    Raises:
        ValueError: the size of the pool is below 1, or the deadline is not above 0.
    """
    if size < 1:
        raise ValueError("a store needs at least one connection")
    if not deadline > 0:
        raise ValueError("the deadline is a number of seconds above 0")


def connection_settings(deadline: float) -> dict[str, Any]:
    """Return the arguments for opening a connection that are not in the connection string."""
    return {
        "autocommit": True,
        "connect_timeout": max(2, round(deadline)),
        "target_session_attrs": "read-write",
        "prepare_threshold": 0,
    }


@attrs.define(eq=False)
class PooledConnection:
    """One connection of a pool, its only cursor, and the server's warnings since the last statement."""

    connection: Any
    cursor: Any
    warnings: list[str]

    @property
    def is_idle(self) -> bool:
        """Whether the connection is between statements, and so can be used again."""
        return bool(self.connection.pgconn.transaction_status == TransactionStatus.IDLE)

    def applied(self) -> bool:
        """Return whether the last statement changed its row.

        Raises:
            StoreUncertain: the server sent a warning, or a row count other than 0 or 1.
        """
        if self.warnings:
            self.warnings.clear()
            raise StoreUncertain
        count = self.cursor.rowcount
        if count not in {0, 1}:
            raise StoreUncertain
        return bool(count)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return the error of a statement that was not applied."""
    state = getattr(error, "sqlstate", None)
    message = str(error).splitlines()[0] if str(error) else ""
    if state == "42501" and "pg_control_system" in message:
        message = NO_GRANT
    return StoreUnavailable(f"PostgreSQL: {state or type(error).__name__}: {message}")


def raise_unless_retryable(error: psycopg.Error) -> None:
    """Raise the store's error for the error of a write; return if the write was not applied and may be retried.

    Raises:
        StoreUnavailable: the write was not applied.
        StoreUncertain: the write may have been applied.
    """
    outcome = classify_postgresql(error)
    if outcome is Outcome.RETRY:
        return
    if outcome is Outcome.NOT_APPLIED:
        raise unavailable(error) from error
    raise StoreUncertain from error


def pool_exhausted() -> StoreUnavailable:
    """Return the error of a call that got no connection before the deadline."""
    return StoreUnavailable("PostgreSQL: all connections of this store are in use")
