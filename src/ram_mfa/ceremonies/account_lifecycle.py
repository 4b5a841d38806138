# SPDX-License-Identifier: Apache-2.0
"""Verbs of an account's life cycle: open, require MFA, describe, change the password, erase."""

from __future__ import annotations

import attrs

from .._validation import is_flag
from ..account import Account
from ..context import Context
from ..events import Event, EventType
from ..policy import UnknownUsers
from ..refusals import Reason
from ..rules import fields, machines
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.new_account import new_account
from ..rules.tickets import renewed
from ..rules.verb import AccountVerb, ActorVerb, Transition, Verb
from ..rules.views import AccountView, account_view


def _view(account: Account, context: Context, *, this: bytes | None = None) -> AccountView:
    must = not account.devices and context.policy.must_use_mfa(required=account.required).allowed
    return account_view(account, context, must_bind=must, this=this)


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
class PasswordChanged(Verb[None]):
    """The password changed: every ticket, receipt, offer and remembered machine ends. Devices stay (requirement B7).

    For a user without a record there is nothing to end, unless such users must bind at logon: then a record is opened,
    which invalidates any enrolment begun under the old password, since it requires that there is none.
    """

    privileged = True

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the transition to the account under a new epoch."""
        if account is not None:
            after = attrs.evolve(renewed(account, context), machines=())
        elif context.policy.unknown_users is UnknownUsers.MUST_BIND:
            after = new_account(context, required=True)
        else:
            return Transition(account, None)
        return Transition(after, None, events=(context.event(EventType.PASSWORD_CHANGED),))


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
    """

    machine: str | None = attrs.field(default=None, repr=False, validator=fields.is_optional_text)

    def perform(self, account: Account, context: Context) -> Transition[AccountView]:
        """Return the same account and its view."""
        this = machines.find(self.machine, account)
        return Transition(account, _view(account, context, this=this.digest if this else None))
