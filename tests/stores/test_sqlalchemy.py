# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from ram_mfa.errors import HistoryLost, StoreUnavailable, StoreUncertain
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import Faults, check_async_store, check_store
from ram_mfa.testing.store_kit.processes import process_race
from ram_mfa.testing.store_kit.store_pair import StorePair
from tests.stores.conftest import LONG, SHORT, until_connected, until_found
from tests.support import real, require_module, rounds
from tests.support.servers import MariaDB, PostgreSQL

sa = require_module("sqlalchemy", "sqlalchemy")
asyncio_engines = require_module("sqlalchemy.ext.asyncio", "sqlalchemy")
stores = require_module("ram_mfa.stores.sqlalchemy", "sqlalchemy")

KEY = "k" + "A" * 43
PROCESSES = 8 if real else 3

made = []


@pytest.fixture(autouse=True)
def dispose_of_engines():
    """Close what a test left open."""
    yield
    dispose()


def dispose():
    while made:
        made.pop().dispose()


def create_engine(url, **named):
    engine = sa.create_engine(url, **named)
    made.append(engine)
    return engine


def opened(url, *, deadline=LONG, create=True, **named):
    named.setdefault("pool_reset_on_return", None)
    store = stores.SQLAlchemyStore(create_engine(url, **named), deadline=deadline)
    if create:
        store.create_table()
    return store


class Maker:
    """Opens stores on an engine of their own; can be pickled."""

    def __init__(self, url, deadline=LONG):
        self.url = url
        self.deadline = deadline

    def __call__(self):
        return opened(self.url, deadline=self.deadline)

    async def awaited(self):
        engine = asyncio_engines.create_async_engine(
            self.url, pool_reset_on_return=None, pool_size=10, max_overflow=0, pool_timeout=self.deadline
        )
        store = stores.AsyncSQLAlchemyStore(engine, deadline=self.deadline)
        await store.create_table()
        return store


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'mfa.db'}"


@pytest.fixture
def psycopg_url(postgresql):
    require_module("psycopg", "psycopg[binary]")
    return postgresql.url().replace("postgresql:", "postgresql+psycopg:")


@pytest.fixture(params=["sqlite", "psycopg", "mariadb"])
def url(request):
    """Of each engine in turn."""
    if request.param == "mariadb":
        return request.getfixturevalue("mariadb").url()
    return request.getfixturevalue(f"{request.param}_url")


