# SPDX-License-Identifier: Apache-2.0
"""The rows inside an account: devices, offers, spent tickets, machines, events, each with its encoder and decoder."""

from __future__ import annotations

import struct
from operator import contains
from types import NoneType
from typing import Any, Final

from .. import account as bounds
from .._secret import SecretBytes, SecretList
from ..account import (
    Device,
    Machine,
    Offer,
    OfferedSecurityKey,
    OfferedVirtualDevice,
    SecurityKey,
    VirtualMFADevice,
)
from ..events import Event, EventType
from ..otp import Algorithm


class Unreadable(Exception):
    """The bytes are not a record of the expected kind."""


Types = tuple[tuple[type[Any], ...], ...]
"""The types that each field of a row may have, position by position."""


def types_of(*fields: type[Any] | tuple[type[Any], ...]) -> Types:
    """Return the types of a row, given one type or a tuple of types per field."""
    return tuple(field if isinstance(field, tuple) else (field,) for field in fields)


def typed(row: list[Any], types: Types) -> list[Any]:
    """Return a row whose fields have exactly these types: a bool is not an int, and an int is not a float.

    Raises:
        Unreadable: the row is not a list of that length with those types.
    """
    if type(row) is not list or len(row) != len(types) or not all(map(contains, types, map(type, row))):
        raise Unreadable("fields of other types than this version writes")
    return row


def check(fine: bool, field: str) -> None:  # noqa: FBT001 - reads as a sentence at its calls
    """Raise if a field is out of bounds."""
    if not fine:
        raise Unreadable(f"{field} out of bounds")


_ALGORITHMS: Final = (Algorithm.SHA1, Algorithm.SHA256, Algorithm.SHA512)
_EVENT_TYPES: Final = {one.value: one for one in EventType}
_ALGORITHM_NUMBER: Final = {algorithm: number for number, algorithm in enumerate(_ALGORITHMS)}


def device_row(device: Device) -> list[Any]:
    """Return a device as a row; its first field distinguishes the kinds."""
    if isinstance(device, VirtualMFADevice):
        return SecretList(
            [
                0,
                device.id,
                device.name,
                bytes(device.secret),
                _ALGORITHM_NUMBER[device.algorithm],
                device.digits,
                device.period,
                device.last_step,
                list(device.accepted),
                device.floor,
                device.drift,
                device.failures,
                float(device.closed_until),
                _time(device.disabled_at),
                float(device.bound_at),
                device.bound_by,
                _time(device.last_used_at),
                device.history,
            ]
        )
    return [
        1,
        device.credential_id,
        device.name,
        device.public_key,
        device.sign_count,
        device.rp_id,
        device.app_id,
        list(device.transports),
        device.backup_eligible,
        device.backup_state,
        device.uv_initialized,
        device.attestation,
        list(device.models),
        _time(device.cloned_at),
        float(device.bound_at),
        device.bound_by,
        _time(device.last_used_at),
    ]


def _time(at: float | None) -> float | None:
    return None if at is None else float(at)


_OPTIONAL_TEXT: Final = (str, NoneType)
_OPTIONAL_TIME: Final = (float, NoneType)
_VIRTUAL: Final = types_of(
    *(int, str, str, bytes, int, int, int, int, list, int, int, int, float),
    *(_OPTIONAL_TIME, float, str, _OPTIONAL_TIME, bytes),
)
_KEY: Final = types_of(
    *(int, bytes, str, bytes, int, _OPTIONAL_TEXT, _OPTIONAL_TEXT, list),
    *((bool, NoneType), (bool, NoneType), bool, str, list),
    *(_OPTIONAL_TIME, float, str, _OPTIONAL_TIME),
)


def device(row: list[Any]) -> Device:
    """Return the device of a row."""
    if row[0] == 1:
        return _security_key(row)
    (number, device_id, name, secret, algorithm, digits, period, last_step, accepted, floor, drift, failures) = typed(
        row, _VIRTUAL
    )[:12]
    check(number == 0 and 0 <= algorithm <= 2, "virtual device")
    check(bounds.MIN_SHORT_SECRET <= len(secret) <= bounds.MAX_SECRET, "secret")
    check(6 <= digits <= 8 and period >= 1 and last_step >= -1 and failures >= 0, "virtual device")
    check(
        len(accepted) <= bounds.MAX_ACCEPTED and all(type(step) is int and step >= 0 for step in accepted),
        "accepted steps",
    )
    check(floor >= -1 and len(row[17]) == bounds.HISTORY, "virtual device")
    return VirtualMFADevice(
        device_id,
        name,
        SecretBytes(secret),
        _ALGORITHMS[algorithm],
        digits,
        period,
        last_step,
        tuple(accepted),
        floor,
        drift,
        failures,
        *row[12:],
    )


