# SPDX-License-Identifier: Apache-2.0
"""The record's outbox: what goes in when it is full, and taking out what was delivered.

Events are delivered at least once, in the order in which they were committed.
"""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import CHANGES, REVOCATIONS, Event, EventType
from .transition import Transition, Verb


@attrs.frozen
class Waiting(Verb[tuple[Event, ...]]):
    """Look at the events that wait."""

    moves = True

    def __call__(self, account: Account | None, context: Context) -> Transition[tuple[Event, ...]]:
        """Return the same account and its outbox."""
        del context
        return Transition(account, () if account is None else account.outbox)


@attrs.frozen
class Delivered(Verb[None]):
    """Take delivered events out; those that somebody else took out before are no trouble.

    Attributes:
        events: as they were delivered.
    """

    moves = True
    events: tuple[Event, ...]

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the step to the account without them."""
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
    """Return the account with events in its outbox, or None where the change that they tell of must wait for room.

    Where there is no room the oldest refusals give way: whoever types wrong codes cannot fill an outbox with them. A
    revocation is never held up: for its events the oldest of any kind give way. A change of devices or settings waits;
    of anything else the event itself is dropped. One event counts what was dropped since the last delivery.
    """
    waiting = [event for event in account.outbox if event.type is not EventType.EVENTS_DROPPED]
    dropped = sum(int(event.detail) for event in account.outbox if event.type is EventType.EVENTS_DROPPED)
    together = [*waiting, *events]
    over = len(together) - max(context.policy.outbox, len(waiting))
    given_way = [event for event in together if event.type is EventType.REFUSED][: max(over, 0)]
    for event in given_way:
        together.remove(event)
    over -= len(given_way)
    if over > 0:
        told = {event.type for event in events}
        if told & REVOCATIONS:
            together = together[over:]
        elif told & CHANGES:
            return None
        else:
            together = together[:-over]
        dropped += over
    dropped += len(given_way)
    count = (Event(EventType.EVENTS_DROPPED, context.user, context.now, detail=str(dropped)),) if dropped else ()
    return attrs.evolve(account, outbox=(*count, *together))
