# SPDX-License-Identifier: Apache-2.0
"""Verbs of an account's life cycle: open, require MFA, describe, change the password, erase."""

from __future__ import annotations

import attrs
from attrs.converters import optional as optional_converter

from .._secret import SecretText
from .._validation import is_flag
from ..account import Account
from ..context import Context
from ..events import Event, EventType
from ..policy import UnknownUsers
from ..refusals import Reason
from ..rules import fields, machines
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.browser_tokens import sender_of
from ..rules.new_account import new_account
from ..rules.recovery_codes import codes_after_password
from ..rules.session_marks import is_alive, session_mark
from ..rules.tickets import renewed
from ..rules.unforgiven import forgive_all, with_new_epoch
from ..rules.verb import AccountVerb, ActorVerb, Transition, Verb
from ..rules.views import AccountView, account_view


def _view(account: Account, context: Context, *, this: bytes | None = None, known: bool = False) -> AccountView:
    must = not account.devices and context.policy.must_use_mfa(required=account.required).allowed
    return account_view(account, context, must_bind=must, this=this, known=known)


@attrs.frozen
class OpenAccount(ActorVerb[AccountView]):
    """Open a user's record; an administrator does this when creating the user.

    Attributes:
        required: whether MFA is required of this user ("Required for Enable MFA").
        by: who asks.
    """

    action = Action.OPEN_ACCOUNT
    required: bool = attrs.field(default=True, validator=is_flag)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Reason:
        """Refuse: there is a record."""
        del account, context, grant
        return Reason.ACCOUNT_EXISTS

    def perform_without_record(self, context: Context, grant: Grant) -> Transition[AccountView]:
        """Return the transition to a new record."""
        after = new_account(context, required=bool(self.required))
        event = context.event(EventType.ACCOUNT_OPENED, actor=grant.actor, detail=_setting(after.required))
        return Transition(after, _view(after, context), events=(event,))


@attrs.frozen
class RequireMFA(ActorVerb[AccountView]):
    """Set whether MFA is required of this user at logon; creates a record where there is none.

    Attributes:
        required: whether it is.
        by: who asks.
    """

    action = Action.REQUIRE
    required: bool = attrs.field(default=True, validator=is_flag)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[AccountView]:
        """Return the transition to the account with that setting."""
        if account.required is bool(self.required):
            return Transition(account, _view(account, context))
        return _changed(attrs.evolve(account, required=bool(self.required)), context, grant)

    def perform_without_record(self, context: Context, grant: Grant) -> Transition[AccountView]:
        """Return the transition to a new record with that setting."""
        return _changed(new_account(context, required=bool(self.required)), context, grant)


def _changed(after: Account, context: Context, grant: Grant) -> Transition[AccountView]:
    event = context.event(EventType.REQUIREMENT_CHANGED, actor=grant.actor, detail=_setting(after.required))
    return Transition(after, _view(after, context), events=(event,))


def _setting(required: bool) -> str:  # noqa: FBT001 - one setting, in words
    return "required" if required else "not required"


@attrs.frozen
class SessionsEnded:
    """All sessions of the user ended, but for the one that asked.

    Attributes:
        session_mark: the next mark of the session whose mark `PasswordChanged` was given, if it was alive; else None.
    """

    session_mark: str | None = attrs.field(repr=False)


@attrs.frozen
class PasswordChanged(Verb[SessionsEnded]):
    """The password changed: every session, ticket, receipt, offer and machine ends. Devices stay (requirement B7).

    Every browser is then a new one, and the wrong codes of new browsers are forgiven.

    A user without a record gets one where the policy lets such users log on or bind: its epoch ends what they began
    under the old password. Where it refuses them there is nothing to end.

    Attributes:
        session_mark: of the session in which the user changed it, which goes on under the mark in the outcome; None
            where there is none, such as after a reset by mail. A mark that is not alive counts as none.
    """

    privileged = True

    session_mark: SecretText | None = attrs.field(
        default=None, kw_only=True, converter=optional_converter(fields.as_typed), repr=False
    )

    def __call__(self, account: Account | None, context: Context) -> Transition[SessionsEnded]:
        """Return the transition to the account under a new epoch."""
        unknown_users = context.policy.unknown_users
        if account is not None:
            forgiven = forgive_all(renewed(account, context))
            kept = codes_after_password(account, context)
            after = attrs.evolve(forgiven, machines=(), browsers=with_new_epoch(forgiven, context), recovery=kept)
        elif unknown_users is UnknownUsers.REFUSE:
            return Transition(account, SessionsEnded(None))
        else:
            after = new_account(context, required=unknown_users is UnknownUsers.MUST_BIND)
        goes_on = self.session_mark is not None and is_alive(self.session_mark, account, context)
        ended = SessionsEnded(session_mark(after, context) if goes_on else None)
        return Transition(after, ended, events=(context.event(EventType.PASSWORD_CHANGED),))


@attrs.frozen
class EraseAccount(ActorVerb[tuple[Event, ...]]):
    """Erase a user's record.

    The outcome is the undelivered events of the outbox, the oldest first: only the caller can still deliver them.
    Credential ids stay claimed: no other user can ever bind that security key's credentials.

    Attributes:
        by: who asks.
    """

    action = Action.ERASE
    by: Actor = attrs.field(validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[tuple[Event, ...]]:
        """Return the transition to no record."""
        event = context.event(EventType.ACCOUNT_ERASED, actor=grant.actor)
        return Transition(None, account.outbox, events=(event,))


@attrs.frozen
class Describe(AccountVerb[AccountView]):
    """Describe an account, after the first factor only. The view never holds a secret or a handle.

    Attributes:
        machine: the machine cookie as the browser sent it, so that the view marks the current machine.
        browser: the browser cookie as the browser sent it, so that the view says whether it is a known one.
    """

    machine: str | None = attrs.field(default=None, repr=False, validator=fields.is_optional_text)
    browser: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=fields.is_optional_text)

    def perform(self, account: Account, context: Context) -> Transition[AccountView]:
        """Return the same account and its view."""
        this = machines.find(self.machine, account)
        known = sender_of(self.browser, account, context, session="").token is not None
        return Transition(account, _view(account, context, this=this.digest if this else None, known=known))
