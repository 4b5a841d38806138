# SPDX-License-Identifier: Apache-2.0
"""The stores and settings that the checks of an asynchronous store work on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import attrs

from .failure import StoreCheckFailed
from .store_pair import Bench


@attrs.frozen
class Desk:
    """What the checks among tasks work on.

    Attributes:
        stores: as ``make`` made them for the loop; the first two are used.
        make: opens another.
        tasks: how many race.
        bench: of the other checks.
        failing: the store whose deadline is short, where there is one.
    """

    stores: list[Any]
    make: Callable[[], Any]
    tasks: int
    bench: Bench
    failing: Any

    def key(self) -> str:
        """Return a fresh key."""
        return self.bench.key()


TaskCheck = Callable[[Desk], Coroutine[Any, Any, None]]


def exactly(landed: Any) -> bool:
    """Return what a swap answered, which has to be a bool."""
    if landed is not True and landed is not False:
        raise StoreCheckFailed("S1", f"swap answered with a {type(landed).__name__} instead of a bool")
    return landed


async def bounded(desk: Desk, work: Awaitable[Any]) -> Any:
    """Wait for a call that must not hang."""
    try:
        return await asyncio.wait_for(work, desk.bench.faults.patience * 0.9)
    except TimeoutError:
        raise StoreCheckFailed("S14", "a call hangs after others were cancelled") from None
