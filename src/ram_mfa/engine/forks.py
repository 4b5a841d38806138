# SPDX-License-Identifier: Apache-2.0
"""Detection of forks while a verb is being performed, after which parent and child hold the same entropy and bytes.

Each of them could then mistake the other's write for its own, so both count forks.
"""

from __future__ import annotations

import os
from typing import Any

_forks = 0


def lineage() -> tuple[int, int]:
    """Return the process id and the number of forks so far; a changed value means that the process was forked."""
    return os.getpid(), _forks


def _count() -> None:
    global _forks  # noqa: PLW0603 - one count per process, like the hooks of os.register_at_fork
    _forks += 1


getattr(os, "register_at_fork", dict[str, Any])(after_in_parent=_count, after_in_child=_count)  # Windows never forks
