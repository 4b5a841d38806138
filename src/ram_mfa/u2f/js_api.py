# SPDX-License-Identifier: Apache-2.0
"""The JSON of ``u2f.register`` and ``u2f.sign``, as legacy and native clients speak it.

FIDO U2F JavaScript API 1.2, section 3
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-javascript-api-v1.2-ps-20170411.html).

Invariant: every binary member is canonical base64url, and every message is parsed to its end: a response object
always contains well-formed messages. The challenge, the origin and the signature are not verified here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final, Self, TypeVar

import attrs

from .._validation import each, instance_of, octets, optional, text
from ..encoding import base64url
from ..encoding.json import load_object, text_member
from ..errors import MalformedMessage
from .client_data import ClientData
from .messages import MAX_KEY_HANDLE, VERSION, AuthenticationResponse, RegistrationResponse

_T = TypeVar("_T")

JSON = str | bytes | Mapping[str, Any]
"""The input of the parsers: a document, or the result of a JSON parser."""

_LIMIT: Final = 131_072
_MAX_KEYS: Final = 64
_REGISTER, _SIGN = "u2f.register response", "u2f.sign response"
_REGISTER_REQUEST, _SIGN_REQUEST = "u2f.register request", "u2f.sign request"


class ErrorCode(enum.IntEnum):
    """Reasons of a client that has no answer (3.1.1)."""

    OTHER_ERROR = 1
    BAD_REQUEST = 2
    CONFIGURATION_UNSUPPORTED = 3
    DEVICE_INELIGIBLE = 4
    """Registration: a key among ``registeredKeys`` was touched. Signing: none of them was."""
    TIMEOUT = 5


@attrs.frozen
class ErrorResponse:
    """A client's answer without a response of a key.

    Attributes:
        code: why.
        message: the client's text, for a log and never for a page; None if it sent none.
    """

    code: ErrorCode
    message: str | None = None


@attrs.frozen
class RegisteredKey:
    """A key that is registered already.

    Attributes:
        key_handle: 1 to 255 bytes.
        app_id: the AppID that it was registered under, where it is not the request's.
        transports: how it can be reached, such as ``("usb", "nfc")``; empty where that is not known.
    """

    key_handle: bytes = attrs.field(validator=octets(1, 1_023))
    app_id: str | None = attrs.field(default=None, validator=optional(text()))
    transports: tuple[str, ...] = attrs.field(default=(), validator=each(tuple, text(1, 64), most=16))

    def to_json(self) -> dict[str, Any]:
        """Return the dictionary of the API."""
        key: dict[str, Any] = {"version": VERSION, "keyHandle": base64url.encode(self.key_handle)}
        if self.app_id is not None:
            key["appId"] = self.app_id
        if self.transports:
            key["transports"] = list(self.transports)
        return key


_KEYS: Final = each(tuple, instance_of(RegisteredKey))


@attrs.frozen
class RegisterRequest:
    """The arguments of ``u2f.register`` with one request.

    Attributes:
        app_id: the AppID.
        challenge: the bytes of the challenge.
        registered_keys: keys that must not be registered again.
    """

    app_id: str = attrs.field(validator=text())
    challenge: bytes = attrs.field(repr=False, validator=instance_of(bytes))
    registered_keys: tuple[RegisteredKey, ...] = attrs.field(default=(), validator=_KEYS)

    def to_json(self) -> dict[str, Any]:
        """Return ``appId``, ``registerRequests`` and ``registeredKeys``."""
        return {
            "appId": self.app_id,
            "registerRequests": [{"version": VERSION, "challenge": base64url.encode(self.challenge)}],
            "registeredKeys": [key.to_json() for key in self.registered_keys],
        }

    @classmethod
    def parse(cls, request: JSON) -> Self:
        """Return the request that a page hands to a client; of several ``registerRequests``, the first of U2F_V2.

        Raises:
            MalformedMessage: it is not such a request.
        """
        members = _members(request, _REGISTER_REQUEST)
        for one in _objects(members, "registerRequests", _REGISTER_REQUEST):
            if one.get("version") == VERSION:
                challenge = _binary(one, "challenge", _REGISTER_REQUEST)
                app_id = text_member(members, "appId", message=_REGISTER_REQUEST)
                keys = _registered_keys(members, _REGISTER_REQUEST)
                return _build(cls, app_id, challenge, keys, message=_REGISTER_REQUEST)
        raise MalformedMessage(_REGISTER_REQUEST, "registerRequests", f"none of {VERSION}")


@attrs.frozen
class SignRequest:
    """The arguments of ``u2f.sign``.

    Attributes:
        app_id: the AppID.
        challenge: the bytes of the challenge.
        registered_keys: the keys that may answer.
    """

    app_id: str = attrs.field(validator=text())
    challenge: bytes = attrs.field(repr=False, validator=instance_of(bytes))
    registered_keys: tuple[RegisteredKey, ...] = attrs.field(validator=_KEYS)

    def to_json(self) -> dict[str, Any]:
        """Return ``appId``, ``challenge`` and ``registeredKeys``."""
        return {
            "appId": self.app_id,
            "challenge": base64url.encode(self.challenge),
            "registeredKeys": [key.to_json() for key in self.registered_keys],
        }

    @classmethod
    def parse(cls, request: JSON) -> Self:
        """Return the request that a page hands to a client.

        Raises:
            MalformedMessage: it is not such a request.
        """
        members = _members(request, _SIGN_REQUEST)
        challenge = _binary(members, "challenge", _SIGN_REQUEST)
        app_id = text_member(members, "appId", message=_SIGN_REQUEST)
        return _build(cls, app_id, challenge, _registered_keys(members, _SIGN_REQUEST), message=_SIGN_REQUEST)


@attrs.frozen
class RegisterResponse:
    """The result of ``u2f.register``.

    Attributes:
        registration: the raw message.
        client_data: the client data that the key signed.
    """

    registration: RegistrationResponse
    client_data: ClientData

    def to_json(self) -> dict[str, Any]:
        """Return ``version``, ``registrationData`` and ``clientData``."""
        return {
            "version": VERSION,
            "registrationData": base64url.encode(bytes(self.registration)),
            "clientData": base64url.encode(bytes(self.client_data)),
        }

    @classmethod
    def parse(cls, response: JSON) -> Self | ErrorResponse:
        """Return the response that a client sent, or its error.

        Raises:
            MalformedMessage: it is neither.
        """
        members = _members(response, _REGISTER)
        if error := _error(members, _REGISTER):
            return error
        if members.get("version", VERSION) != VERSION:
            raise MalformedMessage(_REGISTER, "version", f"not {VERSION}")
        registration = RegistrationResponse.parse(_binary(members, "registrationData", _REGISTER))
        return cls(registration, ClientData.parse(_binary(members, "clientData", _REGISTER)))


@attrs.frozen
class SignResponse:
    """The result of ``u2f.sign``.

    Attributes:
        key_handle: the key that claims to have answered; the caller looks it up among the requested ones.
        authentication: the raw message.
        client_data: the client data that the key signed.
    """

    key_handle: bytes
    authentication: AuthenticationResponse
    client_data: ClientData

    def to_json(self) -> dict[str, Any]:
        """Return ``keyHandle``, ``signatureData`` and ``clientData``."""
        return {
            "keyHandle": base64url.encode(self.key_handle),
            "signatureData": base64url.encode(bytes(self.authentication)),
            "clientData": base64url.encode(bytes(self.client_data)),
        }

    @classmethod
    def parse(cls, response: JSON) -> Self | ErrorResponse:
        """Return the response that a client sent, or its error.

        Raises:
            MalformedMessage: it is neither.
        """
        members = _members(response, _SIGN)
        if error := _error(members, _SIGN):
            return error
        key_handle = _key_handle(members, _SIGN)
        authentication = AuthenticationResponse.parse(_binary(members, "signatureData", _SIGN))
        return cls(key_handle, authentication, ClientData.parse(_binary(members, "clientData", _SIGN)))


def _members(value: JSON, message: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    return load_object(value, message=message, limit=_LIMIT)


def _error(members: dict[str, Any], message: str) -> ErrorResponse | None:
    """Return the error of a response; None if it has none, or code 0 (OK)."""
    code, words = members.get("errorCode", 0), members.get("errorMessage")
    if type(code) is not int or not 0 <= code <= max(ErrorCode):
        raise MalformedMessage(message, "errorCode", "not a code of the API")
    return ErrorResponse(ErrorCode(code), words if isinstance(words, str) else None) if code else None


def _binary(members: dict[str, Any], name: str, message: str) -> bytes:
    return base64url.decode(text_member(members, name, message=message), message=message, field=name)


def _key_handle(members: dict[str, Any], message: str) -> bytes:
    key_handle = _binary(members, "keyHandle", message)
    if not 0 < len(key_handle) <= MAX_KEY_HANDLE:
        raise MalformedMessage(message, "keyHandle", f"not 1 to {MAX_KEY_HANDLE} bytes")
    return key_handle


def _objects(members: dict[str, Any], name: str, message: str) -> list[dict[str, Any]]:
    """Return a member that is a list of objects; a missing one is empty."""
    values = members.get(name, [])
    if not isinstance(values, list) or len(values) > _MAX_KEYS or not all(isinstance(one, dict) for one in values):
        raise MalformedMessage(message, name, f"not a list of at most {_MAX_KEYS} objects")
    return values


def _registered_keys(members: dict[str, Any], message: str) -> tuple[RegisteredKey, ...]:
    """Return the registered keys of U2F_V2, in their order."""
    keys: list[RegisteredKey] = []
    for one in _objects(members, "registeredKeys", message):
        if one.get("version") == VERSION:
            app_id = text_member(one, "appId", message=message) if "appId" in one else None
            transports = one.get("transports") or []
            if not isinstance(transports, list) or not all(isinstance(name, str) for name in transports):
                raise MalformedMessage(message, "transports", "not a list of strings")
            key_handle = _key_handle(one, message)
            keys.append(_build(RegisteredKey, key_handle, app_id, tuple(transports), message=message))
    return tuple(keys)


def _build(kind: Callable[..., _T], *values: object, message: str) -> _T:
    """Return a frozen value of what a message held; what its fields do not accept is a fault of the message."""
    try:
        return kind(*values)
    except ValueError as error:
        raise MalformedMessage(message, "members", str(error)) from None
