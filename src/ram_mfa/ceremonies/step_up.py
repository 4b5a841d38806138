# SPDX-License-Identifier: Apache-2.0
"""Step-up: a fresh proof for one sensitive operation, named at the begin and at the finish.

A remembered machine never counts here and "not required" is never an answer (requirements B14, B18). If the proof
and the operation are two requests, pass the proof's receipt between them; `SpendReceipt` accepts it once.
"""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import EventType
from ..refusals import Challenge, Reason
from ..rules import fields
from ..rules.admission import Proof
from ..rules.browser_tokens import sender_of
from ..rules.challenges import challenge, purpose_of, subject_of, with_next_challenge
from ..rules.devices import why_none_usable
from ..rules.evidence import Evidence, is_evidence, verify_evidence
from ..rules.operation import Operation
from ..rules.proofs import make_proof
from ..rules.resent import refuse_ticket
from ..rules.tickets import open_ticket
from ..rules.verb import Transition, Verb, refused


def _usable(account: Account | None, context: Context) -> Reason | None:
    if account is None:
        return Reason.NO_ACCOUNT
    if not account.devices:
        return Reason.NO_DEVICE
    return why_none_usable(account, context.policy)


@attrs.frozen
class BeginStepUp(Verb[Challenge]):
    """Ask for a fresh proof before a sensitive operation. Writes nothing.

    Attributes:
        operation: what is to be done.
        session: the application's session string.
        browser: the browser cookie as the browser sent it, or None: whether it is a known browser selects the gate for
            codes, and nothing else.
    """

    operation: Operation = attrs.field(validator=fields.is_operation)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)
    browser: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)

    @property
    def browser_cookie(self) -> str | None:
        """The browser cookie that it was sent with."""
        return self.browser

    def __call__(self, account: Account | None, context: Context) -> Transition[Challenge]:
        """Return the same account and a challenge."""
        reason = Reason.BAD_SESSION if fields.is_user_id(self.session, context) else _usable(account, context)
        if account is None or reason is not None:
            return refused(account, context, reason or Reason.NO_ACCOUNT)
        asked = challenge(account, context, session=self.session, operation=self.operation, browser=self.browser)
        return Transition(account, asked)


@attrs.frozen
class FinishStepUp(Verb[Proof]):
    """Finish a step-up for one operation, with evidence.

    The plan, each step marked below:

    1. the challenge is a ticket of this step-up: user, session and operation; neither expired nor spent;
    2. the user has a record;
    3. the evidence is verified and spent; a wrong one is counted, and answered with a fresh challenge;
    4. the proof is made from the account as it is then stored.

    Attributes:
        challenge: `Challenge.id`, as the form returned it.
        evidence: a code, or a security key's answer.
        operation: the same as at the begin.
        session: the same as at the begin.
        browser: the browser cookie as the browser sent it, or None: whether it is a known browser selects the gate for
            codes, and nothing else.
    """

    challenge: str = attrs.field(converter=fields.as_typed, repr=False)
    evidence: Evidence = attrs.field(validator=is_evidence)
    operation: Operation = attrs.field(kw_only=True, validator=fields.is_operation)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)
    browser: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)

    @property
    def browser_cookie(self) -> str | None:
        """The browser cookie that it was sent with."""
        return self.browser

    def __call__(self, account: Account | None, context: Context) -> Transition[Proof]:
        """Return the transition to a proof."""
        # 1. The challenge
        opened = open_ticket(
            self.challenge,
            account,
            context,
            purpose=purpose_of(self.operation),
            session=self.session,
            subject=subject_of(self.operation),
        )
        if isinstance(opened, Reason):
            return refuse_ticket(
                opened,
                self.evidence,
                self.challenge,
                account,
                context,
                session=self.session,
                operation=self.operation,
                browser=self.browser,
            )
        # 2. The record
        if account is None:
            return refused(account, context, Reason.NO_ACCOUNT)
        # 3. The evidence
        sender = sender_of(self.browser, account, context, session=self.session)
        result = verify_evidence(self.evidence, account, context, opened, sender)
        if isinstance(result, Transition):
            return with_next_challenge(
                result,
                account=account,
                context=context,
                session=self.session,
                opened=opened,
                operation=self.operation,
                browser=self.browser,
            )
        # 4. The proof
        proof = make_proof(result.account, context, result.device, session=self.session, operation=self.operation)
        detail = self.operation.name
        event = context.event(EventType.STEP_UP_PROVED, device=result.device.id, detail=detail)
        return Transition(result.account, proof, events=(event,))
