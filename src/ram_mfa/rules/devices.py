# SPDX-License-Identifier: Apache-2.0
"""Devices: the usable ones, the one that a verb names, and whether one more may be bound.

A usable device is bound, not disabled, and still allowed by the policy. Of a device that is not usable no code or
assertion is accepted, no receipt that it earned, and no machine that it proved (requirement A24).
"""

from __future__ import annotations

from typing import Final, TypeVar

from ..account import MIN_SECRET, Account, Device, SecurityKey, VirtualMFADevice
from ..context import Context
from ..encoding import base64url
from ..otp import TOTP
from ..policy import MFAPolicy, PolicyRule
from ..refusals import Kind, Reason

MAX_NAME: Final = 64
AnyDevice = TypeVar("AnyDevice", bound=Device)


def why_unusable(device: Device, policy: MFAPolicy) -> Reason | None:
    """Return why a bound device may not answer, or None where it may."""
    if isinstance(device, VirtualMFADevice) and (
        device.disabled_at is not None or device.failures >= policy.throttle.max_consecutive
    ):
        return Reason.DEVICE_DISABLED
    return None if is_allowed(device, policy) else Reason.DEVICE_NOT_ALLOWED


def is_allowed(device: Device, policy: MFAPolicy) -> bool:
    """Return whether the policy lets a bound device answer."""
    if isinstance(device, SecurityKey):
        return policy.may_answer(device.kind, models=device.models, through_u2f=device.app_id is not None).allowed
    return policy.may_answer(device.kind).allowed


def is_weak(device: Device) -> bool:
    """Return whether a device's secret is shorter than 128 bits, which an import can allow by name."""
    return isinstance(device, VirtualMFADevice) and len(device.secret) < MIN_SECRET


def usable_devices(account: Account, policy: MFAPolicy) -> tuple[Device, ...]:
    """Return the bound devices that may answer, in the order of binding."""
    return tuple([device for device in account.devices if why_unusable(device, policy) is None])


def why_none_usable(account: Account, policy: MFAPolicy) -> Reason | None:
    """Return why no bound device may answer, or None where one may, or none is bound."""
    reasons = [why_unusable(device, policy) for device in account.devices]
    if not reasons or None in reasons:
        return None
    return Reason.DEVICE_NOT_ALLOWED if Reason.DEVICE_NOT_ALLOWED in reasons else Reason.DEVICE_DISABLED


def select_device(devices: tuple[AnyDevice, ...], device_id: str | None) -> AnyDevice | Reason:
    """Return the device with that id (by default the only one), or why there is none."""
    if device_id is not None:
        return next((device for device in devices if device.id == device_id), Reason.UNKNOWN_DEVICE)
    if not devices:
        return Reason.NO_DEVICE
    return devices[0] if len(devices) == 1 else Reason.NAME_THE_DEVICE


def is_device_name(name: str) -> bool:
    """Return whether a device may have that name: 1 to 64 printable characters, and not only blanks."""
    return isinstance(name, str) and 1 <= len(name) <= MAX_NAME and name.isprintable() and not name.isspace()


def may_bind(account: Account, policy: MFAPolicy, kind: Kind) -> Reason | None:
    """Return why no device of the kind may be bound now, or None."""
    decision = policy.may_bind(kind, bound=tuple(device.kind for device in account.devices))
    if decision.allowed:
        return None
    if decision.rule is PolicyRule.ONE_KIND:
        return Reason.OTHER_KIND_BOUND
    return Reason.TOO_MANY_DEVICES if decision.rule is PolicyRule.MAX_DEVICES else Reason.KIND_NOT_ALLOWED


def new_virtual_device(
    context: Context,
    totp: TOTP,
    *,
    name: str,
    bound_by: str,
    last_step: int,
    accepted: tuple[int, ...] = (),
    floor: int = -1,
    drift: int = 0,
    last_used_at: float | None = None,
) -> VirtualMFADevice:
    """Return a virtual device to bind, under a new id; the arguments are as in `VirtualMFADevice`."""
    return VirtualMFADevice(
        id=base64url.encode(context.draw("device", 16)),
        name=name,
        secret=totp.secret,
        algorithm=totp.algorithm,
        digits=totp.digits,
        period=totp.period,
        last_step=last_step,
        accepted=accepted,
        floor=floor,
        drift=drift,
        failures=0,
        closed_until=0,
        disabled_at=None,
        bound_at=context.now,
        bound_by=bound_by,
        last_used_at=last_used_at,
        history=context.root.history,
    )
