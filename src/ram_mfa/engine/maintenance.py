# SPDX-License-Identifier: Apache-2.0
"""Maintenance by operators: the credential report, the deletion of an unreadable record, the delivery of events.

All of it is safe under traffic, since records change by the same compare-and-swap as in a verb.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import attrs

from .._secret import SecretBytes
from ..account import Account
from ..ceremonies.delivery import Delivered, Waiting
from ..codec import decode_account
from ..context import Context
from ..errors import UnreadableRecord
from ..events import Event, EventType
from ..refusals import Kind, Reason, Refusal, Refused
from ..rules.actors import Actor
from ..rules.authority import Action, authorise
from ..rules.devices import is_allowed, is_weak, usable_devices
from ..rules.recovery_codes import codes_left
from ..rules.unforgiven import count
from ..sealing import BrokenSeal, RecordSeal, SealedElsewhere
from .effects import Effects, list_keys, load, swap
from .loop import Engine
from .records import unseal_account, unseal_record, untrusted_user_key, user_key


@attrs.frozen
class ReportRow:
    """One user's row of the credential report.

    Attributes:
        user: the user id; empty where the record cannot be read.
        key: the store key.
        mfa_active: whether a usable device is bound.
        kinds: the kinds of the bound devices.
        devices: the number of bound devices.
        bound_at: when the earliest of the bound devices was bound, seconds since the epoch; None without a device.
        last_used_at: when a bound device was last used, seconds since the epoch; None if none ever was.
        required: whether an administrator requires MFA of the user.
        must_bind: whether the user must bind a device at the next logon.
        machines: the number of machines remembered now.
        disallowed: the number of bound devices that the policy no longer allows.
        weak: the number of bound devices whose secret is shorter than 128 bits.
        unforgiven: wrong codes of new browsers that are not forgiven.
        recovery_codes: how many are unused; None where none were made.
        problem: why the record cannot be read; empty where it can.
    """

    user: str
    key: str
    mfa_active: bool
    kinds: tuple[Kind, ...]
    devices: int
    bound_at: float | None
    last_used_at: float | None
    required: bool
    must_bind: bool
    machines: int
    disallowed: int
    weak: int
    unforgiven: int
    recovery_codes: int | None
    problem: str


def list_report_keys(engine: Engine) -> Iterator[str] | AsyncIterator[str]:
    """Return an iterator over the keys of all users' records; take each with `next_key` and pass it to `report_row`."""
    return list_keys(engine.session.store, "u")


def report_row(engine: Engine, key: str) -> Effects[ReportRow | None]:
    """Return the report's row for one record; None where it is gone, or another tenant's."""
    return (yield from engine.session.retry_on_loss(partial(_read_report_row, engine, key)))


def _read_report_row(engine: Engine, key: str) -> Effects[ReportRow | None]:
    open_store = yield from engine.session.open()
    sealed = yield from load(open_store.view, key)
    if sealed is None:
        return None
    try:
        account = unseal_record(key, open_store.seal.for_record(key), sealed, decode_account)
    except UnreadableRecord as error:
        return _unreadable_row(key, error.problem)
    if user_key(engine.tenant, account.user) != key or account.reserved_for is not None:
        return None
    return _row(engine, key, account)


def _unreadable_row(key: str, problem: str) -> ReportRow:
    return ReportRow(
        user="",
        key=key,
        mfa_active=False,
        kinds=(),
        devices=0,
        bound_at=None,
        last_used_at=None,
        required=False,
        must_bind=False,
        machines=0,
        disallowed=0,
        weak=0,
        unforgiven=0,
        recovery_codes=None,
        problem=problem,
    )


def _row(engine: Engine, key: str, account: Account) -> ReportRow:
    now, devices = engine.session.now(), account.devices
    policy = engine.policy()
    required = policy.must_use_mfa(required=account.required).allowed
    return ReportRow(
        user=account.user,
        key=key,
        mfa_active=bool(usable_devices(account, policy)),
        kinds=tuple(kind for kind in Kind if any(device.kind is kind for device in devices)),
        devices=len(devices),
        bound_at=min((device.bound_at for device in devices), default=None),
        last_used_at=max((at for device in devices if (at := device.last_used_at) is not None), default=None),
        required=account.required,
        must_bind=required and not devices,
        machines=sum(machine.expires_at > now for machine in account.machines),
        disallowed=sum(not is_allowed(device, policy) for device in devices),
        weak=sum(is_weak(device) for device in devices),
        unforgiven=count(account, now),
        recovery_codes=codes_left(account),
        problem="",
    )


def discard(engine: Engine, user: str, by: Actor, *, unsafe_any_seal: bool = False) -> Effects[None]:
    """Delete a record that cannot be read; the user is then one without a record.

    Raises:
        Refused: the actor is not allowed to, or the record can be read, or there is none.
        UnreadableRecord: another ring of keys, another seal or another store's engine may be able to read it.
    """
    yield from engine.session.retry_on_loss(partial(_discard, engine, user, by, unsafe_any_seal))
    yield engine.notify, (Event(EventType.RECORD_DISCARDED, user=user, at=engine.session.now(), actor=by.label),)


def _discard(engine: Engine, user: str, by: Actor, unsafe_any_seal: bool) -> Effects[None]:  # noqa: FBT001
    policy = engine.policy()
    administrator = yield from engine.check_administrator(by, policy)
    key = untrusted_user_key(engine.tenant, user)
    open_store = yield from engine.session.open()
    context = Context(policy, engine.session.now(), SecretBytes(bytes(32)), open_store.root, user, key, administrator)
    grant = authorise(None, context, by, Action.DISCARD)
    if isinstance(grant, Reason):
        raise Refused(Refusal(grant))
    sealed = yield from load(open_store.view, key)
    if sealed is None or _is_readable(key, open_store.seal.for_record(key), sealed, user, any_seal=unsafe_any_seal):
        raise Refused(Refusal(Reason.NOTHING_TO_DO))
    if not (yield from swap(open_store.view, key, sealed, None)):
        raise Refused(Refusal(Reason.NOTHING_TO_DO))


def _is_readable(key: str, seal: RecordSeal, sealed: bytes, user: str, *, any_seal: bool) -> bool:
    """Return whether a record can be read.

    Raises:
        UnreadableRecord: it may be readable with another ring, seal or store, and ``any_seal`` is False.
    """
    elsewhere = ""
    try:
        seal.unseal(sealed)
    except SealedElsewhere as error:
        elsewhere = str(error)
    except BrokenSeal:
        return False
    if elsewhere:
        if any_seal:
            return False
        raise UnreadableRecord(key, f"{elsewhere}: it may be a good record, and is not discarded")
    try:
        unseal_account(key, seal, sealed, user)
    except UnreadableRecord:
        return False
    return True


def deliver(engine: Engine, user: str, sink: Callable[[Event], Any]) -> Effects[int]:
    """Pass a user's undelivered events to a sink, oldest first, and remove those that it accepted.

    An exception of the sink ends the delivery: the events accepted before are removed, and the others stay.

    Returns:
        The number of events that the sink accepted.
    """
    waiting = yield from engine.perform_verb(user, Waiting())
    accepted: tuple[Event, ...] = ()
    failure: Exception | None = None
    for event in waiting:
        try:
            yield sink, (event,)
        except Exception as error:  # noqa: BLE001 - raised again below, once the accepted events are removed
            failure = error
            break
        accepted = (*accepted, event)
    yield from engine.perform_verb(user, Delivered(accepted))
    if failure is not None:
        raise failure
    return len(accepted)
