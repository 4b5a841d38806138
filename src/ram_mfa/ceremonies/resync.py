# SPDX-License-Identifier: Apache-2.0
"""Resynchronisation of a virtual device whose clock is off.

RFC 6238 section 6: drift is set only here, by two consecutive codes, within the policy's bound (requirement O11). A
wrong try goes through the same throttle as a logon's (V11). A resynchronisation also recovers a device of which
a wrong clock accepted a future time step, without reviving a code (requirement A5).
"""

from __future__ import annotations

import attrs

from .._secret import SecretText
from ..account import Account, VirtualMFADevice
from ..context import Context
from ..events import EventType
from ..refusals import Reason
from ..rules import fields
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.browser_tokens import actor_as_sender
from ..rules.devices import select_device
from ..rules.throttle import count_wrong, find_gate
from ..rules.totp_check import accepted_in_the_future, match_run, totp_of, why_spent, with_accepted
from ..rules.verb import ActorVerb, Transition, refused
from ..rules.views import DeviceView, device_view

CODES = 2


@attrs.frozen
class ResyncVirtualDevice(ActorVerb[DeviceView]):
    """Set a virtual device's drift from two consecutive codes of its app; both are consumed.

    The plan, each step marked below; `ActorVerb` has authorised the actor:

    1. the device is bound and virtual;
    2. the throttle lets it try a code now; the actor is authorised, and so at the gate of known browsers;
    3. both codes match consecutive time steps within the policy's bound; otherwise a wrong code is counted;
    4. neither time step is spent;
    5. both are consumed and the drift is set; the actor's receipt is spent with them.

    Attributes:
        device: its id; may be left out where one is bound.
        codes: two codes as typed, in the order in which the app showed them.
        by: who asks.
    """

    action = Action.RESYNC
    device: str | None = attrs.field(default=None, validator=fields.is_optional_text)
    codes: tuple[SecretText, ...] = attrs.field(converter=fields.as_codes, repr=False, kw_only=True)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[DeviceView] | Reason:
        """Return the transition to the device with its drift set."""
        actor, policy = grant.actor, context.policy
        # 1. The device
        device = select_device(account.devices, self.device)
        if isinstance(device, Reason):
            return device
        if not isinstance(device, VirtualMFADevice):
            return Reason.UNKNOWN_DEVICE

        # 2. The throttle
        sender = actor_as_sender(actor)
        gate = find_gate(account, device, context, sender)
        if gate.refusal is not None:
            return refused(account, context, gate.refusal, actor=actor, device=device.id)

        # 3. The codes
        totp = totp_of(device)
        step = None
        if len(self.codes) == CODES:
            step = match_run(totp, self.codes, now=context.now, backward=policy.totp.drift, forward=policy.totp.drift)
        if step is None:
            counted, refusal, events = count_wrong(account, device, context, sender, gate, codes=CODES)
            return refused(counted, context, refusal, actor=actor, device=device.id, events=events)

        # 4. The time steps
        why_not = _why_not(device, step, context)
        if why_not is not None:
            return refused(account, context, why_not, actor=actor, device=device.id)

        # 5. The change
        accepted, floor = with_accepted(device.accepted, device.floor, step - 1, step)
        synced = attrs.evolve(
            device,
            last_step=step,
            accepted=accepted,
            floor=floor,
            drift=step - totp.step(context.now),
            failures=0,
            closed_until=0,
        )
        event = context.event(EventType.DEVICE_RESYNCED, actor=actor, device=device.id, detail=f"drift {synced.drift}")
        after = grant.spent(account.with_device(synced), context)
        return Transition(after, device_view(synced, policy), events=(event,))


def _why_not(device: VirtualMFADevice, step: int, context: Context) -> Reason | None:
    """Return why the codes of a time step and of the one before it are not accepted, or None.

    Where the last time step lies in the future, a clock was wrong: then only steps known to have been accepted are
    refused, so that the user can recover and no accepted code passes again when its time comes.
    """
    ahead = accepted_in_the_future(device, context)
    if ahead is Reason.REBIND_NEEDED:
        return ahead
    if ahead is None and step - 1 <= device.last_step:
        return Reason.REPLAYED_CODE
    return why_spent(device, step - 1, context) or why_spent(device, step, context)
