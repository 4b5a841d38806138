# SPDX-License-Identifier: Apache-2.0
"""The use of psycopg 3 in all stores: a deadline for each statement, and notice of the server's warnings.

https://www.psycopg.org/psycopg3/docs/api/connections.html#psycopg.Connection.wait

PostgreSQL answers a commit whose wait for the synchronous standby was cancelled with success, and a WARNING. That
swap has landed here and perhaps nowhere else: it is uncertain.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg import waiting

from ..errors import StoreUnavailable
from ._sql import SYSTEM

R = TypeVar("R")


class DeadlinePassed(psycopg.OperationalError):
    """The server did not answer in time. It has no SQLSTATE: what became of the statement is not known."""


def timed(steps: Generator[Any, Any, R], seconds: float) -> Generator[Any, Any, R]:
    """Drive one exchange of psycopg, and raise when it takes too long; asked ten times a second while it waits."""
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
    """Be the ``wait`` of a connection, with a deadline."""
    return psycopg.Connection.wait(connection, timed(steps, seconds))


async def wait_async(connection: psycopg.AsyncConnection[Any], steps: Generator[Any, Any, R], seconds: float) -> R:
    """Be the ``wait`` of an asynchronous connection, with a deadline.

    psycopg's own asks the server to cancel when the task is cancelled, and gives it ten seconds; this closes.
    """
    try:
        return await waiting.wait_async(timed(steps, seconds), connection.pgconn.socket, interval=0.1)
    except asyncio.CancelledError:
        connection.pgconn.finish()
        raise


def warnings_of(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> list[str]:
    """Return a list that fills with the warnings that the server sends on this connection from now on."""
    heard: list[str] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            heard.append(diagnostic.message_primary or "a warning")

    connection.add_notice_handler(hear)
    return heard


def check(deadline: float, backend: int) -> str:
    """Return the statement that prepares each new connection: its session, and no session of another connection.

    It pins ``synchronous_commit``, whatever the server's configuration says now or later: at ``remote_apply`` where it
    is that, else at ``on``. A statement that waits for a lock gives up just before the deadline: then it is certain
    that nothing landed. ``judge`` reads the answer.

    Args:
        deadline: in seconds.
        backend: the process that serves this connection, as the server said when it was opened
            (``connection.info.backend_pid``).
    """
    own = f"pg_backend_pid() = {backend}"
    return f"""
        SELECT {own},
               current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
               CASE WHEN {own} THEN set_config('synchronous_commit',
                    CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,
                    false) END,
               CASE WHEN {own} THEN set_config('lock_timeout', '{int(deadline * 900)}', false) END,
               CASE WHEN {own} THEN {SYSTEM} END
    """


def judge(answer: tuple[Any, ...]) -> None:
    """Read the answer to ``check``.

    A pooler (PgBouncer in any of its modes, Odyssey, PgCat, a cloud's proxy) hands out numbers of its own in place of
    the server's processes. It cannot be asked whether two statements share a session.

    Raises:
        StoreUnavailable: there is a pooler in between, or the server loses what it acknowledged.
    """
    own, durable, *_ = answer
    if not own:
        raise StoreUnavailable(POOLED)
    if not durable:
        raise StoreUnavailable(UNSAFE)


POOLED = "there is a connection pooler before this PostgreSQL, which shares sessions: connect to the server itself"
UNSAFE = "this PostgreSQL loses what it acknowledged: fsync or full_page_writes is off"
NO_NAME = "this role may not name the history: GRANT EXECUTE ON FUNCTION pg_control_system() TO it"
