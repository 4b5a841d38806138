# SPDX-License-Identifier: Apache-2.0
"""The statements of both stores on PostgreSQL, and the meaning of an answer or an error.

https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED

The room's rule: one statement in autocommit for each call. Under READ COMMITTED an UPDATE that waited for another
compares its WHERE again with what the other left, so the old bytes in it are a compare-and-swap.
"""

from __future__ import annotations

from typing import Any

import attrs
import psycopg
from psycopg.pq import TransactionStatus

from ...errors import StoreUnavailable, StoreUncertain
from .._error_classification import Outcome, of_postgresql
from .._psycopg import NO_NAME
from .._sql import IN_ITS_ROW, Statements

STATEMENTS = Statements("postgresql", "%s")

CREATE_TABLE = f"""
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('ram_mfa'));
        IF to_regclass('ram_mfa') IS NULL THEN
            CREATE TABLE ram_mfa (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
            {IN_ITS_ROW};
        END IF;
    EXCEPTION WHEN duplicate_table OR duplicate_object OR unique_violation THEN
        NULL; -- another has just made it, and did not ask for the lock
    END $$
"""


def connection_settings(deadline: float) -> dict[str, Any]:
    """Return how a connection is opened, beyond what the caller says of it."""
    return {
        "autocommit": True,
        "connect_timeout": max(2, round(deadline)),
        "target_session_attrs": "read-write",
        "prepare_threshold": 0,
    }


@attrs.define(eq=False)
class Link:
    """One connection, the cursor that is kept on it, and the warnings that came since they were last looked at."""

    connection: Any
    cursor: Any
    heard: list[str]

    @property
    def usable(self) -> bool:
        """Whether the connection is between statements, and so can be used again."""
        return bool(self.connection.pgconn.transaction_status == TransactionStatus.IDLE)

    def landed(self) -> bool:
        """Return whether the statement that has just been answered changed its row.

        Raises:
            StoreUncertain: the server warned, or counts otherwise than it should.
        """
        if self.heard:
            self.heard.clear()
            raise StoreUncertain
        count = self.cursor.rowcount
        if count not in {0, 1}:
            raise StoreUncertain
        return bool(count)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return the error of a statement that changed nothing."""
    state = getattr(error, "sqlstate", None)
    first = str(error).splitlines()[0] if str(error) else ""
    if state == "42501" and "pg_control_system" in first:
        first = NO_NAME
    return StoreUnavailable(f"PostgreSQL: {state or type(error).__name__}: {first}")


def raise_unless_again(error: psycopg.Error) -> None:
    """Raise what the error of a write means; return where nothing landed and it may be asked again."""
    outcome = of_postgresql(error)
    if outcome is Outcome.AGAIN:
        return
    if outcome is Outcome.NOTHING_LANDED:
        raise unavailable(error) from error
    raise StoreUncertain from error


def locked() -> StoreUnavailable:
    """Return the error of a statement that others kept from landing until the deadline."""
    return StoreUnavailable("PostgreSQL: others were in the way until the deadline")


def crowded() -> StoreUnavailable:
    """Return the error of a call that got no connection by the deadline."""
    return StoreUnavailable("PostgreSQL: all connections of this store are in use")
