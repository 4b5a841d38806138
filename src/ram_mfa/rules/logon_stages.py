# SPDX-License-Identifier: Apache-2.0
"""Stages of a logon after the password: no MFA, forced binding, or a challenge.

Invariant: a user without a record gets no further unless the policy says so by name (requirements B11, B19).
"""

from __future__ import annotations

from ..account import Account, expires_at
from ..context import Context
from ..policy import PolicyRule, UnknownUsers
from ..refusals import Challenge, Reason, Ticket
from .admission import MustBind
from .challenges import challenge
from .devices import why_none_usable
from .recovery_codes import valid_codes
from .tickets import MICROSECONDS, Purpose, fresh, sealed_ticket


def why_not_required(account: Account | None, context: Context) -> PolicyRule | None:
    """Return the policy's rule by which this logon needs no MFA, or None where no rule says so."""
    if account is None:
        waived = context.policy.unknown_users is UnknownUsers.NOT_REQUIRED
        return PolicyRule.UNKNOWN_USERS if waived else None
    if account.devices:
        return None
    decision = context.policy.must_use_mfa(required=account.required)
    return None if decision.allowed else decision.rule


def second_factor(
    account: Account | None,
    context: Context,
    *,
    session: str,
    mark: bytes,
    logon: Ticket,
    until: int | None = None,
    browser: str | None = None,
) -> MustBind | Challenge | Reason:
    """Return what a logon that needs MFA asks for: to bind, or a challenge; or why it can ask for neither.

    Args:
        account: the user's account, or None where there is no record.
        context: policy, time, entropy and the root record.
        session: of the logon.
        mark: the digest of the password mark, `NOTHING` where there is none.
        logon: the first-factor ticket that is handed out with it.
        until: the latest expiry, in microseconds; None where only the policy bounds it.
        browser: the browser cookie as received, or None.
    """
    if account is None and context.policy.unknown_users is not UnknownUsers.MUST_BIND:
        return Reason.NO_ACCOUNT
    if account is None or not account.devices:
        lifetime = context.policy.lifetimes.enrolment
        stamp = fresh(context, Purpose.ENROLMENT, lifetime=lifetime, until=_earlier(context, lifetime, until))
        ticket = sealed_ticket(account, context, stamp, purpose=Purpose.ENROLMENT, session=session)
        return MustBind(ticket, context.policy.kinds(), expires_at(stamp) / MICROSECONDS, logon)
    reason = why_none_usable(account, context.policy)
    if reason is not None and valid_codes(account, context) is None:
        return reason
    until = _earlier(context, context.policy.lifetimes.challenge, until)
    return challenge(account, context, session=session, mark=mark, until=until, logon=logon, browser=browser)


def _earlier(context: Context, lifetime: float, until: int | None) -> int | None:
    """Return the earlier of an expiry and the end of a lifetime that begins now, in microseconds."""
    return None if until is None else min(until, int(context.now * MICROSECONDS) + int(lifetime * MICROSECONDS))
