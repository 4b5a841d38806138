# SPDX-License-Identifier: Apache-2.0
"""Import of a user with all devices in one transition: a move from another library is whole, or did not happen."""

from __future__ import annotations

import hmac

import attrs

from .._validation import as_tuple, each, instance_of, is_flag
from ..account import MAX_DEVICES, Account, Device, VirtualMFADevice
from ..context import Context
from ..refusals import Reason
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.new_account import new_account
from ..rules.verb import ActorVerb, Transition
from ..rules.views import Bound
from .import_devices import ImportDevice


@attrs.frozen
class ImportedUser:
    """The outcome of `ImportUser`.

    Attributes:
        results: for each device, in the order given, what was bound, or why it was not.
    """

    results: tuple[Bound | Reason, ...]


@attrs.frozen
class ImportUser(ActorVerb[ImportedUser]):
    """Make a user's record with the devices that another library bound.

    A user who has a record is refused, with `Reason.ACCOUNT_EXISTS`: a device that was unbound since an earlier import
    must not return. Devices that may not be bound are left out. Where none may, no record is made.

    Attributes:
        devices: imports, 1 to 16; each is authorised as this verb is, and makes no record of its own.
        by: who asks.
        dry_run: whether nothing is written. Whether another user holds a credential id is then not known.
    """

    action = Action.IMPORT
    devices: tuple[ImportDevice, ...] = attrs.field(
        converter=as_tuple, validator=each(tuple, instance_of(ImportDevice), least=1, most=MAX_DEVICES)
    )
    by: Actor = attrs.field(kw_only=True, validator=is_actor)
    dry_run: bool = attrs.field(default=False, kw_only=True, validator=is_flag)

    def perform(self, account: Account, context: Context, grant: Grant) -> Reason:
        """Refuse: the user has a record."""
        del account, context, grant
        return Reason.ACCOUNT_EXISTS

    def perform_without_record(self, context: Context, grant: Grant) -> Transition[ImportedUser]:
        """Return the transition to a record with the devices."""
        account, results = new_account(context, required=True), list[Bound | Reason]()
        transition = Transition[ImportedUser](None, ImportedUser(()))
        for number, device in enumerate(self.devices):
            # Each device draws entropy of its own, so that no two have the same id.
            own = attrs.evolve(context, entropy=context.draw(f"import {number}", 32))
            bound = device.perform(account, own, grant)
            if isinstance(bound, Reason):
                results.append(bound)
                continue
            after = bound.account
            assert after is not None
            assert isinstance(bound.outcome, Bound)
            if _is_same(account.devices, after.devices[-1]):
                results.append(Reason.NOTHING_TO_DO)
                continue
            account = after
            results.append(bound.outcome)
            transition = Transition(
                account, transition.outcome, (*transition.claims, *bound.claims), (*transition.events, *bound.events)
            )
        outcome = ImportedUser(tuple(results))
        return Transition(None, outcome) if self.dry_run else attrs.evolve(transition, outcome=outcome)


def _is_same(bound: tuple[Device, ...], device: Device) -> bool:
    """Return whether a virtual device with the same secret is bound."""
    return isinstance(device, VirtualMFADevice) and any(
        isinstance(one, VirtualMFADevice) and hmac.compare_digest(one.secret, device.secret) for one in bound
    )