def _security_key(row: list[Any]) -> SecurityKey:
    _, credential_id, name, public_key, sign_count, rp_id, app_id, transports = typed(row, _KEY)[:8]
    check(1 <= len(credential_id) <= 1023 and 0 <= sign_count < 1 << 32, "security key")
    check((rp_id is None) is not (app_id is None), "scope of a security key")
    check(all(type(transport) is str for transport in transports), "transports")
    eligible, backup_state, uv_initialized, attestation, models, *times = row[8:]
    check(len(models) <= bounds.MAX_MODELS and all(type(model) is str for model in models), "models")
    return SecurityKey(
        credential_id,
        name,
        public_key,
        sign_count,
        rp_id,
        app_id,
        tuple(transports),
        eligible,
        backup_state,
        uv_initialized,
        attestation,
        tuple(models),
        *times,
    )


def offer_row(offer: Offer) -> list[Any]:
    """Return an offer as a row; its first field distinguishes the kinds, as in a device's row."""
    common = [offer.stamp, offer.actor, offer.tries, offer.name, offer.account_name, offer.history]
    if isinstance(offer, OfferedSecurityKey):
        return [1, *common, offer.claimed]
    algorithm = _ALGORITHM_NUMBER[offer.algorithm]
    return SecretList([0, *common, bytes(offer.secret), algorithm, offer.digits, offer.period, offer.codes])


_OFFER: Final = types_of(int, bytes, bytes, int, str, str, bytes)
_OFFERED_VIRTUAL: Final = _OFFER + types_of(bytes, int, int, int, int)
_OFFERED_KEY: Final = _OFFER + types_of(bytes)


def offer(row: list[Any]) -> Offer:
    """Return the offer of a row."""
    if row[0] == 1:
        _, *common, claimed = typed(row, _OFFERED_KEY)
        check(len(claimed) in {0, 32}, "offer of a security key")
        return OfferedSecurityKey(**_offered(common), claimed=claimed)
    number, *common, secret, algorithm, digits, period, codes = typed(row, _OFFERED_VIRTUAL)
    check(number == 0 and bounds.MIN_SECRET <= len(secret) <= bounds.MAX_SECRET and 0 <= algorithm <= 2, "offer")
    return OfferedVirtualDevice(
        **_offered(common),
        secret=SecretBytes(secret),
        algorithm=_ALGORITHMS[algorithm],
        digits=digits,
        period=period,
        codes=codes,
    )


def _offered(row: list[Any]) -> dict[str, Any]:
    """Return the fields that offers of both kinds have."""
    stamp, actor, tries, name, account_name, history = row
    check(len(stamp) == bounds.STAMP and len(actor) == 32 and len(history) == bounds.HISTORY, "offer")
    return {
        "stamp": stamp,
        "actor": actor,
        "tries": tries,
        "name": name,
        "account_name": account_name,
        "history": history,
    }


_TIME: Final = struct.Struct(">d")


def stamps(row: bytes) -> tuple[bytes, ...]:
    """Return the stamps of a row, in which they are concatenated."""
    size = bounds.STAMP
    check(len(row) % size == 0 and len(row) <= bounds.MAX_SPENT * size, "spent tickets")
    return tuple([row[start : start + size] for start in range(0, len(row), size)])


def old_marks(row: bytes) -> tuple[bytes, ...]:
    """Return the old password marks of a row, in which they are concatenated."""
    size = bounds.OLD_MARK
    check(len(row) % size == 0 and len(row) <= bounds.MAX_OLD_MARKS * size, "old password marks")
    return tuple([row[start : start + size] for start in range(0, len(row), size)])


def times_row(times: tuple[float, ...]) -> bytes:
    """Return times as 8 bytes each: seconds since the epoch, IEEE 754 big-endian."""
    return b"".join([_TIME.pack(at) for at in times])


def times(row: bytes) -> tuple[float, ...]:
    """Return the times of a row."""
    check(len(row) % _TIME.size == 0 and len(row) <= bounds.MAX_WRONG_CODES * _TIME.size, "wrong codes")
    return tuple([at for (at,) in _TIME.iter_unpack(row)])


def machine_row(machine: Machine) -> list[Any]:
    """Return a remembered machine as a row."""
    times = [float(machine.remembered_at), float(machine.expires_at)]
    return [machine.digest, machine.label, *times, machine.history, machine.device, machine.password_mark]


_MACHINE: Final = types_of(bytes, str, float, float, bytes, bytes, bytes)


def machine(row: list[Any]) -> Machine:
    """Return the remembered machine of a row."""
    digest, label, remembered_at, expires_at, history, device, password_mark = typed(row, _MACHINE)
    check(len(digest) == 32 and len(password_mark) == 32, "machine")
    check(len(history) == bounds.HISTORY and len(device) == 16, "machine")
    return Machine(digest, label, remembered_at, expires_at, history, device, password_mark)


def event_row(event: Event) -> list[Any]:
    """Return an event as a row."""
    return [event.type.value, event.user, float(event.at), event.actor, event.device, event.detail]


_EVENT: Final = types_of(str, str, float, str, _OPTIONAL_TEXT, str)


def event(row: list[Any]) -> Event:
    """Return the event of a row."""
    name, user, at, actor, device, detail = typed(row, _EVENT)
    return Event(_EVENT_TYPES[name], user=user, at=at, actor=actor, device=device, detail=detail)
