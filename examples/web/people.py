# SPDX-License-Identifier: Apache-2.0
"""What the application has of its own: names with passwords, and what one browser is to it."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import OrderedDict
from typing import Final

import attrs

from ram_mfa import new_session

MOST_BROWSERS: Final = 10_000


@attrs.define
class User:
    """A name with a password.

    Attributes:
        name: the user id.
        administrator: whether the user has administrative rights.
        salt, hashed: of the password, by scrypt.
    """

    name: str
    administrator: bool
    salt: bytes = attrs.field(repr=False)
    hashed: bytes = attrs.field(repr=False)

    @classmethod
    def new(cls, name: str, password: str, *, administrator: bool = False) -> User:
        """Return a user with that password."""
        salt = os.urandom(16)
        return cls(name, administrator, salt, _hash(password, salt))

    def has(self, password: str) -> bool:
        """Return whether it is the password."""
        return hmac.compare_digest(self.hashed, _hash(password, self.salt))

    @property
    def password_mark(self) -> str:
        """A string that changes when the password does."""
        return hashlib.sha256(self.salt + self.hashed).hexdigest()


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1)


NOBODY: Final = User("", administrator=False, salt=bytes(16), hashed=bytes(64))
"""Whoever has no such name: the check of a password takes as long, and no password is right."""


@attrs.define
class Browser:
    """What the server keeps for one browser.

    Attributes:
        session: what ties a ceremony to this browser; it stays the same when a logon changes the cookie.
        user: who is logged on, or None.
    """

    session: str = attrs.field(factory=new_session, repr=False)
    user: str | None = None


class Browsers:
    """The browsers by their cookie; of too many, the one that came first goes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Browser] = OrderedDict()

    def get(self, cookie: str | None) -> Browser | None:
        """Return the browser of a cookie, or None."""
        return self._kept.get(cookie or "")

    def keep(self, browser: Browser, *, instead_of: str | None = None) -> str:
        """Keep a browser under a new cookie, and return that."""
        self._kept.pop(instead_of or "", None)
        cookie = new_session()
        self._kept[cookie] = browser
        while len(self._kept) > MOST_BROWSERS:
            self._kept.popitem(last=False)
        return cookie

    def log_off(self, user: str) -> None:
        """Log a user off in every browser."""
        for browser in list(self._kept.values()):
            if browser.user == user:
                browser.user = None
