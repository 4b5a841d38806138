# SPDX-License-Identifier: Apache-2.0
"""Immutable inputs of a verb other than the account: policy, time, entropy, root record.

This module has no clock and no randomness: the engine reads ``now`` and draws ``entropy`` once per perform.
"""

from __future__ import annotations

import hashlib
from typing import Final

import attrs

from ._secret import SecretBytes
from .policy import MFAPolicy

MAX_LOSSES: Final = 16


@attrs.frozen
class Loss:
    """A loss of history: acknowledged writes may be gone since.

    Attributes:
        at: when it was noted, seconds since the epoch.
        history: the 16-byte id of the history that began with it.
    """

    at: float
    history: bytes = attrs.field(repr=False)


@attrs.frozen
class Root:
    """The one record of a store that is not a user's; without it every perform refuses.

    Attributes:
        ticket_key: 32 random bytes under which tickets and receipts are authenticated; new with every write.
        incarnation: what the engine called its history when it was last seen; empty where it has no name.
        history: the 16-byte id of the present history, random, new with every loss; tickets hang on it.
        losses: in the order in which they were noted, the latest at the end.
        store_id: 16 random bytes to which the seals of all other records are bound.
        older: the store id to which records may still be bound that a re-sealing has not reached; None where it has
            reached all.
    """

    ticket_key: SecretBytes = attrs.field(repr=False)
    incarnation: str
    history: bytes = attrs.field(repr=False)
    losses: tuple[Loss, ...]
    store_id: bytes = attrs.field(repr=False)
    older: bytes | None = attrs.field(repr=False, default=None)

    @property
    def lost_at(self) -> tuple[float, ...]:
        """The times of all losses, the earliest first."""
        return tuple(sorted(loss.at for loss in self.losses))

    def losses_since(self, history: bytes) -> tuple[float, ...]:
        """Return the times of the losses that came after a history began; of an unknown history, of all losses."""
        if history == self.history:
            return ()
        ids = [loss.history for loss in self.losses]
        later = self.losses[ids.index(history) + 1 :] if history in ids else self.losses
        return tuple(loss.at for loss in later)

    def after_loss(self, *, at: float, incarnation: str, history: bytes) -> Root:
        """Return the root record with one more loss of history.

        Where there are too many, the first one's time is merged into the second's, and none is forgotten.
        """
        losses = (*self.losses, Loss(at, history))
        if len(losses) > MAX_LOSSES:
            first, second, *rest = losses
            losses = (Loss(max(first.at, second.at), second.history), *rest)
        return attrs.evolve(self, incarnation=incarnation, history=history, losses=losses)


@attrs.frozen
class Context:
    """The inputs of a verb other than the account.

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

        Keyed BLAKE2b (RFC 7693 section 2.9) over the label, so that no drawn value reveals another.
        """
        return SecretBytes(hashlib.blake2b(label.encode(), key=self.entropy, digest_size=size).digest())
