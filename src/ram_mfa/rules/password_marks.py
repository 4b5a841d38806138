# SPDX-License-Identifier: Apache-2.0
"""Password marks: strings of the application that change when a password does; only their digests are kept.

A mark may be anything, such as a hash of the stored hash: records hold SHA-256 of it, and tickets carry no more of it
than a value under the ticket key.
"""

from __future__ import annotations

import hashlib
from typing import Any

from .._validation import is_a
from .tickets import NOTHING


def mark_digest(mark: str) -> bytes:
    """Return the 32-byte digest of the application's password mark that is stored."""
    return hashlib.sha256(b"ram_mfa password mark\x00" + mark.encode("utf-8", "surrogatepass")).digest()


def digest_of(mark: str | None) -> bytes:
    """Return the digest that the tickets of a logon are bound to: 32 bytes, `NOTHING` where there is no mark."""
    return NOTHING if mark is None else mark_digest(mark)


def check_mark(mark: Any, *, needed: bool = False) -> None:
    """Accept a password mark, or None where none is needed.

    Raises:
        TypeError: it is no string.
        ValueError: it is empty, or None where a machine is presented or remembered.
    """
    if mark is None and needed:
        raise ValueError("password_mark is required where a machine is presented or remembered")
    if mark is not None and not is_a(mark, str):
        raise TypeError("password_mark must be a string")
    if mark == "":
        raise ValueError("password_mark must change when the password does: an empty one does not")


def is_password_mark(instance: object, attribute: object, mark: Any) -> None:
    """Accept None, or a password mark: a string that is not empty. A validator of attrs."""
    del instance, attribute
    check_mark(mark)
