# SPDX-License-Identifier: Apache-2.0
"""A browser's responses: the JSON of ``PublicKeyCredential.toJSON()``, read strictly.

Web Authentication Level 3, "PublicKeyCredential", RegistrationResponseJSON and AuthenticationResponseJSON
(https://www.w3.org/TR/webauthn-3/#dom-publickeycredential-tojson).

Invariant: a value of these classes is well formed and nothing more; it proves nothing before it is verified.
Members that repeat what the attestation object holds (``authenticatorData``, ``publicKey`` ...) are not read.
"""

from __future__ import annotations

from typing import Any, Final, Self

import attrs

from ..encoding import base64url
from ..encoding.json import load_object
from ..errors import MalformedMessage
from .credentials import MAX_CREDENTIAL_ID

MAX_JSON: Final = 262_144
"""The most characters of JSON that are looked at: an attestation object may stand in it twice, in base64url."""
MAX_TRANSPORTS: Final = 16
MAX_USER_HANDLE: Final = 64
"""The longest user handle, in bytes (#user-handle)."""

_REGISTRATION = "registration response"
_AUTHENTICATION = "authentication response"


@attrs.frozen(kw_only=True)
class RegistrationResponse:
    """The result of ``navigator.credentials.create()``.

    Attributes:
        id: the credential id, as the client says.
        client_data_json: the bytes as received.
        attestation_object: as its bytes came.
        transports: how to reach the authenticator, as the client says; empty where it does not.
        authenticator_attachment: ``"platform"``, ``"cross-platform"``, or None.
        client_extension_results: by extension identifier, not verified.
    """

    id: bytes
    client_data_json: bytes = attrs.field(repr=False)
    attestation_object: bytes = attrs.field(repr=False)
    transports: tuple[str, ...] = ()
    authenticator_attachment: str | None = None
    client_extension_results: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @classmethod
    def from_json(cls, value: str | bytes | dict[str, Any]) -> Self:
        """Read a registration response.

        Args:
            value: JSON text, or the object that was already parsed from it.

        Raises:
            MalformedMessage: it is no registration response.
        """
        outer, response = _open(value, _REGISTRATION)
        if "attestationObject" not in response:
            raise MalformedMessage(_REGISTRATION, "response", "not that of a registration")
        return cls(
            id=_id(outer, _REGISTRATION),
            client_data_json=_bytes(response, "clientDataJSON", _REGISTRATION),
            attestation_object=_bytes(response, "attestationObject", _REGISTRATION),
            transports=_transports(response),
            authenticator_attachment=_attachment(outer, _REGISTRATION),
            client_extension_results=_extensions(outer, _REGISTRATION),
        )


@attrs.frozen(kw_only=True)
class AuthenticationResponse:
    """The result of ``navigator.credentials.get()``.

    Attributes:
        id: the credential id, as the client says.
        client_data_json: the bytes as received.
        authenticator_data: as its bytes came.
        signature: as its bytes came.
        user_handle: whose credential it is, as the authenticator says; None where it does not (an empty one says
            nothing).
        app_id_used: the client's output of the ``appid`` extension; False if there is none.
        authenticator_attachment: ``"platform"``, ``"cross-platform"``, or None.
        client_extension_results: by extension identifier, not verified.
    """

    id: bytes
    client_data_json: bytes = attrs.field(repr=False)
    authenticator_data: bytes = attrs.field(repr=False)
    signature: bytes = attrs.field(repr=False)
    user_handle: bytes | None = None
    app_id_used: bool = False
    authenticator_attachment: str | None = None
    client_extension_results: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @classmethod
    def from_json(cls, value: str | bytes | dict[str, Any]) -> Self:
        """Read an authentication response.

        Args:
            value: JSON text, or the object that was already parsed from it.

        Raises:
            MalformedMessage: it is no authentication response.
        """
        outer, response = _open(value, _AUTHENTICATION)
        if "signature" not in response:
            raise MalformedMessage(_AUTHENTICATION, "response", "not that of an authentication")
        extensions = _extensions(outer, _AUTHENTICATION)
        app_id_used = extensions.get("appid", False)
        if not isinstance(app_id_used, bool):
            raise MalformedMessage(_AUTHENTICATION, "appid", "neither true nor false")
        return cls(
            id=_id(outer, _AUTHENTICATION),
            client_data_json=_bytes(response, "clientDataJSON", _AUTHENTICATION),
            authenticator_data=_bytes(response, "authenticatorData", _AUTHENTICATION),
            signature=_bytes(response, "signature", _AUTHENTICATION),
            user_handle=_user_handle(response),
            app_id_used=app_id_used,
            authenticator_attachment=_attachment(outer, _AUTHENTICATION),
            client_extension_results=extensions,
        )


def _open(value: object, message: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the credential and its ``response`` member."""
    if isinstance(value, str | bytes):
        value = load_object(value, message=message, limit=MAX_JSON)
    if not isinstance(value, dict):
        raise MalformedMessage(message, "JSON", "not an object")
    if value.get("type") != "public-key":
        raise MalformedMessage(message, "type", "not public-key")
    response = value.get("response")
    if not isinstance(response, dict):
        raise MalformedMessage(message, "response", "not an object")
    return value, response


def _bytes(members: dict[str, Any], name: str, message: str) -> bytes:
    text: Any = members.get(name)
    return base64url.decode(text, message=message, field=name, limit=MAX_JSON)


def _id(outer: dict[str, Any], message: str) -> bytes:
    """Return the credential id; ``id`` and ``rawId`` are two names of one value."""
    credential_id = _bytes(outer, "id", message)
    # Compared once ``id`` is known to be text: comparing what is nested deep, on both sides, has no bound.
    if outer["id"] != outer.get("rawId"):
        raise MalformedMessage(message, "rawId", "not the same as id")
    if not 1 <= len(credential_id) <= MAX_CREDENTIAL_ID:
        raise MalformedMessage(message, "id", f"not 1 to {MAX_CREDENTIAL_ID} bytes")
    return credential_id


def _transports(response: dict[str, Any]) -> tuple[str, ...]:
    """Return the transports; unknown ones are kept, as the standard asks."""
    names = response.get("transports", ())
    if not isinstance(names, list | tuple) or len(names) > MAX_TRANSPORTS:
        raise MalformedMessage(_REGISTRATION, "transports", f"not a list of at most {MAX_TRANSPORTS}")
    if not all(
        isinstance(name, str) and 1 <= len(name) <= 32 and name.isascii() and name.isprintable() for name in names
    ):
        raise MalformedMessage(_REGISTRATION, "transports", "not short names")
    return tuple(names)


def _attachment(outer: dict[str, Any], message: str) -> str | None:
    """Return how the authenticator is attached; values that are not known count as none (#enum-attachment)."""
    attachment = outer.get("authenticatorAttachment")
    if attachment is not None and not isinstance(attachment, str):
        raise MalformedMessage(message, "authenticatorAttachment", "not a string")
    return attachment if attachment in {"platform", "cross-platform"} else None


def _extensions(outer: dict[str, Any], message: str) -> dict[str, Any]:
    results = outer.get("clientExtensionResults", {})
    if not isinstance(results, dict):
        raise MalformedMessage(message, "clientExtensionResults", "not an object")
    return results


def _user_handle(response: dict[str, Any]) -> bytes | None:
    if response.get("userHandle") is None:
        return None
    handle = _bytes(response, "userHandle", _AUTHENTICATION)
    if len(handle) > MAX_USER_HANDLE:
        raise MalformedMessage(_AUTHENTICATION, "userHandle", f"longer than {MAX_USER_HANDLE} bytes")
    return handle or None
