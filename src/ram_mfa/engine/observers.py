# SPDX-License-Identifier: Apache-2.0
"""Notification of observers, one after the other; an exception of one of them is logged and otherwise ignored.

Invariant: an exception of an observer never reaches the caller, not even a `CancelledError` of the observer's own.
KeyboardInterrupt, SystemExit, and a cancellation of the notifying task itself do reach it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from ..events import Event

Observer = Callable[[Event], None]
AsyncObserver = Callable[[Event], Awaitable[None] | None]
_LOG: Final = logging.getLogger("ram_mfa")


def notifier(observers: Iterable[Observer]) -> Callable[[Event], None]:
    """Return a function that notifies all observers of one event."""
    registered = tuple(observers)

    def notify(event: Event) -> None:
        for observer in registered:
            try:
                observer(event)
            except (Exception, asyncio.CancelledError):  # noqa: BLE001 - logged, and otherwise ignored
                _log(event)

    return notify


def async_notifier(observers: Iterable[AsyncObserver]) -> Callable[[Event], Awaitable[None]]:
    """Return a coroutine function that notifies all observers of one event, and awaits those that are asynchronous."""
    registered = tuple(observers)

    async def notify(event: Event) -> None:
        for observer in registered:
            try:
                pending = observer(event)
                if pending is not None:
                    await pending
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():  # this task itself is being cancelled
                    raise
                _log(event)
            except Exception:  # noqa: BLE001 - logged, and otherwise ignored
                _log(event)

    return notify


def _log(event: Event) -> None:
    _LOG.warning("an observer failed on %s", event.type.name, exc_info=True)
