# SPDX-License-Identifier: Apache-2.0
"""Events into `logging`: an observer that writes one line for each event, with the fields beside it.

No event holds a secret, a code or a token, so that every line may go to any log.

Invariant: one event is one line. Whatever a user id, an actor or a detail holds, a character that is not printable is
written as its escape, so that no name begins a line of its own or turns the direction of one.
"""

from __future__ import annotations

import logging
from typing import Final

from ..events import Event, EventType

_WARNINGS: Final = frozenset(
    {EventType.REFUSED, EventType.DEVICE_DISABLED, EventType.KEY_CLONED, EventType.RECORD_DISCARDED}
)


class LogEvents:
    """Writes events to a logger: refusals, disabled devices and cloned keys as warnings, the rest as information.

    Each record carries ``mfa_what``, ``mfa_user``, ``mfa_at``, ``mfa_actor``, ``mfa_device`` and ``mfa_detail``.

    In all of them, and in the line, characters that are not printable are escaped.

    Args:
        logger: where to.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def __call__(self, event: Event) -> None:
        """Write one event."""
        level = logging.WARNING if event.type in _WARNINGS else logging.INFO
        user, actor, detail = escaped(event.user), escaped(event.actor), escaped(event.detail)
        device = None if event.device is None else escaped(event.device)
        self._logger.log(
            level,
            "%s: user %r, device %s, by %s %s",
            event.type.value,
            event.user,
            device or "-",
            actor or "-",
            detail,
            extra={
                "mfa_what": event.type.name,
                "mfa_user": user,
                "mfa_at": event.at,
                "mfa_actor": actor,
                "mfa_device": device,
                "mfa_detail": detail,
            },
        )


def escaped(text: str) -> str:
    """Return a text with each character that is not printable as its escape, as Python writes it in source text."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
