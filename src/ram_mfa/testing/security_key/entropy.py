# SPDX-License-Identifier: Apache-2.0
"""The random bytes of a soft key, from the system or from a seed."""

from __future__ import annotations

import copy
import hashlib
import os

import attrs


@attrs.define
class Entropy:
    """Source of random bytes, or of bytes determined by a seed.

    Attributes:
        seed: determines every byte that is drawn; None takes them from the system.
    """

    seed: bytes | None = attrs.field(default=None, repr=False)
    _drawn: int = attrs.field(default=0, init=False)

    @property
    def decided(self) -> bool:
        """Whether a seed determines every byte, also of signatures."""
        return self.seed is not None

    def draw(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        if self.seed is None:
            return os.urandom(count)
        self._drawn += 1
        return hashlib.shake_256(b"soft key" + self._drawn.to_bytes(8, "big") + self.seed).digest(count)

    def clone(self) -> Entropy:
        """Return an independent source that continues with the same bytes."""
        return copy.copy(self)
