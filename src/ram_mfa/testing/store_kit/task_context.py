# SPDX-License-Identifier: Apache-2.0
"""The stores and settings of the checks among tasks, and helpers that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import attrs

from .results import StoreCheckFailed
from .store_pair import StorePair


@attrs.frozen
class TaskContext:
    """Stores and settings of the checks among tasks.

    Attributes:
        stores: the stores that ``make`` opened in the loop; the first two are used.
        make: opens another store.
        tasks: the number of racing tasks.
        pair: the handles and settings of the other checks.
        failing: the store for calls that are made while the engine fails.
    """

    stores: list[Any]
    make: Callable[[], Any]
    tasks: int
    pair: StorePair
    failing: Any

    def key(self) -> str:
        """Return a fresh key."""
        return self.pair.key()


TaskCheck = Callable[[TaskContext], Coroutine[Any, Any, None]]


def require_bool(applied: Any) -> bool:
    """Return the answer of a swap, after checking that it is a bool."""
    if applied is not True and applied is not False:
        raise StoreCheckFailed("S1", f"swap answered with a {type(applied).__name__} instead of a bool")
    return applied


async def bounded(context: TaskContext, work: Awaitable[Any]) -> Any:
    """Await a call, and fail where it hangs."""
    try:
        return await asyncio.wait_for(work, context.pair.faults.patience * 0.9)
    except TimeoutError:
        raise StoreCheckFailed("S14", "a call hangs after others were cancelled") from None
