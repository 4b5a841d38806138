# SPDX-License-Identifier: Apache-2.0
"""The transport of U2F messages: command and response APDUs, status words and response chaining.

FIDO U2F Raw Message Formats 1.2, section 3
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html#u2f-message-framing);
ISO/IEC 7816-4:2013, sections 5.1 and 5.3.4.

A relying party never handles these: they are for tools and tests that talk to a key. Nothing here does I/O; the caller
passes `exchange` a function that does.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final

import attrs

from .._validation import instance_of, is_flag, whole
from ..errors import MalformedMessage

_COMMAND: Final = "command APDU"
_RESPONSE: Final = "response APDU"
_GET_RESPONSE: Final = 0xC0
_MORE: Final = 0x61
SHORT_DATA, EXTENDED_DATA = 255, 65_535
"""The maximum data length of a command in the short and in the extended form, in bytes."""
SHORT_RESPONSE, EXTENDED_RESPONSE = 256, 65_536
"""The maximum data length of a response in the short and in the extended form, in bytes."""


class StatusWord(enum.IntEnum):
    """The status word at the end of a response (section 3.3)."""

    NO_ERROR = 0x9000
    CONDITIONS_NOT_SATISFIED = 0x6985
    """Touch the key and ask again; with check-only: the key handle is this key's."""
    WRONG_DATA = 0x6A80
    """The key handle is not this key's."""
    WRONG_LENGTH = 0x6700
    CLA_NOT_SUPPORTED = 0x6E00
    INS_NOT_SUPPORTED = 0x6D00


_octet: Final = whole(0, 0xFF)
_two_octets: Final = whole(0, 0xFFFF)


def _is_status(instance: object, attribute: Any, value: Any) -> None:
    if type(value) is not StatusWord:
        _two_octets(instance, attribute, value)


@attrs.frozen
class CommandAPDU:
    """A command.

    Attributes:
        ins: the instruction, one byte.
        p1: the first parameter, one byte.
        p2: the second parameter, one byte.
        data: at most 255 bytes in the short form, 65,535 in the extended one.
        response: the maximum length of the response in bytes: 0 to 256, or to 65,536 in the extended form.
        extended: whether lengths are written in the extended form.
        cla: the class, one byte; 0 in U2F.
    """

    ins: int = attrs.field(validator=_octet)
    p1: int = attrs.field(default=0, validator=_octet)
    p2: int = attrs.field(default=0, validator=_octet)
    data: bytes = attrs.field(default=b"", validator=instance_of(bytes))
    response: int = attrs.field(default=EXTENDED_RESPONSE, validator=whole(0, EXTENDED_RESPONSE))
    extended: bool = attrs.field(default=True, validator=is_flag)
    cla: int = attrs.field(default=0, validator=_octet)

    def __attrs_post_init__(self) -> None:
        if len(self.data) > (EXTENDED_DATA if self.extended else SHORT_DATA):
            raise ValueError("more data than the form can hold")
        if not self.extended and self.response > SHORT_RESPONSE:
            raise ValueError("a longer response than the form can request")

    @classmethod
    def parse(cls, raw: bytes) -> CommandAPDU:
        """Return the command that ``raw`` encodes.

        An extended command without data may include an empty length (some hosts write it, ISO 7816-4 does not);
        everything else has one encoding, which ``bytes()`` returns.

        Raises:
            MalformedMessage: its lengths are inconsistent.
        """
        if len(raw) < 4:
            raise MalformedMessage(_COMMAND, "header", "not four bytes")
        body = bytes(raw[4:])
        extended = len(body) > 1 and body[0] == 0
        width = 2 if extended else 1
        lengths = body[1:] if extended else body
        full = EXTENDED_RESPONSE if extended else SHORT_RESPONSE
        size, data, response = 0, b"", 0
        if len(lengths) == width:
            response = int.from_bytes(lengths, "big") or full
        elif lengths:
            size = int.from_bytes(lengths[:width], "big")
            data, tail = lengths[width : width + size], lengths[width + size :]
            if len(data) != size or len(tail) not in (0, width) or not (size or tail):
                raise MalformedMessage(_COMMAND, "length", "not the length of what follows", offset=4)
            response = (int.from_bytes(tail, "big") or full) if tail else 0
        return cls(raw[1], raw[2], raw[3], data, response, extended, raw[0])

    def __bytes__(self) -> bytes:
        width, prefix = (2, b"\x00") if self.extended else (1, b"")
        head = bytes((self.cla, self.ins, self.p1, self.p2))
        lengths = prefix if self.data or self.response else b""
        data = len(self.data).to_bytes(width, "big") + self.data if self.data else b""
        full = EXTENDED_RESPONSE if self.extended else SHORT_RESPONSE
        expected = (self.response % full).to_bytes(width, "big") if self.response else b""
        return head + lengths + data + expected


@attrs.frozen
class ResponseAPDU:
    """A response.

    Attributes:
        data: the data of the response.
        status: the status word, two bytes; a `StatusWord` if U2F defines it.
    """

    data: bytes = attrs.field(validator=instance_of(bytes))
    status: int = attrs.field(default=StatusWord.NO_ERROR, validator=_is_status)

    @classmethod
    def parse(cls, raw: bytes) -> ResponseAPDU:
        """Return the response that ``raw`` encodes.

        Raises:
            MalformedMessage: it has no status word.
        """
        if len(raw) < 2:
            raise MalformedMessage(_RESPONSE, "status word", "not two bytes")
        status = int.from_bytes(raw[-2:], "big")
        return cls(bytes(raw[:-2]), StatusWord(status) if status in _STATUS_WORDS else status)

    def __bytes__(self) -> bytes:
        return self.data + self.status.to_bytes(2, "big")

    def chained(self, size: int = SHORT_RESPONSE) -> tuple[ResponseAPDU, ...]:
        """Return the pieces in which a key sends this response to a host that reads ``size`` bytes at a time.

        Each but the last ends in ``61xx``, where xx is the number of bytes left (00 for 256 and more).
        """
        pieces = [self.data[at : at + size] for at in range(0, len(self.data), size)] or [b""]
        left = len(self.data)
        chain: list[ResponseAPDU] = []
        for piece in pieces[:-1]:
            left -= len(piece)
            chain.append(ResponseAPDU(piece, _MORE << 8 | (left if left < SHORT_RESPONSE else 0)))
        return (*chain, ResponseAPDU(pieces[-1], self.status))


_STATUS_WORDS: Final = frozenset(map(int, StatusWord))


def exchange(command: CommandAPDU, transmit: Callable[[bytes], bytes]) -> ResponseAPDU:
    """Send a command, fetch every piece of a chained answer with GET RESPONSE, and return the whole.

    Args:
        command: the command.
        transmit: sends one APDU to the key and returns the response.

    Raises:
        MalformedMessage: a response has no status word, is empty although it announces more, or exceeds 65,536 bytes
            in total.
    """
    data = b""
    answer = ResponseAPDU.parse(transmit(bytes(command)))
    while answer.status >> 8 == _MORE:
        data += answer.data
        if not answer.data or len(data) > EXTENDED_RESPONSE:
            raise MalformedMessage(_RESPONSE, "chain", "it does not end")
        waiting = answer.status & 0xFF or SHORT_RESPONSE
        fetch = CommandAPDU(_GET_RESPONSE, response=waiting, extended=False, cla=command.cla)
        answer = ResponseAPDU.parse(transmit(bytes(fetch)))
    return ResponseAPDU(data + answer.data, answer.status)
