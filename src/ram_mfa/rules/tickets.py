# SPDX-License-Identifier: Apache-2.0
"""Tickets and receipts: authenticated instead of stored, and spent in the same swap that stores their result.

::

    ticket  = base64url(head || MAC) || base64url(user id)
    head    = version (1) || purpose (1) || stamp
    stamp   = issued (8) || expires (8) || nonce (16)                                      times in microseconds
    MAC     = HMAC-SHA-256(ticket key, store key || SHA-256(session) || epoch || history || head || subject)

All fields of the MAC's input have fixed sizes, so that no two inputs are ambiguous (V20). ``subject`` is the SHA-256 of
the ticket's subject: an operation, a device, a password mark, or nothing. For a WebAuthn or U2F challenge the MAC
*is* the challenge. A new epoch (any change of devices or password) and a new history (lost writes) invalidate
all of them.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import struct
from typing import Final

import attrs

from ..account import MAX_SPENT, NO_EPOCH, STAMP, Account, Device, expires_at, issued_at
from ..context import Context
from ..encoding import base64url
from ..errors import MalformedMessage
from ..refusals import Reason, Ticket
from .devices import is_allowed
from .operation import Operation

_STAMP: Final = struct.Struct(">QQ16s")
_HEAD: Final = 2 + STAMP
_VERSION: Final = 1
_MAX_LENGTH: Final = Ticket.HEAD + 2_048
MICROSECONDS: Final = 1_000_000
NOTHING: Final = bytes(32)
"""The subject of a ticket that has only a purpose."""


class Purpose(enum.IntEnum):
    """The purpose of a ticket or receipt; one is never valid for another."""

    LOGON = 1
    STEP_UP = 2
    ENROLMENT = 3
    OFFER_VIRTUAL_DEVICE = 4
    OFFER_SECURITY_KEY = 5
    LOGON_RECEIPT = 6
    STEP_UP_RECEIPT = 7
    FIRST_FACTOR = 8
    BROWSER = 9
    REBIND = 10


@attrs.frozen
class Opened:
    """A valid ticket: made here for this user, session, purpose and subject, neither expired nor spent.

    Attributes:
        stamp: its identity, which the account records once it is spent.
        challenge: its MAC, 32 bytes.
    """

    stamp: bytes
    challenge: bytes = attrs.field(repr=False)


def operation_subject(operation: Operation) -> bytes:
    """Return the subject of a ticket about an operation: 32 bytes."""
    name, subject = operation.name.encode(), (operation.subject or "").encode()
    known = b"\x00" if operation.subject is None else b"\x01"
    return hashlib.sha256(len(name).to_bytes(4, "big") + name + known + subject).digest()


def receipt_subject(operation: Operation | None, device: Device | None) -> bytes:
    """Return the subject of a receipt: 32 bytes for an operation (or a logon) proved with a device, or without one."""
    about = NOTHING if operation is None else operation_subject(operation)
    return hashlib.sha256(about + (b"" if device is None else device.id.encode())).digest()


def fresh(
    context: Context, purpose: Purpose, *, lifetime: float, until: int | None = None, nonce: bytes | None = None
) -> bytes:
    """Return the stamp of a new ticket, which expires after ``lifetime`` seconds, or at the microsecond ``until``.

    ``nonce`` stands in place of the 16 random bytes in the stamp of a ticket that is never spent.
    """
    issued = int(context.now * MICROSECONDS)
    until = issued + int(lifetime * MICROSECONDS) if until is None else until
    return _STAMP.pack(issued, until, context.draw(purpose.name, 16) if nonce is None else nonce)


def sealed_ticket(
    account: Account | None,
    context: Context,
    stamp: bytes,
    *,
    purpose: Purpose,
    session: str,
    subject: bytes = NOTHING,
) -> Ticket:
    """Return the ticket of a stamp. It is not stored."""
    head = bytes((_VERSION, purpose)) + stamp
    mac = _mac(account, context, session=session, head=head, subject=subject)
    return Ticket(base64url.encode(head + mac) + base64url.encode(context.user.encode()))


def challenge_of(ticket: Ticket) -> bytes:
    """Return the challenge of a ticket made by `sealed_ticket`: its MAC, 32 bytes."""
    return base64url.decode(ticket[: Ticket.HEAD], message="ticket", field="MAC")[_HEAD:]


def open_ticket(
    text: str,
    account: Account | None,
    context: Context,
    *,
    purpose: Purpose,
    session: str,
    subject: bytes = NOTHING,
) -> Opened | Reason:
    """Verify a ticket and return it opened, or the reason of its refusal; nothing is counted or changed.

    Args:
        text: the ticket as received in the form.
        account: whose epoch the ticket must have; None for a user without a record.
        context: policy, time, entropy and the root record.
        purpose: the purpose it must have.
        session: the session it must have been made in.
        subject: the subject it must have.
    """
    parts = _parts(text, context.user)
    if parts is None:
        return Reason.FOREIGN_TICKET
    head, mac = parts
    expected = _mac(account, context, session=session, head=head, subject=subject)
    if not hmac.compare_digest(mac, expected) or head[0] != _VERSION or head[1] != purpose:
        return Reason.FOREIGN_TICKET
    stamp = head[2:]
    if not context.now * MICROSECONDS < expires_at(stamp):
        return Reason.EXPIRED_TICKET
    latest = _latest(context)
    if issued_at(stamp) > latest:
        return Reason.FUTURE_TICKET
    if account is not None:
        if stamp in account.answered or stamp in account.failed:
            return Reason.SPENT_TICKET
        if account.not_before > latest:
            return Reason.CLOCK_SET_BACK
        if issued_at(stamp) <= account.not_before:
            return Reason.EXPIRED_TICKET
    return Opened(stamp, mac)


def spent_ticket(text: str) -> Opened:
    """Return a ticket opened that `open_ticket` refused as spent, and so verified."""
    raw = base64url.decode(text[: Ticket.HEAD], message="ticket", field="head")
    return Opened(raw[2:_HEAD], raw[_HEAD:])


def after_clock_set_back(account: Account | None, context: Context, reason: Reason) -> Account | None:
    """Return the account after a refused ticket: under a new epoch if its ``not_before`` lies in the future.

    A clock that was ahead left that bound. Ignoring it would let tickets spent then pass when their time comes; the new
    epoch invalidates everything older, so that the user starts over once and is not locked out.
    """
    return renewed(account, context) if account is not None and reason is Reason.CLOCK_SET_BACK else account


def open_receipt(
    text: str, account: Account, context: Context, *, session: str, operation: Operation
) -> tuple[Opened, Device] | Reason:
    """Return a step-up's receipt opened and the device that earned it, or `Reason.BAD_RECEIPT`."""
    for device in account.devices:
        if not is_allowed(device, context.policy):
            continue
        subject = receipt_subject(operation, device)
        opened = open_ticket(text, account, context, purpose=Purpose.STEP_UP_RECEIPT, session=session, subject=subject)
        if isinstance(opened, Opened):
            return opened, device
    return Reason.BAD_RECEIPT


