# SPDX-License-Identifier: Apache-2.0
"""First-factor tickets: proof that a user's password was right at a time, in one session.

A logon page keeps one so that it can be loaded again without the password (`ResumeLogon`), and an owner without a
device shows it to bind the first one (`Owner.first_device`). It is a ticket like the others, so it ends with the epoch
and with the store's history; it is never spent, and expires after ``Lifetimes.password``. In place of the random nonce
its stamp carries a tag of the password mark, which reveals nothing of the mark without the ticket key.

Invariant: a first-factor ticket alone never admits anybody.
"""

from __future__ import annotations

import hmac
from typing import Final

from ..account import Account, issued_at
from ..context import Context
from ..refusals import Reason, Ticket
from .tickets import MICROSECONDS, Opened, Purpose, fresh, open_ticket, sealed_ticket

_LABEL: Final = b"ram_mfa first factor\x00"
_TAG: Final = 16
"""Bytes of the tag: as many as the nonce that it stands in for."""


def first_factor_ticket(
    account: Account | None, context: Context, *, session: str, mark: bytes, until: int | None = None
) -> Ticket:
    """Return the ticket that says that the password is right now.

    Args:
        account: the user's account, or None where there is no record.
        context: policy, time, entropy and the root record.
        session: in which the password was right.
        mark: the digest of the password mark, `NOTHING` where there is none.
        until: when it expires, in microseconds; None for the policy's lifetime.
    """
    tag = _mark_tag(context, int(context.now * MICROSECONDS), mark)
    lifetime = context.policy.lifetimes.password
    stamp = fresh(context, Purpose.FIRST_FACTOR, lifetime=lifetime, until=until, nonce=tag)
    return sealed_ticket(account, context, stamp, purpose=Purpose.FIRST_FACTOR, session=session)


def open_first_factor(
    text: str, account: Account | None, context: Context, *, session: str, mark: bytes | None
) -> Opened | Reason:
    """Verify a first-factor ticket and return it opened, or the reason of its refusal; nothing is counted or changed.

    Args:
        text: the ticket as received.
        account: whose epoch it must have; None for a user without a record.
        context: policy, time, entropy and the root record.
        session: the session it must have been made in.
        mark: the digest of the password mark it must have been made under; None accepts any.
    """
    opened = open_ticket(text, account, context, purpose=Purpose.FIRST_FACTOR, session=session)
    if isinstance(opened, Reason) or mark is None:
        return opened
    tag = _mark_tag(context, issued_at(opened.stamp), mark)
    return opened if hmac.compare_digest(opened.stamp[-_TAG:], tag) else Reason.FOREIGN_TICKET


def _mark_tag(context: Context, issued: int, mark: bytes) -> bytes:
    message = _LABEL + context.key.encode() + issued.to_bytes(8, "big") + mark
    return hmac.digest(context.root.ticket_key, message, "sha256")[:_TAG]
