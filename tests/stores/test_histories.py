# SPDX-License-Identifier: Apache-2.0
"""Histories of real PostgreSQL clusters behind one address: what their names tell, and what only the pin does."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from ram_mfa.errors import HistoryLost, StoreUncertain
from tests.stores import pins
from tests.stores.conftest import until_connected, until_found
from tests.stores.test_postgres import Maker
from tests.support import require_module
from tests.support.servers import PostgreSQL, Proxy

require_module("psycopg", "psycopg[binary]")

PATIENCE = 30.0
OLD, NEW = b"not yet accepted", b"accepted"


def moved(proxy, server):
    """Let the address lead to another server, as a virtual address or a name does after a restore."""
    proxy.target = server.port
    proxy.cut()


def lost(call):
    with pytest.raises(HistoryLost) as found:
        call()
    return found.value.incarnation


@pytest.fixture
def primary():
    with PostgreSQL("wal_level = replica\nmax_wal_senders = 5\nhot_standby = on") as primary:
        yield primary


@pytest.fixture
def proxy(primary):
    with Proxy(primary.port) as proxy:
        yield proxy


@pytest.fixture
def store(primary, proxy):
    """A store that stays open, at an address that leads to the first server."""
    store = Maker(primary.url(port=proxy.port), PATIENCE)()
    yield store
    store.close()


class TestNames:
    @pytest.mark.requirement("A4", "S12")
    def test_a_dump_that_was_restored_into_another_cluster_is_another_history(self, primary, proxy, store):
        """Both are on their first timeline. A view of the one reads and writes nothing on the other."""
        key, root = pins.fresh_key(), b"root"
        pins.put(store, pins.ROOT, root)
        pins.put(store, key, OLD)
        name = store.incarnation()
        view = store.at(name, beside=(pins.ROOT, root))
        dump = primary.run("pg_dump", "-d", primary.url(), "-f", primary.folder / "dump")
        assert dump == ""
        assert view.swap(key, OLD, NEW) is True
        with PostgreSQL() as another:
            another.run("psql", "-X", "-q", "-d", another.url(), "-f", primary.folder / "dump")
            moved(proxy, another)
            present = lost(lambda: view.load(key))
            assert present != name
            assert present.rpartition("/")[2] == name.rpartition("/")[2]
            assert present == store.incarnation() == lost(lambda: view.swap(key, OLD, NEW))
            assert lost(lambda: view.swap(key, NEW, OLD)) == present
            assert lost(lambda: view.swap(key, OLD, None)) == present
            assert lost(lambda: view.swap(pins.fresh_key(), None, NEW)) == present
            assert store.load(key) == OLD
            assert asyncio.run(self._awaited(proxy, primary, name, key)) == present
            moved(proxy, primary)
            assert view.load(key) == NEW

    @staticmethod
    async def _awaited(proxy, primary, name, key):
        store = await Maker(primary.url(port=proxy.port), PATIENCE).awaited()
        try:
            with pytest.raises(HistoryLost) as found:
                await store.at(name).load(key)
        finally:
            await store.close()
        return found.value.incarnation


class TestPin:
    @pytest.mark.requirement("A4", "S12")
    def test_a_base_backup_that_was_recovered_twice(self, primary, proxy, store):
        """Both recoveries are timeline 2 of one cluster, and have one name; the pinned record tells them apart.

        What was accepted on the first is not accepted on the second by the process that stayed open.
        """
        key, root = pins.fresh_key(), b"root"
        pins.put(store, pins.ROOT, root)
        pins.put(store, key, OLD)
        before = store.incarnation()
        with PostgreSQL(copy_of=primary) as first, PostgreSQL(copy_of=primary) as second:
            primary.kill()
            first.promote()
            second.promote()
            moved(proxy, first)
            name = lost(lambda: store.at(before, beside=(pins.ROOT, root)).load(key))
            assert name != before
            noted = b"root, and a loss noted"
            assert store.at(name).swap(pins.ROOT, root, noted) is True
            view = store.at(name, beside=(pins.ROOT, noted))
            assert view.load(key) == OLD
            assert view.swap(key, OLD, NEW) is True
            moved(proxy, second)
            assert store.incarnation() == name
            assert store.at(name).load(key) == OLD
            assert lost(lambda: view.load(key)) == name
            assert lost(lambda: view.swap(key, OLD, NEW)) == name
            assert store.load(key) == OLD


class TestEarlierStatements:
    @pytest.mark.requirement("A4")
    @pytest.mark.parametrize("way", ["called", "awaited"])
    def test_end_before_the_pinned_record_counts_as_replaced(self, primary, store, way):
        """A pinned swap that began earlier, and waits for a lock, may still land; but not after the new root counts."""
        psycopg = require_module("psycopg", "psycopg[binary]")
        key, root, ended = pins.fresh_key(), b"root", []
        pins.put(store, pins.ROOT, root)
        pins.put(store, key, OLD)
        name = store.incarnation()
        view = store.at(name, beside=(pins.ROOT, root))

        async def awaited():
            other = await Maker(primary.url(), PATIENCE).awaited()
            try:
                return await other.at(name).swap(pins.ROOT, root, b"another root")
            finally:
                await other.close()

        def replace():
            if way == "called":
                assert store.at(name).swap(pins.ROOT, root, b"another root") is True
            else:
                assert asyncio.run(awaited()) is True
            ended.append("root")

        def swap():
            assert view.swap(key, OLD, NEW) is True
            ended.append("user")

        def until(condition):
            limit = time.monotonic() + PATIENCE
            while not condition():
                assert time.monotonic() < limit
                time.sleep(0.01)

        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE%'"
        with psycopg.connect(primary.url()) as another:
            another.execute("SELECT FROM ram_mfa WHERE key = %s FOR UPDATE", (key,))
            threads = [threading.Thread(target=swap), threading.Thread(target=replace)]
            threads[0].start()
            until(lambda: primary.sql(waiting) == "1")
            threads[1].start()
            until(lambda: store.load(pins.ROOT) == b"another root")
            threads[1].join(0.3)
            assert ended == []
            another.rollback()
        for thread in threads:
            thread.join()
        assert sorted(ended) == ["root", "user"]
        assert store.load(key) == NEW
        assert lost(lambda: view.swap(key, NEW, OLD)) == name

    @pytest.mark.requirement("A4", "S4")
    def test_that_do_not_end_leave_it_uncertain(self, primary):
        """A transaction that writes the table and stays open: the new root stands, and nobody says that all is well."""
        psycopg = require_module("psycopg", "psycopg[binary]")
        store = Maker(primary.url(), PATIENCE)()
        waiting = until_connected(Maker(primary.url(), 0.5))
        pins.put(store, pins.ROOT, b"root")
        name = until_connected(waiting.incarnation)
        with psycopg.connect(primary.url()) as another:
            another.execute("DELETE FROM ram_mfa WHERE key = 'no such key'")
            with pytest.raises(StoreUncertain):
                waiting.at(name).swap(pins.ROOT, b"root", b"another root")
            another.rollback()
        until_found(store, pins.ROOT, b"another root")
        waiting.close()
        store.close()
