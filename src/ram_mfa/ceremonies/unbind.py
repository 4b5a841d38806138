# SPDX-License-Identifier: Apache-2.0
"""Removal of one device, or of all MFA: after a lost key, an uninstalled app, or for a change of kind.

Either ends every ticket, receipt, offer and remembered machine with the same swap (requirements B5, B17; V22).
"""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import Event, EventType
from ..refusals import Reason
from ..rules import fields
from ..rules.account_changes import select_device, without_device
from ..rules.actors import Actor, Owner, is_actor
from ..rules.authority import Action, authorise
from ..rules.session_marks import mark_for
from ..rules.tickets import renewed
from ..rules.verb import Transition, Verb, refused
from ..rules.views import AccountView, Unbound, account_view, unbound_view


@attrs.frozen
class Unbind(Verb[Unbound]):
    """Unbind a device.

    Attributes:
        device: its id; may be left out where one is bound.
        by: who asks; an administrator's unbind clears the day's budget of wrong codes too.
    """

    device: str | None = attrs.field(default=None, validator=fields.is_optional_text)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def __call__(self, account: Account | None, context: Context) -> Transition[Unbound]:
        """Return the transition to the account without the device."""
        actor = self.by.label
        grant = authorise(account, context, self.by, Action.UNBIND)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        if account is None:
            return refused(account, context, Reason.NO_ACCOUNT, actor=actor)
        device = select_device(account.devices, self.device)
        if isinstance(device, Reason):
            return refused(account, context, device, actor=actor)
        wrong = account.wrong if isinstance(self.by, Owner) else ()
        after = attrs.evolve(without_device(account, context, device), wrong=wrong)
        event = Event(EventType.DEVICE_UNBOUND, context.user, context.now, actor, device.id, device.kind.value)
        view = unbound_view(device, context.policy, mark_for(self.by, after, context))
        return Transition(after, view, events=(event,))


@attrs.frozen
class ResetMFA(Verb[AccountView]):
    """Remove all devices, machines and counts of wrong codes, and require the user to bind again (requirements B6, B7).

    Attributes:
        by: who asks.
    """

    by: Actor = attrs.field(validator=is_actor)

    def __call__(self, account: Account | None, context: Context) -> Transition[AccountView]:
        """Return the transition to the account as it was opened, with MFA required."""
        actor = self.by.label
        grant = authorise(account, context, self.by, Action.RESET)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        if account is None:
            return refused(account, context, Reason.NO_ACCOUNT, actor=actor)
        after = attrs.evolve(
            renewed(account, context), devices=(), machines=(), wrong=(), password_mark=None, required=True
        )
        must_bind = context.policy.must_use_mfa(required=True).allowed
        event = Event(EventType.MFA_RESET, context.user, context.now, actor)
        return Transition(after, account_view(after, context, must_bind=must_bind), events=(event,))
