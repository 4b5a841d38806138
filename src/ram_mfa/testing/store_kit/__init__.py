# SPDX-License-Identifier: Apache-2.0
"""The kit that proves a store: every promise of ``ram_mfa.store`` as a check that runs, with pytest or without.

The room's rule: a check knows nothing of any engine. It speaks ``load`` and ``swap``, and names the broken promise.
"""

from __future__ import annotations

from .asynchronous import check_async_store
from .failure import StoreCheckFailed
from .faults import Faults
from .run import check_store

__all__ = ["Faults", "StoreCheckFailed", "check_async_store", "check_store"]
