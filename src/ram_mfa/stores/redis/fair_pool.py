# SPDX-License-Identifier: Apache-2.0
"""A fair queue in front of redis-py's pool, whose own waiting lets newcomers overtake waiters indefinitely."""

from __future__ import annotations

import asyncio
from typing import Any

from redis import asyncio as aio
from redis.exceptions import TimeoutError as RedisTimeoutError

from .protocol import Exchange, NotSent, ReplyLost
from .store import ERROR_REPLIES


class FairPool:
    """A first-come, first-served queue in front of a pool of redis-py.

    ``BlockingConnectionPool`` takes a free connection without looking at its waiters, and a waiter that then finds none
    goes to the end of the queue; so new callers can overtake waiters until these time out.

    Args:
        pool: a ``BlockingConnectionPool``, whose timeout bounds the wait, or a pool that raises when it is exhausted.
    """

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self._free = asyncio.Semaphore(pool.max_connections)
        self._timeout = pool.timeout if isinstance(pool, aio.BlockingConnectionPool) else 0

    async def acquire(self) -> Any:
        """Take a connection out of the pool."""
        async with asyncio.timeout(self._timeout):
            await self._free.acquire()
        try:
            return await self.pool.get_connection()
        except BaseException:
            self._free.release()
            raise

    async def release(self, connection: Any) -> None:
        """Return a connection to the pool."""
        try:
            await self.pool.release(connection)
        finally:
            self._free.release()


async def exchange(pool: FairPool, action: Exchange) -> list[Any]:
    """See ``store.exchange``; another task may close the connection."""
    try:
        connection = await pool.acquire()
    except Exception as error:
        raise NotSent(f"{type(error).__name__}: {error}") from error
    try:
        await connection.send_packed_command(connection.pack_commands(action.commands), check_health=False)
        replies: list[Any] = []
        for _ in action.commands:
            try:
                replies.append(await connection.read_response(disable_decoding=True))
            except ERROR_REPLIES as error:
                replies.append(error)
    except Exception as error:
        await connection.disconnect(nowait=True)
        raise ReplyLost(late=isinstance(error, (RedisTimeoutError, TimeoutError))) from error
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    else:
        return replies
    finally:
        await pool.release(connection)
