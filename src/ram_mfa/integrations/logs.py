# SPDX-License-Identifier: Apache-2.0
"""Events into `logging`: an observer that writes one line for each event, with the fields beside it.

No event holds a secret, a code or a token, so that every line may go to any log.
"""

from __future__ import annotations

import logging
from typing import Final

from ..events import Event, What

_WARNINGS: Final = frozenset({What.REFUSED, What.DEVICE_DISABLED, What.KEY_CLONED, What.RECORD_DISCARDED})


class LogEvents:
    """Writes events to a logger: refusals, disabled devices and cloned keys as warnings, the rest as information.

    Each record carries ``mfa_what``, ``mfa_user``, ``mfa_at``, ``mfa_actor``, ``mfa_device`` and ``mfa_detail``.

    Args:
        logger: where to.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def __call__(self, event: Event) -> None:
        """Write one event."""
        level = logging.WARNING if event.what in _WARNINGS else logging.INFO
        self._logger.log(
            level,
            "%s: user %r, device %s, by %s %s",
            event.what.value,
            event.user,
            event.device or "-",
            event.actor or "-",
            event.detail,
            extra={
                "mfa_what": event.what.name,
                "mfa_user": event.user,
                "mfa_at": event.at,
                "mfa_actor": event.actor,
                "mfa_device": event.device,
                "mfa_detail": event.detail,
            },
        )
