# SPDX-License-Identifier: Apache-2.0
"""The kit that proves a store: every promise of ``ram_mfa.store`` as a check that runs, with pytest or without.

Invariant: a check knows nothing of any engine. It calls ``load``, ``swap`` and the capabilities, and names the promise
that is broken. Every wait has a bound, so that a run ends whatever the store does.
"""

from __future__ import annotations

from .aio import check_async_store
from .failure import StoreCheckFailed
from .faults import Faults
from .report import StoreReport
from .run import check_store

__all__ = ["Faults", "StoreCheckFailed", "StoreReport", "check_async_store", "check_store"]
