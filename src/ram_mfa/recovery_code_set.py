# SPDX-License-Identifier: Apache-2.0
"""The recovery codes that a record holds: of each its selector, a slow digest, and the tries left.

No key of the root or of the store takes part, so that the codes survive a move and a new ticket key.
"""

from __future__ import annotations

from typing import Final

import attrs

MAX_CODES: Final = 16
"""Codes in a set."""
CODE_TRIES: Final = 10
"""Wrong secrets that remove a code."""
SELECTOR: Final = 6
"""Symbols of a code that select its row, 30 bits."""
SALT: Final = 16
DIGEST: Final = 16
"""Bytes of a salt and of a digest."""


@attrs.frozen
class StoredRecoveryCode:
    """A recovery code that was not used yet.

    Attributes:
        selector: its first 6 symbols.
        digest: 16 bytes, PBKDF2-HMAC-SHA-256 of the whole code under the salt of its set.
        tries: wrong secrets left, 1 to 10.
    """

    selector: str = attrs.field(repr=False)
    digest: bytes = attrs.field(repr=False)
    tries: int


@attrs.frozen
class RecoveryCodeSet:
    """The recovery codes of an account that were made together.

    Attributes:
        salt: 16 random bytes.
        made_at: seconds since the epoch.
        history: 16 bytes, the id of the store's history in which they were made.
        codes: the unused ones, at most 16.
    """

    salt: bytes = attrs.field(repr=False)
    made_at: float
    history: bytes
    codes: tuple[StoredRecoveryCode, ...]
