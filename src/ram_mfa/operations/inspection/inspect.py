# SPDX-License-Identifier: Apache-2.0
"""The kinds of messages, the encodings of the input, and the command."""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import importlib
import io
import json
import re
from collections.abc import Callable
from typing import Any, Final

from ..exit_codes import DONE, WRONG
from ..secret_files import Usage
from ..setup_keys import read_input
from ..terminal import Terminal
from . import own, u2f, webauthn
from .certificate import certificate
from .report import Report, Stop

ENCODINGS: Final = ("auto", "hex", "base64", "base64url", "raw")
_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2})+")
_BASE64: Final = re.compile(rb"[0-9a-zA-Z+/]+={0,2}")
_BASE64URL: Final = re.compile(rb"[0-9a-zA-Z_-]+={0,2}")
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)

KINDS: Final[dict[str, Callable[[bytes, Report], None]]] = {
    "u2f-registration": u2f.registration,
    "u2f-authentication": u2f.authentication,
    "u2f-registration-request": u2f.registration_request,
    "u2f-authentication-request": u2f.authentication_request,
    "apdu-command": u2f.command_apdu,
    "apdu-response": u2f.response_apdu,
    "attestation-object": webauthn.attestation_object,
    "authenticator-data": webauthn.authenticator_data,
    "client-data": webauthn.client_data,
    "certificate": certificate,
    "cose-key": webauthn.cose_key,
    "key-uri": own.key_uri,
    "qr": own.key_uri,
    "ticket": own.ticket,
    "record": own.record,
}
"""The kinds of messages; ``qr`` is a picture of a key URI."""
_TEXTS: Final = {"key-uri", "qr", "ticket"}


def inspect(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the fields of a message and what is wrong with it; the exit code is 1 if something is."""
    data, encoding = _decode(bytes(read_input(arguments.input, 1 << 22)), arguments.encoding, arguments.kind)
    if arguments.kind == "qr":
        data = _read_picture(data)
    report = Report(arguments.kind, encoding, len(data), arguments.show_secrets)
    inspect_message(data, report)
    if arguments.json:
        terminal.say(json.dumps(report.as_plain(), indent=1))
    else:
        for line in report.lines():
            terminal.say(line)
    return WRONG if report.findings else DONE


def inspect_message(data: bytes, report: Report) -> None:
    """Decode a message of the report's kind into the report."""
    with contextlib.suppress(Stop):  # a finding says why
        KINDS[report.kind](data, report)


def _decode(data: bytes, encoding: str, kind: str) -> tuple[bytes, str]:
    """Return the bytes of the message, and the encoding in which they were given."""
    pem = _PEM.search(data) if kind == "certificate" else None
    if pem:
        data, encoding = pem[1], "base64"
    text = b"".join(data.split())
    if encoding == "auto":
        encoding = "raw" if kind in _TEXTS else _guess(text)
    try:
        match encoding:
            case "hex":
                return bytes.fromhex(text.decode()), encoding
            case "base64":
                return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True), encoding
            case "base64url":
                return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True), encoding
            case _:
                return data, "raw"
    except (binascii.Error, ValueError):
        raise Usage(f"the input is not {encoding}") from None


def _guess(text: bytes) -> str:
    """Return the first encoding whose alphabet holds the whole input: hex, base64url, base64, else raw."""
    for encoding, form in (("hex", _HEX), ("base64url", _BASE64URL), ("base64", _BASE64)):
        if form.fullmatch(text):
            return encoding
    return "raw"


def _read_picture(data: bytes) -> bytes:
    """Return the text of the QR code in a picture."""
    try:
        reader: Any = importlib.import_module("zxingcpp")
        image: Any = importlib.import_module("PIL.Image")
    except ImportError:
        raise Usage("a QR picture needs the packages zxing-cpp and pillow: pip install zxing-cpp pillow") from None
    try:
        found = reader.read_barcodes(image.open(io.BytesIO(data)).convert("L"))
    except (OSError, ValueError, image.DecompressionBombError):  # the last: far more pixels than a QR code needs
        raise Usage("the input is not a picture that can be read") from None
    if not found:
        raise Usage("no QR code was found in the picture")
    return str(found[0].text).encode()
