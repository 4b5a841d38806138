# SPDX-License-Identifier: Apache-2.0
"""Taking delivered events out of the record's outbox: at least once, in the order in which they were committed."""

from __future__ import annotations

import attrs

from ..account import Account
from ..events import Event
from ..moment import Moment
from .transition import Step, Verb


@attrs.frozen
class Waiting(Verb[tuple[Event, ...]]):
    """Look at the events that wait."""

    moves = True

    def __call__(self, account: Account | None, moment: Moment) -> Step[tuple[Event, ...]]:
        """Return the same account and its outbox."""
        del moment
        return Step(account, () if account is None else account.outbox)


@attrs.frozen
class Delivered(Verb[None]):
    """Take delivered events out; those that somebody else took out before are no trouble.

    Attributes:
        events: the first ones of the outbox, as they were delivered.
    """

    moves = True
    events: tuple[Event, ...]

    def __call__(self, account: Account | None, moment: Moment) -> Step[None]:
        """Return the step to the account without them."""
        del moment
        if account is None or not self.events or account.outbox[: len(self.events)] != self.events:
            return Step(account, None)
        return Step(attrs.evolve(account, outbox=account.outbox[len(self.events) :]), None)
