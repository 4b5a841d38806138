# SPDX-License-Identifier: Apache-2.0
"""The key URI, which a QR code carries to an authenticator app.

The Key Uri Format (https://github.com/google/google-authenticator/wiki/Key-Uri-Format, as of 2018-11-26). This module
holds the value and the warnings about the apps that mishandle it; ``key_uri_reader`` holds the parser, and documents
each choice that the format leaves open.
"""

from __future__ import annotations

import enum
from typing import Literal, Self

import attrs

from .._secret import SecretBytes, SecretText
from .._validation import is_a
from ..errors import MalformedMessage
from . import base32, percent
from .algorithm import Algorithm
from .hotp import check_counter, check_digits, secret_bytes
from .key_uri_reader import MESSAGE, has_controls, read
from .totp import check_period

MAX_NAME = 4_096
"""The maximum length of an issuer or account in characters: a bound on work, far above what an app shows."""


class KeyURIWarning(enum.Enum):
    """A feature of a key URI that common authenticator apps ignore or mishandle; the value describes it in a sentence.

    Sources: the Key Uri Format itself; reports to Google Authenticator (issues 252 and 521, and 29 of its Android
    repository), Microsoft's documentation (issue 15264), keycloak (pull request 27351), 2018 to 2024; a survey of
    Android apps of 2025 (fmarier.org, "TOTP in 2025"). Apps change, and old ones stay installed.
    """

    NO_ISSUER = "without an issuer an app shows the account alone, and some replace an entry of the same name"
    ALGORITHM_IGNORED = "older Google Authenticators, Microsoft Authenticator, Authy and Duo compute SHA1 anyway"
    DIGITS_IGNORED = "older Google Authenticators on Android, Microsoft Authenticator and others show 6 digits anyway"
    SEVEN_DIGITS = "the format defines 6 and 8 digits only, and apps refuse 7 or show 6"
    PERIOD_IGNORED = "Google Authenticator on Android, Microsoft Authenticator and others count 30 seconds anyway"
    COUNTER_BASED = "Microsoft Authenticator and others do not support HOTP"
    WEAK_SECRET = "the secret is below 128 bits, which RFC 4226 section 4 forbids: only an import can allow it"
    SHORT_SECRET = "the secret is shorter than the HMAC output, which RFC 6238 section 5.1 advises against"
    LONG_SECRET = "the secret is longer than a block of the hash function: apps differ, and it adds no strength"
    LONG_NAME = "issuer or account is above 64 characters: apps truncate it, and the QR code becomes hard to scan"


