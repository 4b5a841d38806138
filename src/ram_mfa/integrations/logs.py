# SPDX-License-Identifier: Apache-2.0
"""An observer that writes one line to `logging` for each event, with the event's fields as attributes of the record.

No event holds a secret, a code or a token, so the lines may go to any log.

Invariant: one event is one line. Every character of a user id, an actor or a detail that is not printable is written as
an escape sequence, so that no name can start a line or change the direction of text.
"""

from __future__ import annotations

import logging
from typing import Final

from ..events import Event, EventType

_WARNINGS: Final = frozenset(
    {
        EventType.REFUSED,
        EventType.DEVICE_DISABLED,
        EventType.KEY_CLONED,
        EventType.PASSWORD_SUSPECTED,
        EventType.RECORD_DISCARDED,
    }
)


class LogEvents:
    """An observer that logs events: as warnings those that somebody should look at, all others as infos.

    Warnings are refusals, disabled devices, cloned keys, suspected passwords and discarded records.

    Each log record has ``mfa_type``, ``mfa_user``, ``mfa_at``, ``mfa_actor``, ``mfa_device`` and ``mfa_detail``.

    In all of them, and in the message, characters that are not printable are escaped.

    Args:
        logger: receives the records.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def __call__(self, event: Event) -> None:
        """Log one event."""
        level = logging.WARNING if event.type in _WARNINGS else logging.INFO
        user, actor, detail = escape(event.user), escape(event.actor), escape(event.detail)
        device = None if event.device is None else escape(event.device)
        self._logger.log(
            level,
            "%s: user %r, device %s, by %s %s",
            event.type.value,
            event.user,
            device or "-",
            actor or "-",
            detail,
            extra={
                "mfa_type": event.type.name,
                "mfa_user": user,
                "mfa_at": event.at,
                "mfa_actor": actor,
                "mfa_device": device,
                "mfa_detail": detail,
            },
        )


def escape(text: str) -> str:
    """Return a text with each unprintable character replaced by its Python escape sequence."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
