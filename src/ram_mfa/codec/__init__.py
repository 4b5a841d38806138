# SPDX-License-Identifier: Apache-2.0
"""The encoding of records: positional CBOR arrays (RFC 8949) that start with a version.

A record has exactly the types that its version writes, and every list is bounded. A record of an unknown version is
refused, never guessed (promise S15). Bytes that are not exactly one record of the expected kind raise `Unreadable`; the
loop adds the store key. `ram_mfa.sealing` encrypts and authenticates the bytes, so the values inside valid types and
bounds are trusted.

Invariant: a release writes the newest version only, and reads every version that a release has written. CONTRIBUTING.md
says how to add a field.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final, TypeAlias, TypeVar

import attrs
import cbor2

from .. import account as bounds
from .._secret import SecretBytes, SecretList
from ..account import Account
from ..context import MAX_LOSSES, Loss, Root
from . import rows
from .browser_rows import browsers_row, read_browsers
from .recovery_rows import read_recovery, recovery_row
from .rows import Unreadable, check, typed, types_of

__all__ = [
    "CredentialClaim",
    "Unreadable",
    "decode_account",
    "decode_claim",
    "decode_root",
    "encode_account",
    "encode_claim",
    "encode_root",
]

_Record = TypeVar("_Record")
_Readers: TypeAlias = Mapping[int, Callable[[list[Any]], _Record]]
"""The reader of each version of a kind of record."""

VERSION: Final = 1
"""The version that is written."""
MAX_SIZE: Final = 1 << 20
"""Bytes; far above the largest record within the bounds of `ram_mfa.account`."""


@attrs.frozen
class CredentialClaim:
    """A claim: the credential id belongs to the user with this store key, permanently."""

    key: str


def encode_account(account: Account) -> SecretBytes:
    """Return the account as bytes."""
    return SecretBytes(
        cbor2.dumps(
            SecretList(
                [
                    VERSION,
                    account.user,
                    account.handle,
                    account.epoch,
                    float(account.created_at),
                    account.required,
                    [rows.device_row(device) for device in account.devices],
                    [rows.offer_row(offer) for offer in account.offers],
                    b"".join(account.answered),
                    b"".join(account.failed),
                    account.not_before,
                    [rows.machine_row(machine) for machine in account.machines],
                    rows.times_row(account.wrong),
                    account.password_mark,
                    b"".join(account.old_marks),
                    [rows.event_row(event) for event in account.outbox],
                    account.moved_to,
                    account.reserved_for,
                    account.reservation,
                    browsers_row(account.browsers),
                    recovery_row(account.recovery),
                ]
            )
        )
    )


def decode_account(data: bytes) -> Account:
    """Return the account that ``data`` encodes.

    Raises:
        Unreadable: it is not exactly one account, of a known version and within its bounds.
    """
    return _decode(_ACCOUNT_READERS, data)


def encode_root(root: Root) -> SecretBytes:
    """Return the root record as bytes."""
    losses = [[float(loss.at), loss.history] for loss in root.losses]
    row = SecretList(
        [
            VERSION,
            bytes(root.ticket_key),
            bytes(root.browser_key),
            root.incarnation,
            root.history,
            losses,
            root.store_id,
            root.older,
        ]
    )
    return SecretBytes(cbor2.dumps(row))


def decode_root(data: bytes) -> Root:
    """Return the root record that ``data`` encodes.

    Raises:
        Unreadable: it is not exactly one root record of a known version.
    """
    return _decode(_ROOT_READERS, data)


def encode_claim(claim: CredentialClaim) -> SecretBytes:
    """Return a claim as bytes."""
    return SecretBytes(cbor2.dumps([VERSION, claim.key]))


def decode_claim(data: bytes) -> CredentialClaim:
    """Return the claim that ``data`` encodes.

    Raises:
        Unreadable: it is not exactly one claim of a known version.
    """
    return _decode(_CLAIM_READERS, data)


def _decode(readers: _Readers[_Record], data: bytes) -> _Record:
    """Decode a record with the reader of its version; an exception has nothing of the record in its frames."""
    try:
        return _read(readers, _row(data))
    except Unreadable as error:
        problem = error.args[0]
    except Exception:  # noqa: BLE001 - whatever a foreign row makes the readers stumble over
        problem = "not a record of this library"
    raise Unreadable(problem)


def _row(data: bytes) -> list[Any]:
    if len(data) > MAX_SIZE:
        raise Unreadable("too large")
    stream = io.BytesIO(data)
    row = cbor2.CBORDecoder(stream).decode()
    if stream.tell() != len(data):
        raise Unreadable("bytes after the record")
    if type(row) is not list or not row or type(row[0]) is not int:
        raise Unreadable("not a record of this library")
    return row


def _read(readers: _Readers[_Record], row: list[Any]) -> _Record:
    reader = readers.get(row[0])
    if reader is None:
        raise Unreadable(f"written by another version of the library: {row[0]}")
    return reader(row)


_ACCOUNT: Final = types_of(
    *(int, str, bytes, bytes, float, bool),
    *(list, list, bytes, bytes, int, list, bytes),
    *((bytes, NoneType), bytes, list, (str, NoneType), (str, NoneType), (bytes, NoneType), list),
    (list, NoneType),
)


def _account(row: list[Any]) -> Account:
    (_, user, handle, epoch, created_at, required, devices, offers, answered, failed, not_before) = typed(
        row, _ACCOUNT
    )[:11]
    machines, wrong, password_mark, old_marks, outbox, moved_to, reserved_for, reservation, browsers, recovery = row[
        11:
    ]
    check(1 <= len(handle) <= bounds.MAX_HANDLE and len(epoch) == 16 and user != "", "identity")
    check(len(devices) <= bounds.MAX_DEVICES and len(offers) <= bounds.MAX_OFFERS, "devices or offers")
    check(len(machines) <= bounds.MAX_MACHINES, "machines")
    check(len(outbox) <= bounds.MAX_EVENTS, "outbox")
    check(reservation is None or len(reservation) == 16, "reservation")
    check(not_before >= 0 and (password_mark is None or len(password_mark) == 32), "marks")
    return Account(
        user,
        handle,
        epoch,
        created_at,
        required,
        tuple([rows.device(entry) for entry in devices]),
        tuple([rows.offer(entry) for entry in offers]),
        rows.stamps(answered),
        rows.stamps(failed),
        not_before,
        tuple([rows.machine(entry) for entry in machines]),
        rows.times(wrong),
        password_mark,
        rows.old_marks(old_marks),
        tuple([rows.event(entry) for entry in outbox]),
        moved_to,
        reserved_for,
        reservation,
        read_browsers(browsers),
        read_recovery(recovery),
    )


_ROOT: Final = types_of(int, bytes, bytes, str, bytes, list, bytes, (bytes, NoneType))
_LOSS: Final = types_of(float, bytes)
_CLAIM: Final = types_of(int, str)


def _root(row: list[Any]) -> Root:
    _, ticket_key, browser_key, incarnation, history, losses, store_id, older = typed(row, _ROOT)
    check(len(ticket_key) == len(browser_key) == 32 and len(history) == 16, "root record")
    check(len(losses) <= MAX_LOSSES, "losses")
    check(len(store_id) == 16 and (older is None or len(older) == 16), "store id")
    return Root(
        SecretBytes(ticket_key),
        SecretBytes(browser_key),
        incarnation,
        history,
        tuple([_loss(one) for one in losses]),
        store_id,
        older,
    )


def _loss(row: list[Any]) -> Loss:
    at, history = typed(row, _LOSS)
    check(len(history) == 16 and 0 <= at < math.inf, "losses")
    return Loss(at, history)


def _claim(row: list[Any]) -> CredentialClaim:
    return CredentialClaim(typed(row, _CLAIM)[1])


_ACCOUNT_READERS: Final[_Readers[Account]] = {1: _account}
_ROOT_READERS: Final[_Readers[Root]] = {1: _root}
_CLAIM_READERS: Final[_Readers[CredentialClaim]] = {1: _claim}
