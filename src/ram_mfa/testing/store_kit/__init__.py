# SPDX-License-Identifier: Apache-2.0
"""The kit that tests a store: each promise of ``ram_mfa.store`` is a check, which needs no test framework.

Invariant: a check knows nothing of any engine. It calls ``load``, ``swap`` and the capabilities, and a failure names
the broken promise. Every wait has a bound, so that a run ends whatever the store does.
"""

from __future__ import annotations

from .aio import check_async_store
from .faults import Faults
from .results import StoreCheckFailed, StoreReport
from .run import check_store

__all__ = ["Faults", "StoreCheckFailed", "StoreReport", "check_async_store", "check_store"]
