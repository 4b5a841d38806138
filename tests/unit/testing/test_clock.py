# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ram_mfa.testing import ManualClock


class TestManualClock:
    def test_stands_still(self):
        """It gives the same moment until it is moved."""
        clock = ManualClock(now=1_700_000_000)
        assert [clock(), clock()] == [1_700_000_000, 1_700_000_000]

    def test_advance(self):
        """It moves by what it is told, and back as well."""
        clock = ManualClock(1_000)
        clock.advance(30)
        clock.advance(0.5)
        assert clock() == 1_030.5
        clock.advance(-31)
        assert clock() == 999.5

    def test_set(self):
        """It goes where it is told."""
        clock = ManualClock()
        clock.set(20_000_000_000)
        assert clock() == clock.now == 20_000_000_000
