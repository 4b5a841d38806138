# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from ram_mfa.errors import HistoryLost, StoreUnavailable, StoreUncertain
from ram_mfa.testing import Faults, StoreCheckFailed, check_async_store, check_store
from ram_mfa.testing.store_kit.processes import process_race
from ram_mfa.testing.store_kit.space_reuse import space_is_reused
from ram_mfa.testing.store_kit.store_pair import StorePair
from tests.stores.conftest import LONG, SHORT, until_connected, until_connected_there
from tests.support import real, require_module, rounds
from tests.support.servers import PostgreSQL, Proxy

psycopg = require_module("psycopg", "psycopg[binary]")
stores = require_module("ram_mfa.stores.postgres", "psycopg[binary]")
alchemy = require_module("sqlalchemy", "sqlalchemy")

KEY = "p" + "A" * 43


class Maker:
    """Opens stores; can be pickled."""

    def __init__(self, conninfo, deadline=LONG):
        self.conninfo = conninfo
        self.deadline = deadline

    def __call__(self):
        store = stores.PostgresStore(self.conninfo, deadline=self.deadline)
        store.create_table()
        return store

    async def awaited(self):
        store = stores.AsyncPostgresStore(self.conninfo, deadline=self.deadline)
        await store.create_table()
        return store


class InALoop:
    """An asynchronous store, called from a test that is not."""

    def __init__(self, conninfo, deadline):
        self.loop = asyncio.new_event_loop()
        self.store = self.run(Maker(conninfo, deadline).awaited())

    def run(self, work):
        return self.loop.run_until_complete(work)

    def load(self, key, /):
        return self.run(self.store.load(key))

    def swap(self, key, old, new, /):
        return self.run(self.store.swap(key, old, new))

    def close(self):
        self.run(self.store.close())
        self.loop.close()


class ThroughSQLAlchemy:
    """The store on SQLAlchemy, which hears the same warnings."""

    def __init__(self, conninfo, deadline):
        module = require_module("ram_mfa.stores.sqlalchemy", "sqlalchemy")
        engine = alchemy.create_engine(conninfo.replace("sql:", "sql+psycopg:"))
        self.store = module.SQLAlchemyStore(engine, deadline=deadline)
        self.store.create_table()
        self.load, self.swap, self.close = self.store.load, self.store.swap, self.store.close


def opened(conninfo, deadline=LONG):
    return Maker(conninfo, deadline)()


def database(postgresql, name):
    return f"{postgresql.url().rpartition('/')[0]}/{name}"


OPENERS = [opened, InALoop, ThroughSQLAlchemy]


