# SPDX-License-Identifier: Apache-2.0
"""Detects that a process was forked while a verb was performed: both sides then hold the same entropy and bytes.

After ``os.fork``, parent and child would each take the other's write for their own. Both sides therefore count forks.
"""

from __future__ import annotations

import os
from typing import Any

_forks = 0


def lineage() -> tuple[int, int]:
    """Return the process id and the number of forks so far; a different value means that a fork came in between."""
    return os.getpid(), _forks


def _count() -> None:
    global _forks  # noqa: PLW0603 - one number for the process, as the hooks of os.register_at_fork are
    _forks += 1


getattr(os, "register_at_fork", dict[str, Any])(after_in_parent=_count, after_in_child=_count)  # Windows never forks
