# SPDX-License-Identifier: Apache-2.0
"""Users with passwords in memory, which every example has of its own before it takes MFA up."""

from __future__ import annotations

import hashlib
import hmac
import os

import attrs


@attrs.frozen
class User:
    """A user id with a password.

    Attributes:
        name: the user id.
        administrator: whether the user has administrative rights.
        hashed: the salt and the hash of the password, in hexadecimal; it is new with every password.
    """

    name: str
    administrator: bool
    hashed: str = attrs.field(repr=False)

    @classmethod
    def new(cls, name: str, password: str, *, administrator: bool = False) -> User:
        """Return a user with a password."""
        return cls(name, administrator, _hash(os.urandom(16), password))


def check_password(users: dict[str, User], name: str, password: str) -> bool:
    """Return whether it is the password of a user; where there is no such user the check takes as long."""
    user = users.get(name)
    stored = user.hashed if user else _NOBODY
    computed = _hash(bytes.fromhex(stored[:32]), password)
    return hmac.compare_digest(stored, computed) and user is not None


def _hash(salt: bytes, password: str) -> str:
    hashed = hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1)
    return (salt + hashed).hex()


_NOBODY = _hash(bytes(16), "")
