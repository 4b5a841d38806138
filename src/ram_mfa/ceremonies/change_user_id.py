# SPDX-License-Identifier: Apache-2.0
"""Moving an account to another user id: the steps of it, each of which may be lost, repeated, or come late.

The store key is associated data of the seal, so a record cannot simply be copied, and no store swaps two records in
one statement. `ram_mfa.engine.moves` performs these verbs in order::

    old: living --Depart--> leaving --Commit--> departed --Leave--> none
    new: none --Reserve--> reserved --Arrive--> living                       Release: reserved --> none

Invariant: a reservation is an id drawn anew, and belongs to one departure. `Commit` names it in the old record, and
only a record that departed arrives, only in the place that it reserved: late steps of a mover whose move is over find
another reservation or none, and write nothing. A reservation is released only where it can no longer be committed.
"""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import EventType
from ..refusals import Reason
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.new_account import new_account
from ..rules.tickets import renewed
from ..rules.verb import ActorVerb, Transition, Verb


@attrs.frozen
class Depart(ActorVerb[Account]):
    """Mark the record as leaving for another user id; from here on every other verb refuses it.

    Attributes:
        to: the new user id.
        by: who asks.
    """

    action = Action.MOVE
    while_moving = True
    to: str
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[Account] | Reason:
        """Return the step to the record that leaves."""
        del grant
        if account.reserved_for is not None:
            return Reason.NO_ACCOUNT
        if account.moved_to == self.to:
            return Transition(account, account)
        if account.moved_to is not None:
            return Reason.MOVING
        leaving = attrs.evolve(renewed(account, context), moved_to=self.to, machines=())
        return Transition(leaving, leaving)


@attrs.frozen
class Look(Verb[Account | None]):
    """Return the record as it is, in a move or not; nothing changes."""

    while_moving = True

    def __call__(self, account: Account | None, context: Context) -> Transition[Account | None]:
        """Return the same account."""
        del context
        return Transition(account, account)


@attrs.frozen
class Reserve(Verb[Account]):
    """Take the new user id's place, where nobody has it; the outcome is who has it now.

    Attributes:
        leaving: the record that is to arrive.
    """

    while_moving = True
    leaving: Account

    def __call__(self, account: Account | None, context: Context) -> Transition[Account]:
        """Return the step to a place that is reserved, or the same record."""
        if account is not None:
            return Transition(account, account)
        place = attrs.evolve(
            new_account(context, required=True),
            epoch=self.leaving.epoch,
            reserved_for=self.leaving.user,
            reservation=bytes(context.draw("reservation", 16)),
        )
        return Transition(place, place)


@attrs.frozen
class Commit(Verb[Account | None]):
    """Have the record that leaves depart for the place that was reserved; the outcome is the record as it then is.

    Attributes:
        leaving: the record as it left.
        reservation: of the place.
    """

    while_moving = True
    leaving: Account
    reservation: bytes

    def __call__(self, account: Account | None, context: Context) -> Transition[Account | None]:
        """Return the step to the record that departed; the same one where that departure is over."""
        del context
        if account is None or not is_leaving(account, self.leaving):
            return Transition(account, account)
        departed = attrs.evolve(account, reservation=self.reservation)
        return Transition(departed, departed)


@attrs.frozen
class Cancel(Verb[bool]):
    """Let the record stay that could not arrive; the outcome is whether it stays.

    Attributes:
        leaving: the record as it left.
    """

    while_moving = True
    leaving: Account

    def __call__(self, account: Account | None, context: Context) -> Transition[bool]:
        """Return the step to the record as before; the same one where it departed, or that departure is over."""
        del context
        if account is None or not is_leaving(account, self.leaving):
            return Transition(account, account is not None and account.moved_to is None)
        return Transition(attrs.evolve(account, moved_to=None), outcome=True)


@attrs.frozen
class Release(Verb[None]):
    """Give a place free whose reservation can no longer be committed.

    Attributes:
        reservation: of the place.
    """

    while_moving = True
    reservation: bytes | None

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the step to no record; the same record where that reservation is over."""
        del context
        return Transition(None if account is not None and is_reserved(account, self.reservation) else account, None)


@attrs.frozen
class Arrive(Verb[None]):
    """Write the record under its new user id, in the place that was reserved; in no other, and once.

    Attributes:
        departed: the record as it departed.
        actor: what events call who asked.
    """

    while_moving = True
    departed: Account
    actor: str

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the step to the record that arrived; the same one where it arrived before."""
        if account is None or not is_reserved(account, self.departed.reservation):
            return Transition(account, None)
        arrived = attrs.evolve(renewed(self.departed, context), user=context.user, moved_to=None, reservation=None)
        event = context.event(EventType.ACCOUNT_MOVED, actor=self.actor, detail=f"from {self.departed.user}")
        return Transition(arrived, None, events=(event,))


@attrs.frozen
class Leave(Verb[None]):
    """Erase the record that departed, once it has arrived.

    Attributes:
        reservation: of the place where it arrived.
    """

    while_moving = True
    reservation: bytes | None

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the step to no record."""
        del context
        over = account is None or account.moved_to is None or account.reservation != self.reservation
        return Transition(account if over else None, None)


def is_leaving(account: Account, leaving: Account) -> bool:
    """Return whether a record is in that very departure, and committed to no place yet."""
    same = account.moved_to is not None and account.moved_to == leaving.moved_to and account.epoch == leaving.epoch
    return same and account.reservation is None


def is_reserved(account: Account, reservation: bytes | None) -> bool:
    """Return whether a record is the place of that reservation."""
    return account.reserved_for is not None and account.reservation == reservation


def may_still_arrive(source: Account | None, place: Account) -> bool:
    """Return whether the record that a place is reserved for is, or may yet be, committed to it."""
    if source is None or source.moved_to != place.user or source.epoch != place.epoch:
        return False
    return source.reservation in (None, place.reservation)
