# SPDX-License-Identifier: Apache-2.0
"""Changes to an account that several verbs share: creating it, binding and unbinding devices, keeping offers."""

from __future__ import annotations

from typing import Final, TypeVar

import attrs

from ..account import MAX_OFFERS, NO_EPOCH, Account, Device, Offer, expires_at, issued_at
from ..context import Context
from ..events import Event, EventType
from ..refusals import Kind, Reason
from .tickets import MICROSECONDS, Opened, renewed

MAX_NAME: Final = 64
AnyDevice = TypeVar("AnyDevice", bound=Device)


def new_account(context: Context, *, required: bool, by_enrolment: bool = False) -> Account:
    """Return a user's first record.

    A record created by an enrolment keeps the epoch of a user without a record until its first bind, so that the
    enrolment ticket is still valid at the confirmation.
    """
    return Account(
        user=context.user,
        handle=bytes(context.draw("handle", 32)),
        epoch=NO_EPOCH if by_enrolment else bytes(context.draw("epoch", 16)),
        created_at=context.now,
        required=required,
        devices=(),
        offers=(),
        answered=(),
        failed=(),
        not_before=0,
        machines=(),
        wrong=(),
        password_mark=None,
        old_marks=(),
        outbox=(),
        moved_to=None,
    )


def check_name(name: str | None, kind: Kind) -> str | None:
    """Return the name (by default the kind's), or None if it is not 1 to 64 printable characters."""
    if name is None:
        return kind.value
    fine = isinstance(name, str) and 1 <= len(name) <= MAX_NAME and name.isprintable() and not name.isspace()
    return name if fine else None


def may_bind(account: Account, context: Context, kind: Kind) -> Reason | None:
    """Return why no device of the kind may be bound now, or None."""
    decision = context.policy.may_bind(kind, bound=tuple(device.kind for device in account.devices))
    if decision.allowed:
        return None
    if decision.rule == "devices.one-kind":
        return Reason.OTHER_KIND_BOUND
    return Reason.TOO_MANY_DEVICES if decision.rule == "devices.max_devices" else Reason.KIND_NOT_ALLOWED


def with_bound(account: Account, context: Context, device: Device, actor: str) -> tuple[Account, Event]:
    """Return the account with one more device, under a new epoch and without machines, and the event."""
    account = attrs.evolve(renewed(account, context), devices=(*account.devices, device), machines=())
    return account, Event(EventType.DEVICE_BOUND, context.user, context.now, actor, device.id, device.kind.value)


def without_device(account: Account, context: Context, device: Device) -> Account:
    """Return the account without the device and without any remembered machine, under a new epoch."""
    left = tuple(bound for bound in account.devices if bound.id != device.id)
    return attrs.evolve(renewed(account, context), devices=left, machines=())


def select_device(devices: tuple[AnyDevice, ...], device_id: str | None) -> AnyDevice | Reason:
    """Return the device with that id (by default the only one), or why there is none."""
    if device_id is not None:
        return next((device for device in devices if device.id == device_id), Reason.UNKNOWN_DEVICE)
    if not devices:
        return Reason.NO_DEVICE
    return devices[0] if len(devices) == 1 else Reason.NAME_THE_DEVICE


def open_offers(account: Account, context: Context) -> tuple[Offer, ...]:
    """Return the offers that may still be confirmed: not expired, not issued in the future, and of this history."""
    now, latest = context.now * MICROSECONDS, (context.now + context.policy.clock_skew) * MICROSECONDS
    return tuple(
        offer
        for offer in account.offers
        if expires_at(offer.stamp) > now and issued_at(offer.stamp) <= latest and offer.history == context.root.history
    )


def with_offer(account: Account, context: Context, offer: Offer) -> Account:
    """Return the account with one more open offer; it replaces the actor's last; of five, the oldest is dropped."""
    others = tuple(one for one in open_offers(account, context) if (one.kind, one.actor) != (offer.kind, offer.actor))
    return attrs.evolve(account, offers=(*others, offer)[-MAX_OFFERS:])


def find_offer(account: Account, opened: Opened, actor: bytes) -> Offer | None:
    """Return the open offer of a ticket, if the same actor in the same session made it."""
    return next((one for one in account.offers if one.stamp == opened.stamp and one.actor == actor), None)


def with_claimed_offer(account: Account, offer: Offer, claimed: bytes) -> Account:
    """Return the account whose offer records the credential it claims; it can then bind no other."""
    marked = attrs.evolve(offer, claimed=claimed)
    return attrs.evolve(account, offers=tuple([marked if one is offer else one for one in account.offers]))


def with_failed_offer(account: Account, offer: Offer) -> Account:
    """Return the account with one more wrong confirmation recorded; the last try removes the offer."""
    left = attrs.evolve(offer, tries=offer.tries - 1)
    offers = tuple(left if one is offer else one for one in account.offers)
    return attrs.evolve(account, offers=tuple(one for one in offers if one.tries > 0))
