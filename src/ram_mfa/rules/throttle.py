# SPDX-License-Identifier: Apache-2.0
"""The throttle of wrong codes: delays, a budget per day, and a cap. It can be configured, never switched off.

NIST SP 800-63B-4 section 3.2.2 (https://pages.nist.gov/800-63-4/sp800-63b.html), RFC 4226 section 7.3; requirements
O12 to O16, V7 to V9, V11. A closed gate changes nothing, so that a flood writes nothing. A success resets the device's
own count, never the day's budget.
"""

from __future__ import annotations

import attrs

from ..account import Account, VirtualMFADevice
from ..context import Context
from ..events import Event, EventType
from ..policy.values import DAY
from ..refusals import Reason, Refusal


def recent_wrong_codes(account: Account, context: Context) -> tuple[float, ...]:
    """Return the times of the wrong codes of the last 24 hours, the oldest first.

    A time up to 24 hours ahead counts too (a clock was ahead); one further ahead is ignored.
    """
    if not account.wrong:
        return ()
    return tuple(sorted([at for at in account.wrong if context.now - DAY < at <= context.now + DAY]))


def check_gate(account: Account, device: VirtualMFADevice, context: Context) -> Refusal | None:
    """Return the refusal of any code of the device now, or None where the gate is open."""
    throttle = context.policy.throttle
    if device.disabled_at is not None or device.failures >= throttle.max_consecutive:
        return Refusal(Reason.DEVICE_DISABLED)
    wait = device.closed_until - context.now
    if wait > 2 * throttle.max_delay:  # a clock was ahead when it was written: no delay is that long
        wait = 0
    wrong = recent_wrong_codes(account, context)
    max_per_day = _per_day(account, context) if wrong else throttle.max_per_day
    if len(wrong) >= max_per_day:
        wait = max(wait, wrong[-max_per_day] + DAY - context.now)
    return Refusal(Reason.THROTTLED, wait) if wait > 0 else None


def _per_day(account: Account, context: Context) -> int:
    """Return the account's budget of wrong codes per day, which its virtual device with the fewest digits limits."""
    digits = min([device.digits for device in account.devices if isinstance(device, VirtualMFADevice)])
    return context.policy.wrong_codes_per_day(digits=digits)


def count_wrong(
    account: Account, device: VirtualMFADevice, context: Context
) -> tuple[Account, Refusal, tuple[Event, ...]]:
    """Return the account with one more wrong code counted, the refusal, and the events."""
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
    account = attrs.evolve(account.with_device(device), wrong=(*recent_wrong_codes(account, context), context.now))
    if not capped:
        still = check_gate(account, device, context)
        return account, Refusal(Reason.WRONG_CODE, still.retry_after if still else 0), ()
    account = attrs.evolve(account, machines=())
    event = context.event(EventType.DEVICE_DISABLED, device=device.id)
    return account, Refusal(Reason.DEVICE_DISABLED), (event,)
