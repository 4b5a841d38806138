# SPDX-License-Identifier: Apache-2.0
"""Recognition of a code that is sent twice with one ticket, as a double click does.

The first of the two was accepted. The second is refused (RFC 6238 section 5.2: a code passes once), but it is no wrong
code, and the person may go on with the next one: nothing is counted or written.

Invariant: only a ticket that is valid but for being spent comes here, so that whoever does not hold it learns nothing;
and it is compared with codes that were accepted before, and never pass again.
"""

from __future__ import annotations

from typing import Any

from ..account import Account, VirtualMFADevice
from ..context import Context
from ..refusals import Reason, Refusal
from .challenges import with_next_challenge
from .devices import select_device, why_unusable
from .evidence import TOTPCode, TOTPCodes
from .operation import Operation
from .recovery_codes import LogonEvidence
from .tickets import NOTHING, Opened, after_clock_set_back, spent_ticket
from .totp_check import match_one, match_pair
from .verb import Transition, refused


def refuse_ticket(
    reason: Reason,
    evidence: LogonEvidence,
    ticket: str,
    account: Account | None,
    context: Context,
    *,
    session: str,
    operation: Operation | None = None,
    mark: bytes = NOTHING,
    browser: str | None = None,
) -> Transition[Any]:
    """Return the refusal of a challenge that did not open; of a code sent again, with a fresh challenge.

    Args:
        reason: why it did not open.
        evidence: which came with it.
        ticket: the challenge.
        account: the account as it was loaded.
        context: policy, time, entropy and the root record.
        session: of the challenge.
        operation: of the challenge; None for a logon.
        mark: digest of the password mark of a logon.
        browser: the browser cookie as received, or None.
    """
    if account is not None and reason is Reason.SPENT_TICKET and isinstance(evidence, TOTPCode | TOTPCodes):
        opened = spent_ticket(ticket)
        device = _resent_to(evidence, opened, account, context)
        if device is not None:
            again = Refusal(Reason.ALREADY_SENT, _seconds_to_next_code(device, context))
            refusal = refused(account, context, again, device=device.id)
            return with_next_challenge(
                refusal,
                account=account,
                context=context,
                session=session,
                opened=opened,
                operation=operation,
                mark=mark,
                browser=browser,
            )
    return refused(after_clock_set_back(account, context, reason), context, reason)


def _resent_to(
    evidence: TOTPCode | TOTPCodes, opened: Opened, account: Account, context: Context
) -> VirtualMFADevice | None:
    """Return the device that accepted this code before, if the ticket was answered rightly; else None."""
    if opened.stamp not in account.answered:
        return None
    virtual = tuple([device for device in account.devices if isinstance(device, VirtualMFADevice)])
    device = select_device(virtual, evidence.device)
    if isinstance(device, Reason) or why_unusable(device, context.policy) is not None:
        return None
    if isinstance(evidence, TOTPCode):
        step, _ = match_one(device, evidence.code, context)
    else:
        step, _ = match_pair(device, evidence.codes, context)
    return device if step in device.accepted else None


def _seconds_to_next_code(device: VirtualMFADevice, context: Context) -> float:
    """Return the seconds until the app shows a code of a step after the last accepted one."""
    return max((device.last_step + 1 - device.drift) * device.period - context.now, 0)
