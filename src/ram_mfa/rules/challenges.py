# SPDX-License-Identifier: Apache-2.0
"""Challenges: an unstored ticket, and the request that a security key answers.

Making a challenge writes nothing, so that nobody can evict another's challenge and a flood of logon attempts costs
only reads.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from ..account import Account, Device, SecurityKey, VirtualMFADevice, expires_at
from ..context import Context
from ..refusals import Challenge, Kind, Reason, Refusal, Ticket
from . import security_key_options
from .browser_tokens import Sender, sender_of
from .devices import usable_devices
from .first_factor import first_factor_ticket
from .operation import Operation
from .recovery_codes import valid_codes
from .throttle import Gate, find_gate
from .tickets import MICROSECONDS, NOTHING, Opened, Purpose, challenge_of, fresh, operation_subject, sealed_ticket
from .verb import Transition

_RETRIED: Final = frozenset(
    {
        Reason.WRONG_CODE,
        Reason.REPLAYED_CODE,
        Reason.ALREADY_SENT,
        Reason.WRONG_ANSWER,
        Reason.WRONG_EVIDENCE,
        Reason.WRONG_RECOVERY_CODE,
        Reason.UNKNOWN_DEVICE,
        Reason.NAME_THE_DEVICE,
        Reason.TWO_CODES_NEEDED,
    }
)
"""The reasons after which another try is allowed."""


def subject_of(operation: Operation | None, mark: bytes = NOTHING) -> bytes:
    """Return the subject of a challenge: the password mark's digest for a logon, the operation for a step-up."""
    return mark if operation is None else operation_subject(operation)


def purpose_of(operation: Operation | None) -> Purpose:
    """Return the purpose of a challenge."""
    return Purpose.LOGON if operation is None else Purpose.STEP_UP


def challenge(
    account: Account,
    context: Context,
    *,
    session: str,
    operation: Operation | None = None,
    mark: bytes = NOTHING,
    until: int | None = None,
    logon: Ticket | None = None,
    browser: str | None = None,
) -> Challenge:
    """Return a challenge for the devices that may answer; for a step-up where an operation is named.

    Args:
        account: whose devices may answer.
        context: policy, time, entropy and the root record.
        session: in which it must be answered.
        operation: of a step-up; None for a logon.
        mark: digest of the password mark of a logon; only a finish with the same mark takes the ticket.
        until: when it expires, in microseconds; None for the policy's lifetime.
        logon: the first-factor ticket to hand out with it.
        browser: the browser cookie as received, or None.
    """
    policy = context.policy
    purpose = purpose_of(operation)
    stamp = fresh(context, purpose, lifetime=policy.lifetimes.challenge, until=until)
    subject = subject_of(operation, mark)
    ticket = sealed_ticket(account, context, stamp, purpose=purpose, session=session, subject=subject)
    party = policy.relying_party
    usable = usable_devices(account, policy)
    keys = tuple(device for device in usable if isinstance(device, SecurityKey))
    options = None
    if party is not None and keys:
        options = security_key_options.request_options(keys, policy, party, challenge_of(ticket))
    sender = sender_of(browser, account, context, session=session, mark=mark)
    gates = _gates(account, usable, context, sender)
    return Challenge(
        id=ticket,
        kinds=tuple(kind for kind in Kind if any(device.kind is kind for device in usable)),
        devices=tuple((device.id, device.name) for device in usable),
        options=options,
        u2f=security_key_options.sign_request(keys, challenge_of(ticket)) if keys else None,
        may_remember=operation is None and policy.may_remember().allowed,
        expires_at=expires_at(stamp) / MICROSECONDS,
        retry_after=_retry_after(gates),
        logon=logon,
        codes=max([gate.codes for gate in gates], default=1),
        recovery_codes=operation is None and valid_codes(account, context) is not None,
    )


def _gates(account: Account, usable: tuple[Device, ...], context: Context, sender: Sender) -> list[Gate]:
    virtual = [device for device in usable if isinstance(device, VirtualMFADevice)]
    return [find_gate(account, device, context, sender) for device in virtual]


def _retry_after(gates: list[Gate]) -> float | None:
    """Return the seconds until the first gate opens; None where one is open, or there is none."""
    refusals = [gate.refusal for gate in gates]
    return min([refusal.retry_after for refusal in refusals if refusal]) if gates and None not in refusals else None


def with_next_challenge(
    transition: Transition[Any],
    *,
    account: Account,
    context: Context,
    session: str,
    opened: Opened,
    operation: Operation | None = None,
    mark: bytes = NOTHING,
    checked: Account | None = None,
    browser: str | None = None,
) -> Transition[Any]:
    """Return the refusal with a fresh challenge, where another try is allowed.

    The fresh challenge expires with the first one: one password check is valid for one challenge's lifetime.

    Args:
        transition: the refusal.
        account: the account as it was loaded.
        context: policy, time, entropy and the root record.
        session: of the challenge.
        opened: the challenge that was answered.
        operation: of the challenge; None for a logon.
        mark: digest of the password mark of a logon.
        checked: the account on which the evidence was verified, if it differs from ``account``: a refusal that left it
            unchanged writes nothing.
        browser: the browser cookie as received, or None.
    """
    after = account if transition.account is checked else transition.account
    refusal = transition.outcome
    if after is not None and isinstance(refusal, Refusal) and refusal.reason in _RETRIED:
        until = expires_at(opened.stamp)
        logon: Ticket | None = None
        if operation is None and account.epoch != after.epoch:  # which ended the ticket that the begin handed out
            logon = first_factor_ticket(after, context, session=session, mark=mark, until=until)
        again = challenge(
            after,
            context,
            session=session,
            operation=operation,
            mark=mark,
            until=until,
            logon=logon,
            browser=browser,
        )
        refusal = attrs.evolve(refusal, next_challenge=again)
    return Transition(after, refusal, events=transition.events)
