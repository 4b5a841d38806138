# SPDX-License-Identifier: Apache-2.0
"""Creation of a user's record: an account without devices, offers or machines."""

from __future__ import annotations

from ..account import NO_EPOCH, Account
from ..browsers import Browsers
from ..context import Context


def new_account(context: Context, *, required: bool, by_enrolment: bool = False) -> Account:
    """Return a user's first record.

    A record created by an enrolment keeps the epoch of a user without a record until its first bind, so that the
    enrolment ticket is still valid at the confirmation.
    """
    return Account(
        user=context.user,
        handle=bytes(context.draw("handle", 32)),
        epoch=NO_EPOCH if by_enrolment else bytes(context.draw("epoch", 16)),
        created_at=context.now,
        required=required,
        devices=(),
        offers=(),
        answered=(),
        failed=(),
        not_before=0,
        machines=(),
        wrong=(),
        password_mark=None,
        old_marks=(),
        outbox=(),
        moved_to=None,
        browsers=Browsers(bytes(context.draw("browser epoch", 16))),
    )
