# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa import errors, store
from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from ram_mfa.stores.sqlite import SQLiteStore


class TestPromises:
    @pytest.mark.requirement(*(f"S{number}" for number in range(1, 17)))
    def test_stand_in_words(self):
        """Whoever writes a store finds every promise, by its id, in the docstring of the protocol's file."""
        for number in range(1, 17):
            assert f"\n- S{number}. " in store.__doc__


class TestProtocols:
    def test_the_kinds_of_store_can_be_told_apart(self, tmp_path):
        """Listing and Incarnated are asked of a store at run time."""

        class Told(MemoryStore):
            def incarnation(self):
                return "1"

            def at(self, incarnation, /):
                return self

        sqlite = SQLiteStore(tmp_path / "mfa.db")
        for one in (MemoryStore(), sqlite, AsyncMemoryStore()):
            assert isinstance(one, store.Listing)
            assert not isinstance(one, store.Incarnated)
        assert isinstance(Told(), store.Incarnated)
        assert not isinstance(object(), store.Listing)
        sqlite.close()

    def test_the_errors_of_a_store_are_those_of_the_library(self):
        """A plugin author imports them from beside the protocol."""
        for name in ("HistoryLost", "StoreContended", "StoreUnavailable", "StoreUncertain"):
            assert getattr(store, name) is getattr(errors, name)
            assert issubclass(getattr(store, name), errors.MFAError)
            assert name in store.__all__
