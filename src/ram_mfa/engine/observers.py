# SPDX-License-Identifier: Apache-2.0
"""Observers are notified one after the other, and whatever one of them raises changes nothing.

Invariant: an exception of an observer never reaches the caller, a `CancelledError` of its own included. What stops the
program (KeyboardInterrupt, SystemExit), and a cancellation of the very task that notifies, still does.
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
    everyone = tuple(observers)

    def notify(event: Event) -> None:
        for observer in everyone:
            try:
                observer(event)
            except (Exception, asyncio.CancelledError):  # noqa: BLE001 - it changes nothing, and is logged
                _log(event)

    return notify


def async_notifier(observers: Iterable[AsyncObserver]) -> Callable[[Event], Awaitable[None]]:
    """Return a coroutine function that notifies all observers of one event, and waits for those that are awaited."""
    everyone = tuple(observers)

    async def notify(event: Event) -> None:
        for observer in everyone:
            try:
                pending = observer(event)
                if pending is not None:
                    await pending
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():  # the event loop is being closed: not the observer's own
                    raise
                _log(event)
            except Exception:  # noqa: BLE001 - it changes nothing, and is logged
                _log(event)

    return notify


def _log(event: Event) -> None:
    _LOG.warning("an observer failed at %s", event.type.name, exc_info=True)
