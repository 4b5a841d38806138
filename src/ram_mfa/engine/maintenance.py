# SPDX-License-Identifier: Apache-2.0
"""Operators' work apart from verbs: report, move, discard, deliver.

All of it is safe under traffic: records change by the same compare-and-swap, and what loses a race is tried again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Final

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
from ..rules.usable import is_allowed, usable_devices
from ..sealing import BrokenSeal, RecordSeal, SealedElsewhere
from .effects import Plan, listed, load, swap
from .loop import Engine
from .records import account_of, unsealed, user_key, visitors_key

_TURNS: Final = 64


@attrs.frozen
class ReportRow:
    """One user's line of the credential report.

    Attributes:
        user: the user id; empty where the record cannot be read.
        key: the store key.
        mfa_active: whether a usable device is bound.
        kinds: of the bound devices.
        devices: how many are bound.
        bound_at: of the first device, seconds since the epoch, or None.
        last_used_at: of the device used last, or None.
        required: whether an administrator requires MFA of the user.
        must_bind: whether the next logon comes to a bind.
        machines: how many are remembered now.
        disallowed: how many of the bound devices the policy no longer allows.
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
    problem: str


def report_keys(engine: Engine) -> Iterator[str] | AsyncIterator[str]:
    """Return the keys of all users' records, to be walked with `next_key` and `reported`."""
    return listed(engine.opening.store, "u")


def reported(engine: Engine, key: str) -> Plan[ReportRow | None]:
    """Plan the report's line of one record; None where it is gone, or another tenant's."""
    return (yield from engine.opening.afresh(partial(_reported, engine, key)))


def _reported(engine: Engine, key: str) -> Plan[ReportRow | None]:
    opened = yield from engine.opening.ready()
    sealed = yield from load(opened.view, key)
    if sealed is None:
        return None
    try:
        account = unsealed(key, opened.seal.for_record(key), sealed, decode_account)
    except UnreadableRecord as error:
        return _unreadable(key, error.problem)
    if user_key(engine.tenant, account.user) != key or account.reserved_for is not None:
        return None
    return _row(engine, key, account)


def _unreadable(key: str, problem: str) -> ReportRow:
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
        problem=problem,
    )


def _row(engine: Engine, key: str, account: Account) -> ReportRow:
    now, devices = engine.opening.now(), account.devices
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
        problem="",
    )


def discarding(engine: Engine, user: str, by: Actor, *, unsafe_any_seal: bool = False) -> Plan[None]:
    """Plan to delete a record that cannot be read; the user is then one without a record.

    Raises:
        Refused: the actor may not, or the record can be read, or there is none.
        UnreadableRecord: another ring of keys, another seal or another store's engine may be able to read it.
    """
    yield from engine.opening.afresh(partial(_discarded, engine, user, by, unsafe_any_seal))
    yield engine.tell, (Event(EventType.RECORD_DISCARDED, user, engine.opening.now(), by.label),)


def _discarded(engine: Engine, user: str, by: Actor, unsafe_any_seal: bool) -> Plan[None]:  # noqa: FBT001
    policy = engine.policy()
    administrator = yield from engine.proved_administrator(by, policy)
    key = visitors_key(engine.tenant, user)
    opened = yield from engine.opening.ready()
    context = Context(policy, engine.opening.now(), SecretBytes(bytes(32)), opened.root, user, key, administrator)
    grant = authorise(None, context, by, Action.DISCARD)
    if isinstance(grant, Reason):
        raise Refused(Refusal(grant))
    sealed = yield from load(opened.view, key)
    if sealed is None or _is_readable(key, opened.seal.for_record(key), sealed, user, any_seal=unsafe_any_seal):
        raise Refused(Refusal(Reason.NOTHING_TO_DO))
    if not (yield from swap(opened.view, key, sealed, None)):
        raise Refused(Refusal(Reason.NOTHING_TO_DO))


def _is_readable(key: str, seal: RecordSeal, sealed: bytes, user: str, *, any_seal: bool) -> bool:
    """Return whether a record can be read.

    Raises:
        UnreadableRecord: perhaps, but not here; unless ``any_seal`` says that this does not matter.
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
        account_of(key, seal, sealed, user)
    except UnreadableRecord:
        return False
    return True


def delivering(engine: Engine, user: str, sink: Callable[[Event], Any]) -> Plan[int]:
    """Plan to hand a user's waiting events to a sink, oldest first, and to take out those that it took.

    An exception of the sink ends the delivery; what it took before is taken out, the rest waits.
    """
    waiting = yield from engine.performing(user, Waiting())
    taken: tuple[Event, ...] = ()
    failure: Exception | None = None
    for event in waiting:
        try:
            yield sink, (event,)
        except Exception as error:  # noqa: BLE001 - raised again below, once what was taken is taken out
            failure = error
            break
        taken = (*taken, event)
    yield from engine.performing(user, Delivered(taken))
    if failure is not None:
        raise failure
    return len(taken)
