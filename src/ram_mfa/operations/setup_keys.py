# SPDX-License-Identifier: Apache-2.0
"""``totp``, ``uri`` and ``qr``: a code from a setup key, a key URI made or described, and its QR code.

RFC 6238 (https://www.rfc-editor.org/rfc/rfc6238) and the Key Uri Format
(https://github.com/google/google-authenticator/wiki/Key-Uri-Format).

Invariant: a secret arrives through standard input or a file and never as an argument, which other users of the machine
see; it leaves only as what was asked for, and no message repeats it.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .._secret import SecretBytes, SecretText
from ..errors import MalformedMessage
from ..otp import TOTP, Algorithm, KeyURI, parse_setup_key
from .exit_codes import DONE
from .secret_files import Usage
from .terminal import Terminal

_MAX_INPUT: Final = 262_144
"""The most bytes that are read."""
_LARGEST_TIME: Final = 253_402_300_799.0
"""The last second of the year 9999."""


def read_input(name: str, limit: int = _MAX_INPUT) -> SecretBytes:
    """Return what a file holds, or standard input where the name is ``-``.

    Raises:
        Usage: it cannot be read, or is too large; the message does not repeat the name, which may be a secret.
    """
    try:
        if name == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        raise Usage(f"the input file cannot be read: {error.strerror}") from None
    except ValueError:  # a null character in the name
        raise Usage("the input file cannot be read") from None
    if len(data) > limit:
        raise Usage(f"the input is longer than {limit} bytes")
    return SecretBytes(data)


def totp(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the code of a setup key or a key URI, at a time."""
    key = _read_key(arguments)
    if key.kind != "totp":
        raise Usage("the key is counter-based (HOTP): it has no code of a time")
    at = time.time() if arguments.at is None else arguments.at
    if not 0 <= at <= _LARGEST_TIME:
        raise Usage("--at is a number of seconds since 1970-01-01, up to the year 9999")
    period = key.period or 30
    generator = TOTP(key.secret, key.algorithm, digits=key.digits, period=period)
    step = generator.step(at)
    left = (step + 1) * period - int(at)
    if arguments.json:
        code = {"code": generator.at(at), "step": step, "seconds_left": left}
        terminal.say(json.dumps(code))
    else:
        terminal.say(generator.at(at))
        terminal.note(f"valid for {left} more seconds (step {step})")
    return DONE


def uri(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Make a key URI of a setup key and the names given, or describe the key URI that is read."""
    text = _read_text(arguments.input)
    if _is_uri(text):
        key = _parse_uri(text)
        plain = describe(key, show_secrets=arguments.show_secrets)
        if arguments.json:
            terminal.say(json.dumps(plain, indent=1, ensure_ascii=False))
        else:
            for line in _lines(plain):
                terminal.say(line)
        return DONE
    if not arguments.account:
        raise Usage("a key URI is made for an account: give --account (and --issuer)")
    key = _make(arguments, text)
    terminal.say(str(key))
    for warning in key.warnings():
        terminal.note(f"note: {warning.value}")
    return DONE


def qr(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Draw the QR code of a key URI in the terminal, or write it to a new file."""
    try:
        from .. import qr as draw
    except ImportError as error:
        if error.name != "segno":
            raise
        raise Usage("a QR code needs the package segno: pip install 'ram_mfa[qr]'") from None
    key = _read_key(arguments, account=True)
    try:
        if arguments.output is None:
            terminal.out.write(str(draw.terminal(key)))
            return DONE
        kind = Path(arguments.output).suffix.lower()
        if kind == ".svg":
            data = str(draw.svg(key)).encode()
        elif kind == ".png":
            data = bytes(draw.png(key))
        else:
            raise Usage("--output is a file whose name ends in .svg or .png")
    except ValueError as error:  # too long
        raise Usage(str(error)) from None
    _write_new(arguments.output, data)
    return DONE


def describe(key: KeyURI, *, show_secrets: bool) -> dict[str, Any]:
    """Return the parts of a key URI as JSON's types; the secret only where it is asked for."""
    plain: dict[str, Any] = {
        "type": key.kind,
        "issuer": key.issuer,
        "account": key.account,
        "secret": key.secret.hex() if show_secrets else f"hidden ({len(key.secret)} bytes)",
        "algorithm": key.algorithm.value,
        "digits": key.digits,
    }
    plain |= {"period": key.period} if key.kind == "totp" else {"counter": key.counter}
    return plain | {"notes": [warning.value for warning in key.warnings()]}


def _lines(plain: dict[str, Any]) -> Iterator[str]:
    for name, value in plain.items():
        if name != "notes":
            yield f"{name:<10} {'none' if value is None else value}"
    for note in plain["notes"]:
        yield f"note: {note}"


def _read_text(name: str) -> SecretText:
    data = read_input(name)
    try:
        return SecretText(data.decode().strip())
    except UnicodeDecodeError:
        raise Usage("the input is not text") from None


def _is_uri(text: str) -> bool:
    return text[:10].lower() == "otpauth://"


def _parse_uri(text: str) -> KeyURI:
    try:
        return KeyURI.parse(text)
    except MalformedMessage as error:
        raise Usage(str(error)) from None


def _read_key(arguments: argparse.Namespace, *, account: bool = False) -> KeyURI:
    """Return the key of a key URI, or of a setup key and the options."""
    text = _read_text(arguments.input)
    if _is_uri(text):
        return _parse_uri(text)
    if account and not arguments.account:
        raise Usage("a QR code of a setup key is made for an account: give --account (and --issuer)")
    return _make(arguments, text)


def _make(arguments: argparse.Namespace, text: str) -> KeyURI:
    try:
        return KeyURI(
            "totp",
            getattr(arguments, "issuer", None),
            getattr(arguments, "account", None) or "none",
            parse_setup_key(text),
            Algorithm(arguments.algorithm),
            arguments.digits,
            arguments.period,
        )
    except ValueError as error:  # MalformedMessage, and the bounds of digits and period
        raise Usage(str(error)) from None


def _write_new(name: str, data: bytes) -> None:
    """Write a file that only its owner can read, and that did not exist: the picture is the secret."""
    mode = stat.S_IRUSR | stat.S_IWUSR
    try:
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise Usage(f"--output: {error.strerror}") from None
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
