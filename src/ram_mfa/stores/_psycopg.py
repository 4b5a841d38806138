# SPDX-License-Identifier: Apache-2.0
"""What every use of psycopg 3 here needs: a deadline for each statement, and an ear for the server's warnings.

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


def check(deadline: float) -> str:
    """Return what is asked once on each new connection: whether the server keeps what it acknowledges.

    It also has this session want that, and has a statement that waits for a lock give up just before the deadline:
    then it is certain that nothing landed.
    """
    return f"""
        SELECT current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
               CASE WHEN current_setting('synchronous_commit') = 'off'
                    THEN set_config('synchronous_commit', 'on', false) END,
               set_config('lock_timeout', '{int(deadline * 900)}', false),
               {SYSTEM}
    """


UNSAFE = "this PostgreSQL loses what it acknowledged: fsync or full_page_writes is off"
