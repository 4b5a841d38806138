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
from ..events import Event, What
from ..moment import Moment
from ..policy import Unopened
from ..words import Reason
from . import _fields, machines
from .asking import challenge, retried, subject_of
from .evidence import Evidence, is_evidence, weigh
from .outcomes import LogonStart, MustBind, NotRequired, Proof, Remembered
from .proofs import proof_of
from .tickets import MICROSECONDS, NOTHING, Purpose, after_clock_set_back, fresh, open_ticket, renewed, sealed_ticket
from .transition import Step, Verb, refused
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

    def __call__(self, account: Account | None, moment: Moment) -> Step[LogonStart]:
        """Return the same account, and how the logon goes on."""
        policy = moment.policy
        if _fields.is_user_id(self.session, moment):
            return refused(account, moment, Reason.BAD_SESSION)
        if account is None:
            if policy.unopened is Unopened.NOT_REQUIRED:
                return self._skipped(account, moment, NotRequired(moment.user, "unopened.not-required"))
            if policy.unopened is Unopened.MUST_BIND:
                return Step(account, self._must_bind(account, moment))
            return refused(account, moment, Reason.NO_ACCOUNT)
        if not account.devices:
            decision = policy.must_use_mfa(required=account.required)
            if decision.allowed:
                return Step(account, self._must_bind(account, moment))
            return self._skipped(account, moment, NotRequired(moment.user, decision.rule))
        reason = why_none_usable(account, policy)
        if reason is not None:
            return refused(account, moment, reason)
        machine = machines.find(self.machine, account)
        if machine is not None and machines.counts(machine, account, moment, self.password_mark):
            return self._skipped(account, moment, Remembered(moment.user, machine.id, machine.expires_at))
        return Step(account, challenge(account, moment, session=self.session, mark=_digest(self.password_mark)))

    def _skipped(self, account: Account | None, moment: Moment, outcome: NotRequired | Remembered) -> Step[LogonStart]:
        detail = outcome.why if isinstance(outcome, NotRequired) else f"machine {outcome.machine}"
        return Step(account, outcome, events=(Event(What.MFA_SKIPPED, moment.user, moment.now, detail=detail),))

    def _must_bind(self, account: Account | None, moment: Moment) -> MustBind:
        stamp = fresh(moment, Purpose.ENROLMENT, lifetime=moment.policy.lifetimes.enrolment)
        ticket = sealed_ticket(account, moment, stamp, purpose=Purpose.ENROLMENT, session=self.session)
        return MustBind(ticket, moment.policy.kinds(), expires_at(stamp) / MICROSECONDS)


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

    def __call__(self, account: Account | None, moment: Moment) -> Step[Proof]:
        """Return the step to a proof."""
        mark = _digest(self.password_mark)
        opened = open_ticket(
            self.challenge, account, moment, purpose=Purpose.LOGON, session=self.session, subject=subject_of(None, mark)
        )
        if isinstance(opened, Reason):
            return refused(after_clock_set_back(account, moment, opened), moment, opened)
        if account is None:
            return refused(account, moment, Reason.NO_ACCOUNT)
        marked = self._marked(account, moment, mark)
        weighed = weigh(self.evidence, marked, moment, opened)
        if isinstance(weighed, Step):
            return retried(
                weighed,
                account=account,
                moment=moment,
                session=self.session,
                opened=opened,
                mark=mark,
                seen=marked,
            )
        after = weighed.account
        if after.machines and moment.policy.remember is None:
            # Switched off: what was remembered must not count again where it is switched on
            after = attrs.evolve(after, machines=())
        token: SecretText | None = None
        events: tuple[Event, ...] = ()
        if self.remember is not None and self.password_mark is not None:
            after, token, events = machines.remember(
                after, moment, label=self.remember, password_mark=self.password_mark, device=weighed.device
            )
        proof = proof_of(after, moment, weighed.device, session=self.session, machine=token)
        event = Event(What.LOGON_PROVED, moment.user, moment.now, device=weighed.device.id)
        return Step(after, proof, events=(event, *events))

    def _marked(self, account: Account, moment: Moment, mark: bytes) -> Account:
        """Return the account that has seen the mark; what another mark began ends, and an old mark revives nothing."""
        if self.password_mark is None or account.password_mark == mark:
            return account
        if account.password_mark is None:
            return replaced(account, password_mark=mark, machines=machines.under_mark(account, mark))
        old_marks = (*account.old_marks, account.password_mark[:OLD_MARK])
        returns = mark[:OLD_MARK] in old_marks
        return replaced(
            renewed(account, moment),
            password_mark=mark,
            old_marks=tuple([one for one in old_marks if one != mark[:OLD_MARK]][-MAX_OLD_MARKS:]),
            wrong=account.wrong if returns else (),
            machines=machines.under_mark(account, mark),
        )
