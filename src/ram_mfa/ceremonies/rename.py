# SPDX-License-Identifier: Apache-2.0
"""Renaming of a bound device."""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import EventType
from ..refusals import Reason
from ..rules import fields
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.devices import is_device_name, select_device
from ..rules.verb import ActorVerb, Transition
from ..rules.views import DeviceView, device_view


@attrs.frozen
class RenameDevice(ActorVerb[DeviceView]):
    """Give a device another name.

    Attributes:
        device: its id; may be left out where one is bound.
        name: 1 to 64 printable characters.
        by: who asks.
    """

    action = Action.RENAME
    device: str | None = attrs.field(default=None, validator=fields.is_optional_text)
    name: str = attrs.field(kw_only=True, validator=fields.is_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[DeviceView] | Reason:
        """Return the transition to the device renamed."""
        device = select_device(account.devices, self.device)
        if isinstance(device, Reason):
            return device
        if not is_device_name(self.name):
            return Reason.BAD_NAME
        renamed = attrs.evolve(device, name=self.name)
        event = context.event(EventType.DEVICE_RENAMED, actor=grant.actor, device=device.id)
        after = grant.spent(account.with_device(renamed), context)
        return Transition(after, device_view(renamed, context.policy), events=(event,))
