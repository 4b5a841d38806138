# SPDX-License-Identifier: Apache-2.0
"""How codes of virtual devices are weighed: one for a logon, one or two consecutive ones for a bind or a resync.

RFC 6238 sections 5.2 and 6 (https://www.rfc-editor.org/rfc/rfc6238); requirements O6 to O8, O11, O17, O22. A code is
spent by the time step that it matches, never by its spelling.
"""

from __future__ import annotations

import math

from ..account import VirtualMFADevice
from ..moment import Moment
from ..otp import TOTP
from ..policy import MFAPolicy


def totp_of(device: VirtualMFADevice) -> TOTP:
    """Return the device's generator."""
    return TOTP(device.secret, device.algorithm, device.digits, device.period)


def lost_step(policy: MFAPolicy, moment: Moment, *, period: int, drift: int) -> int:
    """Return the highest step of which a code may have been accepted in a history that was lost; -1 where none was."""
    lost_at = moment.root.lost_at
    if not lost_at:
        return -1
    skew = math.ceil(2 * policy.clock_skew / period)
    return int(lost_at[-1] // period) + max(drift, 0) + policy.totp.forward + skew


def match_one(device: VirtualMFADevice, code: str, moment: Moment) -> tuple[int | None, bool]:
    """Return the highest step that a code of the device matches now, and whether that step is still unspent."""
    totp, window = totp_of(device), moment.policy.totp
    step = totp.match(
        code,
        at=max(moment.now + device.drift * device.period, 0),
        backward=window.backward,
        forward=window.forward,
    )
    if step is None:
        return None, False
    spent = max(device.last_step, lost_step(moment.policy, moment, period=device.period, drift=device.drift))
    return step, step > spent


def match_run(totp: TOTP, codes: tuple[str, ...], *, now: float, backward: int, forward: int) -> int | None:
    """Return the highest step that the last of consecutive codes matches, each code one step before the next.

    Args:
        totp: the generator.
        codes: one or two, in the order in which the app showed them.
        now: seconds since the epoch.
        backward: how many steps before the current one the last code may stand.
        forward: how many steps after it.
    """
    current = totp.step(now)
    found: int | None = None
    first = len(codes) - 1
    for step in range(max(current - backward, first), current + forward + 1):
        fits = True
        for back, code in enumerate(reversed(codes)):
            moment = (step - back) * totp.period
            fits &= totp.match(code, at=moment, backward=0, forward=0) is not None
        if fits:
            found = step
    return found
