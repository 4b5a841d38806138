# SPDX-License-Identifier: Apache-2.0
"""Lanes: what is awaited for one user goes one by one, so that a flood on one account holds up that account alone.

An event loop serves whoever asks: without lanes, a thousand guesses at one account would take every connection of the
store in turn, and each honest user would wait behind them all.
"""

from __future__ import annotations

import asyncio
import weakref

import attrs

from ..errors import StoreContended


@attrs.define(eq=False)
class Lane:
    """The place of one who is served."""

    _lock: asyncio.Lock
    _held: bool = True

    def leave(self) -> None:
        """Let the next one in; said once more it does nothing."""
        if self._held:
            self._held = False
            self._lock.release()


@attrs.define
class Lanes:
    """A lock for each user who is served now; one that nobody holds or waits for is gone by itself."""

    _locks: weakref.WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], asyncio.Lock] = attrs.field(
        init=False, factory=weakref.WeakValueDictionary
    )

    async def enter(self, key: str, deadline: float) -> Lane:
        """Wait for the user's lane, first come, first served, and return it; to leave it is the caller's part.

        Args:
            key: of the user's record.
            deadline: seconds until the wait is over.

        Raises:
            StoreContended: it was not free by then.
        """
        lock = self._locks.setdefault((asyncio.get_running_loop(), key), asyncio.Lock())
        try:
            async with asyncio.timeout(deadline):
                await lock.acquire()
        except TimeoutError:
            raise StoreContended from None
        return Lane(lock)
