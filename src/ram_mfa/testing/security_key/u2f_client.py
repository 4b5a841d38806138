# SPDX-License-Identifier: Apache-2.0
"""The U2F client: the FIDO U2F JavaScript API with a soft key plugged in.

FIDO U2F JavaScript API 1.2, section 3
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-javascript-api-v1.2-ps-20170411.html). Requests and
responses are those of the high-level API, errors included: a response with an ``errorCode``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ...encoding.base64url import encode
from ...errors import MalformedMessage
from ...u2f import FINISH_ENROLLMENT, GET_ASSERTION, VERSION, ErrorCode, RegisteredKey, RegisterRequest, SignRequest
from .chip import Chip, Credential
from .client import ClientRefused, application, as_json, challenge_of, check_app_id, origin_of
from .faults import KeyFault


def register(key: Chip, request: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Answer a register request: ``appId``, ``registerRequests`` and ``registeredKeys``.

    Returns:
        ``version``, ``registrationData`` and ``clientData``, or ``errorCode``.
    """
    try:
        asked = RegisterRequest.parse(request)
        check_app_id(asked.app_id, origin)
    except (MalformedMessage, ClientRefused):
        return _error(ErrorCode.BAD_REQUEST)
    if not key.touched:
        return _error(ErrorCode.TIMEOUT)
    if _known(key, asked.registered_keys, asked.app_id) is not None:
        return _error(ErrorCode.DEVICE_INELIGIBLE)
    client_data = _client_data(key, FINISH_ENROLLMENT, asked.challenge, origin)
    raw = key.register(application(asked.app_id, key.faults), hashlib.sha256(client_data).digest())
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
    try:
        asked = SignRequest.parse(request)
        for app_id in {asked.app_id, *(one.app_id for one in asked.registered_keys if one.app_id is not None)}:
            check_app_id(app_id, origin)
    except (MalformedMessage, ClientRefused):
        return _error(ErrorCode.BAD_REQUEST)
    known = _known(key, asked.registered_keys, asked.app_id)
    if known is None:
        return _error(ErrorCode.DEVICE_INELIGIBLE)
    if not key.touched:
        return _error(ErrorCode.TIMEOUT)
    credential, app_id = known
    client_data = _client_data(key, GET_ASSERTION, asked.challenge, origin)
    challenge = hashlib.sha256(client_data).digest()
    state, signature = key.authenticate(credential, application(app_id, key.faults), challenge)
    return {
        "keyHandle": encode(credential.id),
        "signatureData": encode(state + signature + _tail(key)),
        "clientData": encode(client_data),
    }


def _known(key: Chip, registered: Sequence[RegisteredKey], app_id: str) -> tuple[Credential, str] | None:
    """Return the first of the registered keys that this key made, with its AppID."""
    for one in registered:
        under = app_id if one.app_id is None else one.app_id
        credential = key.find(one.key_handle, application(under))
        if credential is not None:
            return credential, under
    return None


def _client_data(key: Chip, typ: str, challenge: bytes, origin: str) -> bytes:
    """Return the client data (FIDO U2F Raw Message Formats 1.2, section 7)."""
    if KeyFault.WRONG_TYPE in key.faults:
        typ = FINISH_ENROLLMENT if typ == GET_ASSERTION else GET_ASSERTION
    encoded = challenge_of(encode(challenge), key.faults)
    return as_json({"typ": typ, "challenge": encoded, "origin": origin_of(origin, key.faults), "cid_pubkey": "unused"})


def _tail(key: Chip) -> bytes:
    return b"\x00" if KeyFault.TRAILING_BYTES in key.faults else b""


def _error(code: ErrorCode) -> dict[str, Any]:
    return {"errorCode": int(code)}
