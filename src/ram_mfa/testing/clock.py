# SPDX-License-Identifier: Apache-2.0
"""A clock that a test moves, for every argument that takes a callable like ``time.time``."""

from __future__ import annotations

import attrs


@attrs.define
class ManualClock:
    """Callable that returns the time it was set to, in seconds since the epoch.

    ::

        clock = ManualClock(1_700_000_000)
        mfa = MFA(store, policy, seal=seal, clock=clock)
        clock.advance(30)

    Attributes:
        now: the present time, in seconds since the epoch; an int makes the clock return ints.
    """

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        """Return the present time, in seconds since the epoch."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock by ``seconds``; a negative number moves it back, as a corrected system clock does."""
        self.now += seconds

    def set(self, now: float) -> None:
        """Move the clock to ``now``, in seconds since the epoch."""
        self.now = now
