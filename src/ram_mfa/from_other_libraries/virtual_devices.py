# SPDX-License-Identifier: Apache-2.0
"""Conversions of other libraries' virtual devices: otpauth URIs, base32 secrets, and rows of django-otp's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from .._secret import SecretBytes, SecretText
from ..account import MAX_SECRET
from ..ceremonies import Actor, ImportVirtualDevice
from ..errors import MalformedMessage
from ..otp import Algorithm, KeyURI, parse_setup_key

IMPORTED: Final = "imported"
"""The account name in the key URI of an import, which no record keeps."""
_ROW: Final = "django-otp row"
_MAX_STEP: Final = 32_767
"""Seconds: what a small integer of its table holds; the verb refuses a period too long for the policy."""


def from_key_uri(
    key_uri: str, *, by: Actor, name: str | None = None, create: bool = False, unsafe_short_secret: bool = False
) -> ImportVirtualDevice:
    """Return the import of an otpauth URI.

    Args:
        key_uri: ``otpauth://totp/...``.
        by: who imports.
        name: the device's name.
        create: whether a record is made for a user without one.
        unsafe_short_secret: whether a secret of 80 to 127 bits is bound too.
    """
    return ImportVirtualDevice(
        key_uri, last_step=None, name=name, by=by, create=create, unsafe_short_secret=unsafe_short_secret
    )


def from_base32(
    secret: str,
    *,
    last_step: int | None = None,
    by: Actor,
    account_name: str = IMPORTED,
    issuer: str | None = None,
    algorithm: Algorithm = Algorithm.SHA1,
    digits: Literal[6, 7, 8] = 6,
    period: int = 30,
    name: str | None = None,
    create: bool = False,
    unsafe_short_secret: bool = False,
) -> ImportVirtualDevice:
    """Return the import of a base32 secret with its parameters, as pyotp's users keep them.

    Args:
        secret: base32, in any case, with or without padding and groups.
        last_step: the highest time step that was accepted; None if unknown: then no code of the present window passes.
        by: who imports.
        account_name: what the app shows; it is not kept.
        issuer: what the app shows next to it.
        algorithm: of the app's entry.
        digits: of a code.
        period: seconds.
        name: the device's name.
        create: whether a record is made for a user without one.
        unsafe_short_secret: whether a secret of 80 to 127 bits is bound too.

    Raises:
        MalformedMessage: it is no base32.
        ValueError: a parameter is out of its bounds, or a name cannot stand in a key URI.
    """
    uri = KeyURI("totp", issuer, account_name, parse_setup_key(secret), algorithm, digits, period)
    return ImportVirtualDevice(
        SecretText(uri), last_step=last_step, name=name, by=by, create=create, unsafe_short_secret=unsafe_short_secret
    )


def from_django_otp(
    row: Mapping[str, Any],
    *,
    by: Actor,
    account_name: str = IMPORTED,
    issuer: str | None = None,
    create: bool = False,
    unsafe_short_secret: bool = False,
) -> ImportVirtualDevice:
    """Return the import of a row of django-otp's ``TOTPDevice``: hex key, step, t0, digits, drift, last_t, name.

    Args:
        row: the model's fields by name; ``confirmed`` must be true and ``t0`` zero.
        by: who imports.
        account_name: what the app shows; it is not kept.
        issuer: what the app shows next to it.
        create: whether a record is made for a user without one.
        unsafe_short_secret: whether a secret of 80 to 127 bits is bound too.

    Raises:
        MalformedMessage: a field is not what django-otp writes, or the device was never confirmed.
        ValueError: the account name or the issuer cannot stand in a key URI.
    """
    values = {name: _number(row, name, default) for name, default in _NUMBERS.items()}
    if row.get("confirmed", True) is not True:
        raise MalformedMessage(_ROW, "confirmed", "the device was never confirmed")
    if values["t0"] != 0:
        raise MalformedMessage(_ROW, "t0", "only zero is carried over")
    if values["digits"] not in {6, 7, 8}:
        raise MalformedMessage(_ROW, "digits", "not 6 to 8")
    if not 1 <= values["step"] <= _MAX_STEP:
        raise MalformedMessage(_ROW, "step", f"not 1 to {_MAX_STEP} seconds")
    try:
        key = SecretBytes(bytes.fromhex(row.get("key", "")))
    except (ValueError, TypeError):
        key = SecretBytes()
    if not 1 <= len(key) <= MAX_SECRET:
        raise MalformedMessage(_ROW, "key", f"not 1 to {MAX_SECRET} bytes in hexadecimal")
    uri = KeyURI("totp", issuer, account_name, key, digits=values["digits"], period=values["step"])
    last_step = values["last_t"] if values["last_t"] >= 0 else None
    return ImportVirtualDevice(
        SecretText(uri),
        last_step=last_step,
        drift=values["drift"],
        name=_name(row),
        by=by,
        create=create,
        unsafe_short_secret=unsafe_short_secret,
    )


def _name(row: Mapping[str, Any]) -> str | None:
    name = row.get("name") or None
    if name is not None and not isinstance(name, str):
        raise MalformedMessage(_ROW, "name", "not text")
    return name


_NUMBERS: Final = {"step": 30, "t0": 0, "digits": 6, "drift": 0, "last_t": -1}


def _number(row: Mapping[str, Any], name: str, default: int) -> int:
    value = row.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedMessage(_ROW, name, "not a whole number")
    return value
