# SPDX-License-Identifier: Apache-2.0
"""Conversions of security keys: of python-u2flib-server, py_webauthn, python-fido2 and django-two-factor-auth."""

from __future__ import annotations

import hashlib
from typing import Final

from ..account import MAX_HANDLE
from ..ceremonies import Actor, ImportCredential, ImportSecurityKey
from ..ceremonies.import_credentials import MAX_TRANSPORTS
from ..errors import MalformedMessage
from ..webauthn import AuthenticatorData
from ..webauthn.authenticator_data import AT
from ..webauthn.credentials import MAX_CREDENTIAL_ID
from . import columns
from .incoming import Row

_U2FLIB: Final = "python-u2flib-server row"
_PY_WEBAUTHN: Final = "py_webauthn row"
_FIDO2: Final = "python-fido2 row"
_TWO_FACTOR: Final = "django-two-factor-auth row"
_MAX_KEY: Final = 8_192
_MAX_COUNT: Final = 2**32 - 1
_DEVICE_TYPES: Final = {None: None, "single_device": False, "multi_device": True}
_HEADER: Final = bytes(32) + bytes([AT]) + bytes(4)
"""Of authenticator data with a credential in it, to read a credential that was stored without one."""


def from_u2flib_server(row: Row, /, *, by: Actor, app_id: str) -> ImportSecurityKey:
    """Return the import of a ``DeviceRegistration`` of python-u2flib-server.

    Args:
        row: ``registration``, its JSON as text or as a dict; and, where the table has them, ``counter``, the highest
            one that ``complete_authentication`` returned, and ``name``.
        by: who imports.
        app_id: the AppID it was registered under.

    Raises:
        MalformedMessage: a field cannot be read; the registration itself is verified by the import.
    """
    return ImportSecurityKey(
        row.get("registration"),
        app_id=app_id,
        sign_count=columns.whole(row, "counter", 0, table=_U2FLIB, most=_MAX_COUNT),
        name=columns.optional_text(row, "name", table=_U2FLIB),
        by=by,
    )


def from_py_webauthn(row: Row, /, *, by: Actor, rp_id: str) -> ImportCredential:
    """Return the import of a credential that an application kept of py_webauthn's ``VerifiedRegistration``.

    Args:
        row: ``credential_id`` and ``credential_public_key``, bytes or base64url; and, where the table has them,
            ``sign_count``, ``user_id`` (WebAuthn's ``user.id``), ``credential_device_type``,
            ``credential_backed_up``, ``transports`` and ``name``.
        by: who imports.
        rp_id: the RP ID it was registered for.

    Raises:
        MalformedMessage: a field cannot be read.
    """
    kind = row.get("credential_device_type")
    kind = getattr(kind, "value", kind)
    if not isinstance(kind, str | None) or kind not in _DEVICE_TYPES:
        raise MalformedMessage(_PY_WEBAUTHN, "credential_device_type", "not single_device or multi_device")
    return ImportCredential(
        columns.octets(row, "credential_id", table=_PY_WEBAUTHN, most=MAX_CREDENTIAL_ID),
        public_key=columns.octets(row, "credential_public_key", table=_PY_WEBAUTHN, most=_MAX_KEY),
        rp_id=rp_id,
        sign_count=columns.whole(row, "sign_count", 0, table=_PY_WEBAUTHN, most=_MAX_COUNT),
        user_handle=columns.optional_octets(row, "user_id", table=_PY_WEBAUTHN, most=MAX_HANDLE),
        transports=columns.texts(row, "transports", most=MAX_TRANSPORTS),
        backup_eligible=_DEVICE_TYPES[kind],
        backup_state=columns.flag(row, "credential_backed_up", table=_PY_WEBAUTHN),
        name=columns.optional_text(row, "name", table=_PY_WEBAUTHN),
        by=by,
    )


def from_python_fido2(row: Row, /, *, by: Actor, rp_id: str) -> ImportCredential:
    """Return the import of python-fido2's ``AttestedCredentialData``.

    Args:
        row: ``credential_data``, bytes or base64url; and, where the table has them, ``sign_count``, ``user_handle``
            (WebAuthn's ``user.id``), ``transports`` and ``name``.
        by: who imports.
        rp_id: the RP ID it was registered for.

    Raises:
        MalformedMessage: a field cannot be read.
    """
    stored = columns.octets(row, "credential_data", table=_FIDO2, most=_MAX_KEY)
    credential = AuthenticatorData.parse(_HEADER + stored).attested
    assert credential is not None
    return ImportCredential(
        credential.id,
        public_key=credential.public_key,
        rp_id=rp_id,
        sign_count=columns.whole(row, "sign_count", 0, table=_FIDO2, most=_MAX_COUNT),
        user_handle=columns.optional_octets(row, "user_handle", table=_FIDO2, most=MAX_HANDLE),
        transports=columns.texts(row, "transports", most=MAX_TRANSPORTS),
        name=columns.optional_text(row, "name", table=_FIDO2),
        by=by,
    )


def from_two_factor_webauthn(row: Row, /, *, by: Actor, rp_id: str) -> ImportCredential:
    """Return the import of a row of django-two-factor-auth's ``WebauthnDevice``.

    Args:
        row: the model's fields by name: ``user_id``, ``key_handle`` and ``public_key`` in base64url, ``sign_count``,
            ``name``, ``confirmed``. Its user handle is the hexadecimal SHA-1 of ``user_id`` as text.
        by: who imports.
        rp_id: the RP ID it was registered for.

    Raises:
        MalformedMessage: a field is not what django-two-factor-auth writes, or the device was never confirmed.
    """
    if row.get("confirmed", True) is not True:
        raise MalformedMessage(_TWO_FACTOR, "confirmed", "the device was never confirmed")
    if row.get("user_id") is None:
        raise MalformedMessage(_TWO_FACTOR, "user_id", "absent")
    handle = hashlib.sha1(str(row["user_id"]).encode(), usedforsecurity=False).hexdigest()
    return ImportCredential(
        columns.octets(row, "key_handle", table=_TWO_FACTOR, most=MAX_CREDENTIAL_ID),
        public_key=columns.octets(row, "public_key", table=_TWO_FACTOR, most=_MAX_KEY),
        rp_id=rp_id,
        sign_count=columns.whole(row, "sign_count", 0, table=_TWO_FACTOR, most=_MAX_COUNT),
        user_handle=handle.encode(),
        name=columns.optional_text(row, "name", table=_TWO_FACTOR),
        by=by,
    )
