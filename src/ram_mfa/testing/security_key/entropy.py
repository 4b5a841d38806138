# SPDX-License-Identifier: Apache-2.0
"""The randomness of a soft key: from the system, or from a seed that decides every byte."""

from __future__ import annotations

import copy
import hashlib
import os

import attrs


@attrs.define
class Entropy:
    """Random bytes, or those that a seed decides.

    Attributes:
        seed: decides every byte that is drawn; None leaves them to the system.
    """

    seed: bytes | None = attrs.field(default=None, repr=False)
    _drawn: int = attrs.field(default=0, init=False)

    @property
    def decided(self) -> bool:
        """Whether a seed decides every byte, signatures included."""
        return self.seed is not None

    def draw(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        if self.seed is None:
            return os.urandom(count)
        self._drawn += 1
        return hashlib.shake_256(b"soft key" + self._drawn.to_bytes(8, "big") + self.seed).digest(count)

    def clone(self) -> Entropy:
        """Return a source that goes on from here in the same way, and apart."""
        return copy.copy(self)