class TestSQLAlchemyStore:
    @pytest.mark.requirement("S1", "S2", "S5", "S9", "S11", "S13", "S16")
    def test_keeps_the_promises_on_sqlite(self, sqlite_url):
        check_store(Maker(sqlite_url, 60.0), rounds=rounds(100), processes=4 * real)

    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S12", "S13", "S14", "S16")
    def test_keeps_the_promises_on_postgresql(self, postgresql, psycopg_url):
        """Every promise, on a server that is killed, frozen, and whose replies are lost."""
        faults = postgresql.faults(Maker(psycopg_url, SHORT))
        check_store(Maker(psycopg_url), rounds=rounds(100), processes=4 * real, faults=faults)

    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S12", "S13", "S14", "S16")
    def test_keeps_the_promises_on_mariadb(self, mariadb):
        """Every promise, on a server that is killed, frozen, and whose replies are lost."""
        faults = mariadb.faults(Maker(mariadb.url(), SHORT))
        check_store(Maker(mariadb.url()), rounds=rounds(100), processes=4 * real, faults=faults)

    @pytest.mark.requirement("S1")
    def test_eight_processes_swap_from_the_same_bytes(self, url):
        """In each of 2,000 rounds exactly one of eight processes lands, and no increment is lost."""
        pair = StorePair(Maker(url, 60.0), rounds(2000), Faults())
        process_race(pair, PROCESSES, "spawn")
        pair.close()

    @pytest.mark.requirement("S4", "S14")
    @pytest.mark.parametrize("engine", ["psycopg", "mariadb"])
    def test_a_server_that_never_replies_is_uncertain(self, engine, request):
        """The reply is not cut off but never comes: the deadline passes, and nobody knows."""
        name = "postgresql" if engine == "psycopg" else engine
        served = request.getfixturevalue(name)
        url = served.url() if engine == "mariadb" else request.getfixturevalue(f"{engine}_url")
        store = opened(url)
        key = "s" + engine.ljust(43, "x")
        assert store.swap(key, None, b"x")
        waiting = opened(url, deadline=SHORT, create=False)
        assert until_connected(lambda: waiting.load(key)) == b"x"
        with served.proxy.replies_lost(silent=True):
            with pytest.raises(StoreUncertain):
                waiting.swap(key, b"x", b"y")
            with pytest.raises(StoreUnavailable):
                waiting.load(key)
        until_found(store, key, b"y")
        assert store.swap(key, b"y", None)
        waiting.close()
        store.close()

    def test_says_where_it_is_and_no_password(self, sqlite_url):
        assert repr(opened(sqlite_url)).startswith("<SQLAlchemyStore sqlite:///")
        store = stores.SQLAlchemyStore(create_engine("postgresql+psycopg://me:secret@127.0.0.1/x"))
        assert "secret" not in repr(store)

    def test_shares_a_file_with_the_lean_store(self, tmp_path, sqlite_url):
        """SQLiteStore and this one keep the same table."""
        store = opened(sqlite_url)
        assert store.swap(KEY, None, b"x")
        (tmp_path / "mfa.db").chmod(0o600)  # or the lean store warns of a file that others may read
        lean = SQLiteStore(tmp_path / "mfa.db")
        assert lean.swap(KEY, b"x", b"y")
        assert store.load(KEY) == b"y"
        assert list(store.keys("k")) == list(lean.keys("k")) == [KEY]
        lean.close()
        store.close()

    @pytest.mark.requirement("S10")
    def test_no_surrounding_transaction_takes_a_swap_back(self, sqlite_url):
        """It takes an Engine: a Session's rollback does not reach it."""
        engine = create_engine(sqlite_url)
        store = stores.SQLAlchemyStore(engine)
        store.create_table()
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
            assert store.swap(KEY, None, b"x")
            connection.rollback()
        assert store.load(KEY) == b"x"
        store.close()

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("sqlite://", "needs a file"),
            ("sqlite:///:memory:", "needs a file"),
            ("mssql+pyodbc://x/y", "no store on mssql"),
        ],
    )
    def test_refuses_a_database_that_no_store_can_be_on(self, url, told):
        try:
            engine = create_engine(url)
        except ImportError:
            engine = sa.create_mock_engine(url.split("+")[0] + "://", lambda *_: None)
        with pytest.raises(ValueError, match=told):
            stores.SQLAlchemyStore(engine)

    def test_refuses_a_deadline_that_is_none(self, sqlite_url):
        with pytest.raises(ValueError, match="deadline"):
            stores.SQLAlchemyStore(create_engine(sqlite_url), deadline=0)

    @pytest.mark.requirement("S15", "S16")
    def test_a_database_without_the_table_is_unavailable(self, sqlite_url):
        """Nothing is made by the way: an empty database does not pass for one without users."""
        store = opened(sqlite_url, create=False)
        for call in (lambda: store.load(KEY), lambda: store.swap(KEY, None, b"x"), lambda: list(store.keys("k"))):
            with pytest.raises(StoreUnavailable, match="no such table"):
                call()

    def test_many_make_the_table_at_once(self, url):
        """Eight processes that start together and find no table do not fail for finding one in the end."""
        crowd = [opened(url, create=False) for _ in range(8)]
        for _ in range(5):
            stores.metadata.drop_all(crowd[0]._engine)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda store: store.create_table(), crowd))
            assert [store.swap(KEY, None, b"x") for store in crowd] == [True] + [False] * 7
            assert crowd[0].swap(KEY, b"x", None)

    @pytest.mark.requirement("S16")
    def test_a_server_that_is_not_there_is_unavailable(self):
        require_module("psycopg", "psycopg[binary]")
        for url in ("postgresql+psycopg://127.0.0.1:1/x", "mysql+pymysql://127.0.0.1:1/x"):
            store = opened(url, deadline=SHORT, create=False)
            with pytest.raises(StoreUnavailable):
                store.load(KEY)
            with pytest.raises(StoreUnavailable):
                store.swap(KEY, None, b"x")
            with pytest.raises(StoreUnavailable):
                store.create_table()

    @pytest.mark.requirement("S12")
    def test_another_history_is_seen_within_the_statement(self, sqlite_url, psycopg_url, mariadb):
        """Each engine has a name for its history, and a view of another reads and writes nothing."""
        for url in (sqlite_url, psycopg_url, mariadb.url()):
            store = opened(url)
            now = store.incarnation()
            with pytest.raises(HistoryLost) as lost:
                store.at("another").swap("h" * 44, None, b"x")
            assert lost.value.incarnation == now
            assert store.load("h" * 44) is None
            store.close()

    @pytest.mark.requirement("S3")
    def test_what_a_child_acknowledges_outlives_its_parents_close(self, sqlite_url):
        """SQLite across a fork: the connections close before it, whatever the threads are doing."""
        store = opened(sqlite_url, deadline=60.0)
        stop = threading.Event()

        def busy():
            held = store.load("busy")
            while not stop.is_set():
                store.swap("busy", held, new := os.urandom(300))
                held = new

        thread = threading.Thread(target=busy)
        thread.start()
        children = []
        for number in range(5):
            time.sleep(0.02)
            child = os.fork()
            if not child:
                done = store.swap(f"child {number}", None, b"x") and store.swap(f"child {number}", b"x", b"y")
                os._exit(0 if done else 1)
            children.append(child)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        stop.set()
        thread.join()
        store.close()
        again = opened(sqlite_url)
        assert statuses == [0] * 5
        assert [again.load(f"child {number}") for number in range(5)] == [b"y"] * 5
        again.close()

    def test_a_child_leaves_its_parents_connections_alone(self, psycopg_url):
        """On PostgreSQL both sides of a fork go on with sessions of their own."""
        store = opened(psycopg_url)
        key = "f" * 44
        assert store.swap(key, None, b"0")
        child = os.fork()
        if not child:
            os._exit(0 if store.swap(key, b"0", b"1") else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert store.load(key) == b"1"
        assert store.swap(key, b"1", None)
        store.close()


def rolled_back(server):
    """Return how many ROLLBACKs a server was sent."""
    return int(server.sql("SHOW GLOBAL STATUS LIKE 'Com_rollback'")[0][1])


class TestReplacedFile:
    """A copy of the SQLite file that is moved over it while an engine has it open."""

    @staticmethod
    def replace(path):
        copy = path.with_name("copy")
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink()
        copy.chmod(0o600)
        copy.replace(path)

    @pytest.mark.requirement("A28")
    @pytest.mark.parametrize("drop", [False, True])
    def test_is_noticed(self, tmp_path, sqlite_url, drop):
        """Every call is refused, on open connections and on new ones, and the new file keeps its log."""
        store = opened(sqlite_url)
        assert store.swap(KEY, None, b"0")
        self.replace(tmp_path / "mfa.db")
        fresh = SQLiteStore(tmp_path / "mfa.db")
        assert fresh.swap(KEY, b"0", b"1")
        if drop:
            made[-1].dispose()
        view = store.at("", beside=(KEY, b"0"))
        for call in (
            lambda: store.load(KEY),
            lambda: store.swap(KEY, b"0", b"lost"),
            lambda: list(store.keys("k")),
            lambda: view.load(KEY),
            lambda: view.swap("other", None, b"lost"),
        ):
            with pytest.raises(StoreUnavailable, match="replaced"):
                call()
        store.close()
        gc.collect()
        assert fresh.swap(KEY, b"1", b"2")
        again = SQLiteStore(tmp_path / "mfa.db")
        assert again.load(KEY) == b"2"
        again.close()
        fresh.close()

    @pytest.mark.requirement("A28")
    def test_is_noticed_by_the_async_store(self, tmp_path, sqlite_url):
        require_module("aiosqlite", "aiosqlite")

        async def work():
            store = await Maker(sqlite_url.replace("sqlite:", "sqlite+aiosqlite:")).awaited()
            assert await store.swap(KEY, None, b"0")
            self.replace(tmp_path / "mfa.db")
            with pytest.raises(StoreUnavailable, match="replaced"):
                await store.load(KEY)
            with pytest.raises(StoreUnavailable, match="replaced"):
                await store.swap(KEY, b"0", b"lost")
            await store.close()

        asyncio.run(work())


class TestMariaDB:
    def test_tells_a_long_value_apart_from_a_cut_one(self, mariadb):
        """A server outside of strict mode cuts at 65,535 bytes and says nothing: here the mode is set."""
        url = mariadb.url()
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("SET GLOBAL sql_mode = ''"))
        store = opened(url)
        value = os.urandom(200_000)
        assert store.swap("m" * 44, None, value)
        assert store.load("m" * 44) == value
        assert store.swap("m" * 44, value, None)
        store.close()
        engine.dispose()

    @pytest.mark.parametrize("flag", [True, False])
    def test_needs_no_flag_to_write_the_same_bytes(self, mariadb, flag):
        """swap(key, x, x) is True with CLIENT.FOUND_ROWS, which SQLAlchemy sets, and without it."""
        client = require_module("pymysql.constants", "PyMySQL").CLIENT
        engine = create_engine(mariadb.url())
        if not flag:

            @sa.event.listens_for(engine, "do_connect")
            def forget(_dialect, _record, _arguments, named):
                named["client_flag"] = named.get("client_flag", 0) & ~client.FOUND_ROWS

        store = stores.SQLAlchemyStore(engine)
        store.create_table()
        assert store.swap("r" * 44, None, b"x")
        assert store.swap("r" * 44, b"x", b"x") is True
        assert store.swap("r" * 44, b"y", b"y") is False
        assert store.swap("r" * 44, b"x", None)
        store.close()

    @pytest.mark.parametrize("driver", ["pymysql", "asyncmy"])
    def test_spares_the_server_a_rollback_for_each_call(self, mariadb, driver):
        """Whatever the pool does at each return of a connection; older SQLAlchemy cannot leave it out."""
        url = mariadb.server.url(driver=driver)

        async def awaited():
            store = stores.AsyncSQLAlchemyStore(asyncio_engines.create_async_engine(url))
            for _ in range(20):
                await store.load(KEY)
            await store.close()

        opened(mariadb.server.url()).close()
        before = rolled_back(mariadb.server)
        if driver == "pymysql":
            store = stores.SQLAlchemyStore(create_engine(url))
            for _ in range(20):
                store.load(KEY)
            store.close()
        else:
            require_module("asyncmy", "asyncmy")
            asyncio.run(awaited())
        spared = "skip_autocommit_rollback" in inspect.signature(sa.engine.default.DefaultDialect).parameters
        assert (rolled_back(mariadb.server) - before < 20) is spared

    @pytest.mark.requirement("S14")
    def test_a_row_that_stays_locked_is_unavailable(self, mariadb):
        """Error 1205, 1213: nothing landed, it is asked again, and given up by the deadline."""
        engine = create_engine(mariadb.url())
        store = opened(mariadb.url())
        key = "l" * 44
        assert store.swap(key, None, b"x")
        with create_engine(mariadb.url()).connect() as other:
            other.execute(sa.text("SET GLOBAL innodb_lock_wait_timeout = 1"))
            other.commit()
            other.execute(sa.text("SELECT * FROM ram_mfa WHERE `key` = :key FOR UPDATE"), {"key": key})
            waiting = opened(mariadb.url(), deadline=2.5, create=False)
            assert until_connected(lambda: waiting.load(key)) == b"x"
            with pytest.raises(StoreUnavailable, match="locked"):
                waiting.swap(key, b"x", b"y")
            other.rollback()
            other.execute(sa.text("SET GLOBAL innodb_lock_wait_timeout = 50"))
        assert store.load(key) == b"x"
        assert store.swap(key, b"x", None)
        for one in (store, waiting):
            one.close()
        engine.dispose()

    @pytest.mark.requirement("A9", "S3", "S15")
    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            (["--innodb-flush-log-at-trx-commit=2"], "innodb_flush_log_at_trx_commit"),
            (["--log-bin=log", "--sync-binlog=0"], "sync_binlog"),
            (["--log-bin=log", "--sync-binlog=1", "--binlog-format=STATEMENT"], "binlog_format"),
            (["--read-only"], "read-only"),
        ],
    )
    def test_refuses_a_server_that_loses_what_it_acknowledges(self, options, problem):
        with MariaDB(*options) as server:
            store = opened(server.url(), create=False)
            with pytest.raises(StoreUnavailable, match=problem):
                store.load(KEY)

    @pytest.mark.requirement("A9", "S3")
    def test_its_swaps_reach_the_binary_log_as_rows(self):
        """A swap names its own server's history; as a statement it would change nothing on a replica."""
        with MariaDB("--log-bin=log", "--sync-binlog=1", "--binlog-format=MIXED") as server:
            store = opened(server.url())
            root = "r" + "A" * 43
            assert store.swap(root, None, b"root")
            view = store.at(store.incarnation(), beside=(root, b"root"))
            for old, new in ((None, b"1"), (b"1", b"2"), (b"2", None)):
                assert view.swap(KEY, old, new)
            kinds = [row[2] for row in server.sql("SHOW BINLOG EVENTS")]
            rows = ["Write_rows_v1", "Update_rows_v1", "Delete_rows_v1"]
            assert [kind for kind in kinds if kind in rows] == rows
            store.close()


