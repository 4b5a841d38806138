# SPDX-License-Identifier: Apache-2.0
"""Statements on PostgreSQL that may still be pinned to a record that was just replaced."""

from __future__ import annotations

import attrs

WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation = to_regclass('ram_mfa') AND mode = 'RowExclusiveLock' AND granted
"""
"""Asks which transactions are writing. A statement takes this lock before it looks at any record."""


@attrs.define
class Earlier:
    """Statements that began before another one was acknowledged, and have not ended.

    A pinned statement compares the record that it is pinned to as that was when it began. Whoever replaces the pinned
    record (a view without a pin) therefore waits until those statements have ended: what begins later sees the new one.
    """

    _left: set[str] | None = None

    def ended(self, writing: list[tuple[str]]) -> bool:
        """Say whether none of them is among those that are writing now."""
        now = {transaction for (transaction,) in writing}
        self._left = now if self._left is None else self._left & now
        return not self._left
