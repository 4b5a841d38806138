# SPDX-License-Identifier: Apache-2.0
"""Views with a pinned record on SQL databases, and the servers' clocks."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import pytest

from ram_mfa.errors import HistoryLost
from tests.stores import pins
from tests.stores.test_postgres import Maker as PostgresMaker
from tests.stores.test_sqlalchemy import Maker, dispose
from tests.support import require_module
from tests.support.servers import PostgreSQL, Proxy

require_module("sqlalchemy", "sqlalchemy")

KEY = "u" + "N" * 43
PATIENCE = 30.0


@pytest.fixture(autouse=True)
def dispose_of_engines():
    yield
    dispose()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def make(request, tmp_path):
    """What opens a store through SQLAlchemy, on each engine in turn."""
    if request.param == "sqlite":
        return Maker(f"sqlite:///{tmp_path / 'mfa.db'}", PATIENCE)
    url = request.getfixturevalue(request.param).server.url()
    return Maker(url.replace("postgresql:", "postgresql+psycopg:"), PATIENCE)


@pytest.fixture
def drivers(make):
    """Likewise, of stores that are awaited."""
    for sync, awaited in (("sqlite:", "sqlite+aiosqlite:"), ("mysql+pymysql:", "mysql+asyncmy:")):
        make.url = make.url.replace(sync, awaited)
    return make


class TestSQLAlchemyStore:
    @pytest.mark.requirement("A4", "S12")
    def test_compares_the_pinned_record_within_each_statement(self, make):
        store = make()
        pins.check_one_after_another(store)
        store.close()

    @pytest.mark.requirement("A4", "S12")
    def test_swaps_nothing_after_a_restore(self, make):
        store = make()
        pins.check_between_load_and_swap(store)
        store.close()

    @pytest.mark.requirement("A4", "S12")
    def test_answers_rightly_while_the_pinned_record_changes(self, make):
        pins.check_race(make)

    @pytest.mark.requirement("A5")
    def test_shows_the_clock_of_its_server(self, make):
        """In seconds since the epoch, whatever the time zone of the session."""
        store = make()
        before = time.time()
        shown = store.clock()
        assert before - 1 <= shown <= time.time() + 1
        store.close()


class TestPostgresStore:
    @pytest.fixture
    def store(self, postgresql):
        store = PostgresMaker(postgresql.server.url(), PATIENCE)()
        yield store
        store.close()

    @pytest.mark.requirement("A4", "S12")
    def test_compares_the_pinned_record_within_each_statement(self, store):
        pins.check_one_after_another(store)
        pins.check_between_load_and_swap(store)

    @pytest.mark.requirement("A4", "S12")
    def test_answers_rightly_while_the_pinned_record_changes(self, postgresql):
        with contextlib.ExitStack() as stack:

            def make():
                store = PostgresMaker(postgresql.server.url(), PATIENCE)()
                stack.callback(store.close)
                return store

            pins.check_race(make)

    @pytest.mark.requirement("A5")
    def test_shows_the_clock_of_its_server(self, store):
        before = time.time()
        shown = store.clock()
        assert before - 1 <= shown <= time.time() + 1


class TestName:
    @pytest.mark.requirement("A4", "S12")
    @pytest.mark.parametrize("way", ["psycopg", "SQLAlchemy"])
    def test_tells_two_clusters_apart(self, postgresql, way):
        """A dump that is restored into another server behind the same address, on the same timeline."""
        with PostgreSQL() as other, Proxy(postgresql.server.port) as road:
            makers = {"psycopg": PostgresMaker, "SQLAlchemy": Maker}
            scheme = {"psycopg": "postgresql:", "SQLAlchemy": "postgresql+psycopg:"}[way]
            for server in (postgresql.server, other):
                store = PostgresMaker(server.url(), PATIENCE)()
                pins.put(store, KEY, b"before")
                store.close()
            store = makers[way](other.url(road.port).replace("postgresql:", scheme), PATIENCE)()
            name = store.incarnation()
            view = store.at(name)
            assert view.swap(KEY, b"before", b"accepted")
            road.target = other.port
            road.cut()
            for call in (
                lambda: view.load(KEY),
                lambda: view.swap(KEY, b"before", b"accepted twice"),
                lambda: view.swap(KEY, b"accepted", None),
            ):
                with pytest.raises(HistoryLost) as lost:
                    call()
                assert lost.value.incarnation == store.incarnation() != name
            assert store.load(KEY) == b"before"
            store.close()


class TestAwaited:
    @pytest.mark.requirement("A4", "A5", "S12")
    def test_does_likewise(self, drivers):
        """The pinned record is compared, and the clock is shown."""

        async def main():
            store = await drivers.awaited()
            await pins.awaited(store)
            before = time.time()
            shown = await store.clock()
            await store.close()
            return before - 1 <= shown <= time.time() + 1

        assert asyncio.run(main())

    @pytest.mark.requirement("A4", "A5", "S12")
    def test_on_postgresql_without_sqlalchemy_too(self, postgresql):
        async def main():
            store = await PostgresMaker(postgresql.server.url(), PATIENCE).awaited()
            await pins.awaited(store)
            before = time.time()
            shown = await store.clock()
            await store.close()
            return before - 1 <= shown <= time.time() + 1

        assert asyncio.run(main())


class TestRootTable:
    @pytest.mark.requirement("A4")
    def test_root_records_are_in_a_table_of_their_own_on_mariadb(self, mariadb):
        """Which nobody sees: they are loaded, swapped and listed as any other, and a pin may be in either table."""
        store = Maker(mariadb.server.url(), PATIENCE)()
        root, user, other = "r" + "T" * 43, "u" + "T" * 43, "u" + "S" * 43
        assert store.swap(root, None, b"root")
        assert store.swap(user, None, b"user")
        assert root in list(store.keys("r"))
        assert [row[0] for row in mariadb.server.sql("SELECT value FROM mfa.ram_mfa_root WHERE `key` LIKE '%TTT'")] == [
            b"root"
        ]
        assert not mariadb.server.sql("SELECT value FROM mfa.ram_mfa WHERE `key` LIKE 'r%TTT'")
        name = store.incarnation()
        for key, beside in ((other, user), (root, user), (root, root), (user, root)):
            view = store.at(name, beside=(beside, store.load(beside)))
            held = view.load(key)
            assert view.swap(key, held, b"again") is True
            assert store.load(key) == b"again"
            pins.put(store, key, held)
        for key in (root, user):
            assert store.swap(key, store.load(key), None)
        store.close()


class TestEarlierStatements:
    @pytest.mark.requirement("A4")
    def test_end_before_the_pinned_record_counts_as_replaced(self, postgresql):
        """Through SQLAlchemy too: while a pinned swap waits for a lock, a new root is not yet acknowledged."""
        psycopg = require_module("psycopg", "psycopg[binary]")
        store = Maker(postgresql.server.url().replace("postgresql:", "postgresql+psycopg:"), PATIENCE)()
        key, name, ended = pins.fresh_key(), store.incarnation(), []
        pins.put(store, pins.ROOT, b"root")
        pins.put(store, key, b"old")
        view = store.at(name, beside=(pins.ROOT, b"root"))

        def swap():
            assert view.swap(key, b"old", b"new") is True
            ended.append("user")

        def replace():
            assert store.at(name).swap(pins.ROOT, b"root", b"another root") is True
            ended.append("root")

        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE%'"
        threads = [threading.Thread(target=swap), threading.Thread(target=replace)]
        with psycopg.connect(postgresql.server.url()) as another:
            another.execute("SELECT FROM ram_mfa WHERE key = %s FOR UPDATE", (key,))
            threads[0].start()
            until(lambda: postgresql.server.sql(waiting) == "1")
            threads[1].start()
            until(lambda: store.load(pins.ROOT) == b"another root")
            threads[1].join(0.3)
            assert ended == []
            another.rollback()
        for thread in threads:
            thread.join()
        assert sorted(ended) == ["root", "user"]
        with pytest.raises(HistoryLost):
            view.swap(key, b"new", b"old")
        store.close()


def until(condition):
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)
