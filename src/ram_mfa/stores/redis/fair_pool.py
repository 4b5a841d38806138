# SPDX-License-Identifier: Apache-2.0
"""A fair queue in front of redis-py's pool, whose own waiting lets newcomers overtake waiters indefinitely."""

from __future__ import annotations

import asyncio
from typing import Any

from redis import asyncio as aio
from redis.exceptions import TimeoutError as RedisTimeoutError

from .protocol import Exchange, Lost, NotSent
from .store import REFUSALS


class Line:
    """A pool and the line before it. At the pool's own, newcomers pass by those who wait, and some wait for ever.

    Args:
        pool: a ``BlockingConnectionPool``, whose time-out bounds the wait, or a pool that refuses the one too many.
    """

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self._turns = asyncio.Semaphore(pool.max_connections)
        self._patience = pool.timeout if isinstance(pool, aio.BlockingConnectionPool) else 0

    async def take(self) -> Any:
        """Return a connection, to be given back."""
        async with asyncio.timeout(self._patience):
            await self._turns.acquire()
        try:
            return await self.pool.get_connection()
        except BaseException:
            self._turns.release()
            raise

    async def give(self, connection: Any) -> None:
        """Give a connection back."""
        try:
            await self.pool.release(connection)
        finally:
            self._turns.release()


async def exchange(line: Line, action: Exchange) -> list[Any]:
    """See ``store.exchange``; here another task may close the connection."""
    try:
        connection = await line.take()
    except Exception as error:
        raise NotSent(f"{type(error).__name__}: {error}") from error
    try:
        await connection.send_packed_command(connection.pack_commands(action.commands), check_health=False)
        replies: list[Any] = []
        for _ in action.commands:
            try:
                replies.append(await connection.read_response(disable_decoding=True))
            except REFUSALS as error:
                replies.append(error)
    except Exception as error:
        await connection.disconnect(nowait=True)
        raise Lost(late=isinstance(error, (RedisTimeoutError, TimeoutError))) from error
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    else:
        return replies
    finally:
        await line.give(connection)
