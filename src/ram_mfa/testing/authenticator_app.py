# SPDX-License-Identifier: Apache-2.0
"""An authenticator app with one entry, scanned or typed in, whose clock may drift.

The codes are those of RFC 6238 (https://www.rfc-editor.org/rfc/rfc6238), whose section 6 describes the drift. The app
reads no clock: the caller passes the server's time for each code.
"""

from __future__ import annotations

import base64
from typing import Self

import attrs

from ..otp import TOTP, KeyURI


@attrs.define
class AuthenticatorApp:
    """Phone that shows the codes of one entry.

    Attributes:
        account: the account name that the entry shows.
        issuer: the issuer that the entry shows; None where it was typed in.
        drift: seconds by which the phone's clock is ahead of the server's; negative where it is behind.
    """

    account: str
    issuer: str | None
    _totp: TOTP = attrs.field(repr=False, alias="totp")
    drift: float = 0.0

    @classmethod
    def scan(cls, uri: KeyURI | str, *, drift: float = 0.0) -> Self:
        """Return a phone that scanned the QR code of ``uri``.

        Args:
            uri: an ``otpauth://totp/`` URI, as text or parsed.
            drift: seconds that the phone's clock is ahead.

        Raises:
            MalformedMessage: the text is no such URI.
            ValueError: the URI is of a counter-based entry, which this phone does not support.
        """
        parsed = uri if isinstance(uri, KeyURI) else KeyURI.parse(uri)
        if parsed.period is None:
            raise ValueError("this phone supports time-based entries only")
        totp = TOTP(parsed.secret, algorithm=parsed.algorithm, digits=parsed.digits, period=parsed.period)
        return cls(account=parsed.account, issuer=parsed.issuer, totp=totp, drift=drift)

    @classmethod
    def typed(cls, account: str, setup_key: str, *, drift: float = 0.0) -> Self:
        """Return a phone into which a user typed the account and the setup key.

        Such an entry has SHA-1, six digits and 30 seconds, since common apps let a user enter nothing else.

        Args:
            account: the name that the user gives the entry.
            setup_key: the secret in base32; groups, hyphens and letter case do not matter.
            drift: seconds that the phone's clock is ahead.

        Raises:
            ValueError: the key is not base32.
        """
        letters = "".join(setup_key.split()).replace("-", "").rstrip("=").upper()
        secret = base64.b32decode(letters + "=" * (-len(letters) % 8))
        return cls(account=account, issuer=None, totp=TOTP(secret), drift=drift)

    @property
    def period(self) -> int:
        """The number of seconds for which the phone shows one code."""
        return self._totp.period

    def code_at(self, unix_time: float) -> str:
        """Return the code that the phone shows at the server's ``unix_time``, in seconds since the epoch."""
        return self._totp.at(unix_time + self.drift)

    def codes_at(self, unix_time: float, count: int = 2) -> list[str]:
        """Return ``count`` consecutive codes, the first of them the one shown at the server's ``unix_time``."""
        return [self.code_at(unix_time + step * self.period) for step in range(count)]
