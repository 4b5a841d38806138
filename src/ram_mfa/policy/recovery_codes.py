# SPDX-License-Identifier: Apache-2.0
"""Rules for recovery codes: how many are made, what follows their use, and what ends them."""

from __future__ import annotations

import enum

import attrs

from .._validation import member_of, whole
from ..recovery_code_set import MAX_CODES


class AfterRecovery(enum.Enum):
    """The outcome of a logon with a recovery code: the right to bind anew alone, or a logon with that right."""

    MUST_BIND = "must bind"
    SUGGEST_BIND = "suggest bind"


class OldRecoveryCodes(enum.Enum):
    """The validity of recovery codes that are older than an event."""

    REFUSE = "refuse"
    KEEP = "keep"


@attrs.frozen(kw_only=True)
class RecoveryCodes:
    """Rules for recovery codes: single-use codes on paper, for a logon without the device.

    Attributes:
        count: codes in a set, 1 to 16.
        after_use: whether a logon with one must bind a device before it admits anybody, or may.
        after_password: whether codes made before a new password count.
        after_lost_history: whether codes made before the store lost history count; a used one may have come back.
    """

    count: int = attrs.field(default=10, validator=whole(1, MAX_CODES))
    after_use: AfterRecovery = attrs.field(default=AfterRecovery.MUST_BIND, validator=member_of(AfterRecovery))
    after_password: OldRecoveryCodes = attrs.field(default=OldRecoveryCodes.KEEP, validator=member_of(OldRecoveryCodes))
    after_lost_history: OldRecoveryCodes = attrs.field(
        default=OldRecoveryCodes.REFUSE, validator=member_of(OldRecoveryCodes)
    )
