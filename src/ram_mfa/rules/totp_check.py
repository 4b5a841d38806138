# SPDX-License-Identifier: Apache-2.0
"""Verification of TOTP codes: one for a logon, one or two consecutive ones for a bind or a resynchronisation.

RFC 6238 sections 5.2 and 6 (https://www.rfc-editor.org/rfc/rfc6238); requirements O6 to O8, O11, O17, O22. A code is
spent by the time step that it matches, however it was typed.
"""

from __future__ import annotations

import math
from typing import Final

from ..account import MAX_ACCEPTED, VirtualMFADevice
from ..context import Context
from ..otp import TOTP
from ..refusals import Reason

MAX_HELD_UP: Final = 120
"""Seconds for which codes may be refused, once the clocks are right, because a wrong clock accepted them too early."""


def totp_of(device: VirtualMFADevice) -> TOTP:
    """Return the device's generator."""
    return TOTP(device.secret, device.algorithm, device.digits, device.period)


def lost_step(device: VirtualMFADevice, context: Context) -> int:
    """Return the highest time step whose code may have been accepted in a lost history; -1 where none was lost.

    Only losses after the history in which the device was bound concern it: before that its secret did not exist.
    """
    lost_at = _lost_at(device, context)
    if lost_at is None:
        return -1
    policy = context.policy
    skew = math.ceil(2 * policy.clock_skew / device.period)
    return int(lost_at // device.period) + max(device.drift, 0) + policy.totp.forward + skew


def _lost_at(device: VirtualMFADevice, context: Context) -> float | None:
    return max(context.root.losses_since(device.history), default=None)


def accepted_in_the_future(device: VirtualMFADevice, context: Context) -> Reason | None:
    """Return what a device needs after a wrong clock accepted codes of the future; None where none did.

    A host with a right clock accepts no step beyond the device's drift, the window and the clocks' skew. Steps beyond
    that were accepted too early, and their codes are refused when their time comes: a device with too many of them must
    be bound again, because a resynchronisation would leave its user without a valid code for longer than MAX_HELD_UP.
    """
    present = int((context.now + context.policy.clock_skew) // device.period)
    latest = present + max(device.drift, 0) + context.policy.totp.forward
    if device.floor > latest:
        return Reason.REBIND_NEEDED
    if device.last_step <= latest:
        return None
    early = sum(step > latest for step in device.accepted)
    return Reason.REBIND_NEEDED if early > max(MAX_HELD_UP // device.period, 1) else Reason.RESYNC_NEEDED


def match_one(device: VirtualMFADevice, code: str, context: Context) -> tuple[int | None, Reason | None]:
    """Return the highest step that a code of the device matches now, and why it is not accepted, or None."""
    totp, window = totp_of(device), context.policy.totp
    step = totp.match(
        code,
        at=max(context.now + device.drift * device.period, 0),
        backward=window.backward,
        forward=window.forward,
    )
    if step is None:
        return None, Reason.WRONG_CODE
    why_not = Reason.REPLAYED_CODE if step <= device.last_step else why_spent(device, step, context)
    if why_not is Reason.REPLAYED_CODE:
        why_not = accepted_in_the_future(device, context) or why_not
    return step, why_not


def match_pair(device: VirtualMFADevice, codes: tuple[str, ...], context: Context) -> tuple[int | None, Reason | None]:
    """Return the step that the second of two consecutive codes matches now, and why they are not accepted, or None.

    Both are compared whatever the other is, so that a wrong pair does not reveal whether one of the two was right.
    """
    window = context.policy.totp
    step = None
    if len(codes) == 2:
        now = max(context.now + device.drift * device.period, 0)
        step = match_run(totp_of(device), codes, now=now, backward=window.backward, forward=window.forward)
    if step is None:
        return None, Reason.WRONG_CODE
    why_not = Reason.REPLAYED_CODE if step - 1 <= device.last_step else why_spent(device, step - 1, context)
    if why_not is Reason.REPLAYED_CODE:
        why_not = accepted_in_the_future(device, context) or why_not
    return step, why_not or why_spent(device, step, context)


def why_spent(device: VirtualMFADevice, step: int, context: Context) -> Reason | None:
    """Return why no code of a time step is accepted: it was used, or may have been in a lost history; else None."""
    if step <= device.floor or step in device.accepted:
        return Reason.REPLAYED_CODE
    if step <= lost_step(device, context):
        lost_at = _lost_at(device, context) or 0
        return Reason.CLOCK if lost_at > context.now + context.policy.clock_skew else Reason.REPLAYED_CODE
    return None


def with_accepted(accepted: tuple[int, ...], floor: int, *steps: int) -> tuple[tuple[int, ...], int]:
    """Return the accepted steps with more added, and the floor, which rises to the highest of the steps dropped."""
    together = (*accepted, *steps)
    if accepted and steps[0] < accepted[-1]:
        together = tuple(sorted(together))
    fallen = together[:-MAX_ACCEPTED]
    return together[-MAX_ACCEPTED:], max(floor, fallen[-1]) if fallen else floor


def match_run(totp: TOTP, codes: tuple[str, ...], *, now: float, backward: int, forward: int) -> int | None:
    """Return the highest step that the last of consecutive codes matches, each code one step before the next.

    Args:
        totp: the generator.
        codes: one or two, in the order in which the app showed them.
        now: seconds since the epoch.
        backward: how many steps before the current one the last code may be.
        forward: how many steps after the current one it may be.
    """
    current = totp.step(now)
    found: int | None = None
    first = len(codes) - 1
    for step in range(max(current - backward, first), current + forward + 1):
        fits = True
        for back, code in enumerate(reversed(codes)):
            at = (step - back) * totp.period
            fits &= totp.match(code, at=at, backward=0, forward=0) is not None
        if fits:
            found = step
    return found