class TestPostgreSQL:
    @pytest.mark.requirement("S3", "S15")
    def test_refuses_a_server_that_loses_what_it_acknowledges(self):
        require_module("psycopg", "psycopg[binary]")
        with PostgreSQL("fsync = off") as server:
            store = opened(server.url().replace("sql:", "sql+psycopg:"), create=False)
            with pytest.raises(StoreUnavailable, match="fsync"):
                store.load(KEY)

    @pytest.mark.requirement("S3")
    def test_asks_for_synchronous_commits(self, psycopg_url):
        """A role or a database may have them off: these sessions have them on."""
        engine = create_engine(psycopg_url)

        @sa.event.listens_for(engine, "do_connect")
        def off(_dialect, _record, _arguments, named):
            named["options"] = "-c synchronous_commit=off"

        store = stores.SQLAlchemyStore(engine)
        with engine.connect() as connection:
            assert connection.execute(sa.text("SHOW synchronous_commit")).scalar() == "on"
        store.close()

    @pytest.mark.requirement("S9")
    def test_makes_the_table_that_the_others_make(self, postgresql, psycopg_url):
        """One that keeps values in their rows, and leaves room in its pages: else a record that changes would bloat."""
        told = sa.text(
            "SELECT attstorage::text, reloptions FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
            " WHERE attrelid = 'ram_mfa'::regclass AND attname = 'value'"
        )
        postgresql.server.sql("CREATE DATABASE fresh")
        url = f"{psycopg_url.rpartition('/')[0]}/fresh"
        store = opened(url)
        with create_engine(url).connect() as connection:
            assert tuple(connection.execute(told).one()) == ("m", ["fillfactor=60"])
        store.close()

    def test_goes_on_where_serialisation_fails(self, psycopg_url):
        """Under SERIALIZABLE a race ends in error 40001: nothing landed, and it is asked again."""
        engine = create_engine(psycopg_url)

        @sa.event.listens_for(engine, "do_connect")
        def strict(_dialect, _record, _arguments, named):
            named["options"] = "-c default_transaction_isolation=serializable"

        store = stores.SQLAlchemyStore(engine, deadline=30.0)
        store.create_table()
        check_store(lambda: store, rounds=rounds(40))

    def test_only_psycopg_is_trusted(self, postgresql):
        """Another driver would not tell of a cancelled wait for a standby."""

        class Silent:
            def cursor(self):
                raise AssertionError("not asked")

        prepare = require_module("ram_mfa.stores.sqlalchemy.engine", "sqlalchemy")._postgresql
        with pytest.raises(StoreUnavailable, match="psycopg 3"):
            prepare(SimpleNamespace(deadline=1.0))(Silent(), None)


