# SPDX-License-Identifier: Apache-2.0
"""The hash functions of one-time passwords.

RFC 6238 section 1.2 (https://www.rfc-editor.org/rfc/rfc6238): HMAC-SHA-1, which every authenticator app supports,
HMAC-SHA-256 and HMAC-SHA-512.
"""

from __future__ import annotations

import enum
import hashlib


class Algorithm(enum.Enum):
    """A hash function; name and value are its name in key URIs.

    Attributes:
        secret_size: the length of a new secret in bytes, 20, 32 or 64: that of the HMAC output (RFC 6238 section 5.1).
        block_size: the block size of the hash function in bytes, 64 or 128.
    """

    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"

    def __init__(self, name: str) -> None:
        self.secret_size: int = hashlib.new(name).digest_size
        self.block_size: int = hashlib.new(name).block_size
