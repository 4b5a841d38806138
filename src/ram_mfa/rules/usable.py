# SPDX-License-Identifier: Apache-2.0
"""Usable devices: the bound ones that are not disabled and that the policy still allows.

Of a device that is not usable no code or assertion is accepted, no receipt that it earned, and no machine that it
proved (requirement A24).
"""

from __future__ import annotations

from ..account import Account, Device, SecurityKey, VirtualMFADevice
from ..policy import MFAPolicy
from ..refusals import Reason


def why_unusable(device: Device, policy: MFAPolicy) -> Reason | None:
    """Return why a bound device may not answer, or None where it may."""
    if isinstance(device, VirtualMFADevice) and (
        device.disabled_at is not None or device.failures >= policy.throttle.max_consecutive
    ):
        return Reason.DEVICE_DISABLED
    return None if is_allowed(device, policy) else Reason.DEVICE_NOT_ALLOWED


def is_allowed(device: Device, policy: MFAPolicy) -> bool:
    """Return whether the policy lets a bound device answer."""
    models = device.models if isinstance(device, SecurityKey) else ()
    return policy.may_answer(device.kind, models=models).allowed


def usable_devices(account: Account, policy: MFAPolicy) -> tuple[Device, ...]:
    """Return the bound devices that may answer, in the order of binding."""
    return tuple([device for device in account.devices if why_unusable(device, policy) is None])


def why_none_usable(account: Account, policy: MFAPolicy) -> Reason | None:
    """Return why no bound device may answer, or None where one may, or none is bound."""
    reasons = [why_unusable(device, policy) for device in account.devices]
    if not reasons or None in reasons:
        return None
    return Reason.DEVICE_NOT_ALLOWED if Reason.DEVICE_NOT_ALLOWED in reasons else Reason.DEVICE_DISABLED
