# SPDX-License-Identifier: Apache-2.0
"""The three requests of U2F, as raw messages and as the commands that carry them to a key.

FIDO U2F Raw Message Formats 1.2, sections 4.1, 5.1 and 6.1
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html).

Invariant: every instance is well formed, and ``bytes(Request.parse(raw)) == raw``.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs

from .._validation import instance_of, member_of
from ..encoding.reader import Reader
from ..errors import MalformedMessage
from .apdu import EXTENDED_RESPONSE, SHORT_RESPONSE, CommandAPDU
from .messages import PARAMETER_SIZE, check_key_handle

_REGISTER, _AUTHENTICATE, _VERSION = 0x01, 0x02, 0x03
_NAMES: Final = {
    _REGISTER: "U2F registration request",
    _AUTHENTICATE: "U2F authentication request",
    _VERSION: "U2F version request",
}


class Control(enum.IntEnum):
    """The control byte: the action of a key on an authentication request (section 5.1); P1 of its APDU."""

    CHECK_ONLY = 0x07
    ENFORCE_USER_PRESENCE_AND_SIGN = 0x03
    DONT_ENFORCE_USER_PRESENCE_AND_SIGN = 0x08


@attrs.frozen
class RegistrationRequest:
    """A request for a new key pair (section 4.1).

    Attributes:
        challenge_parameter: SHA-256 of the client data, 32 bytes.
        application_parameter: SHA-256 of the AppID, 32 bytes.
    """

    challenge_parameter: bytes = attrs.field(validator=instance_of(bytes))
    application_parameter: bytes = attrs.field(validator=instance_of(bytes))

    def __attrs_post_init__(self) -> None:
        _check_parameters(self.challenge_parameter, self.application_parameter, _NAMES[_REGISTER])

    @classmethod
    def parse(cls, raw: bytes) -> RegistrationRequest:
        """Return the request that 64 bytes encode.

        Raises:
            MalformedMessage: there are more or fewer bytes.
        """
        reader = Reader(raw, _NAMES[_REGISTER])
        request = cls(reader.take(32, "challenge parameter"), reader.take(32, "application parameter"))
        reader.end()
        return request

    @classmethod
    def from_apdu(cls, command: CommandAPDU) -> RegistrationRequest:
        """Return the request in a command. P1 and P2 are ignored, since hosts write 0x00, 0x03 or 0x83 there.

        Raises:
            MalformedMessage: it is not a registration command, or its data is not a request.
        """
        return cls.parse(_data(command, _REGISTER))

    def __bytes__(self) -> bytes:
        return self.challenge_parameter + self.application_parameter

    def apdu(self, *, extended: bool = True) -> CommandAPDU:
        """Return the command that carries it."""
        return _command(_REGISTER, 0, bytes(self), extended=extended)


@attrs.frozen
class AuthenticationRequest:
    """Section 5.1: asks for a signature by one key pair, or whether a key handle is the key's.

    Attributes:
        control: what to do; first byte of the raw message, P1 of the APDU.
        challenge_parameter: SHA-256 of the client data, 32 bytes.
        application_parameter: SHA-256 of the AppID, 32 bytes.
        key_handle: 1 to 255 bytes.
    """

    control: Control = attrs.field(validator=member_of(Control))
    challenge_parameter: bytes = attrs.field(validator=instance_of(bytes))
    application_parameter: bytes = attrs.field(validator=instance_of(bytes))
    key_handle: bytes = attrs.field(validator=instance_of(bytes))

    def __attrs_post_init__(self) -> None:
        _check_parameters(self.challenge_parameter, self.application_parameter, _NAMES[_AUTHENTICATE])
        check_key_handle(self.key_handle, _NAMES[_AUTHENTICATE])

    @classmethod
    def parse(cls, raw: bytes) -> AuthenticationRequest:
        """Return the request that ``raw`` is, the control byte first.

        Raises:
            MalformedMessage: it is not such a request, or the control byte is unknown.
        """
        reader = Reader(raw, _NAMES[_AUTHENTICATE])
        control = reader.uint(1, "control byte")
        if control not in (3, 7, 8):
            raise MalformedMessage(reader.message, "control byte", "neither 0x03, 0x07 nor 0x08", offset=0)
        challenge, application = reader.take(32, "challenge parameter"), reader.take(32, "application parameter")
        key_handle = reader.take(reader.uint(1, "key handle length"), "key handle")
        reader.end()
        return cls(Control(control), challenge, application, key_handle)

    @classmethod
    def from_apdu(cls, command: CommandAPDU) -> AuthenticationRequest:
        """Return the request in a command, whose P1 is the control byte.

        Raises:
            MalformedMessage: it is not an authentication command, or its data is not a request.
        """
        return cls.parse(bytes((command.p1,)) + _data(command, _AUTHENTICATE))

    def __bytes__(self) -> bytes:
        return bytes((self.control,)) + self._data()

    def apdu(self, *, extended: bool = True) -> CommandAPDU:
        """Return the command that carries it.

        Raises:
            ValueError: the key handle has more than 190 bytes and the short form was asked for.
        """
        return _command(_AUTHENTICATE, self.control, self._data(), extended=extended)

    def _data(self) -> bytes:
        handle = bytes((len(self.key_handle),)) + self.key_handle
        return self.challenge_parameter + self.application_parameter + handle


@attrs.frozen
class VersionRequest:
    """Section 6.1: asks which version of U2F a key speaks; the answer is `VERSION` in ASCII."""

    @classmethod
    def parse(cls, raw: bytes) -> VersionRequest:
        """Return the request, whose message is empty.

        Raises:
            MalformedMessage: there are some.
        """
        Reader(raw, _NAMES[_VERSION]).end()
        return cls()

    @classmethod
    def from_apdu(cls, command: CommandAPDU) -> VersionRequest:
        """Return the request in a command.

        Raises:
            MalformedMessage: the command is another, or has data.
        """
        return cls.parse(_data(command, _VERSION))

    def __bytes__(self) -> bytes:
        return b""

    def apdu(self, *, extended: bool = True) -> CommandAPDU:
        """Return the command that carries it."""
        return _command(_VERSION, 0, b"", extended=extended)


def _check_parameters(challenge: bytes, application: bytes, message: str) -> None:
    for name, parameter in (("challenge parameter", challenge), ("application parameter", application)):
        if len(parameter) != PARAMETER_SIZE:
            raise MalformedMessage(message, name, "not 32 bytes")


def _data(command: CommandAPDU, ins: int) -> bytes:
    if command.cla != 0 or command.ins != ins:
        raise MalformedMessage(_NAMES[ins], "instruction", "class or instruction of another command")
    return command.data


def _command(ins: int, p1: int, data: bytes, *, extended: bool) -> CommandAPDU:
    return CommandAPDU(ins, int(p1), 0, data, EXTENDED_RESPONSE if extended else SHORT_RESPONSE, extended)
