# SPDX-License-Identifier: Apache-2.0
"""Logon, after user name and password: not required, remembered, must bind, or a challenge and its answer.

A user without a record is refused unless the policy explicitly allows it (requirements B11, B19; V16, V17). Beginning
writes nothing; a finish spends its ticket in the same swap that stores its result (V1, V4, V26).
"""

from __future__ import annotations

import attrs

from .._secret import SecretText
from .._validation import is_a
from ..account import MAX_OLD_MARKS, OLD_MARK, Account, expires_at
from ..context import Context
from ..events import Event, EventType
from ..policy import UnknownUsers
from ..refusals import Reason
from ..rules import fields, machines
from ..rules.admission import LogonStart, MustBind, NotRequired, Proof, Remembered
from ..rules.challenges import challenge, subject_of, with_next_challenge
from ..rules.devices import why_none_usable
from ..rules.evidence import Evidence, is_evidence, verify_evidence
from ..rules.proofs import make_proof
from ..rules.tickets import (
    MICROSECONDS,
    NOTHING,
    Purpose,
    after_clock_set_back,
    fresh,
    open_ticket,
    renewed,
    sealed_ticket,
)
from ..rules.verb import Transition, Verb, refused


def _mark_with_machine(instance: BeginLogon, attribute: object, mark: str | None) -> None:
    del attribute
    _check_mark(mark, needed=instance.machine is not None)


def _mark_with_remember(instance: FinishLogon, attribute: object, mark: str | None) -> None:
    del attribute
    _check_mark(mark, needed=instance.remember is not None)


def _check_mark(mark: str | None, *, needed: bool) -> None:
    if mark is None and needed:
        raise ValueError("password_mark is required where a machine is presented or remembered")
    if mark is not None and not is_a(mark, str):
        raise TypeError("password_mark must be a string")
    if mark == "":
        raise ValueError("password_mark must change when the password does: an empty one does not")


def _digest(mark: str | None) -> bytes:
    """Return the 32-byte digest of a password mark that a challenge carries."""
    return NOTHING if mark is None else machines.mark_digest(mark)


@attrs.frozen
class BeginLogon(Verb[LogonStart]):
    """Begin a logon; the application has checked name and password. Writes nothing.

    Attributes:
        session: the application's session string for this browser.
        machine: the machine cookie as the browser sent it, or None.
        password_mark: any string that changes when the password does; required where a machine is presented. Only a
            finish with the same mark takes the challenge.
    """

    session: str = attrs.field(repr=False, validator=fields.is_session)
    machine: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=_mark_with_machine)

    def __call__(self, account: Account | None, context: Context) -> Transition[LogonStart]:
        """Return the same account and the next stage of the logon."""
        policy = context.policy
        if fields.is_user_id(self.session, context):
            return refused(account, context, Reason.BAD_SESSION)
        if account is None:
            if policy.unknown_users is UnknownUsers.NOT_REQUIRED:
                return self._skip(account, context, NotRequired(context.user, "unknown_users.not-required"))
            if policy.unknown_users is UnknownUsers.MUST_BIND:
                return Transition(account, self._must_bind(account, context))
            return refused(account, context, Reason.NO_ACCOUNT)
        if not account.devices:
            decision = policy.must_use_mfa(required=account.required)
            if decision.allowed:
                return Transition(account, self._must_bind(account, context))
            return self._skip(account, context, NotRequired(context.user, decision.rule))
        reason = why_none_usable(account, policy)
        if reason is not None:
            return refused(account, context, reason)
        machine = machines.find(self.machine, account)
        if machine is not None and machines.is_valid(machine, account, context, self.password_mark):
            return self._skip(account, context, Remembered(context.user, machine.id, machine.expires_at))
        return Transition(account, challenge(account, context, session=self.session, mark=_digest(self.password_mark)))

    def _skip(
        self, account: Account | None, context: Context, outcome: NotRequired | Remembered
    ) -> Transition[LogonStart]:
        detail = outcome.why if isinstance(outcome, NotRequired) else f"machine {outcome.machine}"
        return Transition(account, outcome, events=(context.event(EventType.MFA_SKIPPED, detail=detail),))

    def _must_bind(self, account: Account | None, context: Context) -> MustBind:
        stamp = fresh(context, Purpose.ENROLMENT, lifetime=context.policy.lifetimes.enrolment)
        ticket = sealed_ticket(account, context, stamp, purpose=Purpose.ENROLMENT, session=self.session)
        return MustBind(ticket, context.policy.kinds(), expires_at(stamp) / MICROSECONDS)


@attrs.frozen
class FinishLogon(Verb[Proof]):
    """Finish a logon with evidence.

    Attributes:
        challenge: `Challenge.id`, as it came back in the form.
        evidence: a code, or a security key's answer.
        session: the same as at the begin.
        remember: a label for this machine where the user ticked "remember", else None (never an empty string); it is
            cut to 64 printable characters. Where the policy does not
            allow it, no machine is remembered and the proof holds no token.
        password_mark: the same as at the begin, else the ticket is foreign; required where a machine is remembered. A
            mark that was not seen before clears the day's budget.
    """

    challenge: str = attrs.field(converter=fields.as_typed, repr=False)
    evidence: Evidence = attrs.field(validator=is_evidence)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)
    remember: str | None = attrs.field(default=None, kw_only=True, converter=fields.as_label, validator=fields.is_label)
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=_mark_with_remember)

    def __call__(self, account: Account | None, context: Context) -> Transition[Proof]:
        """Return the transition to a proof."""
        mark = _digest(self.password_mark)
        opened = open_ticket(
            self.challenge,
            account,
            context,
            purpose=Purpose.LOGON,
            session=self.session,
            subject=subject_of(None, mark),
        )
        if isinstance(opened, Reason):
            return refused(after_clock_set_back(account, context, opened), context, opened)
        if account is None:
            return refused(account, context, Reason.NO_ACCOUNT)
        marked = self._with_mark(account, context, mark)
        result = verify_evidence(self.evidence, marked, context, opened)
        if isinstance(result, Transition):
            return with_next_challenge(
                result,
                account=account,
                context=context,
                session=self.session,
                opened=opened,
                mark=mark,
                checked=marked,
            )
        after = result.account
        if after.machines and context.policy.remember is None:
            # Remembering is switched off: earlier machines must not become valid again once it is switched on.
            after = attrs.evolve(after, machines=())
        token: SecretText | None = None
        events: tuple[Event, ...] = ()
        if self.remember is not None and self.password_mark is not None:
            after, token, events = machines.remember(
                after, context, label=self.remember, password_mark=self.password_mark, device=result.device
            )
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
            renewed(account, context),
            password_mark=mark,
            old_marks=tuple([one for one in old_marks if one != mark[:OLD_MARK]][-MAX_OLD_MARKS:]),
            wrong=account.wrong if returns else (),
            machines=machines.under_mark(account, mark),
        )
