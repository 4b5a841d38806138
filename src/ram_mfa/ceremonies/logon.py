# SPDX-License-Identifier: Apache-2.0
"""Logon, after user name and password: not required, remembered, must bind, or a challenge and its answer.

Absence never passes: a user without a record is refused unless the policy says otherwise by name (requirements B11,
B19; V16, V17). Beginning writes nothing; a finish spends its ticket in the swap that holds its verdict (V1, V4, V26).
"""

from __future__ import annotations

import attrs

from .._frozen import replaced
from .._secret import SecretText
from .._validation import is_a
from ..account import MAX_OLD_MARKS, OLD_MARK, Account, expires_at
from ..context import Context
from ..events import Event, EventType
from ..policy import UnknownUsers
from ..refusals import Reason
from . import _fields, machines
from .challenges import challenge, retried, subject_of
from .evidence import Evidence, is_evidence, weigh
from .outcomes import LogonStart, MustBind, NotRequired, Proof, Remembered
from .proofs import proof_of
from .tickets import MICROSECONDS, NOTHING, Purpose, after_clock_set_back, fresh, open_ticket, renewed, sealed_ticket
from .transition import Transition, Verb, refused
from .usable import why_none_usable


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
    """Return what a challenge keeps of a password mark: 32 bytes."""
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

    session: str = attrs.field(repr=False, validator=_fields.is_session)
    machine: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=_fields.is_optional_text)
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=_mark_with_machine)

    def __call__(self, account: Account | None, context: Context) -> Transition[LogonStart]:
        """Return the same account, and how the logon goes on."""
        policy = context.policy
        if _fields.is_user_id(self.session, context):
            return refused(account, context, Reason.BAD_SESSION)
        if account is None:
            if policy.unknown_users is UnknownUsers.NOT_REQUIRED:
                return self._skipped(account, context, NotRequired(context.user, "unknown_users.not-required"))
            if policy.unknown_users is UnknownUsers.MUST_BIND:
                return Transition(account, self._must_bind(account, context))
            return refused(account, context, Reason.NO_ACCOUNT)
        if not account.devices:
            decision = policy.must_use_mfa(required=account.required)
            if decision.allowed:
                return Transition(account, self._must_bind(account, context))
            return self._skipped(account, context, NotRequired(context.user, decision.rule))
        reason = why_none_usable(account, policy)
        if reason is not None:
            return refused(account, context, reason)
        machine = machines.find(self.machine, account)
        if machine is not None and machines.counts(machine, account, context, self.password_mark):
            return self._skipped(account, context, Remembered(context.user, machine.id, machine.expires_at))
        return Transition(account, challenge(account, context, session=self.session, mark=_digest(self.password_mark)))

    def _skipped(
        self, account: Account | None, context: Context, outcome: NotRequired | Remembered
    ) -> Transition[LogonStart]:
        detail = outcome.why if isinstance(outcome, NotRequired) else f"machine {outcome.machine}"
        return Transition(
            account, outcome, events=(Event(EventType.MFA_SKIPPED, context.user, context.now, detail=detail),)
        )

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
            allow it no machine is remembered, and the proof holds no token.
        password_mark: the same as at the begin, else the ticket is foreign; required where a machine is remembered. A
            mark that was not seen before clears the day's budget.
    """

    challenge: str = attrs.field(converter=_fields.as_typed, repr=False)
    evidence: Evidence = attrs.field(validator=is_evidence)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)
    remember: str | None = attrs.field(
        default=None, kw_only=True, converter=_fields.as_label, validator=_fields.is_label
    )
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=_mark_with_remember)

    def __call__(self, account: Account | None, context: Context) -> Transition[Proof]:
        """Return the step to a proof."""
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
        marked = self._marked(account, context, mark)
        weighed = weigh(self.evidence, marked, context, opened)
        if isinstance(weighed, Transition):
            return retried(
                weighed,
                account=account,
                context=context,
                session=self.session,
                opened=opened,
                mark=mark,
                seen=marked,
            )
        after = weighed.account
        if after.machines and context.policy.remember is None:
            # Switched off: what was remembered must not count again where it is switched on
            after = attrs.evolve(after, machines=())
        token: SecretText | None = None
        events: tuple[Event, ...] = ()
        if self.remember is not None and self.password_mark is not None:
            after, token, events = machines.remember(
                after, context, label=self.remember, password_mark=self.password_mark, device=weighed.device
            )
        proof = proof_of(after, context, weighed.device, session=self.session, machine=token)
        event = Event(EventType.LOGON_PROVED, context.user, context.now, device=weighed.device.id)
        return Transition(after, proof, events=(event, *events))

    def _marked(self, account: Account, context: Context, mark: bytes) -> Account:
        """Return the account that has seen the mark; what another mark began ends, and an old mark revives nothing."""
        if self.password_mark is None or account.password_mark == mark:
            return account
        if account.password_mark is None:
            return replaced(account, password_mark=mark, machines=machines.under_mark(account, mark))
        old_marks = (*account.old_marks, account.password_mark[:OLD_MARK])
        returns = mark[:OLD_MARK] in old_marks
        return replaced(
            renewed(account, context),
            password_mark=mark,
            old_marks=tuple([one for one in old_marks if one != mark[:OLD_MARK]][-MAX_OLD_MARKS:]),
            wrong=account.wrong if returns else (),
            machines=machines.under_mark(account, mark),
        )
