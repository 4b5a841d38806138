# SPDX-License-Identifier: Apache-2.0
"""Sensitive operations ask again: a fresh proof for one operation, named at both ends.

A remembered machine never counts here and "not required" is never an answer (requirements B14, B18). Where proving and
doing are two requests the receipt of the proof travels between them, and `Spend` takes it once.
"""

from __future__ import annotations

import attrs

from .._secret import SecretText
from ..account import Account, issued_at
from ..events import Event, What
from ..moment import Moment
from ..words import Challenge, Kind, Reason
from . import _fields
from .asking import challenge, purpose_of, retried, subject_of
from .evidence import Evidence, is_evidence, weigh
from .outcomes import Operation, Proof, ProofOf
from .proofs import proof_of
from .tickets import MICROSECONDS, after_clock_set_back, open_receipt, open_ticket, spend
from .transition import Step, Verb, refused
from .usable import why_none_usable


def _usable(account: Account | None, moment: Moment) -> Reason | None:
    if account is None:
        return Reason.NO_ACCOUNT
    if not account.devices:
        return Reason.NO_DEVICE
    return why_none_usable(account, moment.policy)


@attrs.frozen
class BeginStepUp(Verb[Challenge]):
    """Ask for a fresh proof before a sensitive operation. Writes nothing.

    Attributes:
        operation: what is to be done.
        session: the application's session string.
    """

    operation: Operation = attrs.field(validator=_fields.is_operation)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)

    def __call__(self, account: Account | None, moment: Moment) -> Step[Challenge]:
        """Return the same account and a challenge."""
        reason = Reason.BAD_SESSION if _fields.is_user_id(self.session, moment) else _usable(account, moment)
        if account is None or reason is not None:
            return refused(account, moment, reason or Reason.NO_ACCOUNT)
        return Step(account, challenge(account, moment, session=self.session, operation=self.operation))


@attrs.frozen
class FinishStepUp(Verb[Proof]):
    """Prove oneself for one operation.

    Attributes:
        challenge: `Challenge.id`, as it came back in the form.
        evidence: a code, or a security key's answer.
        operation: the same as at the begin.
        session: the same as at the begin.
    """

    challenge: str = attrs.field(converter=_fields.as_typed, repr=False)
    evidence: Evidence = attrs.field(validator=is_evidence)
    operation: Operation = attrs.field(kw_only=True, validator=_fields.is_operation)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)

    def __call__(self, account: Account | None, moment: Moment) -> Step[Proof]:
        """Return the step to a proof."""
        opened = open_ticket(
            self.challenge,
            account,
            moment,
            purpose=purpose_of(self.operation),
            session=self.session,
            subject=subject_of(self.operation),
        )
        if isinstance(opened, Reason):
            return refused(after_clock_set_back(account, moment, opened), moment, opened)
        if account is None:
            return refused(account, moment, Reason.NO_ACCOUNT)
        weighed = weigh(self.evidence, account, moment, opened)
        if isinstance(weighed, Step):
            return retried(
                weighed,
                account=account,
                moment=moment,
                session=self.session,
                opened=opened,
                operation=self.operation,
            )
        proof = proof_of(weighed.account, moment, weighed.device, session=self.session, operation=self.operation)
        detail = self.operation.name
        event = Event(What.STEP_UP_PROVED, moment.user, moment.now, device=weighed.device.id, detail=detail)
        return Step(weighed.account, proof, events=(event,))


@attrs.frozen
class Spend(Verb[Proof]):
    """Take the receipt of a step-up, once, right before its operation is done.

    Attributes:
        receipt: `Proof.receipt` of the step-up.
        operation: what it was proved for.
        session: the session in which it was proved.
    """

    receipt: SecretText = attrs.field(converter=_fields.as_typed, repr=False)
    operation: Operation = attrs.field(kw_only=True, validator=_fields.is_operation)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)

    def __call__(self, account: Account | None, moment: Moment) -> Step[Proof]:
        """Return the step in which the receipt is spent."""
        if account is None:
            return refused(account, moment, Reason.NO_ACCOUNT)
        opened = open_receipt(self.receipt, account, moment, session=self.session, operation=self.operation)
        if isinstance(opened, Reason):
            return refused(account, moment, opened)
        ticket, device = opened
        proof = Proof(
            user=moment.user,
            purpose=ProofOf.STEP_UP,
            operation=self.operation,
            device=device.id,
            kind=device.kind,
            at=issued_at(ticket.stamp) / MICROSECONDS,
            phishing_resistant=device.kind is Kind.SECURITY_KEY,
            machine=None,
            receipt=self.receipt,
        )
        event = Event(What.RECEIPT_SPENT, moment.user, moment.now, device=device.id, detail=self.operation.name)
        return Step(spend(account, moment, ticket.stamp), proof, events=(event,))


@attrs.frozen
class CheckReceipt(Verb[None]):
    """Check the receipt of a step-up without spending it: an administrator's own, good for several deeds.

    Attributes:
        receipt, operation, session: as for `Spend`.
    """

    receipt: SecretText = attrs.field(converter=_fields.as_typed, repr=False)
    operation: Operation = attrs.field(kw_only=True, validator=_fields.is_operation)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)

    def __call__(self, account: Account | None, moment: Moment) -> Step[None]:
        """Return the same account."""
        if account is None:
            return refused(account, moment, Reason.NO_ACCOUNT)
        opened = open_receipt(self.receipt, account, moment, session=self.session, operation=self.operation)
        return refused(account, moment, opened) if isinstance(opened, Reason) else Step(account, None)
