# SPDX-License-Identifier: Apache-2.0
"""The commands on one user: show what keeps the user out, unlock, reset, and require MFA.

Invariant: no secret is printed, and no name that a person chose can add a line to the output or control a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from ..account import Account, VirtualMFADevice
from ..ceremonies.account_lifecycle import Describe, RequireMFA
from ..ceremonies.known_browsers import Unlock
from ..ceremonies.unbind import ResetMFA
from ..context import Context
from ..events import Event
from ..rules.actors import UnsafeAdministrator
from ..rules.throttle import recent_wrong_codes
from ..rules.verb import AccountVerb, Transition
from ..rules.views import AccountView, DeviceView
from .exit_codes import DONE, WRONG
from .job import Job
from .report import format_time
from .secret_files import Usage


@attrs.frozen
class Throttled:
    """The throttle's counts for a user.

    Attributes:
        wrong_codes: of the last 24 hours.
        max_per_day: as many as the policy allows before codes are refused.
        closed_until: for each device id, the time before which no code of the device is verified.
        failures: for each device id, its consecutive wrong codes.
    """

    wrong_codes: int
    max_per_day: int
    closed_until: dict[str, float]
    failures: dict[str, int]


class ReadThrottle(AccountVerb[Throttled]):
    """Read what the throttle has counted; changes nothing."""

    __slots__ = ()

    def perform(self, account: Account, context: Context) -> Transition[Throttled]:
        """Return the same account and its counts."""
        devices = [device for device in account.devices if isinstance(device, VirtualMFADevice)]
        digits = min([device.digits for device in devices], default=context.policy.totp.digits)
        counts = Throttled(
            len(recent_wrong_codes(account, context)),
            context.policy.wrong_codes_per_day(digits=digits),
            {device.id: device.closed_until for device in devices if device.closed_until > context.now},
            {device.id: device.failures for device in devices if device.failures},
        )
        return Transition(account, counts)


def show(job: Job) -> int:
    """Print a user's settings and devices, and what keeps the user out."""
    mfa, user = job.tenant_mfa(), job.arguments.user
    view, counts = mfa.perform(user, Describe()), mfa.perform(user, ReadThrottle())
    for line in _describe(view, counts):
        job.terminal.say(line)
    return DONE


def unlock(job: Job) -> int:
    """Forgive the wrong codes of new browsers, and end the delays after them; say where that does not help."""
    mfa, user, by = job.tenant_mfa(observers=(_event_printer(job),)), job.arguments.user, _actor(job)
    mfa.perform(user, Unlock(by=by))
    job.terminal.say("unlocked: the wrong codes of new browsers are forgiven, and no delay is left")
    disabled = [device for device in mfa.perform(user, Describe()).devices if device.disabled]
    for device in disabled:
        job.terminal.say(f"device {device.id} stays disabled: unbind it, or reset the user")
    return WRONG if disabled else DONE


def reset(job: Job) -> int:
    """Remove a user's devices, machines and counts, and require the user to bind again."""
    mfa, by = job.tenant_mfa(observers=(_event_printer(job),)), _actor(job)
    mfa.perform(job.arguments.user, ResetMFA(by=by))
    job.terminal.say("reset: no device is bound, and the user has to bind one at the next logon")
    return DONE


def require(job: Job) -> int:
    """Require MFA of a user at logon, or no longer; make a record only where that is asked for."""
    mfa, by = job.tenant_mfa(observers=(_event_printer(job),)), _actor(job)
    required = not job.arguments.not_required
    if not job.arguments.new_record:
        mfa.perform(job.arguments.user, Describe())  # a mistyped user id would otherwise make a record
    mfa.perform(job.arguments.user, RequireMFA(required=required, by=by))
    job.terminal.say(f"MFA required: {_yes(required)}")
    return DONE


def _describe(view: AccountView, counts: Throttled) -> Iterator[str]:
    yield f"user: {_printable(view.user)}"
    yield f"opened: {format_time(view.created_at)}"
    yield f"MFA required: {_yes(view.required)}"
    yield f"must bind at the next logon: {_yes(view.must_bind)}"
    for device in view.devices:
        yield from _describe_device(device, counts)
    yield f"devices: {len(view.devices)}"
    yield f"open offers: {len(view.waiting)}"
    yield f"remembered machines: {len(view.machines)}"
    if view.recovery_codes is not None:
        yield f"unused recovery codes: {view.recovery_codes}"
    budget = "; no code is accepted until there are fewer" if counts.wrong_codes >= counts.max_per_day else ""
    yield f"wrong codes in the last 24 hours: {counts.wrong_codes} of {counts.max_per_day}{budget}"


def _describe_device(device: DeviceView, counts: Throttled) -> Iterator[str]:
    used = f"last used {format_time(device.last_used_at)}" if device.last_used_at is not None else "never used"
    yield f"device: {device.kind.value}, {device.name!r}, bound {format_time(device.bound_at)}, {used}, id {device.id}"
    if device.disabled:
        yield "  disabled by too many wrong codes: it has to be bound again"
    if not device.allowed:
        yield "  the policy does not allow it"
    if device.weak:
        yield "  its secret is shorter than 128 bits: bind it again"
    if device.cloned_at is not None:
        yield f"  its sign count went back at {format_time(device.cloned_at)}: it may have been cloned"
    if device.id in counts.failures:
        yield f"  consecutive wrong codes: {counts.failures[device.id]}"
    if device.id in counts.closed_until:
        yield f"  no code is accepted before {format_time(counts.closed_until[device.id])}"


def _actor(job: Job) -> UnsafeAdministrator:
    """Return the operator as an actor; a command has no step-up whose receipt it could show.

    Raises:
        Usage: no actor can have that name.
    """
    try:
        return UnsafeAdministrator(job.arguments.by)
    except ValueError:
        raise Usage("--by: a name is 1 to 128 printable characters") from None


def _event_printer(job: Job) -> Callable[[Event], None]:
    """Return an observer that prints each event, for the operator's log."""

    def show_event(event: Event) -> None:
        detail = f", {_printable(event.detail)}" if event.detail else ""
        job.terminal.say(f"event: {format_time(event.at)} {event.type.value} by {event.actor}{detail}")

    return show_event


def _printable(text: str) -> str:
    return repr(text)[1:-1]


def _yes(value: bool) -> str:  # noqa: FBT001 - one setting, in words
    return "yes" if value else "no"
