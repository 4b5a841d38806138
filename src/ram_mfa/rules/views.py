# SPDX-License-Identifier: Apache-2.0
"""Views of devices, machines and accounts for their owners and administrators: no secret, no handle."""

from __future__ import annotations

from typing import Any

import attrs

from ..account import Account, Device, Machine, SecurityKey, expires_at
from ..context import Context
from ..policy import MFAPolicy
from ..refusals import Kind, Reason
from . import unforgiven
from .admission import Proof
from .devices import is_allowed, is_weak, why_unusable
from .recovery_codes import RecoveryCodeSheet, codes_left


@attrs.frozen
class DeviceView:
    """A bound device, as shown to those who manage it.

    Attributes:
        id, name, kind: its id, its name and its kind.
        bound_at, bound_by, last_used_at: seconds since the epoch, the actor, seconds since the epoch or None.
        disabled: whether too many wrong codes disabled it.
        allowed: whether the policy lets it answer; where it does not, `DevicePolicy.disallowed` is the cause.
        weak: whether its secret is shorter than 128 bits: it was imported with ``unsafe_short_secret``. Bind it again.
        model: what a trusted attestation says it is; else empty.
        cloned_at: when a security key's count last went back, or None.
    """

    id: str
    name: str
    kind: Kind
    bound_at: float
    bound_by: str
    last_used_at: float | None
    disabled: bool
    allowed: bool
    weak: bool
    model: str
    cloned_at: float | None


@attrs.frozen
class Bound(DeviceView):
    """A device just bound.

    Attributes:
        proof: of the logon, where an `Enrolment` bound it; else None.
        session_mark: of the session in which its `Owner` bound it, in place of the mark that the bind ended; else None.
        recovery_codes: the sheet to show once, where the policy has recovery codes and the user bound the first device.
    """

    proof: Proof | None
    session_mark: str | None = attrs.field(repr=False)
    recovery_codes: RecoveryCodeSheet | None


@attrs.frozen
class Unbound(DeviceView):
    """A device just unbound, as it was.

    Attributes:
        session_mark: of the session in which its `Owner` unbound it, in place of the mark that the unbind ended; else
            None.
    """

    session_mark: str | None = attrs.field(repr=False)


def _facts(device: Device, policy: MFAPolicy) -> dict[str, Any]:
    key = device if isinstance(device, SecurityKey) else None
    return {
        "id": device.id,
        "name": device.name,
        "kind": device.kind,
        "bound_at": device.bound_at,
        "bound_by": device.bound_by,
        "last_used_at": device.last_used_at,
        "disabled": why_unusable(device, policy) is Reason.DEVICE_DISABLED,
        "allowed": is_allowed(device, policy),
        "weak": is_weak(device),
        "model": key.model if key else "",
        "cloned_at": key.cloned_at if key else None,
    }


def device_view(device: Device, policy: MFAPolicy) -> DeviceView:
    """Return the view of a device."""
    return DeviceView(**_facts(device, policy))


def bound_view(
    device: Device,
    policy: MFAPolicy,
    proof: Proof | None = None,
    session_mark: str | None = None,
    recovery_codes: RecoveryCodeSheet | None = None,
) -> Bound:
    """Return the outcome of a bind."""
    return Bound(**_facts(device, policy), proof=proof, session_mark=session_mark, recovery_codes=recovery_codes)


def unbound_view(device: Device, policy: MFAPolicy, session_mark: str | None) -> Unbound:
    """Return the outcome of an unbind."""
    return Unbound(**_facts(device, policy), session_mark=session_mark)


@attrs.frozen
class MachineView:
    """A remembered machine, as shown to its owner.

    Attributes:
        id: for `ForgetMachine`.
        label: what the user called it.
        remembered_at, expires_at: seconds since the epoch.
        this: whether it is the one whose token was presented.
    """

    id: str
    label: str
    remembered_at: float
    expires_at: float
    this: bool


def machine_view(machine: Machine, *, this: bool) -> MachineView:
    """Return the view of a machine."""
    return MachineView(machine.id, machine.label, machine.remembered_at, machine.expires_at, this)


@attrs.frozen
class AccountView:
    """An account, as shown to its owner or an administrator; it never holds a secret or a handle.

    Attributes:
        user: the user id.
        required: whether an administrator requires MFA of this user.
        must_bind: whether the next logon returns `MustBind`.
        devices, machines: bound and remembered ones, the oldest first.
        waiting: the kinds of the open offers.
        recovery_codes: how many are unused; None where none were made.
        created_at: seconds since the epoch.
        known_browser: whether the presented browser cookie makes this browser a known one.
        unforgiven: wrong codes of new browsers that are not forgiven: from five on, somebody else may know the
            password.
    """

    user: str
    required: bool
    must_bind: bool
    devices: tuple[DeviceView, ...]
    machines: tuple[MachineView, ...]
    waiting: tuple[Kind, ...]
    recovery_codes: int | None
    created_at: float
    known_browser: bool
    unforgiven: int


def account_view(
    account: Account, context: Context, *, must_bind: bool, this: bytes | None = None, known: bool = False
) -> AccountView:
    """Return the view of an account.

    Args:
        account: the account.
        context: policy, time, entropy and the root record.
        must_bind: whether the next logon returns `MustBind`.
        this: the digest of the presented machine's handle, or None.
        known: whether the presented browser is a known one.
    """
    now = context.now
    return AccountView(
        user=account.user,
        required=account.required,
        must_bind=must_bind,
        devices=tuple(device_view(device, context.policy) for device in account.devices),
        machines=tuple(machine_view(one, this=one.digest == this) for one in account.machines if one.expires_at > now),
        waiting=tuple(offer.kind for offer in account.offers if expires_at(offer.stamp) > now * 1_000_000),
        recovery_codes=codes_left(account),
        created_at=account.created_at,
        known_browser=known,
        unforgiven=unforgiven.count(account, context.now),
    )