def renewed(account: Account, context: Context) -> Account:
    """Return the account with a new epoch: every earlier ticket, receipt and offer is invalid."""
    epoch = bytes(context.draw("epoch", 16))
    return attrs.evolve(account, epoch=epoch, offers=(), answered=(), failed=(), not_before=0)


def spend(account: Account, context: Context, stamp: bytes, *, device: Device | None = None) -> Account:
    """Return the account with a rightly answered ticket, or a receipt, recorded as spent.

    Where all slots are taken the oldest is dropped, and nothing issued up to it passes any more; nor does anything
    issued up to a stamp that is dropped for its age. The clock may have been wrong then, or be wrong now.

    Args:
        account: the account as it is.
        context: policy, time, entropy and the root record.
        stamp: of the ticket.
        device: replaces the bound device of the same id, in the same transition; None where no device changes.
    """
    answered, not_before = _retain(account.answered, context, account.not_before)
    failed, not_before = _retain(account.failed, context, not_before)
    answered = (*answered, stamp)
    if len(answered) > MAX_SPENT:
        oldest = min(answered)
        answered = tuple([one for one in answered if one is not oldest])
        not_before = max(not_before, issued_at(oldest))
    devices = account.devices if device is None else account.devices_with(device)
    return attrs.evolve(account, devices=devices, answered=answered, failed=failed, not_before=not_before)


def spend_failed(account: Account, context: Context, stamp: bytes) -> Account | float:
    """Return the account with a wrongly answered ticket spent, or the seconds until a slot is free.

    Where all slots are taken, one of them by a ticket issued in the future, a clock was wrong: all tickets end.
    """
    failed, not_before = _retain(account.failed, context, account.not_before)
    if len(failed) < MAX_SPENT:
        return attrs.evolve(account, failed=(*failed, stamp), not_before=not_before)
    if issued_at(max(failed)) > _latest(context):
        return renewed(account, context)
    return max((issued_at(min(failed)) - _retention_start(context)) / MICROSECONDS, 1)


def _retain(stamps: tuple[bytes, ...], context: Context, not_before: int) -> tuple[tuple[bytes, ...], int]:
    """Return the stamps that are not too old, and the ``not_before`` that covers the others."""
    if not stamps:
        return stamps, not_before
    before = _retention_start(context)
    if issued_at(min(stamps)) > before:
        return stamps, not_before
    forgotten = [stamp for stamp in stamps if issued_at(stamp) <= before]
    kept = tuple([stamp for stamp in stamps if stamp not in forgotten])
    return kept, max(not_before, issued_at(max(forgotten)))


def _latest(context: Context) -> float:
    """Return the latest time, in microseconds, at which a host with a right clock may have issued a ticket."""
    return (context.now + context.policy.clock_skew) * MICROSECONDS


def _retention_start(context: Context) -> float:
    """Return the latest issue time, in microseconds, of a ticket that has expired on every host, by its clock."""
    policy = context.policy
    return (context.now - policy.lifetimes.longest - 2 * policy.clock_skew) * MICROSECONDS


def _parts(text: str, user: str) -> tuple[bytes, bytes] | None:
    if not isinstance(text, str) or len(text) > _MAX_LENGTH:
        return None
    if text[Ticket.HEAD :] != base64url.encode(user.encode()):
        return None
    try:
        raw = base64url.decode(text[: Ticket.HEAD], message="ticket", field="head")
    except MalformedMessage:
        return None
    return raw[:_HEAD], raw[_HEAD:]  # the user id matched at its offset, so all 88 characters are there


def _mac(account: Account | None, context: Context, *, session: str, head: bytes, subject: bytes) -> bytes:
    epoch = NO_EPOCH if account is None else account.epoch
    digest = hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()
    message = context.key.encode() + digest + epoch + context.root.history + head + subject
    return hmac.digest(context.root.ticket_key, message, "sha256")
