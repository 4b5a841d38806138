# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from ram_mfa.testing import check_async_store, check_store
from tests.support import rounds


class TestMemoryStore:
    @pytest.mark.requirement("S1", "S2", "S5", "S11")
    def test_keeps_the_promises(self):
        """Every promise that a store within one process can keep."""
        store = MemoryStore()
        check_store(lambda: store, rounds=rounds(400))
        assert repr(store) == "<MemoryStore of 0 records>"

    def test_says_how_many_and_never_what(self):
        store = MemoryStore()
        store.swap("key", None, b"value")
        assert repr(store) == "<MemoryStore of 1 records>"


class TestAsyncMemoryStore:
    def test_keeps_the_promises(self):
        store = AsyncMemoryStore()
        check_async_store(lambda: store, rounds=rounds(400))
        assert repr(store) == "<AsyncMemoryStore of 0 records>"
