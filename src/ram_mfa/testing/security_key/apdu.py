# SPDX-License-Identifier: Apache-2.0
"""The APDU door: a soft key as it answers on its own wire.

FIDO U2F Raw Message Formats 1.2 (https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/) sections 3 to 6; ISO 7816-4
for the framing, where a short response goes on through GET RESPONSE and a long command comes in chained parts.
"""

from __future__ import annotations

import attrs

from .chip import Chip
from .faults import Fault

REGISTER, AUTHENTICATE, VERSION, GET_RESPONSE = 0x01, 0x02, 0x03, 0xC0
ENFORCE_PRESENCE, CHECK_ONLY, DO_NOT_ENFORCE_PRESENCE = 0x03, 0x07, 0x08

# Section 3.3; 0x61xx is ISO 7816-4: "xx more bytes can be had".
OK, CONDITIONS_NOT_SATISFIED, WRONG_DATA, WRONG_LENGTH = 0x9000, 0x6985, 0x6A80, 0x6700
CLA_NOT_SUPPORTED, INS_NOT_SUPPORTED = 0x6E00, 0x6D00
MORE_DATA = 0x6100

_CHAINED = 0x10


class _Status(Exception):
    """What the key answers in place of data."""

    def __init__(self, word: int) -> None:
        super().__init__(word)
        self.word = word


@attrs.frozen
class _Command:
    """One APDU; ``limit`` is the most bytes of response that it asks for."""

    cla: int
    ins: int
    p1: int
    data: bytes
    limit: int


@attrs.define
class Wire:
    """What one end of the wire remembers from APDU to APDU: halves of commands and of responses."""

    _parts: bytes = attrs.field(default=b"", init=False)
    _left: bytes = attrs.field(default=b"", init=False)

    def answer(self, key: Chip, apdu: bytes) -> bytes:
        """Return the response to one APDU: its data, and the status word in two bytes."""
        try:
            command = _parse(apdu)
            if command.cla == _CHAINED:
                self._parts += command.data
                return OK.to_bytes(2, "big")
            if command.ins == GET_RESPONSE and self._left:
                data = self._left
            else:
                data = _do(key, attrs.evolve(command, data=self._parts + command.data))
        except _Status as status:
            self._parts = self._left = b""
            return status.word.to_bytes(2, "big")
        self._parts, self._left = b"", data[command.limit :]
        word = MORE_DATA | min(len(self._left), 0xFF) if self._left else OK
        return data[: command.limit] + word.to_bytes(2, "big")


def _do(key: Chip, command: _Command) -> bytes:
    if command.cla != 0:
        raise _Status(CLA_NOT_SUPPORTED)
    match command.ins:
        case 0x01:
            return _register(key, command.data)
        case 0x02:
            return _authenticate(key, command.p1, command.data)
        case 0x03 if not command.data:
            return b"U2F_V2"
        case 0x03:
            raise _Status(WRONG_LENGTH)
        case _:
            raise _Status(INS_NOT_SUPPORTED)


def _register(key: Chip, data: bytes) -> bytes:
    """Answer a registration request (section 4.1)."""
    if len(data) != 64:
        raise _Status(WRONG_LENGTH)
    if not key.touched:
        raise _Status(CONDITIONS_NOT_SATISFIED)
    return bytes(key.register(application=data[32:], challenge=data[:32])) + _tail(key)


def _authenticate(key: Chip, control: int, data: bytes) -> bytes:
    """Answer an authentication request (sections 5.1 and 5.2)."""
    if len(data) < 65 or len(data) != 65 + data[64]:
        raise _Status(WRONG_LENGTH)
    challenge, application, key_handle = data[:32], data[32:64], data[65:]
    credential = key.find(key_handle, application)
    if credential is None or control not in (ENFORCE_PRESENCE, CHECK_ONLY, DO_NOT_ENFORCE_PRESENCE):
        raise _Status(WRONG_DATA)
    # To a check, "test of user presence required" says: the key handle is mine.
    if control == CHECK_ONLY or (control == ENFORCE_PRESENCE and not key.touched):
        raise _Status(CONDITIONS_NOT_SATISFIED)
    state, signature = key.authenticate(credential, application, challenge)
    return state + signature + _tail(key)


def _tail(key: Chip) -> bytes:
    return b"\x00" if Fault.TRAILING_BYTES in key.faults else b""


def _parse(apdu: bytes) -> _Command:
    """Read the framing (section 3.1), short or extended; an extended length of zero is what some clients send."""
    if len(apdu) < 4:
        raise _Status(WRONG_LENGTH)
    cla, ins, p1, body = apdu[0], apdu[1], apdu[2], apdu[4:]
    if len(body) <= 1:
        return _Command(cla, ins, p1, b"", _limit(body, 0x100))
    if body[0] == 0 and len(body) == 3:
        return _Command(cla, ins, p1, b"", _limit(body[1:], 0x10000))
    width = 3 if body[0] == 0 else 1
    size = int.from_bytes(body[:width], "big")
    data, expected = body[width : width + size], body[width + size :]
    if len(data) != size or len(expected) not in (0, 1 if width == 1 else 2):
        raise _Status(WRONG_LENGTH)
    return _Command(cla, ins, p1, data, _limit(expected, 0x100 if width == 1 else 0x10000))


def _limit(expected: bytes, most: int) -> int:
    """Return how many bytes of response are asked for; zero, and a field left out, mean the most."""
    return int.from_bytes(expected, "big") or most
