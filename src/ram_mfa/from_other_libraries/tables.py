# SPDX-License-Identifier: Apache-2.0
"""Conversions of django-allauth's rows, of django-otp's static codes, and of a table of pyotp's secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, Literal, cast

from ..account import MAX_HANDLE
from ..ceremonies import Actor, ImportCredential, ImportVirtualDevice
from ..ceremonies.import_credentials import MAX_TRANSPORTS
from ..ceremonies.import_devices import ImportDevice
from ..errors import MalformedMessage
from ..otp import Algorithm
from ..webauthn import RegistrationResponse
from ..webauthn.attestation.statement import AttestationObject
from . import columns
from .incoming import LeftBehind, Row
from .virtual_devices import from_base32

_ALLAUTH: Final = "django-allauth row"
_PYOTP: Final = "pyotp row"
_RECOVERY: Final = LeftBehind("recovery codes are not imported: the user creates new ones")
_MAX_STEP: Final = 32_767


def from_django_otp_static(row: Row, /, *, by: Actor) -> LeftBehind:
    """Return why a row of django-otp's ``StaticToken`` is left behind: its codes are stored in plain text."""
    del row, by
    return _RECOVERY


def from_pyotp(row: Row, /, *, by: Actor, unsafe_short_secret: bool = False) -> ImportVirtualDevice:
    """Return the import of a row of an application's own table of pyotp secrets.

    Args:
        row: ``secret`` in base32; and, where the table has them, ``digits``, ``interval`` (seconds), ``digest``
            (``"sha1"``, ``"sha256"``, ``"sha512"``), ``last_step`` (the highest time step that was accepted) and
            ``name``.
        by: who imports.
        unsafe_short_secret: whether a secret of 80 to 127 bits is bound too: pyotp made them by default up to 2.4.

    Raises:
        MalformedMessage: a field cannot be read.
    """
    digits = columns.whole(row, "digits", 6, table=_PYOTP)
    if digits not in {6, 7, 8}:
        raise MalformedMessage(_PYOTP, "digits", "not 6 to 8")
    period = columns.whole(row, "interval", 30, table=_PYOTP, most=_MAX_STEP)
    if not period:
        raise MalformedMessage(_PYOTP, "interval", "zero")
    last_step = None if row.get("last_step") is None else columns.whole(row, "last_step", 0, table=_PYOTP)
    return from_base32(
        columns.text(row, "secret", table=_PYOTP),
        last_step=last_step,
        by=by,
        algorithm=_algorithm(columns.optional_text(row, "digest", table=_PYOTP) or "sha1"),
        digits=cast("Literal[6, 7, 8]", digits),
        period=period,
        name=columns.optional_text(row, "name", table=_PYOTP),
        unsafe_short_secret=unsafe_short_secret,
    )


def _algorithm(digest: str) -> Algorithm:
    try:
        return Algorithm(digest.upper())
    except ValueError:
        raise MalformedMessage(_PYOTP, "digest", "not SHA-1, SHA-256 or SHA-512") from None


def from_allauth(
    row: Row,
    /,
    *,
    by: Actor,
    rp_id: str | None = None,
    decrypt: Callable[[str], str] = str,
    user_handle: Callable[[Row], bytes] | None = None,
    digits: Literal[6, 7, 8] = 6,
    period: int = 30,
    unsafe_short_secret: bool = False,
) -> ImportDevice | LeftBehind:
    """Return the import of a row of django-allauth's ``Authenticator``: ``type`` and ``data``.

    It keeps no time step and no signature counter: no code of the present window passes after the import, and the
    counter is that of the registration.

    Args:
        row: the model's fields by name.
        by: who imports.
        rp_id: the RP ID of its security keys; without one they are left behind.
        decrypt: the ``decrypt`` of the project's MFA adapter; by default secrets are as stored.
        user_handle: returns WebAuthn's ``user.id`` of a row; needed by keys that may log on without a user name.
        digits: the setting ``MFA_TOTP_DIGITS``.
        period: the setting ``MFA_TOTP_PERIOD``, seconds.
        unsafe_short_secret: whether a secret of 80 to 127 bits is bound too.

    Raises:
        MalformedMessage: a field is not what django-allauth writes.
    """
    match columns.text(row, "type", table=_ALLAUTH):
        case "recovery_codes":
            return _RECOVERY
        case "totp":
            secret = columns.text(columns.mapping(row, "data", table=_ALLAUTH), "secret", table=_ALLAUTH)
            return from_base32(
                decrypt(secret), by=by, digits=digits, period=period, unsafe_short_secret=unsafe_short_secret
            )
        case "webauthn":
            if rp_id is None:
                return LeftBehind("a security key, and no RP ID was given")
            return _credential(row, by, rp_id, None if user_handle is None else user_handle(row))
        case _:
            raise MalformedMessage(_ALLAUTH, "type", "not totp, webauthn or recovery_codes")


def _credential(row: Row, by: Actor, rp_id: str, handle: bytes | None) -> ImportCredential:
    if handle is not None and not 1 <= len(handle) <= MAX_HANDLE:
        raise MalformedMessage(_ALLAUTH, "user handle", f"not 1 to {MAX_HANDLE} bytes")
    data = columns.mapping(row, "data", table=_ALLAUTH)
    response = RegistrationResponse.from_json(dict(columns.mapping(data, "credential", table=_ALLAUTH)))
    received = AttestationObject.parse(response.attestation_object)
    flags = received.authenticator_data
    if flags.rp_id_hash != hashlib.sha256(rp_id.encode()).digest():
        raise MalformedMessage(_ALLAUTH, "credential", "registered for another RP ID")
    return ImportCredential(
        received.credential.id,
        public_key=received.credential.public_key,
        rp_id=rp_id,
        sign_count=flags.sign_count,
        user_handle=handle,
        transports=response.transports[:MAX_TRANSPORTS],
        backup_eligible=flags.backup_eligible,
        backup_state=flags.backup_state,
        name=columns.optional_text(data, "name", table=_ALLAUTH),
        by=by,
    )
