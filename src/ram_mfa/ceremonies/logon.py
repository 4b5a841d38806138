# SPDX-License-Identifier: Apache-2.0
"""Logon, after user name and password: not required, remembered, must bind, or a challenge and its answer.

A user without a record is refused unless the policy explicitly allows it (requirements B11, B19; V16, V17). Beginning
writes nothing; a finish spends its ticket in the same swap that stores its result (V1, V4, V26).
"""

from __future__ import annotations

from typing import Any

import attrs

from .._secret import SecretText
from ..account import MAX_OLD_MARKS, OLD_MARK, Account, Machine
from ..context import Context
from ..events import Event, EventType
from ..refusals import Reason
from ..rules import fields, machines
from ..rules.admission import LogonStart, NotRequired, Proof, Remembered
from ..rules.browser_tokens import sender_of
from ..rules.challenges import subject_of, with_next_challenge
from ..rules.evidence import Accepted, verify_evidence
from ..rules.first_factor import first_factor_ticket
from ..rules.logon_stages import second_factor, why_not_required
from ..rules.password_marks import check_mark, digest_of
from ..rules.proofs import make_proof
from ..rules.recovery_codes import (
    LogonEvidence,
    RecoveryCode,
    codes_after_password,
    is_logon_evidence,
    recovered,
    verify_recovery_code,
)
from ..rules.resent import refuse_ticket
from ..rules.session_marks import session_mark
from ..rules.throttle import clear_day
from ..rules.tickets import Purpose, open_ticket, renewed
from ..rules.verb import Transition, Verb, refused


def _mark_with_machine(instance: BeginLogon, attribute: object, mark: str | None) -> None:
    del attribute
    check_mark(mark, needed=instance.machine is not None)


def _mark_with_remember(instance: FinishLogon, attribute: object, mark: str | None) -> None:
    del attribute
    check_mark(mark, needed=instance.remember is not None)


@attrs.frozen
class BeginLogon(Verb[LogonStart]):
    """Begin a logon; the application has checked name and password. Writes nothing.

    Attributes:
        session: the application's session string for this browser.
        machine: the machine cookie as the browser sent it, or None.
        password_mark: any string that changes when the password does; required where a machine is presented. Only a
            finish with the same mark takes the challenge.
        browser: the browser cookie as the browser sent it, or None: whether it is a known browser selects the gate for
            codes, and nothing else.
    """

    session: str = attrs.field(repr=False, validator=fields.is_session)
    machine: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=_mark_with_machine)
    browser: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)

    @property
    def browser_cookie(self) -> str | None:
        """The browser cookie that it was sent with."""
        return self.browser

    def __call__(self, account: Account | None, context: Context) -> Transition[LogonStart]:
        """Return the same account and the next stage of the logon."""
        if fields.is_user_id(self.session, context):
            return refused(account, context, Reason.BAD_SESSION)
        mark = digest_of(self.password_mark)
        machine = None if account is None else self._valid_machine(account, context)
        if machine is not None:
            alive = session_mark(account, context)
            remembered = Remembered(context.user, machine.id, machine.expires_at, alive)
            return _skip(account, context, remembered, f"machine {machine.id}")
        logon = first_factor_ticket(account, context, session=self.session, mark=mark)
        rule = why_not_required(account, context)
        if rule is not None:
            return _skip(
                account, context, NotRequired(context.user, rule, session_mark(account, context), logon), rule.value
            )
        stage = second_factor(account, context, session=self.session, mark=mark, logon=logon, browser=self.browser)
        return refused(account, context, stage) if isinstance(stage, Reason) else Transition(account, stage)

    def _valid_machine(self, account: Account, context: Context) -> Machine | None:
        """Return the machine that skips the MFA step, or None."""
        machine = machines.find(self.machine, account)
        valid = machine is not None and machines.is_valid(machine, account, context, self.password_mark)
        return machine if valid else None


def _skip(
    account: Account | None, context: Context, outcome: NotRequired | Remembered, detail: str
) -> Transition[LogonStart]:
    event = context.event(EventType.MFA_SKIPPED, detail=detail)
    return Transition(account, outcome, events=(event,))