@attrs.frozen
class KeyURI:
    """A key with its names and parameters; ``str()`` returns the URI, and ``parse`` of that returns an equal value.

    Attributes:
        kind: ``"totp"`` or ``"hotp"``, the format's type.
        issuer: the service that asks for the codes; None where the URI names none.
        account: the user's account there, such as an e-mail address. Issuer and account are 1 to 4,096 characters
            without colons, control characters, or white space at either end.
        secret: raw bytes, 1 to 65,536; never in a repr or a pickle.
        algorithm: the hash function.
        digits: 6 to 8.
        period: the time step in seconds, 1 to 2^31 - 1, and 30 where it is left out; None, and only then, where
            ``kind`` is ``"hotp"``.
        counter: the first counter, 0 to 2^64 - 1; None, and only then, where ``kind`` is ``"totp"``.

    Raises:
        MalformedMessage: a field is out of its bounds (a ``ValueError`` too); ``field`` names it.
        TypeError: a field is of the wrong type.
    """

    kind: Literal["totp", "hotp"]
    issuer: str | None
    account: str
    secret: SecretBytes = attrs.field(converter=secret_bytes, repr=False)
    algorithm: Algorithm = Algorithm.SHA1
    digits: int = 6
    period: int | None = None
    counter: int | None = None

    def __attrs_post_init__(self) -> None:
        if not is_a(self.kind, str):
            raise TypeError("the kind is a str")
        if self.issuer is not None:
            _check_name(self.issuer, "issuer")
        _check_name(self.account, "account")
        if len(self.secret) > base32.MAX_SECRET:
            raise MalformedMessage(MESSAGE, "secret", f"longer than {base32.MAX_SECRET} bytes")
        if type(self.algorithm) is not Algorithm:
            raise TypeError("the algorithm is an Algorithm")
        check_digits(self.digits)
        match self.kind:
            case "totp":
                if self.counter is not None:
                    raise MalformedMessage(MESSAGE, "counter", "TOTP has none")
                if self.period is None:
                    object.__setattr__(self, "period", 30)
                else:
                    check_period(self.period)
            case "hotp":
                if self.period is not None:
                    raise MalformedMessage(MESSAGE, "period", "HOTP has none")
                if self.counter is None:
                    raise MalformedMessage(MESSAGE, "counter", "missing")
                check_counter(self.counter)
            case _:
                raise MalformedMessage(MESSAGE, "type", "neither totp nor hotp")

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read a key URI strictly.

        Args:
            uri: the text of a QR code, or a URI that another system exported.

        Raises:
            MalformedMessage: it is not a key URI; ``field`` names the part that is wrong.
        """
        if isinstance(uri, str):
            uri = SecretText(uri)
        try:
            return cls(*read(uri))
        except MalformedMessage as bad:
            field, problem = bad.field, bad.problem
        # A new error, raised outside the handler: the frames of the first hold parts of the secret, which tools print
        raise MalformedMessage(MESSAGE, field, problem)

    def __str__(self) -> SecretText:
        """Return the URI, which contains the secret: for the QR code and nothing else.

        The issuer is in both the label and the parameter, for apps that read only one of them. The secret has no
        padding, a space is ``%20``, and every parameter is written out, so that no app applies its own default.
        """
        account, tail = percent.encode(self.account), ""
        if self.issuer is not None:
            issuer = percent.encode(self.issuer)
            account, tail = f"{issuer}:{account}", f"&issuer={issuer}"
        moving = f"period={self.period}" if self.kind == "totp" else f"counter={self.counter}"
        return SecretText(
            f"otpauth://{self.kind}/{account}?secret={base32.encode(self.secret)}{tail}"
            f"&algorithm={self.algorithm.value}&digits={self.digits}&{moving}"
        )

    def warnings(self) -> tuple[KeyURIWarning, ...]:
        """Return a warning for each feature of this URI that common apps mishandle, in the order of the enum."""
        size = len(self.secret)
        found = {
            KeyURIWarning.NO_ISSUER: self.issuer is None,
            KeyURIWarning.ALGORITHM_IGNORED: self.algorithm is not Algorithm.SHA1,
            KeyURIWarning.DIGITS_IGNORED: self.digits != 6,
            KeyURIWarning.SEVEN_DIGITS: self.digits == 7,
            KeyURIWarning.PERIOD_IGNORED: self.period not in (None, 30),
            KeyURIWarning.COUNTER_BASED: self.kind == "hotp",
            KeyURIWarning.WEAK_SECRET: size < 16,
            KeyURIWarning.SHORT_SECRET: 16 <= size < self.algorithm.secret_size,
            KeyURIWarning.LONG_SECRET: size > self.algorithm.block_size,
            KeyURIWarning.LONG_NAME: max(len(self.account), len(self.issuer or "")) > 64,
        }
        return tuple(warning for warning, applies in found.items() if applies)


def _check_name(name: str, field: str) -> None:
    if not is_a(name, str):
        raise TypeError(f"the {field} is a str")
    if not name:
        raise MalformedMessage(MESSAGE, field, "empty")
    if len(name) > MAX_NAME:
        raise MalformedMessage(MESSAGE, field, f"longer than {MAX_NAME} characters")
    if ":" in name:
        raise MalformedMessage(MESSAGE, field, "a colon")
    if name != name.strip():
        raise MalformedMessage(MESSAGE, field, "white space at an end")
    if has_controls(name):
        raise MalformedMessage(MESSAGE, field, "a control character")
