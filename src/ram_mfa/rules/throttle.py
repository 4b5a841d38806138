# SPDX-License-Identifier: Apache-2.0
"""The throttle of wrong codes: delays, a budget per day, and a cap. It can be configured, never switched off.

NIST SP 800-63B-4 section 3.2.2 (https://pages.nist.gov/800-63-4/sp800-63b.html), RFC 4226 section 7.3; requirements
O12 to O16, V7 to V9, V11. A closed gate changes nothing, so that a flood writes nothing. A success resets the device's
own count, never the day's budget.

Where the policy distinguishes known browsers from new ones, each has a gate of its own. That of known browsers has no
delays. A known browser whose gate is closed counts as a new one. `ram_mfa.rules.unforgiven` says what is asked of new
browsers once too many of their wrong codes are unforgiven.
"""

from __future__ import annotations

import attrs

from ..account import Account, VirtualMFADevice
from ..browsers import WrongKnownCode
from ..context import Context
from ..events import Event, EventType
from ..policy import KnownBrowsers, NewBrowserRule
from ..policy.values import DAY
from ..refusals import Reason, Refusal
from . import unforgiven
from .browser_tokens import Sender

CODES_OF_NEW_BROWSERS = 2
"""The consecutive codes that a new browser sends at once where too many wrong ones are unforgiven."""


@attrs.frozen
class Gate:
    """The answer of a device's gate to a browser.

    Attributes:
        refusal: why no code is verified now; None where the gate is open.
        known: whether it is the gate of known browsers.
        codes: how many consecutive codes are to be sent at once; 0 where waiting alone opens no gate.
    """

    refusal: Refusal | None
    known: bool = False
    codes: int = 1


def recent_wrong_codes(account: Account, context: Context) -> tuple[float, ...]:
    """Return the times of the wrong codes of the last 24 hours, the oldest first; not those of known browsers.

    A time up to 24 hours ahead counts too (a clock was ahead); one further ahead is ignored.
    """
    if not account.wrong:
        return ()
    return tuple(sorted([at for at in account.wrong if _is_recent(at, context)]))


def find_gate(account: Account, device: VirtualMFADevice, context: Context, sender: Sender) -> Gate:
    """Return the gate that codes of the device from this browser meet now."""
    policy = context.policy
    if device.disabled_at is not None or device.failures >= policy.throttle.max_consecutive:
        return Gate(Refusal(Reason.DEVICE_DISABLED), codes=0)
    known = policy.known_browsers
    if known is None:
        wait = _wait(account, device, context, earlier=_times(_recent_known(account, context)))
        return Gate(Refusal(Reason.THROTTLED, wait) if wait > 0 else None)
    if sender.token is not None and _known_gate_open(account, context, known, sender.token):
        return Gate(None, known=True)
    if device.failures >= known.closes_at:
        return Gate(Refusal(Reason.NEW_BROWSERS_CLOSED), codes=0)
    codes, wait = 1, _wait(account, device, context)
    if unforgiven.count(account, context.now) >= known.max_unforgiven and known.beyond is not NewBrowserRule.DISABLE:
        if known.beyond is NewBrowserRule.CLOSE:
            wait = max(unforgiven.next_fade(account, context), wait)
            return Gate(Refusal(Reason.NEW_BROWSERS_CLOSED, wait), codes=0)
        codes = CODES_OF_NEW_BROWSERS
    return Gate(Refusal(Reason.THROTTLED, wait) if wait > 0 else None, codes=codes)


