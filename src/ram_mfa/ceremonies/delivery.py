# SPDX-License-Identifier: Apache-2.0
"""The outbox of a record: adding events, dropping some where it is full, and removing delivered ones.

Events are delivered at least once, in the order in which they were committed.
"""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import CHANGES, REVOCATIONS, Event, EventType
from ..rules.verb import Transition, Verb


@attrs.frozen
class Waiting(Verb[tuple[Event, ...]]):
    """Return the undelivered events."""

    while_moving = True

    def __call__(self, account: Account | None, context: Context) -> Transition[tuple[Event, ...]]:
        """Return the same account and its outbox."""
        del context
        return Transition(account, () if account is None else account.outbox)


@attrs.frozen
class Delivered(Verb[None]):
    """Remove delivered events; those already removed are ignored.

    Attributes:
        events: as they were delivered.
    """

    while_moving = True
    events: tuple[Event, ...]

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the transition to the account without them."""
        del context
        if account is None:
            return Transition(account, None)
        left = list(account.outbox)
        for event in self.events:
            if event in left:
                left.remove(event)
        return Transition(
            account if len(left) == len(account.outbox) else attrs.evolve(account, outbox=tuple(left)), None
        )


def with_events(account: Account, events: tuple[Event, ...], context: Context) -> Account | None:
    """Return the account with events added to its outbox, or None where their change must wait for room.

    Where there is no room the oldest refusals are dropped, so that wrong codes cannot fill an outbox. A revocation
    never waits: its events displace the oldest of any type. A change of devices or settings waits; any other event is
    itself dropped. One event counts the events dropped since the last delivery.
    """
    waiting = [event for event in account.outbox if event.type is not EventType.EVENTS_DROPPED]
    dropped = sum(int(event.detail) for event in account.outbox if event.type is EventType.EVENTS_DROPPED)
    together = [*waiting, *events]
    over = len(together) - max(context.policy.outbox, len(waiting))
    displaced = [event for event in together if event.type is EventType.REFUSED][: max(over, 0)]
    for event in displaced:
        together.remove(event)
    over -= len(displaced)
    if over > 0:
        types = {event.type for event in events}
        if types & REVOCATIONS:
            together = together[over:]
        elif types & CHANGES:
            return None
        else:
            together = together[:-over]
        dropped += over
    dropped += len(displaced)
    count = (context.event(EventType.EVENTS_DROPPED, detail=str(dropped)),) if dropped else ()
    return attrs.evolve(account, outbox=(*count, *together))
