# SPDX-License-Identifier: Apache-2.0
"""The frozen rest of the world that a verb sees beside the account: policy, time, entropy, and the root record.

No clock here and no randomness: the loop brings ``now`` and draws ``entropy`` once per perform.
"""

from __future__ import annotations

import hashlib
from typing import Final

import attrs

from ._secret import SecretBytes
from .policy import MFAPolicy

MOST_LOSSES: Final = 16


@attrs.frozen
class Root:
    """The one record of a store that is not a user's; without it every perform refuses.

    Attributes:
        ticket_key: 32 random bytes under which tickets and receipts are authenticated.
        incarnation: what the engine called its history when it was last seen; empty where it has no name.
        history: 16 random bytes, new with every loss of history; tickets hang on it.
        lost_at: the moments at which history was lost, seconds since the epoch, the oldest first.
    """

    ticket_key: SecretBytes = attrs.field(repr=False)
    incarnation: str
    history: bytes = attrs.field(repr=False)
    lost_at: tuple[float, ...]

    def after_loss(self, *, at: float, incarnation: str, history: bytes) -> Root:
        """Return the root record that knows of one more loss of history."""
        lost_at = tuple(sorted((*self.lost_at, at)))[-MOST_LOSSES:]
        return attrs.evolve(self, incarnation=incarnation, history=history, lost_at=lost_at)


@attrs.frozen
class Moment:
    """What a verb may know beside the account.

    Attributes:
        policy: in force for this perform.
        now: seconds since the epoch.
        entropy: 32 bytes, the same over all turns of one perform, so that a lost race keeps what it made.
        root: the root record.
        user: the user id that the verb is performed for.
        key: the store key of that user's record, 44 characters.
        administrator: the administrator whose proof was spent for this perform, where the policy asks for one.
    """

    policy: MFAPolicy
    now: float
    entropy: SecretBytes = attrs.field(repr=False)
    root: Root
    user: str
    key: str
    administrator: str | None = None

    def draw(self, label: str, size: int) -> SecretBytes:
        """Return ``size`` bytes (64 at the most) for one use, named by ``label``.

        Keyed BLAKE2b (RFC 7693 section 2.9) over the label, so that nothing drawn tells anything else drawn.
        """
        return SecretBytes(hashlib.blake2b(label.encode(), key=self.entropy, digest_size=size).digest())
