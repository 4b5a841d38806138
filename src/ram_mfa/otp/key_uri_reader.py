# SPDX-License-Identifier: Apache-2.0
"""The parser of key URIs.

The Key Uri Format (https://github.com/google/google-authenticator/wiki/Key-Uri-Format, as of 2018-11-26), based on
RFC 3986. The format is a wiki page, and apps read it differently. Where it leaves a choice open, this parser does the
following ("read" means accepted):

=========================================  ==========================================================================
scheme and type in upper or mixed case     read (RFC 3986 sections 3.1 and 3.2.2)
a fragment                                 ignored (RFC 3986 section 3.5)
characters beyond ASCII, not encoded       read (RFC 3987); but control characters, encoded or not, are refused
``:`` or ``%3A`` between issuer, account   the separator, either way; spaces after it are dropped
a second colon, in the label or issuer     refused: apps split it differently
no label, no account, empty prefix         refused
issuer prefix and parameter differ         refused; one of the two is enough, and ``issuer=`` counts as absent
a parameter twice, with equal values too   refused: some apps take the first, others the last
unknown parameters, also without ``=``     ignored, except ``encoder``: its codes are not digits, refused
``counter`` for TOTP, ``period`` for HOTP  ignored, as unknown
HOTP without ``counter``                   refused: the format requires it
names of parameters in upper case          unknown, so ignored
``+``                                      a plus sign, never a space; so it is refused in a secret
secret in lower case, with full padding    read; so is one with bits set after the last byte: apps drop them
secret of any length from one byte         read; a short one gives a warning
spaces or hyphens in the secret            refused: that is a setup key (``parse_setup_key``)
``sha256``, ``SHA-256``                    read: they are unambiguous
``digits`` 6, 7, 8                         read; leading zeros, signs, spaces, other numbers: refused
``period`` 1 to 2^31 - 1                   read, as ASCII digits without leading zeros
white space around the URI                 refused
=========================================  ==========================================================================
"""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple

from .._secret import SecretBytes
from ..errors import MalformedMessage
from . import base32, percent
from .algorithm import Algorithm
from .hotp import MAX_COUNTER, MAX_DIGITS, MIN_DIGITS
from .totp import MAX_PERIOD

MESSAGE = "key URI"
MAX_URI = 262_144
"""The maximum length of a URI in characters; the longest ``KeyURI`` fits."""

_SCHEME = "otpauth://"
_PARAMETERS = frozenset(("secret", "issuer", "algorithm", "digits", "period", "counter"))
_ALGORITHMS = {name: each for each in Algorithm for name in (each.value, each.value.replace("SHA", "SHA-"))}
_CONTROLS = frozenset(("Cc", "Cs", "Zl", "Zp"))


class Parts(NamedTuple):
    """The parts of a key URI, in the order of the fields of ``KeyURI``."""

    kind: Literal["totp", "hotp"]
    issuer: str | None
    account: str
    secret: SecretBytes
    algorithm: Algorithm
    digits: int
    period: int | None
    counter: int | None


def read(uri: str) -> Parts:
    """Parse a key URI into its parts.

    The plan, each step marked below:

    1. the text: a str of bounded length without control characters;
    2. scheme and type (the Format's "Types");
    3. the label: account, and issuer before a colon ("Label");
    4. the parameters, each once ("Parameters");
    5. the issuer of the label and of the parameter agree ("Issuer");
    6. the values, each within its bounds.

    Raises:
        MalformedMessage: any of this fails; ``field`` names the part.
    """
    # 1. The text
    if not isinstance(uri, str):
        raise MalformedMessage(MESSAGE, "URI", "not a string")
    if len(uri) > MAX_URI:
        raise MalformedMessage(MESSAGE, "URI", f"longer than {MAX_URI} characters")
    if has_controls(uri):
        raise MalformedMessage(MESSAGE, "URI", "a control character")
    # 2. Scheme and type
    if uri[: len(_SCHEME)].lower() != _SCHEME:
        raise MalformedMessage(MESSAGE, "scheme", "not otpauth://")
    path, _, query = uri[len(_SCHEME) :].partition("#")[0].partition("?")
    host, _, label = path.partition("/")
    kind: Literal["totp", "hotp"]
    match host.lower():
        case "totp":
            kind = "totp"
        case "hotp":
            kind = "hotp"
        case _:
            raise MalformedMessage(MESSAGE, "type", "neither totp nor hotp")
    # 3. The label
    prefix, colon, account = percent.decode(label, message=MESSAGE, field="label").partition(":")
    if colon:
        account = account.lstrip(" ")
        if not prefix:
            raise MalformedMessage(MESSAGE, "label", "nothing before the colon")
    else:
        prefix, account = "", prefix
    # 4. The parameters
    given = _parameters(query)
    # 5. The issuer
    issuer = given.get("issuer", "")
    if issuer and prefix and issuer != prefix:
        raise MalformedMessage(MESSAGE, "issuer", "label and parameter differ")
    # 6. The values
    if "secret" not in given:
        raise MalformedMessage(MESSAGE, "secret", "missing")
    name = given.get("algorithm", "SHA1")
    algorithm = _ALGORITHMS.get(name.upper()) if name.isascii() else None
    if algorithm is None:
        raise MalformedMessage(MESSAGE, "algorithm", "not SHA1, SHA256 or SHA512")
    if kind == "hotp" and "counter" not in given:
        raise MalformedMessage(MESSAGE, "counter", "missing")
    return Parts(
        kind=kind,
        issuer=issuer or prefix or None,
        account=account,
        secret=base32.decode(given["secret"], message=MESSAGE, field="secret"),
        algorithm=algorithm,
        digits=_number(given.get("digits", "6"), "digits", MIN_DIGITS, MAX_DIGITS),
        period=_number(given.get("period", "30"), "period", 1, MAX_PERIOD) if kind == "totp" else None,
        counter=_number(given["counter"], "counter", 0, MAX_COUNTER) if kind == "hotp" else None,
    )


def has_controls(text: str) -> bool:
    """Return whether ``text`` holds control characters, line separators or lone surrogates."""
    # Most text is printable. Text that is not may still be harmless: an emoji's joiner, or newer than this Python
    return not text.isprintable() and any(unicodedata.category(character) in _CONTROLS for character in text)


def _parameters(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for piece in query.split("&"):
        name, _, value = piece.partition("=")
        if "%" in piece:
            name = percent.decode(name, message=MESSAGE, field="parameter")
            value = percent.decode(value, message=MESSAGE, field=name if name in _PARAMETERS else "parameter")
        if name in _PARAMETERS:
            if name in given:
                raise MalformedMessage(MESSAGE, name, "given twice")
            given[name] = value
        elif name == "encoder":
            raise MalformedMessage(MESSAGE, name, "codes that are not digits")
    return given


def _number(text: str, field: str, low: int, high: int) -> int:
    # isdigit alone accepts the digits of every script; the length is checked first, since int is slow on long numbers
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(high)) or (text[0] == "0" and text != "0"):
        raise MalformedMessage(MESSAGE, field, f"not a number from {low} to {high}")
    number = int(text)
    if not low <= number <= high:
        raise MalformedMessage(MESSAGE, field, f"not a number from {low} to {high}")
    return number
