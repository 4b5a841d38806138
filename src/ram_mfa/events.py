# SPDX-License-Identifier: Apache-2.0
"""Events: frozen values of a closed set of types, reported after their change is durable.

An event never holds a secret, a code, a ticket or a token. It says who did what, when, with which device, and by
which rule or for which reason.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs


class EventType(enum.Enum):
    """The types of events."""

    ACCOUNT_OPENED = "account opened"
    ACCOUNT_ERASED = "account erased"
    ACCOUNT_MOVED = "account moved"
    RECORD_DISCARDED = "unreadable record discarded"
    REQUIREMENT_CHANGED = "requirement changed"
    DEVICE_OFFERED = "device offered"
    DEVICE_BOUND = "device bound"
    DEVICE_UNBOUND = "device unbound"
    DEVICE_RENAMED = "device renamed"
    DEVICE_RESYNCED = "device resynchronised"
    DEVICE_DISABLED = "device disabled"
    MFA_RESET = "MFA reset"
    LOGON_PROVED = "logon proved"
    STEP_UP_PROVED = "step-up proved"
    RECEIPT_SPENT = "receipt spent"
    MFA_SKIPPED = "logon without MFA"
    MACHINE_REMEMBERED = "machine remembered"
    MACHINES_FORGOTTEN = "machines forgotten"
    PASSWORD_CHANGED = "password changed"
    KEY_CLONED = "security key may be cloned"
    BROWSER_ADMITTED = "browser admitted"
    UNLOCKED = "wrong codes forgiven"
    PASSWORD_SUSPECTED = "somebody else may know the password"
    RECOVERY_CODES_MADE = "recovery codes made"
    RECOVERY_CODE_USED = "recovery code used"
    RECOVERY_CODE_WRONG = "wrong secret of a recovery code"
    RECOVERY_CODE_USED_UP = "recovery code removed after too many wrong secrets"
    RECOVERY_CODES_REVOKED = "recovery codes revoked"
    REFUSED = "refused"
    EVENTS_DROPPED = "events dropped from a full outbox"


@attrs.frozen
class Event:
    """One event.

    Attributes:
        type: of the closed set.
        user: the id of the account's user.
        at: seconds since the epoch.
        actor: who caused it, such as ``administrator root`` or ``owner``; empty if the library did.
        device: the device's id, or None.
        detail: the rule or reason, for the log; empty if there is none.
    """

    type: EventType
    user: str = attrs.field(kw_only=True)
    at: float = attrs.field(kw_only=True)
    actor: str = attrs.field(default="", kw_only=True)
    device: str | None = attrs.field(default=None, kw_only=True)
    detail: str = attrs.field(default="", kw_only=True)


CHANGES: Final = frozenset(
    {
        EventType.ACCOUNT_OPENED,
        EventType.REQUIREMENT_CHANGED,
        EventType.DEVICE_OFFERED,
        EventType.DEVICE_BOUND,
        EventType.DEVICE_RENAMED,
        EventType.DEVICE_RESYNCED,
        EventType.RECOVERY_CODES_MADE,
    }
)
"""The changes of devices and settings that are refused while an outbox has no room for their events."""
REVOCATIONS: Final = frozenset(
    {
        EventType.DEVICE_UNBOUND,
        EventType.DEVICE_DISABLED,
        EventType.MFA_RESET,
        EventType.MACHINES_FORGOTTEN,
        EventType.PASSWORD_CHANGED,
        EventType.KEY_CLONED,
        EventType.PASSWORD_SUSPECTED,
        EventType.RECOVERY_CODES_REVOKED,
    }
)
"""The revocations and warnings: never refused for lack of room; they displace the oldest undelivered events."""
