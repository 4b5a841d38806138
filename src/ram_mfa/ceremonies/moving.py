# SPDX-License-Identifier: Apache-2.0
"""Moving an account to another user id, in steps that a crash may part: the old record refuses from the first on.

The store key is associated data of the seal, so a record cannot simply be copied. The loop performs these verbs in
order and moves the claims between them; each step may be repeated.
"""

from __future__ import annotations

import attrs

from ..account import Account
from ..events import Event, What
from ..moment import Moment
from ..words import Reason
from .actors import Actor, is_actor
from .authority import Deed, authorise
from .tickets import renewed
from .transition import Step, Verb, refused


@attrs.frozen
class Depart(Verb[Account]):
    """Mark the record as leaving for another user id; from here on every other verb refuses it.

    Attributes:
        to: the new user id.
        by: who asks.
    """

    moves = True
    to: str
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def __call__(self, account: Account | None, moment: Moment) -> Step[Account]:
        """Return the step to the record that leaves."""
        grant = authorise(account, moment, self.by, Deed.MOVE)
        if isinstance(grant, Reason):
            return refused(account, moment, grant, actor=self.by.label)
        if account is None:
            return refused(account, moment, Reason.NO_ACCOUNT, actor=self.by.label)
        if account.moved_to == self.to:
            return Step(account, account)
        if account.moved_to is not None:
            return refused(account, moment, Reason.MOVING, actor=self.by.label)
        leaving = attrs.evolve(renewed(account, moment), moved_to=self.to, machines=())
        return Step(leaving, leaving)


@attrs.frozen
class Arrive(Verb[None]):
    """Write the record under its new user id; one that is there already from the same move stays.

    Attributes:
        leaving: the record as it left.
        by: who asks.
    """

    moves = True
    leaving: Account
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def __call__(self, account: Account | None, moment: Moment) -> Step[None]:
        """Return the step to the record that arrived."""
        if account is not None:
            if account.handle == self.leaving.handle:
                return Step(account, None)
            return refused(account, moment, Reason.ACCOUNT_EXISTS, actor=self.by.label)
        arrived = attrs.evolve(renewed(self.leaving, moment), user=moment.user, moved_to=None)
        event = Event(What.ACCOUNT_MOVED, moment.user, moment.now, self.by.label, detail=f"from {self.leaving.user}")
        return Step(arrived, None, events=(event,))


@attrs.frozen
class Leave(Verb[None]):
    """Erase the record that left, once it has arrived; or let it stay where it could not.

    Attributes:
        to: the user id it left for.
        arrived: whether it arrived.
    """

    moves = True
    to: str
    arrived: bool

    def __call__(self, account: Account | None, moment: Moment) -> Step[None]:
        """Return the step to no record, or to the record as before."""
        del moment
        if account is None or account.moved_to != self.to:
            return Step(account, None)
        return Step(None if self.arrived else attrs.evolve(account, moved_to=None), None)
