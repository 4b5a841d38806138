# SPDX-License-Identifier: Apache-2.0
"""Key URIs, and what ram_mfa itself makes: tickets and the headers of records.

The Key Uri Format (https://github.com/google/google-authenticator/wiki/Key-Uri-Format). Tickets and records are
described in `ram_mfa.rules.tickets` and `ram_mfa.sealing`.
"""

from __future__ import annotations

import datetime
from typing import Final

from ..._secret import SecretText
from ...encoding import base64url
from ...errors import MalformedMessage
from ...otp import KeyURI
from ...refusals import Ticket
from ...rules.tickets import Purpose
from ...sealing import BLOCK, NONCE
from ..setup_keys import describe
from .report import Report, Stop, Walk

_FORMAT: Final = "Key Uri Format"
_SECTIONS: Final = {"label": "Label", "type": "Types", "issuer": "Issuer", "account": "Label"}
_TICKETS: Final = "ram_mfa.rules.tickets"
_SEALING: Final = "ram_mfa.sealing"
_CHECK: Final = 4
_TAG: Final = 16


def key_uri(data: bytes, report: Report) -> None:
    """Inspect a key URI; offsets count characters."""
    try:
        text = SecretText(data.decode().strip())
    except UnicodeDecodeError as error:
        report.fault("URI", error.start, "not UTF-8", "RFC 3986, section 2")
        return
    try:
        plain = describe(KeyURI.parse(text), show_secrets=report.show_secrets)
    except MalformedMessage as error:
        section = "RFC 3986, section 3" if error.field in {"URI", "scheme"} else (
            f'{_FORMAT}, "{_SECTIONS.get(error.field, "Parameters")}"'
        )  # fmt: skip
        report.fault(error.field, _place(text, error.field), error.problem, section)
        return
    for name, value in plain.items():
        if name == "notes":
            for note in value:
                report.add("note", 0, 0, note)
        else:
            place, size = _span(text, name)
            report.add(name, place, size, value)


def _place(text: str, field: str) -> int:
    return _span(text, field)[0]


def _span(text: str, field: str) -> tuple[int, int]:
    """Return where a part of the URI stands, and its length; (0, 0) where it stands nowhere."""
    query = text.find("?") + 1 or len(text)
    if field == "type":
        return len("otpauth://"), len(text[len("otpauth://") :].partition("/")[0])
    if field in {"label", "account"}:
        label = text.find("/", len("otpauth://")) + 1
        colon = max(text.find(":", label, query), text.lower().find("%3a", label, query))
        start = label if field == "label" or colon < 0 else colon + (1 if text[colon] == ":" else 3)
        return start, max(query - 1 - start, 0)
    at = query
    for piece in text[query:].split("&"):
        name, _, value = piece.partition("=")
        if name == field:
            return at + len(name) + 1, len(value)
        at += len(piece) + 1
    return (query, 0) if field == "secret" else (0, 0)


def ticket(data: bytes, report: Report) -> None:
    """Inspect a ticket. Offsets count bytes of its decoded head; the user's follow them. The MAC is not verified."""
    text = data.decode("utf-8", "replace").strip()
    try:
        raw = base64url.decode(text[: Ticket.HEAD], message="ticket", field="head")
    except MalformedMessage as error:
        report.malformed(error, _TICKETS, at=0)
        return
    walk = Walk(raw, report, _TICKETS)
    if walk.number(1, "version") != 1:
        report.fault("version", 0, "not 1", _TICKETS)
    names = {int(purpose): purpose.name for purpose in Purpose}
    if walk.take(1, "purpose", lambda piece: names.get(piece[0], "unknown"))[0] not in names:
        report.fault("purpose", 1, "unknown", _TICKETS)
    issued = int.from_bytes(walk.take(8, "issued", _format_time), "big")
    expires = int.from_bytes(walk.take(8, "expires", _format_time), "big")
    if expires <= issued:
        report.fault("expires", 10, "not after the time of issue", _TICKETS)
    walk.take(16, "nonce")
    place = walk.place
    mac = raw[place:]
    if len(mac) != 32:
        report.fault("MAC", place, f"32 bytes expected, {len(mac)} left", _TICKETS)
        raise Stop
    report.secret("MAC", place, 32, mac)
    try:
        report.add("user", len(raw), len(text) - Ticket.HEAD, Ticket(text).user)
    except MalformedMessage as error:
        report.fault("user", len(raw), error.problem, _TICKETS)


def record(data: bytes, report: Report) -> None:
    """Inspect the header of a sealed record. Its contents stay sealed; of a plaintext record they are not shown."""
    walk = Walk(data, report, _SEALING)
    version = walk.number(1, "version")
    if version == 1:
        length_at = walk.place
        length = walk.number(1, "length of the key id")
        if not 1 <= length <= 32:
            report.fault("length of the key id", length_at, "not 1 to 32", _SEALING)
        walk.take(length, "key id", lambda piece: piece.decode("ascii", "backslashreplace"))
        walk.take(_CHECK, "key check")
        walk.take(NONCE, "nonce")
        sealed, overhead = len(data) - walk.at, _TAG
    elif version == 0:
        walk.take(NONCE, "nonce")
        sealed, overhead = len(data) - walk.at, 0
        report.fault("version", 0, "not sealed: UnsafePlaintext wrote this record", _SEALING)
    else:
        report.fault("version", 0, "neither 1 (AES-256-GCM) nor 0 (plaintext)", _SEALING)
        return
    report.add("sealed record" if overhead else "record", walk.place, sealed, f"{sealed} bytes, not shown")
    if sealed <= overhead or (sealed - overhead) % BLOCK:
        problem = f"not a multiple of {BLOCK} bytes{' and the tag of 16' if overhead else ''}"
        report.fault("sealed record" if overhead else "record", walk.place, problem, _SEALING)


def _format_time(piece: bytes) -> str:
    seconds = int.from_bytes(piece, "big") // 1_000_000
    try:
        date = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return "beyond the year 9999"
    return f"{date:%Y-%m-%d %H:%M:%S}Z"
