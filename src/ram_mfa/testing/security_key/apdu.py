# SPDX-License-Identifier: Apache-2.0
"""The APDU interface of a soft key.

FIDO U2F Raw Message Formats 1.2 (https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/), sections 3 to 6. Requests
are parsed by `ram_mfa.u2f`; answers are built here, since the messages of the library cannot be malformed.
"""

from __future__ import annotations

import attrs

from ...errors import MalformedMessage
from ...u2f import (
    VERSION,
    AuthenticationRequest,
    CommandAPDU,
    Control,
    RegistrationRequest,
    ResponseAPDU,
    StatusWord,
    VersionRequest,
)
from ...u2f.apdu import EXTENDED_RESPONSE, SHORT_RESPONSE
from .chip import Chip
from .faults import KeyFault

_GET_RESPONSE = 0xC0


@attrs.define
class Wire:
    """Transport of APDUs, which keeps the parts of an answer that were not fetched yet."""

    _waiting: list[ResponseAPDU] = attrs.field(factory=list, init=False)

    def answer(self, key: Chip, apdu: bytes) -> bytes:
        """Return the response to one APDU: data, and the status word in two bytes."""
        try:
            command = CommandAPDU.parse(apdu)
        except MalformedMessage:
            self._waiting = []
            return bytes(ResponseAPDU(b"", StatusWord.WRONG_LENGTH))
        if not (command.ins == _GET_RESPONSE and self._waiting):
            # A command without a field for the length of its answer accepts the longest.
            size = command.response or (EXTENDED_RESPONSE if command.extended else SHORT_RESPONSE)
            self._waiting = list(_do(key, command).chained(size))
        return bytes(self._waiting.pop(0))


def _do(key: Chip, command: CommandAPDU) -> ResponseAPDU:
    if command.cla != 0:
        return ResponseAPDU(b"", StatusWord.CLA_NOT_SUPPORTED)
    try:
        match command.ins:
            case 0x01:
                return _register(key, RegistrationRequest.from_apdu(command))
            case 0x02:
                return _authenticate(key, AuthenticationRequest.from_apdu(command))
            case 0x03:
                VersionRequest.from_apdu(command)
                return ResponseAPDU(VERSION.encode())
            case _:
                return ResponseAPDU(b"", StatusWord.INS_NOT_SUPPORTED)
    except MalformedMessage as error:
        wrong_value = error.field == "control byte"
        return ResponseAPDU(b"", StatusWord.WRONG_DATA if wrong_value else StatusWord.WRONG_LENGTH)


def _register(key: Chip, request: RegistrationRequest) -> ResponseAPDU:
    """Answer a registration request (sections 4.2 and 4.3)."""
    if not key.touched:
        return ResponseAPDU(b"", StatusWord.CONDITIONS_NOT_SATISFIED)
    raw = key.register(application=request.application_parameter, challenge=request.challenge_parameter)
    return ResponseAPDU(bytes(raw) + _tail(key))


def _authenticate(key: Chip, request: AuthenticationRequest) -> ResponseAPDU:
    """Answer an authentication request (sections 5.2 to 5.4)."""
    credential = key.find(request.key_handle, request.application_parameter)
    if credential is None:
        return ResponseAPDU(b"", StatusWord.WRONG_DATA)
    # For check-only, "conditions not satisfied" means that the key handle belongs to this key.
    untouched = not key.touched and request.control is Control.ENFORCE_USER_PRESENCE_AND_SIGN
    if untouched or request.control is Control.CHECK_ONLY:
        return ResponseAPDU(b"", StatusWord.CONDITIONS_NOT_SATISFIED)
    state, signature = key.authenticate(credential, request.application_parameter, request.challenge_parameter)
    return ResponseAPDU(state + signature + _tail(key))


def _tail(key: Chip) -> bytes:
    return b"\x00" if KeyFault.TRAILING_BYTES in key.faults else b""
