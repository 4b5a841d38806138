# SPDX-License-Identifier: Apache-2.0
"""The pinned record of a view, on each store: what is promised stands in `pins`."""

from __future__ import annotations

import asyncio

import pytest

from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from ram_mfa.stores.sqlite import SQLiteStore

from . import pins

pytestmark = pytest.mark.requirement("A4")


@pytest.fixture
def memory():
    store = MemoryStore()
    return lambda: store


@pytest.fixture
def sqlite(tmp_path):
    stores = []

    def make():
        stores.append(SQLiteStore(tmp_path / "mfa.db", deadline=60.0))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture(params=["memory", "sqlite"])
def make(request):
    return request.getfixturevalue(request.param)


class TestPinned:
    def test_one_after_another(self, make):
        """A pin that differs or is absent is HistoryLost with the present name, and changes nothing."""
        pins.check_one_after_another(make())

    def test_between_load_and_swap(self, make):
        """A backup that is put back and declared between load and swap stops the swap."""
        pins.check_between_load_and_swap(make())

    def test_race(self, make):
        """A lost race stays False, and nothing else is called one."""
        pins.check_race(make)

    def test_awaited(self):
        """The awaited memory keeps the same."""
        asyncio.run(pins.awaited(AsyncMemoryStore()))
