# SPDX-License-Identifier: Apache-2.0
"""U2F messages and the APDUs that carry them.

FIDO U2F Raw Message Formats 1.2
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html);
ISO/IEC 7816-4:2013, sections 5.1 and 5.3.
"""

from __future__ import annotations

from typing import Final

from ...encoding.der import sequence_end
from ...errors import MalformedMessage
from ...signatures.p256 import PUBLIC_KEY_SIZE, check_signature_form, load_p256
from ...u2f import CommandAPDU, StatusWord
from .certificate import certificate
from .report import Report, Stop, Walk

RAW: Final = "FIDO U2F Raw Message Formats 1.2, section "
_ISO: Final = "ISO/IEC 7816-4:2013, section 5.1"
_INSTRUCTIONS: Final = {1: "U2F_REGISTER", 2: "U2F_AUTHENTICATE", 3: "U2F_VERSION", 0xC0: "GET RESPONSE"}
_CONTROLS: Final = {3: "enforce-user-presence-and-sign", 7: "check-only", 8: "dont-enforce-user-presence-and-sign"}


def registration(data: bytes, report: Report) -> None:
    """Inspect a registration response (section 4.3)."""
    walk = Walk(data, report, f"{RAW}4.3")
    if walk.number(1, "reserved byte") != 0x05:
        report.fault("reserved byte", 0, "not 0x05", walk.source)
    key_at = walk.place
    public_key = walk.take(PUBLIC_KEY_SIZE, "public key")
    try:
        load_p256(public_key)
    except MalformedMessage as error:
        report.malformed(error, walk.source, at=key_at)
    length_at = walk.place
    length = walk.number(1, "key handle length")
    if not length:
        report.fault("key handle length", length_at, "a key handle of no bytes names no key", walk.source)
    walk.take(length, "key handle")
    start = walk.at
    try:
        end = sequence_end(data[start:], 0, message=report.kind, field="certificate")
    except MalformedMessage as error:
        report.malformed(error, walk.source, base=start)
        raise Stop from None
    certificate(data[start : start + end], report, base=start, prefix="certificate ")
    walk.at += end
    _signature(walk)


def authentication(data: bytes, report: Report) -> None:
    """Inspect an authentication response (section 5.4)."""
    walk = Walk(data, report, f"{RAW}5.4")
    presence = walk.number(1, "user presence")
    if not presence & 1:
        report.fault("user presence", 0, "bit 0 is not set: the user did not touch the key", walk.source)
    if presence & 0xFE:
        report.fault("user presence", 0, "bits 1 to 7 are reserved and not zero", walk.source)
    walk.number(4, "counter")
    _signature(walk)


def registration_request(data: bytes, report: Report) -> None:
    """Inspect a registration request (section 4.1)."""
    walk = Walk(data, report, f"{RAW}4.1")
    walk.take(32, "challenge parameter")
    walk.take(32, "application parameter")
    walk.end()


def authentication_request(data: bytes, report: Report) -> None:
    """Inspect an authentication request (section 5.1)."""
    walk = Walk(data, report, f"{RAW}5.1")
    control = walk.take(1, "control byte", lambda piece: _named(piece[0], _CONTROLS))[0]
    if control not in _CONTROLS:
        report.fault("control byte", 0, "neither 0x03, 0x07 nor 0x08", walk.source)
    walk.take(32, "challenge parameter")
    walk.take(32, "application parameter")
    length_at = walk.place
    length = walk.number(1, "key handle length")
    if not length:
        report.fault("key handle length", length_at, "a key handle of no bytes names no key", walk.source)
    walk.take(length, "key handle")
    walk.end()


def command_apdu(data: bytes, report: Report) -> None:
    """Inspect a command APDU, without the request that it carries."""
    walk = Walk(data, report, f"{RAW}3.1; {_ISO}")
    if walk.take(1, "CLA")[0]:
        report.fault("CLA", 0, "not 0x00", walk.source)
    if walk.take(1, "INS", lambda piece: _named(piece[0], _INSTRUCTIONS))[0] not in _INSTRUCTIONS:
        report.fault("INS", 1, "not an instruction of U2F", f"{RAW}3.1")
    walk.take(1, "P1")
    walk.take(1, "P2")
    try:
        command = CommandAPDU.parse(data)
    except MalformedMessage as error:
        report.malformed(error, walk.source, at=4)
        return
    width = 2 if command.extended else 1
    if command.extended:
        walk.take(1, "extended length marker")
    if command.data or len(data) - walk.at > width:
        walk.number(width, "Lc (length of data)")
        walk.take(len(command.data), "data")
    if walk.at < len(data):
        walk.take(width, "Le (maximum length of response)", lambda _: command.response)


def response_apdu(data: bytes, report: Report) -> None:
    """Inspect a response APDU."""
    walk = Walk(data, report, f"{RAW}3.3; {_ISO}")
    if len(data) > 2:
        walk.take(len(data) - 2, "data")
    status_at = walk.place
    names = {int(status): status.name for status in StatusWord}
    status = int.from_bytes(
        walk.take(2, "status word", lambda piece: _named(int.from_bytes(piece, "big"), names)), "big"
    )
    if status >> 8 == 0x61:
        report.fault("status word", status_at, "more data wait for GET RESPONSE: this is one piece of a response", _ISO)
    elif status not in names:
        report.fault("status word", status_at, "not a status word of U2F", f"{RAW}3.3")
    elif status == StatusWord.NO_ERROR and len(data) == 2:
        report.fault("data", 0, "no error, and no data", f"{RAW}3.3")


def _named(number: int, names: dict[int, str]) -> str:
    return f"0x{number:02x} {names.get(number, 'unknown')}"


def _signature(walk: Walk) -> None:
    """Inspect the signature, which takes the rest of the message."""
    at = walk.place
    signature = walk.take(len(walk.data) - walk.at, "signature")
    try:
        check_signature_form(signature, message=walk.report.kind)
    except MalformedMessage as error:
        problem = error.problem
        if signature[-2:] == b"\x90\x00":
            problem += "; a status word, 0x9000, may be left at the end"
        walk.report.fault("signature", at, problem, walk.source)
