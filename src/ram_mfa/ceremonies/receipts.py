# SPDX-License-Identifier: Apache-2.0
"""Use of a step-up's receipt, where the proof and the operation are two requests: it is spent, or only checked."""

from __future__ import annotations

import attrs

from .._secret import SecretText
from ..account import Account, issued_at
from ..context import Context
from ..events import EventType
from ..refusals import Kind, Reason
from ..rules import fields
from ..rules.admission import Proof, ProofOf
from ..rules.operation import Operation
from ..rules.tickets import MICROSECONDS, open_receipt, spend
from ..rules.verb import AccountVerb, Transition


@attrs.frozen
class SpendReceipt(AccountVerb[Proof]):
    """Spend the receipt of a step-up, once, right before the operation.

    Attributes:
        receipt: `Proof.receipt` of the step-up.
        operation: what it was proved for.
        session: the session in which it was proved.
    """

    receipt: SecretText = attrs.field(converter=fields.as_typed, repr=False)
    operation: Operation = attrs.field(kw_only=True, validator=fields.is_operation)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)

    def perform(self, account: Account, context: Context) -> Transition[Proof] | Reason:
        """Return the transition in which the receipt is spent."""
        opened = open_receipt(self.receipt, account, context, session=self.session, operation=self.operation)
        if isinstance(opened, Reason):
            return opened
        ticket, device = opened
        proof = Proof(
            user=context.user,
            purpose=ProofOf.STEP_UP,
            operation=self.operation,
            device=device.id,
            kind=device.kind,
            at=issued_at(ticket.stamp) / MICROSECONDS,
            phishing_resistant=device.kind is Kind.SECURITY_KEY,
            machine=None,
            receipt=self.receipt,
            session_mark=None,
        )
        event = context.event(EventType.RECEIPT_SPENT, device=device.id, detail=self.operation.name)
        return Transition(spend(account, context, ticket.stamp), proof, events=(event,))


@attrs.frozen
class CheckReceipt(AccountVerb[None]):
    """Check the receipt of a step-up without spending it: an administrator's own, valid for several actions.

    Attributes:
        receipt, operation, session: as for `SpendReceipt`.
    """

    receipt: SecretText = attrs.field(converter=fields.as_typed, repr=False)
    operation: Operation = attrs.field(kw_only=True, validator=fields.is_operation)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)

    def perform(self, account: Account, context: Context) -> Transition[None] | Reason:
        """Return the same account."""
        opened = open_receipt(self.receipt, account, context, session=self.session, operation=self.operation)
        return opened if isinstance(opened, Reason) else Transition(account, None)
