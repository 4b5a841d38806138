# SPDX-License-Identifier: Apache-2.0
"""The two U2F response messages, parsed exactly to the last byte.

FIDO U2F Raw Message Formats 1.2, sections 4.3 and 5.4
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html).

Invariant: every instance is well formed. The constructor makes the checks of the parser, so that
``bytes(Message.parse(raw)) == raw``, and `verification` receives a key on the curve and a signature in strict DER.
"""

from __future__ import annotations

import struct
from typing import Final

import attrs

from ..attestation_certificates.certificates import MAX_SIZE
from ..encoding.der import sequence_end
from ..encoding.reader import Reader
from ..errors import MalformedMessage
from ..signatures.p256 import PUBLIC_KEY_SIZE, check_signature_form, load_p256

VERSION: Final = "U2F_V2"
"""A key's answer to a version request (section 6.2), and the name of the protocol in JSON messages."""

MAX_KEY_HANDLE: Final = 255
"""The maximum length of a key handle in bytes: the length field has one byte."""

PARAMETER_SIZE: Final = 32
"""The size of application and challenge parameter: SHA-256, in bytes."""

_RESERVED: Final = 0x05
_FIXED: Final = struct.Struct(">BI")
_REGISTRATION: Final = "U2F registration response"
_AUTHENTICATION: Final = "U2F authentication response"


@attrs.frozen
class RegistrationResponse:
    """A new key pair with its attestation (section 4.3).

    ``0x05 || public key (65) || length (1) || key handle || certificate || signature``; certificate and signature
    delimit themselves in DER, and the message ends with the signature.

    Attributes:
        public_key: ``0x04 || x || y``, a point on P-256.
        key_handle: 1 to 255 bytes.
        certificate: one X.509 certificate, DER, which `AttestationCertificate` parses.
        signature: ECDSA, strict DER.
    """

    public_key: bytes
    key_handle: bytes
    certificate: bytes = attrs.field(repr=False)
    signature: bytes = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        load_p256(self.public_key, message=_REGISTRATION)
        check_key_handle(self.key_handle, _REGISTRATION)
        if sequence_end(self.certificate, 0, message=_REGISTRATION, field="certificate") != len(self.certificate):
            raise MalformedMessage(_REGISTRATION, "certificate", "trailing bytes")
        if len(self.certificate) > MAX_SIZE:
            raise MalformedMessage(_REGISTRATION, "certificate", f"longer than {MAX_SIZE} bytes")
        check_signature_form(self.signature, message=_REGISTRATION)

    @classmethod
    def parse(cls, raw: bytes) -> RegistrationResponse:
        """Return the message that ``raw`` encodes, without a status word.

        Raises:
            MalformedMessage: a part is missing, malformed or too long, or bytes follow the signature.
        """
        reader = Reader(raw, _REGISTRATION)
        if reader.uint(1, "reserved byte") != _RESERVED:
            raise MalformedMessage(_REGISTRATION, "reserved byte", "not 0x05", offset=0)
        public_key = reader.take(PUBLIC_KEY_SIZE, "public key")
        key_handle = reader.take(reader.uint(1, "key handle length"), "key handle")
        tail = reader.rest()
        end = sequence_end(tail, 0, message=_REGISTRATION, field="certificate")
        return cls(public_key, key_handle, tail[:end], tail[end:])

    def __bytes__(self) -> bytes:
        head = bytes((_RESERVED,)) + self.public_key + bytes((len(self.key_handle),))
        return head + self.key_handle + self.certificate + self.signature


@attrs.frozen
class AuthenticationResponse:
    """A signature by a registered key pair (section 5.4). ``user presence (1) || counter (4) || signature``.

    Attributes:
        user_presence: the byte as received; bit 0 is set if the user touched the key, the others are reserved.
        counter: unsigned, 32 bits.
        signature: ECDSA, strict DER, to the end of the message.
    """

    user_presence: int
    counter: int
    signature: bytes = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        if not (0 <= self.user_presence <= 0xFF and 0 <= self.counter <= 0xFFFF_FFFF):
            raise MalformedMessage(_AUTHENTICATION, "user presence and counter", "not one and four bytes")
        check_signature_form(self.signature, message=_AUTHENTICATION)

    @classmethod
    def parse(cls, raw: bytes) -> AuthenticationResponse:
        """Return the message that ``raw`` encodes, without a status word.

        Raises:
            MalformedMessage: a part is missing or malformed, or bytes follow the signature.
        """
        reader = Reader(raw, _AUTHENTICATION)
        user_presence, counter = _FIXED.unpack(reader.take(_FIXED.size, "user presence and counter"))
        return cls(user_presence, counter, reader.rest())

    def __bytes__(self) -> bytes:
        return _FIXED.pack(self.user_presence, self.counter) + self.signature


def check_key_handle(key_handle: bytes, message: str) -> None:
    """Check the length of a key handle, which must not be empty."""
    if not 0 < len(key_handle) <= MAX_KEY_HANDLE:
        raise MalformedMessage(message, "key handle", f"not 1 to {MAX_KEY_HANDLE} bytes")
