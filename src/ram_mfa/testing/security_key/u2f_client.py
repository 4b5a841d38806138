# SPDX-License-Identifier: Apache-2.0
"""The U2F JSON door: a client that speaks the FIDO U2F JavaScript API 1.1 with a soft key plugged in.

https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-javascript-api-v1.2-ps-20170411.html sections 3 and 4.
Requests and responses are those of the high-level API; an error is a response with an ``errorCode``, as it is there.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from typing import Any

from ..._base64url import encode
from .chip import Chip, Credential
from .client import ClientRefused, application, as_json, challenge_of, check_app_id, origin_of, unbase64url
from .faults import Fault

VERSION = "U2F_V2"
_REGISTER, _SIGN = "navigator.id.finishEnrollment", "navigator.id.getAssertion"


class ErrorCode(enum.IntEnum):
    """The API's error codes (section 3.4)."""

    OTHER_ERROR = 1
    BAD_REQUEST = 2
    CONFIGURATION_UNSUPPORTED = 3
    DEVICE_INELIGIBLE = 4
    TIMEOUT = 5


def register(key: Chip, request: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Answer a register request: ``appId``, ``registerRequests`` and ``registeredKeys``.

    Returns:
        ``version``, ``registrationData`` and ``clientData``, or ``errorCode``.
    """
    app_id = request["appId"]
    asked = next((one for one in request["registerRequests"] if one["version"] == VERSION), None)
    if asked is None or not _may_ask(app_id, origin):
        return _error(ErrorCode.BAD_REQUEST)
    if _known(key, request):
        return _error(ErrorCode.DEVICE_INELIGIBLE)
    if not key.touched:
        return _error(ErrorCode.TIMEOUT)
    client_data = _client_data(key, _REGISTER, asked["challenge"], origin)
    raw = key.register(application(app_id, key.faults), hashlib.sha256(client_data).digest())
    return {
        "version": VERSION,
        "registrationData": encode(bytes(raw) + _tail(key)),
        "clientData": encode(client_data),
    }


def sign(key: Chip, request: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Answer a sign request: ``appId``, ``challenge`` and ``registeredKeys``.

    Returns:
        ``keyHandle``, ``signatureData`` and ``clientData``, or ``errorCode``.
    """
    known = _known(key, request)
    if not all(_may_ask(one.get("appId", request.get("appId")), origin) for one in request["registeredKeys"]):
        return _error(ErrorCode.BAD_REQUEST)
    if known is None:
        return _error(ErrorCode.DEVICE_INELIGIBLE)
    if not key.touched:
        return _error(ErrorCode.TIMEOUT)
    client_data = _client_data(key, _SIGN, request["challenge"], origin)
    credential, app_id = known
    state, signature = key.authenticate(
        credential, application(app_id, key.faults), hashlib.sha256(client_data).digest()
    )
    return {
        "keyHandle": encode(credential.id),
        "signatureData": encode(state + signature + _tail(key)),
        "clientData": encode(client_data),
    }


def _may_ask(app_id: str, origin: str) -> bool:
    try:
        check_app_id(app_id, origin)
    except ClientRefused:
        return False
    return True


def _known(key: Chip, request: Mapping[str, Any]) -> tuple[Credential, str] | None:
    """Return the first of the registered keys that this key made, with its AppID."""
    for one in request.get("registeredKeys", ()):
        app_id = one.get("appId", request.get("appId"))
        credential = key.find(unbase64url(one["keyHandle"], "keyHandle"), application(app_id))
        if credential is not None and one.get("version", VERSION) == VERSION:
            return credential, app_id
    return None


def _client_data(key: Chip, typ: str, challenge: str, origin: str) -> bytes:
    """Return the client data (FIDO U2F Raw Message Formats 1.2, section 7)."""
    if Fault.WRONG_TYPE in key.faults:
        typ = _REGISTER if typ == _SIGN else _SIGN
    challenge, origin = challenge_of(challenge, key.faults), origin_of(origin, key.faults)
    return as_json({"typ": typ, "challenge": challenge, "origin": origin, "cid_pubkey": "unused"})


def _tail(key: Chip) -> bytes:
    return b"\x00" if Fault.TRAILING_BYTES in key.faults else b""


def _error(code: ErrorCode) -> dict[str, Any]:
    return {"errorCode": int(code)}
