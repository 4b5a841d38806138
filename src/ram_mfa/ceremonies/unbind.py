# SPDX-License-Identifier: Apache-2.0
"""Removal of one device, or of all MFA: after a lost key, an uninstalled app, or for a change of kind.

Either ends every ticket, receipt, offer and remembered machine with the same swap (requirements B5, B17; V22).
"""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import EventType
from ..refusals import Reason
from ..rules import fields
from ..rules.actors import Actor, Owner, is_actor
from ..rules.authority import Action, Grant
from ..rules.devices import select_device
from ..rules.session_marks import mark_for
from ..rules.tickets import renewed
from ..rules.unforgiven import cleared
from ..rules.verb import ActorVerb, Transition
from ..rules.views import AccountView, Unbound, account_view, unbound_view


@attrs.frozen
class Unbind(ActorVerb[Unbound]):
    """Unbind a device.

    Attributes:
        device: its id; may be left out where one is bound.
        by: who asks; an administrator's unbind clears the day's budget of wrong codes too, and makes every
            browser a new one.
    """

    action = Action.UNBIND
    device: str | None = attrs.field(default=None, validator=fields.is_optional_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[Unbound] | Reason:
        """Return the transition to the account without the device, under a new epoch, which ends the receipt too."""
        device = select_device(account.devices, self.device)
        if isinstance(device, Reason):
            return device
        left = tuple(bound for bound in account.devices if bound.id != device.id)
        recovery = account.recovery if left and isinstance(self.by, Owner) else None
        after = attrs.evolve(renewed(account, context), devices=left, machines=(), recovery=recovery)
        if not isinstance(self.by, Owner):
            after = attrs.evolve(after, wrong=(), browsers=cleared(after, context))
        event = context.event(EventType.DEVICE_UNBOUND, actor=grant.actor, device=device.id, detail=device.kind.value)
        view = unbound_view(device, context.policy, mark_for(self.by, after, context))
        return Transition(after, view, events=(event,))


@attrs.frozen
class ResetMFA(ActorVerb[AccountView]):
    """Remove all devices, machines and counts of wrong codes, and require the user to bind again (requirements B6, B7).

    Attributes:
        by: who asks.
    """

    action = Action.RESET
    by: Actor = attrs.field(validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[AccountView]:
        """Return the transition to the account as it was opened, with MFA required."""
        after = attrs.evolve(
            renewed(account, context),
            devices=(),
            machines=(),
            wrong=(),
            password_mark=None,
            required=True,
            browsers=cleared(account, context),
            recovery=None,
        )
        must_bind = context.policy.must_use_mfa(required=True).allowed
        event = context.event(EventType.MFA_RESET, actor=grant.actor)
        return Transition(after, account_view(after, context, must_bind=must_bind), events=(event,))
