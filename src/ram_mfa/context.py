# SPDX-License-Identifier: Apache-2.0
"""Immutable inputs of a verb other than the account: policy, time, entropy, root record.

This module has no clock and no randomness: the engine reads ``now`` and draws ``entropy`` once per perform.
"""

from __future__ import annotations

import hashlib
from typing import Final

import attrs

from ._secret import SecretBytes
from .events import Event, EventType
from .policy import MFAPolicy

MAX_LOSSES: Final = 16
"""The most losses of history in a root record; beyond it the earliest are merged."""


@attrs.frozen
class Loss:
    """A loss of history, in which acknowledged writes may have been lost.

    Attributes:
        at: when it was noted, seconds since the epoch.
        history: the 16-byte id of the history that began with the loss.
    """

    at: float
    history: bytes = attrs.field(repr=False)


@attrs.frozen
class Root:
    """The root record of a store, without which every perform refuses.

    Attributes:
        ticket_key: 32 random bytes that authenticate tickets and receipts; replaced by every write of the root record.
        browser_key: 32 random bytes that authenticate browser tokens; replaced with the ticket key, but not by a loss
            of history, after which a browser is still known.
        incarnation: the name of the database's history when the root record was written; empty if it has none.
        history: the random 16-byte id of the present history, replaced at every loss; part of every ticket.
        losses: in the order in which they were noted, the latest last.
        store_id: 16 random bytes to which the seals of all other records are bound.
        older: the previous store id, to which records may be bound that a re-sealing has not reached; None if there
            are none.
    """

    ticket_key: SecretBytes = attrs.field(repr=False)
    browser_key: SecretBytes = attrs.field(repr=False)
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
        """Return the times of the losses after a history began; for an unknown history, of all losses."""
        if history == self.history:
            return ()
        ids = [loss.history for loss in self.losses]
        later = self.losses[ids.index(history) + 1 :] if history in ids else self.losses
        return tuple(loss.at for loss in later)

    def after_loss(self, *, at: float, incarnation: str, history: bytes) -> Root:
        """Return the root record with one more loss of history.

        If there are too many, the first two are merged into one with the later time, so none is forgotten.
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
        entropy: 32 random bytes, the same for all attempts of one perform, so that a retry makes the same secrets.
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
        """Return ``size`` bytes (at most 64) of entropy for the one use that ``label`` names.

        Keyed BLAKE2b (RFC 7693 section 2.9) over the label, so that no drawn value reveals another.
        """
        return SecretBytes(hashlib.blake2b(label.encode(), key=self.entropy, digest_size=size).digest())

    def event(self, event_type: EventType, *, actor: str = "", device: str | None = None, detail: str = "") -> Event:
        """Return an event of this user, now."""
        return Event(event_type, user=self.user, at=self.now, actor=actor, device=device, detail=detail)