@attrs.frozen
class FinishLogon(Verb[Proof]):
    """Finish a logon with evidence.

    The plan, each step marked below:

    1. the challenge is a ticket of this logon: user, session and password mark; neither expired nor spent;
    2. the user has a record;
    3. the password mark is recorded; a new one ends all that was begun under the old one;
    4. the evidence is verified and spent; a wrong one is counted, and answered with a fresh challenge;
    5. the machine is remembered, where the user asked for it and the policy allows it;
    6. the proof is made from the account as it is then stored.

    Attributes:
        challenge: `Challenge.id`, as the form returned it.
        evidence: a code, a security key's answer, or a recovery code, after which no machine is remembered.
        session: the same as at the begin.
        remember: a label for this machine where the user ticked "remember", else None (never an empty string); it is
            cut to 64 printable characters. Where the policy does not allow it, no machine is remembered and the proof
            holds no token.
        password_mark: the same as at the begin, else the ticket is foreign; required where a machine is remembered. A
            mark that was not seen before clears the day's budget; with known browsers, once in 24 hours at the most.
        browser: the browser cookie as the browser sent it, or None. Whether it is a known browser selects the gate for
            codes, and nothing else.
    """

    challenge: str = attrs.field(converter=fields.as_typed, repr=False)
    evidence: LogonEvidence = attrs.field(validator=is_logon_evidence)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)
    remember: str | None = attrs.field(default=None, kw_only=True, converter=fields.as_label, validator=fields.is_label)
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=_mark_with_remember)
    browser: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)

    @property
    def browser_cookie(self) -> str | None:
        """The browser cookie that it was sent with."""
        return self.browser

    def __call__(self, account: Account | None, context: Context) -> Transition[Proof]:
        """Return the transition to a proof."""
        # 1. The challenge
        mark = digest_of(self.password_mark)
        opened = open_ticket(
            self.challenge,
            account,
            context,
            purpose=Purpose.LOGON,
            session=self.session,
            subject=subject_of(None, mark),
        )
        if isinstance(opened, Reason):
            return refuse_ticket(
                opened,
                self.evidence,
                self.challenge,
                account,
                context,
                session=self.session,
                mark=mark,
                browser=self.browser,
            )
        # 2. The record
        if account is None:
            return refused(account, context, Reason.NO_ACCOUNT)
        # 3. The password mark
        marked = self._with_mark(account, context, mark)
        # 4. The evidence
        result: Accepted | Account | Transition[Any]
        if isinstance(self.evidence, RecoveryCode):
            result = verify_recovery_code(self.evidence, marked, context, opened)
        else:
            sender = sender_of(self.browser, marked, context, session=self.session, mark=mark)
            result = verify_evidence(self.evidence, marked, context, opened, sender)
        if isinstance(result, Transition):
            return with_next_challenge(
                result,
                account=account,
                context=context,
                session=self.session,
                opened=opened,
                mark=mark,
                checked=marked,
                browser=self.browser,
            )
        # 5. The machine
        after = result if isinstance(result, Account) else result.account
        if after.machines and context.policy.remember is None:
            # Remembering is switched off: earlier machines must not become valid again once it is switched on.
            after = attrs.evolve(after, machines=())
        if isinstance(result, Account):
            return recovered(after, context, session=self.session)
        token: SecretText | None = None
        events: tuple[Event, ...] = ()
        if self.remember is not None and self.password_mark is not None:
            after, token, events = machines.remember(
                after, context, label=self.remember, password_mark=self.password_mark, device=result.device
            )
        # 6. The proof
        proof = make_proof(after, context, result.device, session=self.session, machine=token)
        event = context.event(EventType.LOGON_PROVED, device=result.device.id)
        return Transition(after, proof, events=(event, *events))

    def _with_mark(self, account: Account, context: Context, mark: bytes) -> Account:
        """Return the account with the mark recorded; a new mark ends earlier tickets; an old one revives nothing."""
        if self.password_mark is None or account.password_mark == mark:
            return account
        if account.password_mark is None:
            return attrs.evolve(account, password_mark=mark, machines=machines.under_mark(account, mark))
        old_marks = (*account.old_marks, account.password_mark[:OLD_MARK])
        returns = mark[:OLD_MARK] in old_marks
        return attrs.evolve(
            renewed(account if returns else clear_day(account, context), context),
            password_mark=mark,
            old_marks=tuple([one for one in old_marks if one != mark[:OLD_MARK]][-MAX_OLD_MARKS:]),
            machines=machines.under_mark(account, mark),
            recovery=account.recovery if returns else codes_after_password(account, context),
        )
