# SPDX-License-Identifier: Apache-2.0
"""The base of all verbs: a frozen verb turns an account and a context into a transition.

Invariant: no clock, no I/O, no randomness, no logging. A verb is pure; the engine may call it again on a newer account,
and reports only the transition whose account was stored.
"""

from __future__ import annotations

from typing import ClassVar, Generic, Never, TypeVar

import attrs

from .._secret import Unpickled
from ..account import Account
from ..context import Context
from ..events import Event, EventType
from ..refusals import Reason, Refusal
from .actors import Actor
from .authority import Action, Grant, authorise

T_co = TypeVar("T_co", covariant=True)


@attrs.frozen
class Claim:
    """A credential id that must belong to the user before the transition is committed.

    Attributes:
        scope: the RP ID or AppID that the credential is for.
        credential_id: 1 to 1023 bytes.
    """

    scope: str
    credential_id: bytes


@attrs.frozen
class Transition(Generic[T_co]):
    """The result of a verb: the next account, the outcome, and the effects.

    Attributes:
        account: the next account; the very same object where nothing is to be written; None where there is no record.
        outcome: the success value, or the refusal.
        claims: settled by the engine before the account is stored.
        events: reported after the account is stored.
        unfinished: whether the verb is called again once the account is stored; until then there is no outcome.
    """

    account: Account | None
    outcome: T_co | Refusal
    claims: tuple[Claim, ...] = ()
    events: tuple[Event, ...] = ()
    unfinished: bool = False


class Verb(Unpickled, Generic[T_co]):
    """A command on an account; perform it with `ram_mfa.MFA.perform`. It cannot be pickled.

    Attributes:
        privileged: whether only the application can cause it, never a visitor: it then does not queue behind visitors'
            verbs.
        while_moving: whether it is performed on a record that is being moved to another user id; the other verbs are
            refused there.
    """

    __slots__ = ()
    privileged: ClassVar[bool] = False
    while_moving: ClassVar[bool] = False

    @property
    def requested_by(self) -> Actor | None:
        """The actor whose permission it needs; None where it needs none."""
        return None

    @property
    def browser_cookie(self) -> str | None:
        """The browser cookie that it was sent with; None where there is none."""
        return None

    def __call__(self, account: Account | None, context: Context) -> Transition[T_co]:
        """Return the next account, the outcome and the events."""
        raise NotImplementedError


class AccountVerb(Verb[T_co]):
    """A verb that needs no actor and is refused where the user has no record."""

    __slots__ = ()

    def __call__(self, account: Account | None, context: Context) -> Transition[T_co]:
        """Refuse absence, and perform the verb."""
        if account is None:
            return refused(account, context, Reason.NO_ACCOUNT)
        result = self.perform(account, context)
        return refused(account, context, result) if isinstance(result, Reason) else result

    def perform(self, account: Account, context: Context) -> Transition[T_co] | Reason:
        """Return the transition, or the reason of a refusal that leaves the account as it is."""
        raise NotImplementedError


class ActorVerb(Verb[T_co]):
    """A verb that an actor requests: it is authorised first, and refused where the user has no record.

    Attributes:
        action: the action that it needs permission for, a row of `ram_mfa.rules.authority.PERMISSIONS`.
        by: who asks.
    """

    __slots__ = ()
    action: ClassVar[Action]
    by: Actor

    @property
    def requested_by(self) -> Actor:
        """The actor whose permission it needs."""
        return self.by

    def __call__(self, account: Account | None, context: Context) -> Transition[T_co]:
        """Authorise the actor, settle absence, and perform the verb."""
        grant = authorise(account, context, self.by, self.action)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=self.by.label)
        if account is None:
            result = self.perform_without_record(context, grant)
        else:
            result = self.perform(account, context, grant)
        if isinstance(result, Reason):
            return refused(account, context, result, actor=grant.actor)
        return result

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[T_co] | Reason:
        """Return the transition, or the reason of a refusal that leaves the record as it is.

        Args:
            account: the account as it is; a receipt that the actor presented is not spent in it.
            context: policy, time, entropy and the root record.
            grant: the permission; `Grant.spent` spends the receipt.
        """
        raise NotImplementedError

    def perform_without_record(self, context: Context, grant: Grant) -> Transition[T_co] | Reason:
        """Return the transition, or the reason of a refusal, for a user without a record."""
        del context, grant
        return Reason.NO_ACCOUNT


def refused(
    account: Account | None,
    context: Context,
    refusal: Reason | Refusal,
    *,
    device: str | None = None,
    actor: str = "",
    events: tuple[Event, ...] = (),
) -> Transition[Never]:
    """Return the transition of a refusal; ``account`` is the account to store."""
    if isinstance(refusal, Reason):
        refusal = Refusal(refusal)
    detail = refusal.reason.name if refusal.check is None else f"{refusal.reason.name}: {refusal.check}"
    event = context.event(EventType.REFUSED, actor=actor, device=device, detail=detail)
    return Transition(account, refusal, events=(*events, event))
