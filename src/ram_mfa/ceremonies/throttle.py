# SPDX-License-Identifier: Apache-2.0
"""How wrong codes are slowed and stopped: delays, a day's budget, and a cap. It can be set, never switched off.

NIST SP 800-63B-4 section 3.2.2 (https://pages.nist.gov/800-63-4/sp800-63b.html), RFC 4226 section 7.3; requirements
O12 to O16, V7 to V9, V11. A closed gate changes nothing, so that a flood writes nothing. A success resets the device's
own count, never the day's budget.
"""

from __future__ import annotations

import attrs

from ..account import Account, VirtualMFADevice
from ..context import Context
from ..events import Event, EventType
from ..refusals import Reason, Refusal
from ..units import DAY


def recent(account: Account, context: Context) -> tuple[float, ...]:
    """Return the moments of the wrong codes of the last 24 hours, the oldest first.

    A moment up to 24 hours ahead counts too (a clock that was ahead); one further ahead is no moment of this life.
    """
    if not account.wrong:
        return ()
    return tuple(sorted([at for at in account.wrong if context.now - DAY < at <= context.now + DAY]))


def closed(account: Account, device: VirtualMFADevice, context: Context) -> Refusal | None:
    """Return why no code of the device is weighed now, or None where the gate is open."""
    throttle = context.policy.throttle
    if device.disabled_at is not None or device.failures >= throttle.max_consecutive:
        return Refusal(Reason.DEVICE_DISABLED)
    wait = device.closed_until - context.now
    if wait > 2 * throttle.max_delay:  # written by a clock that was ahead: no delay is that long
        wait = 0
    wrong = recent(account, context)
    max_per_day = _per_day(account, context) if wrong else throttle.max_per_day
    if len(wrong) >= max_per_day:
        wait = max(wait, wrong[-max_per_day] + DAY - context.now)
    return Refusal(Reason.THROTTLED, wait) if wait > 0 else None


def _per_day(account: Account, context: Context) -> int:
    """Return the day's budget of the account: what its weakest virtual device leaves of the policy's."""
    digits = min([device.digits for device in account.devices if isinstance(device, VirtualMFADevice)])
    return context.policy.wrong_codes_per_day(digits=digits)


def count_wrong(
    account: Account, device: VirtualMFADevice, context: Context
) -> tuple[Account, Refusal, tuple[Event, ...]]:
    """Return the account that remembers one more wrong code, the refusal, and what is to be told."""
    throttle = context.policy.throttle
    failures = device.failures + 1
    delay = throttle.delay(failures)
    capped = failures >= throttle.max_consecutive
    device = attrs.evolve(
        device,
        failures=failures,
        closed_until=context.now + delay if delay else device.closed_until,
        disabled_at=context.now if capped else None,
    )
    account = attrs.evolve(account.with_device(device), wrong=(*recent(account, context), context.now))
    if not capped:
        still = closed(account, device, context)
        return account, Refusal(Reason.WRONG_CODE, still.retry_after if still else 0), ()
    account = attrs.evolve(account, machines=())
    event = Event(EventType.DEVICE_DISABLED, context.user, context.now, device=device.id)
    return account, Refusal(Reason.DEVICE_DISABLED), (event,)