class TestAsyncSQLAlchemyStore:
    @pytest.mark.requirement("S1", "S2", "S5", "S11", "S13")
    def test_keeps_the_promises_on_sqlite(self, sqlite_url):
        require_module("aiosqlite", "aiosqlite")
        make = Maker(sqlite_url.replace("sqlite:", "sqlite+aiosqlite:"), 60.0)
        check_async_store(make.awaited, rounds=rounds(100), tasks=20)

    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S12", "S14", "S16")
    def test_keeps_the_promises_on_postgresql(self, postgresql, psycopg_url):
        faults = postgresql.faults(Maker(psycopg_url, SHORT).awaited)
        check_async_store(Maker(psycopg_url).awaited, rounds=rounds(100), faults=faults)

    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S12", "S14", "S16")
    def test_keeps_the_promises_on_mariadb(self, mariadb):
        require_module("asyncmy", "asyncmy")
        url = mariadb.url(driver="asyncmy")
        faults = mariadb.faults(Maker(url, SHORT).awaited)
        check_async_store(Maker(url).awaited, rounds=rounds(100), faults=faults)

    def test_gives_no_connection_up_for_lost(self, psycopg_url):
        """After hundreds of calls of which many are cancelled, the pool has all of its connections to give."""

        async def main():
            store = await Maker(psycopg_url).awaited()
            for _ in range(rounds(20)):
                tasks = [asyncio.ensure_future(store.load(KEY)) for _ in range(100)]
                await asyncio.sleep(0.005)
                for task in tasks[::2]:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            assert store._engine.pool.checkedout() == 0
            assert await store.load(KEY) is None
            await store.close()

        asyncio.run(main())

    def test_says_where_it_is(self, sqlite_url):
        require_module("aiosqlite", "aiosqlite")
        engine = asyncio_engines.create_async_engine(sqlite_url.replace("sqlite:", "sqlite+aiosqlite:"))
        assert repr(stores.AsyncSQLAlchemyStore(engine)).startswith("<AsyncSQLAlchemyStore sqlite+aiosqlite:///")


@pytest.mark.requirement("A38")
def test_the_store_does_not_need_greenlet(tmp_path):
    """Without greenlet, which only the awaited store needs, the store swaps; a name that is not there is an error."""
    program = """
import sys
sys.modules["greenlet"] = None
import sqlalchemy as sa
from ram_mfa.stores import sqlalchemy as stores
store = stores.SQLAlchemyStore(sa.create_engine("sqlite:///" + sys.argv[1]))
store.create_table()
assert store.swap("u" + "A" * 43, None, b"bytes")
assert store.load("u" + "A" * 43) == b"bytes"
for name, error in (("AsyncSQLAlchemyStore", ImportError), ("Unknown", AttributeError)):
    try:
        getattr(stores, name)
    except error as caught:
        print(caught)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "mfa.db")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    assert "sqlalchemy[asyncio]" in done.stdout
    assert "'Unknown'" in done.stdout
