# SPDX-License-Identifier: Apache-2.0
"""Forgetting of remembered machines: one, or all of them (requirements B16 and B17)."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..account import Account, Machine
from ..context import Context
from ..events import Event, EventType
from ..refusals import Reason
from ..rules import fields
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, authorise
from ..rules.verb import Transition, Verb, refused


@attrs.frozen
class ForgetMachine(Verb[None]):
    """Forget one remembered machine.

    Attributes:
        machine: `MachineView.id`.
        by: who asks.
    """

    machine: str = attrs.field(validator=fields.is_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the transition to the account without it."""
        return _forget(account, context, self.by, lambda machine: machine.id == self.machine)


@attrs.frozen
class ForgetMachines(Verb[None]):
    """Forget all remembered machines.

    Attributes:
        by: who asks.
    """

    by: Actor = attrs.field(validator=is_actor)

    def __call__(self, account: Account | None, context: Context) -> Transition[None]:
        """Return the transition to the account without any."""
        return _forget(account, context, self.by, lambda _: True)


def _forget(account: Account | None, context: Context, by: Actor, which: Callable[[Machine], bool]) -> Transition[None]:
    grant = authorise(account, context, by, Action.MACHINES)
    if isinstance(grant, Reason):
        return refused(account, context, grant, actor=by.label)
    if account is None or grant.account is None:
        return refused(account, context, Reason.NO_ACCOUNT, actor=by.label)
    left = tuple(machine for machine in account.machines if not which(machine))
    if len(left) == len(account.machines):
        return refused(account, context, Reason.NOTHING_TO_DO, actor=by.label)
    event = Event(EventType.MACHINES_FORGOTTEN, context.user, context.now, by.label)
    return Transition(attrs.evolve(grant.account, machines=left), None, events=(event,))
