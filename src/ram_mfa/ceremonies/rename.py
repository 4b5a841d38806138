# SPDX-License-Identifier: Apache-2.0
"""Renaming of a bound device."""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import Event, EventType
from ..refusals import Kind, Reason
from ..rules import fields
from ..rules.account_changes import check_name, select_device
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, authorise
from ..rules.verb import Transition, Verb, refused
from ..rules.views import DeviceView, device_view


@attrs.frozen
class RenameDevice(Verb[DeviceView]):
    """Give a device another name.

    Attributes:
        device: its id; may be left out where one is bound.
        name: 1 to 64 printable characters.
        by: who asks.
    """

    device: str | None = attrs.field(default=None, validator=fields.is_optional_text)
    name: str = attrs.field(kw_only=True, validator=fields.is_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def __call__(self, account: Account | None, context: Context) -> Transition[DeviceView]:
        """Return the transition to the device renamed."""
        actor = self.by.label
        grant = authorise(account, context, self.by, Action.RENAME)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        if account is None or grant.account is None:
            return refused(account, context, Reason.NO_ACCOUNT, actor=actor)
        device = select_device(account.devices, self.device)
        if isinstance(device, Reason):
            return refused(account, context, device, actor=actor)
        name = check_name(self.name, Kind.VIRTUAL)
        if name is None:
            return refused(account, context, Reason.BAD_NAME, actor=actor)
        renamed = attrs.evolve(device, name=name)
        event = Event(EventType.DEVICE_RENAMED, context.user, context.now, actor, device.id)
        return Transition(grant.account.with_device(renamed), device_view(renamed, context.policy), events=(event,))