class TestPostgresStore:
    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S5", "S9", "S11", "S12", "S13", "S14", "S16")
    def test_keeps_the_promises(self, postgresql):
        """Every promise, on a server that is killed, frozen, and whose replies are lost."""
        faults = postgresql.faults(Maker(postgresql.url(), SHORT))
        check_store(Maker(postgresql.url()), rounds=rounds(100), processes=4 * real, faults=faults)

    @pytest.mark.requirement("S1")
    def test_eight_processes_swap_from_the_same_bytes(self, postgresql):
        """In each of 2,000 rounds exactly one of eight processes lands, and no increment is lost."""
        pair = StorePair(Maker(postgresql.url(), 60.0), rounds(2000), Faults())
        process_race(pair, 8 if real else 3, "spawn")
        pair.close()

    def test_shows_no_password(self):
        assert repr(stores.PostgresStore("postgresql://me:secret@host/db")) == "<PostgresStore>"
        assert "secret" not in repr(stores.AsyncPostgresStore("postgresql://me:secret@host/db"))

    @pytest.mark.parametrize("store", [stores.PostgresStore, stores.AsyncPostgresStore])
    def test_refuses_what_no_store_can_be(self, store):
        with pytest.raises(ValueError, match="at least one connection"):
            store("", size=0)
        with pytest.raises(ValueError, match="deadline"):
            store("", deadline=0)

    @pytest.mark.requirement("S14")
    def test_a_crowd_waits_until_the_deadline(self, postgresql):
        """Where every connection is in use for longer than the deadline, a call says so."""
        opened(postgresql.url()).close()
        store = stores.PostgresStore(postgresql.url(), size=1, deadline=0.1)
        pooled = until_connected(store._pool.acquire)
        with pytest.raises(StoreUnavailable, match="all connections"):
            store.load(KEY)
        store._pool.release(pooled)
        assert until_connected(lambda: store.load(KEY)) is None
        store.close()

    @pytest.mark.requirement("S14")
    def test_a_row_that_stays_locked_is_unavailable(self, postgresql):
        """The server gives up waiting just before the store does: nothing landed, for certain."""
        store = opened(postgresql.url())
        assert store.swap(KEY, None, b"x")
        with psycopg.connect(postgresql.url()) as other:
            other.execute("SELECT * FROM ram_mfa WHERE key = %s FOR UPDATE", (KEY,))
            waiting = stores.PostgresStore(postgresql.url(), deadline=SHORT)
            assert until_connected(lambda: waiting.load(KEY)) == b"x"
            with pytest.raises(StoreUnavailable, match="55P03"):
                waiting.swap(KEY, b"x", b"y")
            other.rollback()
        assert store.load(KEY) == b"x"
        assert store.swap(KEY, b"x", None)
        waiting.close()
        store.close()

    @pytest.mark.requirement("S15", "S16")
    def test_says_what_is_wrong_with_a_place(self, postgresql):
        """No server, no database, no table, and a store that was closed."""
        for conninfo in ("host=127.0.0.1 port=1", database(postgresql, "missing")):
            store = stores.PostgresStore(conninfo, deadline=1.0)
            with pytest.raises(StoreUnavailable):
                store.load(KEY)
            with pytest.raises(StoreUnavailable):
                store.swap(KEY, None, b"x")
        with psycopg.connect(postgresql.url(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE empty")
        store = stores.PostgresStore(database(postgresql, "empty"))
        for call in (partial(store.load, KEY), partial(store.swap, KEY, None, b"x"), lambda: list(store.keys("k"))):
            with pytest.raises(StoreUnavailable, match="42P01"):
                call()
        store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            store.load(KEY)

    @pytest.mark.requirement("S3", "S15")
    def test_refuses_a_server_that_loses_what_it_acknowledges(self):
        with PostgreSQL("full_page_writes = off") as server:
            store = stores.PostgresStore(server.url())
            with pytest.raises(StoreUnavailable, match="full_page_writes"):
                store.load(KEY)

    def test_a_child_leaves_its_parents_connections_alone(self, postgresql):
        """Both sides of a fork go on with sessions of their own."""
        store = opened(postgresql.url())
        key = "f" * 44
        assert store.swap(key, None, b"0")
        child = os.fork()
        if not child:
            os._exit(0 if store.swap(key, b"0", b"1") else 1)
        assert os.waitpid(child, 0)[1] == 0
        before = store._pool._idle[-1].connection.info.backend_pid
        assert store.load(key) == b"1"
        assert store._pool._idle[-1].connection.info.backend_pid == before
        assert store.swap(key, b"1", None)
        store.close()

    def test_many_make_the_table_at_once(self, postgresql):
        with psycopg.connect(postgresql.url(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE crowd")
        made = [stores.PostgresStore(database(postgresql, "crowd")) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda store: store.create_table(), made))
        assert [store.swap(KEY, None, b"x") for store in made] == [True] + [False] * 7
        for store in made:
            store.close()

    @pytest.mark.requirement("S9")
    @pytest.mark.parametrize("undone", ["SET (fillfactor = 100)", "ALTER COLUMN value SET STORAGE EXTENDED"])
    def test_makes_a_table_that_does_not_bloat(self, undone):
        """What was replaced makes room again, up to the size of a page, before any vacuum; without either of what
        the table is told, it does not.
        """
        with PostgreSQL("autovacuum = off") as server:
            faults = Faults(size=server.size)
            store = opened(server.url(), 20.0)
            with contextlib.closing(StorePair(lambda: store, 1, faults)) as pair:
                space_is_reused(pair)
                server.sql(f"ALTER TABLE ram_mfa {undone}")
                with pytest.raises(StoreCheckFailed, match=r"^S9: 300 writes of one record"):
                    space_is_reused(pair)


class TestAsyncPostgresStore:
    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S5", "S11", "S12", "S13", "S14", "S16")
    def test_keeps_the_promises(self, postgresql):
        faults = postgresql.faults(Maker(postgresql.url(), SHORT).awaited)
        check_async_store(Maker(postgresql.url()).awaited, rounds=rounds(100), faults=faults)

    @pytest.mark.requirement("S14")
    def test_a_thousand_tasks_share_ten_connections(self, postgresql):
        """A thousand tasks count up one record and their own: no update is lost, no connection leaks."""

        async def main():
            store = await Maker(postgresql.url(), 120.0).awaited()
            shared, tasks = "t" * 44, rounds(1000)

            async def count(number):
                own = f"{number:044}"
                assert await store.swap(own, None, b"x")
                while True:
                    held = await store.load(shared)
                    if await store.swap(shared, held, b"%d" % (int(held or b"0") + 1)):
                        break
                assert await store.swap(own, b"x", None)

            await asyncio.gather(*(count(number) for number in range(tasks)))
            assert await store.load(shared) == b"%d" % tasks
            assert await store.swap(shared, b"%d" % tasks, None)
            assert len(store._pool._idle) <= 10
            assert store._pool._free._value == 10
            await store.close()

        asyncio.run(main())

    @pytest.mark.requirement("S14", "S16")
    def test_says_what_is_wrong_with_a_place(self, postgresql):
        async def main():
            store = stores.AsyncPostgresStore("host=127.0.0.1 port=1", deadline=1.0)
            with pytest.raises(StoreUnavailable):
                await store.load(KEY)
            store = stores.AsyncPostgresStore(postgresql.url(), size=1, deadline=0.1)
            await until_connected_there(store.create_table)
            pooled = await until_connected_there(store._pool.acquire)
            with pytest.raises(StoreUnavailable, match="all connections"):
                await store.load(KEY)
            await store._pool.release(pooled)
            assert await until_connected_there(lambda: store.load(KEY)) is None
            await store.close()
            with pytest.raises(StoreUnavailable, match="closed"):
                await store.load(KEY)

        asyncio.run(main())


class Pair:
    """A primary and its standby, which follows it through a proxy that can be cut."""

    def __init__(self, *, synchronous):
        self.primary = PostgreSQL("wal_level = replica").start()
        self.link = Proxy(self.primary.port)
        self.standby = PostgreSQL("hot_standby = on", copy_of=self.primary)
        follows = f"host=127.0.0.1 port={self.link.port} user=postgres application_name=s1"
        self.standby.settings(f"primary_conninfo = '{follows}'\nwal_retrieve_retry_interval = 200ms")
        self.standby.start()
        if synchronous:
            self.primary.settings("synchronous_standby_names = 'FIRST 1 (s1)'")
            self.primary.sql("SELECT pg_reload_conf()")
        wanted = "sync" if synchronous else "async"
        until = time.monotonic() + 30
        while self.primary.sql("SELECT sync_state FROM pg_stat_replication") != wanted:
            assert time.monotonic() < until
            time.sleep(0.05)

    @property
    def conninfo(self):
        return f"host=127.0.0.1,127.0.0.1 port={self.primary.port},{self.standby.port} user=postgres dbname=postgres"

    def caught_up(self):
        """Wait until the standby has all that the primary has."""
        position = self.primary.sql("SELECT pg_current_wal_lsn()")
        until = time.monotonic() + 30
        while self.standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") != "t":
            assert time.monotonic() < until
            time.sleep(0.05)

    def fail_over(self):
        self.primary.kill()
        self.standby.promote()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()
        self.standby.close()
        self.primary.close()


class TestReplication:
    @pytest.mark.requirement("S4")
    @pytest.mark.parametrize("opener", OPENERS)
    def test_a_cancelled_wait_for_a_standby_is_uncertain(self, opener):
        """PostgreSQL answers such a commit with success and a warning: landed here, and perhaps nowhere else."""
        with PostgreSQL() as server:
            store = opener(server.url(), 20.0)
            assert store.swap(KEY, None, b"x")
            server.settings("synchronous_standby_names = 'FIRST 1 (nobody)'")
            server.sql("SELECT pg_reload_conf()")

            def cancel():
                waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
                until = time.monotonic() + 30
                while not server.sql(f"SELECT pg_cancel_backend(pid) {waiting}") and time.monotonic() < until:
                    time.sleep(0.05)

            thread = threading.Thread(target=cancel)
            thread.start()
            asked = swap_until_uncertain(store)
            thread.join()
            assert store.load(KEY) == asked
            store.close()

    @pytest.mark.requirement("S4", "S14")
    def test_a_standby_that_is_gone_is_uncertain(self):
        """The commit waits for a standby that does not come: the deadline passes, and nobody knows."""
        with PostgreSQL() as server:
            store = opened(server.url())
            assert store.swap(KEY, None, b"x")
            server.settings("synchronous_standby_names = 'FIRST 1 (nobody)'")
            server.sql("SELECT pg_reload_conf()")
            waiting = stores.PostgresStore(server.url(), deadline=SHORT)
            assert until_connected(lambda: waiting.load(KEY)) == b"x"
            swap_until_uncertain(waiting)
            waiting.close()
            store.close()

    @pytest.mark.requirement("S2", "S15")
    def test_a_standby_is_not_read(self):
        """What a standby answers may be old: it is no store."""
        with Pair(synchronous=False) as pair:
            opened(pair.primary.url()).close()
            store = stores.PostgresStore(pair.standby.url(), deadline=2.0)
            with pytest.raises(StoreUnavailable):
                store.load(KEY)
            store.close()

    @pytest.mark.requirement("S3", "S12", "S13")
    def test_a_promoted_synchronous_standby_has_all_that_was_acknowledged(self):
        """The primary is killed under load and its standby promoted, 5 times: nothing acknowledged is gone.

        The load goes on over the promotion until every writer is served again. The views of before say that the history
        is another one.
        """
        for _ in range(rounds(5)):
            with Pair(synchronous=True) as pair:
                store = opened(pair.conninfo)
                before = store.at(store.incarnation())
                keys = [f"{number:044}" for number in range(4)]
                acknowledged = dict.fromkeys(keys, 0)
                stop = threading.Event()

                def count_up(key, store=store, acknowledged=acknowledged, stop=stop):
                    while not stop.is_set():
                        try:
                            held = store.load(key)
                            count = int(held or b"0")
                            assert count in {acknowledged[key], acknowledged[key] + 1}
                            if store.swap(key, held, b"%d" % (count + 1)):  # not where an uncertain one came late
                                acknowledged[key] = count + 1
                        except (StoreUncertain, StoreUnavailable):
                            time.sleep(0.01)

                with ThreadPoolExecutor(4) as pool:
                    writers = [pool.submit(count_up, key) for key in keys]
                    try:
                        beyond(acknowledged, dict.fromkeys(keys, 20), writers)
                        began = time.monotonic()
                        pair.fail_over()
                        beyond(acknowledged, dict(acknowledged), writers)
                        print(f"\nall four write again {time.monotonic() - began:.2f} s after the kill")
                    finally:
                        stop.set()
                for writer in writers:
                    writer.result()
                now = store.incarnation()
                for key, count in acknowledged.items():
                    assert int(store.load(key)) in {count, count + 1}
                with pytest.raises(HistoryLost) as lost:
                    before.load(KEY)
                assert lost.value.incarnation == now
                with pytest.raises(HistoryLost):
                    before.swap(KEY, None, b"x")
                assert store.at(now).swap(KEY, None, b"x")
                store.close()

    @pytest.mark.requirement("S12")
    def test_what_a_partition_lost_is_not_taken_for_the_present(self):
        """With asynchronous replication and a cut link, acknowledged writes are gone after a promotion, 5 times.

        A view of before the promotion neither reads the older record nor lands anything on it.
        """
        for _ in range(rounds(5)):
            with Pair(synchronous=False) as pair:
                store = opened(pair.conninfo)
                assert store.swap(KEY, None, b"fresh")
                pair.caught_up()
                before = store.at(store.incarnation())
                pair.link.close()
                assert before.swap(KEY, b"fresh", b"spent")
                pair.fail_over()
                now = back(store)
                assert store.load(KEY) == b"fresh"
                for call in (
                    lambda before=before: before.load(KEY),
                    lambda before=before: before.swap(KEY, b"fresh", b"spent again"),
                    lambda before=before: before.swap(KEY, b"spent", b"more"),
                    lambda before=before: before.swap(KEY, b"fresh", None),
                ):
                    with pytest.raises(HistoryLost) as lost:
                        call()
                    assert lost.value.incarnation == now
                assert store.load(KEY) == b"fresh"
                store.close()


def swap_until_uncertain(store):
    """Swap until it is not known whether a swap landed, and return what that one wrote.

    A server that is told to read its settings anew does so in its own time; until then it waits for no standby.
    """
    held, turn, until = b"x", 0, time.monotonic() + 30
    while True:
        assert time.monotonic() < until
        turn += 1
        new = b"%d" % turn
        try:
            assert store.swap(KEY, held, new)
        except StoreUncertain:
            return new
        held = new


def beyond(acknowledged, marks, writers):
    """Wait until every writer was told of more than its mark."""
    until = time.monotonic() + 60
    while not all(acknowledged[key] > mark for key, mark in marks.items()):
        assert time.monotonic() < until
        assert not any(writer.done() for writer in writers), [writer.exception() for writer in writers if writer.done()]
        time.sleep(0.01)


def back(store):
    """Wait until the store answers, and return its incarnation."""
    until = time.monotonic() + 30
    while True:
        try:
            return store.incarnation()
        except StoreUnavailable:
            assert time.monotonic() < until
            time.sleep(0.05)
