# SPDX-License-Identifier: Apache-2.0
"""The life of an account and its settings: opened, required, looked at, its password changed, erased."""

from __future__ import annotations

import attrs

from .._validation import is_flag
from ..account import Account
from ..context import Context
from ..events import Event, EventType
from ..policy import UnknownUsers
from ..refusals import Reason
from . import _fields, machines
from .account_changes import new_account
from .actors import Actor, is_actor
from .authority import Action, authorise
from .tickets import renewed
from .transition import Transition, Verb, refused
from .views import AccountView, account_view


def _viewed(account: Account, context: Context, *, this: bytes | None = None) -> AccountView:
    must = not account.devices and context.policy.must_use_mfa(required=account.required).allowed
    return account_view(account, context, must_bind=must, this=this)


@attrs.frozen
class OpenAccount(Verb[AccountView]):
    """Open a user's record: what an administrator does when creating the user.

    Attributes:
        required: whether MFA is required of this user ("Required for Enable MFA").
        by: who asks.
    """

    required: bool = attrs.field(default=True, validator=is_flag)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def __call__(self, account: Account | None, context: Context) -> Transition[AccountView]:
        """Return the step to a new record."""
        actor = self.by.label
        grant = authorise(account, context, self.by, Action.OPEN_ACCOUNT)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        if account is not None:
            return refused(account, context, Reason.ACCOUNT_EXISTS, actor=actor)
        after = new_account(context, required=bool(self.required))
        event = Event(EventType.ACCOUNT_OPENED, context.user, context.now, actor, None, _said(after.required))
        return Transition(after, _viewed(after, context), events=(event,))


@attrs.frozen
class RequireMFA(Verb[AccountView]):
    """Say whether MFA is required of this user at logon; makes a record where there is none.

    Attributes:
        required: whether it is.
        by: who asks.
    """

    required: bool = attrs.field(default=True, validator=is_flag)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def __call__(self, account: Account | None, context: Context) -> Transition[AccountView]:
        """Return the step to the account with that setting."""
        actor = self.by.label
        grant = authorise(account, context, self.by, Action.REQUIRE)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        required = bool(self.required)
        if account is None:
            after = new_account(context, required=required)
        elif account.required is required:
            return Transition(account, _viewed(account, context))
        else:
            after = attrs.evolve(account, required=required)
        event = Event(EventType.REQUIREMENT_CHANGED, context.user, context.now, actor, None, _said(required))
        return Transition(after, _viewed(after, context), events=(event,))


def _said(required: bool) -> str:  # noqa: FBT001 - one setting, said in words
    return "required" if required else "not required"


@attrs.frozen
class PasswordChanged(Verb[None]):
    """The password changed: every ticket, receipt, offer and remembered machine ends. Devices stay (requirement B7).

    For a user without a record there is nothing to end, unless such users must bind at logon: then a record is opened,
    since an enrolment that the old password began hangs on there being none.
    """

    privileged = True

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the step to the account under a new epoch."""
        if account is not None:
            after = attrs.evolve(renewed(account, context), machines=())
        elif context.policy.unknown_users is UnknownUsers.MUST_BIND:
            after = new_account(context, required=True)
        else:
            return Transition(account, None)
        return Transition(after, None, events=(Event(EventType.PASSWORD_CHANGED, context.user, context.now),))


@attrs.frozen
class EraseAccount(Verb[tuple[Event, ...]]):
    """Erase all that is remembered of a user; the user is then one without a record.

    The outcome is what still waited in the outbox, the oldest first: nobody else can deliver it any more.
    Credential ids stay claimed: no other user can ever bind that security key's credentials.

    Attributes:
        by: who asks.
    """

    by: Actor = attrs.field(validator=is_actor)

    def __call__(self, account: Account | None, context: Context) -> Transition[tuple[Event, ...]]:
        """Return the step to no record."""
        actor = self.by.label
        grant = authorise(account, context, self.by, Action.ERASE)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        if account is None:
            return refused(account, context, Reason.NO_ACCOUNT, actor=actor)
        return Transition(
            None, account.outbox, events=(Event(EventType.ACCOUNT_ERASED, context.user, context.now, actor),)
        )


@attrs.frozen
class Describe(Verb[AccountView]):
    """Look at an account, after the first factor only. Never a secret, never a handle.

    Attributes:
        machine: the machine cookie as the browser sent it, so that the view says which machine this one is.
    """

    machine: str | None = attrs.field(default=None, repr=False, validator=_fields.is_optional_text)

    def __call__(self, account: Account | None, context: Context) -> Transition[AccountView]:
        """Return the same account and its view."""
        if account is None:
            return refused(account, context, Reason.NO_ACCOUNT)
        this = machines.find(self.machine, account)
        return Transition(account, _viewed(account, context, this=this.digest if this else None))
