# SPDX-License-Identifier: Apache-2.0
"""The pinned record of a view, on each store: what is promised stands in `pins`."""

from __future__ import annotations

import asyncio
import time

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


@pytest.fixture
def redis(redis_server):
    from tests.stores.test_redis import Maker

    stores = []

    def make():
        stores.append(Maker(redis_server.server.port, 30.0)())
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture(params=["memory", "sqlite", "redis"])
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


class TestRedis:
    @pytest.mark.requirement("A5")
    def test_awaited_and_its_clock(self, redis_server):
        """The awaited store keeps the same, and both show the server's clock."""
        from tests.stores.test_redis import Maker

        maker = Maker(redis_server.server.port, 30.0)

        async def main():
            store = await maker.awaited()
            await pins.awaited(store)
            before = time.time()
            shown = await store.clock()
            await store.close()
            return before - 1 <= shown <= time.time() + 1

        assert asyncio.run(main())
        store, before = maker(), time.time()
        assert before - 1 <= store.clock() <= time.time() + 1
        store.close()

    def test_a_cluster_pins_nothing(self, redis_cluster):
        """Two keys are on different servers there: beside is refused before anything is asked, and no view needs it."""
        from tests.stores.test_redis import ClusterMaker

        maker = ClusterMaker([server.port for server in redis_cluster.servers], 30.0)
        store = maker()
        with pytest.raises(TypeError, match="Cluster"):
            store.at(store.incarnation(), beside=(pins.ROOT, b"root"))
        assert store.at(store.incarnation(), beside=None).load(pins.fresh_key()) is None
        assert abs(store.clock() - time.time()) < 60
        store.close()

        async def main():
            store = await maker.awaited()
            try:
                store.at(await store.incarnation(), beside=(pins.ROOT, b"root"))
            finally:
                await store.close()

        with pytest.raises(TypeError, match="Cluster"):
            asyncio.run(main())
