# SPDX-License-Identifier: Apache-2.0
"""Forgetting of remembered machines: one, or all of them (requirements B16 and B17)."""

from __future__ import annotations

import attrs

from ..account import Account, Machine
from ..context import Context
from ..events import EventType
from ..refusals import Reason
from ..rules import fields
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.unforgiven import with_new_epoch
from ..rules.verb import ActorVerb, Transition


@attrs.frozen
class ForgetMachine(ActorVerb[None]):
    """Forget one remembered machine.

    Attributes:
        machine: `MachineView.id`.
        by: who asks.
    """

    action = Action.MACHINES
    machine: str = attrs.field(validator=fields.is_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[None] | Reason:
        """Return the transition to the account without it."""
        left = tuple(machine for machine in account.machines if machine.id != self.machine)
        return _forget(account, context, grant, left)


@attrs.frozen
class ForgetMachines(ActorVerb[None]):
    """Forget all remembered machines; where the policy distinguishes known browsers, every browser is then a new one.

    Attributes:
        by: who asks.
    """

    action = Action.MACHINES
    by: Actor = attrs.field(validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[None] | Reason:
        """Return the transition to the account without any."""
        if context.policy.known_browsers is None:
            return _forget(account, context, grant, ())
        after = attrs.evolve(account, machines=(), browsers=with_new_epoch(account, context))
        event = context.event(EventType.MACHINES_FORGOTTEN, actor=grant.actor)
        return Transition(grant.spent(after, context), None, events=(event,))


def _forget(account: Account, context: Context, grant: Grant, left: tuple[Machine, ...]) -> Transition[None] | Reason:
    if len(left) == len(account.machines):
        return Reason.NOTHING_TO_DO
    event = context.event(EventType.MACHINES_FORGOTTEN, actor=grant.actor)
    return Transition(grant.spent(attrs.evolve(account, machines=left), context), None, events=(event,))
