# SPDX-License-Identifier: Apache-2.0
"""Deadlines, server warnings and session checks for psycopg 3 connections, shared by all stores on PostgreSQL.

https://www.psycopg.org/psycopg3/docs/api/connections.html#psycopg.Connection.wait

A commit whose wait for the synchronous standby was cancelled succeeds with a WARNING. It is durable on this server, and
perhaps on no other, so a swap with a warning is uncertain.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg import waiting

from ..errors import StoreUnavailable
from ._sql import SET_SYSTEM_IDENTIFIER

R = TypeVar("R")


class DeadlinePassed(psycopg.OperationalError):
    """The server did not answer in time. Without a SQLSTATE: the statement's outcome is unknown."""


def with_deadline(steps: Generator[Any, Any, R], seconds: float) -> Generator[Any, Any, R]:
    """Drive one exchange of psycopg, and raise once it has taken too long.

    While the socket is not ready, psycopg resumes it every 0.1 s.

    Raises:
        DeadlinePassed: the exchange took longer than ``seconds``.
    """
    until = time.monotonic() + seconds
    try:
        state = next(steps)
        while True:
            ready = yield state
            if not ready and time.monotonic() > until:
                raise DeadlinePassed("no answer by the deadline")
            state = steps.send(ready)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def wait(connection: psycopg.Connection[Any], steps: Generator[Any, Any, R], seconds: float) -> R:
    """Run an exchange as the connection's own ``wait`` does, with a deadline."""
    return psycopg.Connection.wait(connection, with_deadline(steps, seconds))


async def wait_async(connection: psycopg.AsyncConnection[Any], steps: Generator[Any, Any, R], seconds: float) -> R:
    """Run an exchange as the asynchronous connection's own ``wait`` does, with a deadline.

    When the task is cancelled, psycopg's own method asks the server to cancel the statement, which takes up to ten
    seconds; this one closes the connection.
    """
    try:
        return await waiting.wait_async(with_deadline(steps, seconds), connection.pgconn.socket, interval=0.1)
    except asyncio.CancelledError:
        connection.pgconn.finish()
        raise


def collect_warnings(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> list[str]:
    """Return a list to which every later warning of the server on this connection is appended."""
    warnings: list[str] = []

    def append(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(diagnostic.message_primary or "a warning")

    connection.add_notice_handler(append)
    return warnings


def session_setup(deadline: float, backend: int) -> str:
    """Return the statement that prepares the session of a new connection; ``check_session`` reads its result.

    It sets nothing if another server process executes it, because the session is then shared with other clients.
    It pins ``synchronous_commit``, so that a change of the server's configuration does not affect the session: to
    ``remote_apply`` if that is its value now, else to ``on``. It sets ``lock_timeout`` shortly before the deadline, so
    that a statement that is waiting for a lock fails without having been applied.

    Args:
        deadline: in seconds.
        backend: the process id that the server sent when the connection was opened (``connection.info.backend_pid``).
    """
    own = f"pg_backend_pid() = {backend}"
    return f"""
        SELECT {own},
               current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
               CASE WHEN {own} THEN set_config('synchronous_commit',
                    CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,
                    false) END,
               CASE WHEN {own} THEN set_config('lock_timeout', '{int(deadline * 900)}', false) END,
               CASE WHEN {own} THEN {SET_SYSTEM_IDENTIFIER} END
    """


def check_session(row: tuple[Any, ...]) -> None:
    """Check the result of ``session_setup``.

    A pooler (PgBouncer in any mode, Odyssey, PgCat, a cloud provider's proxy) sends process ids of its own instead of
    the server's. No query can find out whether a pooler runs two statements in one session.

    Raises:
        StoreUnavailable: the connection goes through a pooler, or the server can lose acknowledged writes.
    """
    own, durable, *_ = row
    if not own:
        raise StoreUnavailable(POOLER)
    if not durable:
        raise StoreUnavailable(NOT_DURABLE)


POOLER = "a connection pooler in front of this PostgreSQL server shares sessions: connect to the server itself"
NOT_DURABLE = "this server can lose acknowledged writes: fsync or full_page_writes is off"
NO_GRANT = "this role may not read the system identifier: GRANT EXECUTE ON FUNCTION pg_control_system() TO it"
