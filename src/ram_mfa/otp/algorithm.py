# SPDX-License-Identifier: Apache-2.0
"""The hash functions of one-time passwords.

RFC 6238 section 1.2 (https://www.rfc-editor.org/rfc/rfc6238): HMAC-SHA-1, which every authenticator app knows,
HMAC-SHA-256 and HMAC-SHA-512.

Invariant: functions take bytes and arguments and return values or raise an error; no clock, no randomness, no state.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable
from typing import Protocol, Self


class Hash(Protocol):
    """What the standard library's hash objects do."""

    def update(self, data: bytes, /) -> None:
        """Feed it more."""

    def digest(self) -> bytes:
        """Return the hash of what it was fed; it can be fed on."""
        ...

    def copy(self) -> Self:
        """Return one that was fed the same."""
        ...


class Algorithm(enum.Enum):
    """A hash function, named and valued as key URIs spell it.

    Attributes:
        new: makes a hash object that was fed the bytes given.
        secret_size: how many bytes a new secret has, 20, 32 or 64: the length of the HMAC output (RFC 6238
            section 5.1).
        block_size: how many bytes the hash function takes at a time, for HMAC; 64 or 128.
    """

    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"

    def __init__(self, name: str) -> None:
        self.new: Callable[[bytes], Hash] = getattr(hashlib, name.lower())
        self.secret_size: int = hashlib.new(name).digest_size
        self.block_size: int = hashlib.new(name).block_size
