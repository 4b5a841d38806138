# SPDX-License-Identifier: Apache-2.0
"""Creation of a proof and its receipt."""

from __future__ import annotations

from .._secret import SecretText
from ..account import Account, Device
from ..context import Context
from ..refusals import Kind, Ticket
from .admission import Proof, ProofOf
from .browser_tokens import new_browser_token
from .operation import Operation
from .session_marks import session_mark
from .tickets import Purpose, fresh, receipt_subject, sealed_ticket


def make_proof(
    account: Account,
    context: Context,
    device: Device | None,
    *,
    session: str,
    operation: Operation | None = None,
    machine: SecretText | None = None,
    rebind: Ticket | None = None,
) -> Proof:
    """Return the proof that a device was just used; of a logon, or of a step-up for an operation.

    Args:
        account: the account after the proof; its receipt is valid for that account's epoch only.
        context: policy, time, entropy and the root record.
        device: the device used; None where a recovery code was.
        session: the session in which it was used.
        operation: what was stepped up for; None for a logon.
        machine: the token of a machine remembered with it.
        rebind: the ticket to bind a device in place of all others.
    """
    logon = operation is None
    purpose = Purpose.LOGON_RECEIPT if logon else Purpose.STEP_UP_RECEIPT
    receipt = sealed_ticket(
        account,
        context,
        fresh(context, purpose, lifetime=context.policy.lifetimes.receipt),
        purpose=purpose,
        session=session,
        subject=receipt_subject(operation, device),
    )
    known = context.policy.known_browsers
    return Proof(
        user=context.user,
        purpose=ProofOf.LOGON if logon else ProofOf.STEP_UP,
        operation=operation,
        device=None if device is None else device.id,
        kind=None if device is None else device.kind,
        at=context.now,
        phishing_resistant=device is not None and device.kind is Kind.SECURITY_KEY,
        machine=machine,
        receipt=SecretText(receipt),
        session_mark=session_mark(account, context) if logon else None,
        browser=new_browser_token(account, context, lifetime=known.lifetime) if logon and known is not None else None,
        rebind=rebind,
    )