def count_wrong(
    account: Account,
    device: VirtualMFADevice,
    context: Context,
    sender: Sender,
    gate: Gate,
    *,
    codes: int = 1,
) -> tuple[Account, Refusal, tuple[Event, ...]]:
    """Return the account with one more wrong code counted, the refusal, and the events.

    Args:
        account: the account as it is.
        device: of which the code was wrong.
        context: policy, time, entropy and the root record.
        sender: the browser that sent it.
        gate: the gate that it met, which was open.
        codes: how many codes were sent at once; two wrong ones of a new browser count as a failure only.
    """
    throttle = context.policy.throttle
    failures = device.failures + 1
    delay = 0 if gate.known else throttle.delay(failures)
    events: tuple[Event, ...] = ()
    disables = failures >= throttle.max_consecutive
    if gate.known and sender.token is not None:
        wrong_known = (*_recent_known(account, context), WrongKnownCode(context.now, sender.token))
        account = attrs.evolve(account, browsers=attrs.evolve(account.browsers, wrong=wrong_known))
    elif context.policy.known_browsers is None or codes == 1:
        account = attrs.evolve(account, wrong=(*recent_wrong_codes(account, context), context.now))
    known = context.policy.known_browsers
    if known is not None and not gate.known and codes == 1:
        account, events = unforgiven.add(account, context, known, sender.session)
        if known.beyond is NewBrowserRule.DISABLE:
            disables = disables or unforgiven.count(account, context.now) >= known.max_unforgiven
    device = attrs.evolve(
        device,
        failures=failures,
        closed_until=context.now + delay if delay else device.closed_until,
        disabled_at=context.now if disables else None,
    )
    account = account.with_device(device)
    if not disables:
        still = find_gate(account, device, context, sender).refusal
        return account, Refusal(Reason.WRONG_CODE, still.retry_after if still else 0), events
    account = attrs.evolve(account, machines=(), browsers=unforgiven.with_new_epoch(account, context))
    disabled = context.event(EventType.DEVICE_DISABLED, device=device.id)
    return account, Refusal(Reason.DEVICE_DISABLED), (*events, disabled)


def clear_day(account: Account, context: Context) -> Account:
    """Return the account with the day's wrong codes cleared and forgiven, which a new password or `Unlock` does.

    Where known browsers are distinguished, that is done at most once in 24 hours and leaves the codes of known
    browsers: the bound on guessing counts new browsers' codes twice for it.
    """
    if context.policy.known_browsers is None:
        return attrs.evolve(account, wrong=())
    browsers = account.browsers
    if _is_recent(browsers.cleared_at, context):
        return account
    return attrs.evolve(
        account, wrong=(), browsers=attrs.evolve(browsers, unforgiven=(), faded_at=0, cleared_at=context.now)
    )


def _is_recent(at: float, context: Context) -> bool:
    return context.now - DAY < at <= context.now + DAY


def _recent_known(account: Account, context: Context) -> tuple[WrongKnownCode, ...]:
    return tuple([one for one in account.browsers.wrong if _is_recent(one.at, context)])


def _times(wrong: tuple[WrongKnownCode, ...]) -> tuple[float, ...]:
    return tuple([one.at for one in wrong])


def _known_gate_open(account: Account, context: Context, known: KnownBrowsers, token: bytes) -> bool:
    recent = _recent_known(account, context)
    allowed = context.policy.wrong_codes_of_known_browsers(digits=_digits(account))
    return len(recent) < allowed and sum(one.token == token for one in recent) < known.max_per_token


def _wait(account: Account, device: VirtualMFADevice, context: Context, *, earlier: tuple[float, ...] = ()) -> float:
    """Return the seconds until the device's delay is over and the day's budget allows a code; none if not above 0.

    Args:
        account: the account as it is.
        device: of which the code is.
        context: policy, time, entropy and the root record.
        earlier: the times of other wrong codes that count.
    """
    throttle = context.policy.throttle
    wait = device.closed_until - context.now
    if wait > 2 * throttle.max_delay:  # a clock was ahead when it was written: no delay is that long
        wait = 0
    wrong = recent_wrong_codes(account, context)
    if earlier:
        wrong = tuple(sorted([*wrong, *earlier]))
    max_per_day = context.policy.wrong_codes_per_day(digits=_digits(account)) if wrong else throttle.max_per_day
    if len(wrong) >= max_per_day:
        wait = max(wait, wrong[-max_per_day] + DAY - context.now)
    return wait


def _digits(account: Account) -> int:
    """Return the digits of the account's virtual device with the fewest, which limits the budgets."""
    return min([device.digits for device in account.devices if isinstance(device, VirtualMFADevice)])
