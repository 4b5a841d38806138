# SPDX-License-Identifier: Apache-2.0
"""How wrong codes are slowed and stopped: delays, a day's budget, and a cap. It can be set, never switched off.

NIST SP 800-63B-4 section 3.2.2 (https://pages.nist.gov/800-63-4/sp800-63b.html), RFC 4226 section 7.3; requirements
O12 to O16, V7 to V9, V11. A closed gate changes nothing, so that a flood writes nothing. A success resets the device's
own count, never the day's budget.
"""

from __future__ import annotations

import attrs

from ..account import Account, VirtualMFADevice
from ..events import Event, What
from ..moment import Moment
from ..units import DAY
from ..words import Reason, Refusal


def recent(account: Account, moment: Moment) -> tuple[float, ...]:
    """Return the moments of the wrong codes of the last 24 hours, the oldest first.

    A moment up to 24 hours ahead counts too (a clock that was ahead); one further ahead is no moment of this life.
    """
    if not account.wrong:
        return ()
    return tuple(sorted([at for at in account.wrong if moment.now - DAY < at <= moment.now + DAY]))


def closed(account: Account, device: VirtualMFADevice, moment: Moment) -> Refusal | None:
    """Return why no code of the device is weighed now, or None where the gate is open."""
    throttle = moment.policy.throttle
    if device.disabled_at is not None or device.failures >= throttle.cap:
        return Refusal(Reason.DEVICE_DISABLED)
    wait = device.closed_until - moment.now
    if wait > 2 * throttle.longest_delay:  # written by a clock that was ahead: no delay is that long
        wait = 0
    wrong = recent(account, moment)
    per_day = _per_day(account, moment) if wrong else throttle.per_day
    if len(wrong) >= per_day:
        wait = max(wait, wrong[-per_day] + DAY - moment.now)
    return Refusal(Reason.THROTTLED, wait) if wait > 0 else None


def _per_day(account: Account, moment: Moment) -> int:
    """Return the day's budget of the account: what its weakest virtual device leaves of the policy's."""
    digits = min([device.digits for device in account.devices if isinstance(device, VirtualMFADevice)])
    return moment.policy.wrong_codes_per_day(digits=digits)


def count_wrong(
    account: Account, device: VirtualMFADevice, moment: Moment
) -> tuple[Account, Refusal, tuple[Event, ...]]:
    """Return the account that remembers one more wrong code, the refusal, and what is to be told."""
    throttle = moment.policy.throttle
    failures = device.failures + 1
    delay = throttle.delay(failures)
    capped = failures >= throttle.cap
    device = attrs.evolve(
        device,
        failures=failures,
        closed_until=moment.now + delay if delay else device.closed_until,
        disabled_at=moment.now if capped else None,
    )
    account = attrs.evolve(account.with_device(device), wrong=(*recent(account, moment), moment.now))
    if not capped:
        still = closed(account, device, moment)
        return account, Refusal(Reason.WRONG_CODE, still.wait if still else 0), ()
    account = attrs.evolve(account, machines=())
    event = Event(What.DEVICE_DISABLED, moment.user, moment.now, device=device.id)
    return account, Refusal(Reason.DEVICE_DISABLED), (event,)
