# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import os
import sqlite3
import threading
import time
import traceback
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.db.backends.signals import connection_created

from ram_mfa import MFA, Administrator, AsyncMFA, MFAPolicy, OpenAccount, UnsafePlaintext, in_threads
from ram_mfa.errors import HistoryLost, StoreUnavailable, StoreUncertain
from ram_mfa.integrations.django import DjangoStore
from ram_mfa.integrations.django.engines import engine_of
from ram_mfa.store import has_history, has_listing
from ram_mfa.testing import Faults, check_store
from tests.clients.integrations.django.project import Maker, alias, of_url
from tests.stores import pins
from tests.stores.conftest import LONG, SHORT
from tests.support import real, require_module, rounds
from tests.support.races import ALL_THE_TIME, ServiceOnEngine, eight_processes_submit_one_code
from tests.support.servers import PATIENCE

KEY = "u" + "A" * 43
POLICY = MFAPolicy.ram(issuer="Example")


def forked(work):
    """Do something in a forked child, and return what waits for it: the text of its error, or nothing."""
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 (told, and ended)
            os.write(tell, traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(code)
    os.close(tell)

    def wait():
        with os.fdopen(told) as heard:
            error = heard.read()
        return error or os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or ""

    return wait


def until_shown(server, value):
    """Wait until a server that was told to read its settings has done so."""
    until = time.monotonic() + PATIENCE
    while server.sql("SHOW full_page_writes") != value:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mfa.db"


class TestTheKit:
    """The kit that proves every store, on the databases of a project."""

    @pytest.mark.requirement("S1", "S2", "S5", "S9", "S10", "S11", "S13", "S16")
    def test_on_sqlite(self, databases, path):
        """Every promise, in a file of the store's own, with four processes."""
        check_store(Maker(databases.sqlite(path), ALL_THE_TIME), rounds=rounds(200), processes=4 if real else 2)

    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S5", "S9", "S10", "S11", "S12", "S13", "S14", "S16")
    def test_on_postgresql(self, databases, postgresql):
        """Every promise, on a server that is killed, frozen, and whose replies are lost."""
        name = databases.server(postgresql)
        faults = postgresql.faults(Maker(name, SHORT))
        check_store(Maker(name, LONG), rounds=rounds(100), processes=4 * real, faults=faults)

    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S5", "S9", "S10", "S11", "S12", "S13", "S14", "S16")
    def test_on_mariadb(self, databases, mariadb):
        """Likewise: keys that no collation folds, values of any length, no snapshot that grows old."""
        name = databases.server(mariadb)
        faults = mariadb.faults(Maker(name, SHORT)) if real else Faults()
        check_store(Maker(name, LONG), rounds=rounds(20), faults=faults)

    @pytest.mark.requirement("V4", "O7", "S1", "S10")
    @pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
    def test_eight_processes_submit_one_code(self, databases, path, engine, request):
        """In each of 2,000 rounds exactly one of eight processes is let in."""
        place = ServiceOnEngine(Maker(databases.on(engine, path, request), ALL_THE_TIME))
        store, _ = eight_processes_submit_one_code(place, rounds(2000))
        for kind in "uc":
            for key in store.keys(kind):
                store.swap(key, store.load(key), None)
        store.close()


class TestPinnedRecord:
    @pytest.mark.requirement("A4", "S12")
    @pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
    def test_is_compared_within_each_statement(self, databases, path, engine, request):
        """A pin that differs, that is absent, or that changes between load and swap, is HistoryLost."""
        store = DjangoStore(databases.on(engine, path, request))
        pins.check_one_after_another(store)
        pins.check_between_load_and_swap(store)
        for kind in "ru":
            for key in store.keys(kind):
                assert store.swap(key, store.load(key), None)

    @pytest.mark.requirement("A5")
    @pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
    def test_the_servers_clock_is_shown(self, databases, path, engine, request):
        store = DjangoStore(databases.on(engine, path, request))
        before = time.time()
        shown = store.clock()
        assert before - 1 <= shown <= time.time() + 1


class TestInterruptions:
    @pytest.mark.requirement("A1", "S2")
    @pytest.mark.parametrize("fault", ["interrupted", "impatient"])
    def test_a_load_answers_with_the_record_or_not_at_all(self, databases, mariadb, fault):
        """MariaDB gives statements up in their middle: in 50,000 loads of a record "no record" is answered 0 times."""
        store = DjangoStore(databases.server(mariadb, direct=True), deadline=ALL_THE_TIME)
        assert store.swap(KEY, None, b"x")
        seen, until = collections.Counter(), time.monotonic() + PATIENCE

        def ask(_):
            mine = 0
            while mine < rounds(50_000) // 3 or (not seen[StoreUnavailable] and time.monotonic() < until):
                mine += 1
                try:
                    seen[store.load(KEY)] += 1
                except StoreUnavailable:
                    seen[StoreUnavailable] += 1

        store.close()  # a limit is for connections that are made from now on
        with getattr(mariadb.server, fault)(), ThreadPoolExecutor(3) as pool:
            list(pool.map(ask, range(3)))
        store.close()
        assert set(seen) == {b"x", StoreUnavailable}
        assert store.swap(KEY, b"x", None)


class TestDjangoStore:
    def test_shows_its_alias_and_nothing_else(self, databases, path):
        name = databases.sqlite(path, PASSWORD="secret", migrate=False)
        assert repr(DjangoStore(name)) == f"<DjangoStore {name!r}>"

    def test_is_on_the_alias_of_the_settings_where_none_is_given(self):
        assert repr(DjangoStore()) == "<DjangoStore 'mfa'>"

    def test_refuses_what_no_store_can_be(self, databases):
        """The developer's own mistakes are told where they are made, without a connection."""
        with pytest.raises(ValueError, match="no alias 'elsewhere'"):
            DjangoStore("elsewhere")
        with pytest.raises(ValueError, match="deadline"):
            DjangoStore("mfa", deadline=0)
        dummy = databases.add(alias("django.db.backends.dummy", ""), migrate=False)
        with pytest.raises(ValueError, match="a store cannot use unknown"):
            DjangoStore(dummy)

    def test_connects_to_nothing_before_it_is_used(self, databases, path):
        """A store may stand in a module, and so may an MFA: neither a file nor a connection is made."""
        MFA(DjangoStore(databases.sqlite(path, migrate=False)), POLICY, seal=UnsafePlaintext())
        assert not path.exists()

    @pytest.mark.requirement("S12")
    def test_has_a_name_for_its_history(self, databases, path, postgresql):
        """A file has one history; PostgreSQL's is the timeline, and another one's swap does not land."""
        on_file, on_server = DjangoStore(databases.sqlite(path)), DjangoStore(databases.server(postgresql))
        assert (on_file.incarnation(), on_server.incarnation()) == ("", on_server.incarnation())
        for store in (on_file, on_server):
            assert has_listing(store)
            assert has_history(store)
            view = store.at("another history")
            for call in (lambda view=view: view.load(KEY), lambda view=view: view.swap(KEY, None, b"x")):
                with pytest.raises(HistoryLost):
                    call()
            assert store.load(KEY) is None

    @pytest.mark.requirement("S10")
    @pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
    def test_a_rollback_of_the_project_takes_nothing_back(self, databases, path, engine, request):
        """What a swap wrote within a transaction of the project's own alias stays when that is rolled back."""
        name = databases.on(engine, path, request)
        from django.db import transaction

        store = DjangoStore(name)
        with contextlib.suppress(RuntimeError), transaction.atomic(using=name):
            assert store.swap(KEY, None, b"x")
            raise RuntimeError("rolled back")
        assert store.load(KEY) == b"x"
        assert store.swap(KEY, b"x", None)

    def test_works_where_the_project_turned_autocommit_off(self, databases, path):
        store = DjangoStore(databases.sqlite(path, AUTOCOMMIT=False, migrate=False))
        with sqlite3.connect(path) as made:
            made.execute("CREATE TABLE ram_mfa (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
        made.close()
        assert store.swap(KEY, None, b"x")
        store.close()
        assert store.load(KEY) == b"x"

    def test_opens_again_after_it_was_closed(self, databases, path):
        store = DjangoStore(databases.sqlite(path))
        store.swap(KEY, None, b"x")
        store.close()
        assert store.load(KEY) == b"x"

    def test_follows_the_alias_to_a_test_database(self, databases, tmp_path):
        """A test runner gives an alias another database after the store was opened: the store goes there too."""
        one, two = tmp_path / "one.db", tmp_path / "two.db"
        name = databases.sqlite(one)
        databases.sqlite(two)
        store = DjangoStore(name)
        assert store.swap(KEY, None, b"x")
        connections.settings[name]["NAME"] = str(two)
        assert store.load(KEY) is None
        connections.settings[name]["NAME"] = str(one)
        assert store.load(KEY) == b"x"

    @pytest.mark.requirement("A28")
    def test_notices_a_file_that_was_replaced(self, databases, path):
        """Every call is refused, on open connections and on new ones, until the store is closed and opened anew."""
        store = DjangoStore(databases.sqlite(path))
        assert store.swap(KEY, None, b"0")
        copy = path.with_name("copy")
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        copy.chmod(0o600)
        copy.replace(path)

        def refuses():
            for call in (lambda: store.load(KEY), lambda: store.swap(KEY, b"0", b"lost"), lambda: [*store.keys("u")]):
                with pytest.raises(StoreUnavailable, match="replaced"):
                    call()

        refuses()
        with ThreadPoolExecutor(1) as threads:
            threads.submit(refuses).result()
        store.close()
        assert store.swap(KEY, b"0", b"1")
        assert store.load(KEY) == b"1"

    @pytest.mark.requirement("S3")
    def test_syncs_whatever_the_settings_say(self, databases, path):
        """The project may be in a hurry with its own data; what the store acknowledges is durable."""
        hurry = {"init_command": "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY"}
        store = DjangoStore(databases.sqlite(path, OPTIONS=hurry))
        store.load(KEY)
        raw = store._connections.current().connection
        assert raw.execute("PRAGMA synchronous").fetchone() == (2,)
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    @pytest.mark.requirement("S3", "S10")
    @pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
    def test_is_in_autocommit_whatever_a_listener_does(self, databases, path, engine, request):
        """A project may hear of each new connection, and turn autocommit off on it: what landed stays."""

        def listen(connection, **_):
            connection.set_autocommit(False)

        name = databases.on(engine, path, request)
        connection_created.connect(listen)
        try:
            store = DjangoStore(name)
            assert store.swap(KEY, None, b"x")
            store.close()
        finally:
            connection_created.disconnect(listen)
        assert store.load(KEY) == b"x"
        assert store.swap(KEY, b"x", None)

    @pytest.mark.requirement("S14")
    @pytest.mark.parametrize("vendor", ["sqlite", "postgresql", "mysql"])
    def test_deadlines_are_its_own(self, vendor):
        """The project may be patient with its own statements."""
        patient = dict.fromkeys(("timeout", "connect_timeout", "read_timeout", "write_timeout"), 300)
        said = engine_of(vendor).options(patient, 2.0)
        ours = {"sqlite": ["timeout"], "postgresql": ["connect_timeout"], "mysql": [*patient][1:]}[vendor]
        assert [said[name] for name in ours] == [2.0] * len(ours)

    def test_logs_no_record(self, databases, path, caplog, settings_debug):
        """With DEBUG on, Django logs the statements of requests with their parameters, but none of the store's."""
        store = DjangoStore(databases.sqlite(path))
        with caplog.at_level("DEBUG", "django.db.backends"):
            store.swap(KEY, None, b"a sealed record")
            store.load(KEY)
        assert KEY not in caplog.text
        assert "sealed" not in caplog.text

    @pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
    def test_closes_the_connections_of_threads_that_ended(self, databases, path, engine, request):
        """The development server starts a thread for each browser: those that are gone keep no connection open.

        Nor do they wait for the garbage collector.
        """
        store = DjangoStore(databases.on(engine, path, request))
        places = []

        def work():
            store.load(KEY)
            places.append(weakref.ref(store._connections.current()))  # whose end closes the connection

        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()
            assert [place() for place in places] == [None] * 3
        finally:
            gc.enable()


@pytest.fixture
def settings_debug():
    from django.test import override_settings

    with override_settings(DEBUG=True):
        yield


class TestFailures:
    @pytest.mark.requirement("S14", "S16")
    def test_a_file_that_a_request_locks_is_unavailable(self, databases, path):
        """Why SQLite needs a file of its own: the request's transaction holds it, and the swap gives up."""
        from django.db import transaction

        name = databases.sqlite(path)
        store = DjangoStore(name, deadline=0.2)
        store.probe()
        with transaction.atomic(using=name):
            with connections[name].cursor() as cursor:
                cursor.execute("INSERT INTO ram_mfa (key, value) VALUES ('other', 'x')")
            assert store.load(KEY) is None
            with pytest.raises(StoreUnavailable, match="locked"):
                store.swap(KEY, None, b"x")
        assert store.load(KEY) is None
        assert store.swap(KEY, None, b"x")

    @pytest.mark.requirement("S15", "S16")
    def test_says_what_is_wrong_with_a_place(self, databases, tmp_path, postgresql, mariadb):
        """No table, no database, no file, a file of text, and a database in memory."""
        (tmp_path / "text.db").write_text("no database\n" * 400)
        for name, problem in (
            (databases.sqlite(tmp_path / "new.db", migrate=False), "migrate for the application"),
            (databases.server(postgresql, migrate=False, NAME="template1"), "migrate for the application"),
            (databases.server(postgresql, migrate=False, NAME="nowhere"), "does not exist"),
            (databases.server(mariadb, migrate=False, NAME="mysql"), "migrate for the application"),
            (databases.server(mariadb, migrate=False, NAME="nowhere"), "Unknown database"),
            (databases.sqlite(tmp_path / "missing" / "mfa.db", migrate=False), "unable to open"),
            (databases.sqlite(tmp_path / "text.db", migrate=False), "not a database"),
            (databases.sqlite(":memory:", migrate=False), "in memory"),
            (databases.sqlite("file:shared?mode=memory&cache=shared", migrate=False), "in memory"),
        ):
            store = DjangoStore(name)
            for call in (store.probe, lambda store=store: store.load(KEY), lambda store=store: next(store.keys("u"))):
                with pytest.raises(StoreUnavailable, match=problem):
                    call()
            with pytest.raises(StoreUnavailable, match=problem):
                store.swap(KEY, None, b"x")

    @pytest.mark.requirement("S11", "S15")
    @pytest.mark.parametrize("columns", ["key varchar(255), value bytea", 'key text COLLATE "C", value text'])
    def test_refuses_columns_that_could_fold_or_alter(self, databases, postgresql, columns):
        """A table of that name whose columns are others is refused, and left as it is."""
        name = databases.server(postgresql, migrate=False, OPTIONS={"options": "-c search_path=odd"})
        with connections[name].cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA odd; CREATE TABLE odd.ram_mfa ({columns})")
        try:
            with pytest.raises(StoreUnavailable, match="cannot keep records"):
                DjangoStore(name).load(KEY)
        finally:
            with connections[name].cursor() as cursor:
                cursor.execute("DROP SCHEMA odd CASCADE")

    @pytest.mark.requirement("S11", "S15")
    @pytest.mark.parametrize(
        "definition",
        [
            "`key` varchar(255) PRIMARY KEY, value longblob)",
            "`key` varbinary(255) PRIMARY KEY, value blob)",
            "`key` varbinary(255), value longblob)",
            "`key` varbinary(255) PRIMARY KEY, value longblob) ENGINE=Aria",
        ],
        ids=["text", "short", "no key", "engine"],
    )
    def test_refuses_what_mariadb_could_fold_cut_or_lose(self, databases, mariadb, definition):
        """Likewise; and one that a power loss tears."""
        beside = databases.server(mariadb, migrate=False)
        with connections[beside].cursor() as cursor:
            cursor.execute("CREATE DATABASE odd")
            cursor.execute(f"CREATE TABLE odd.ram_mfa ({definition}")
        try:
            with pytest.raises(StoreUnavailable, match="cannot keep records"):
                DjangoStore(databases.server(mariadb, migrate=False, NAME="odd")).load(KEY)
        finally:
            with connections[beside].cursor() as cursor:
                cursor.execute("DROP DATABASE odd")

    @pytest.mark.requirement("S3", "S15")
    def test_refuses_a_server_that_forgets(self, databases, postgresql):
        """Fsync is the server's to set, and looked at on each connection."""
        name = databases.server(postgresql, direct=True)
        postgresql.server.sql("ALTER SYSTEM SET full_page_writes = off")
        postgresql.server.sql("SELECT pg_reload_conf()")
        try:
            until_shown(postgresql.server, "off")
            with pytest.raises(StoreUnavailable, match="can lose acknowledged writes"):
                DjangoStore(name).load(KEY)
        finally:
            postgresql.server.sql("ALTER SYSTEM RESET full_page_writes")
            postgresql.server.sql("SELECT pg_reload_conf()")
            until_shown(postgresql.server, "on")

    @pytest.mark.requirement("S4")
    def test_a_warning_of_the_server_is_uncertain(self, databases, postgresql):
        """A commit whose wait for the standby was cancelled is answered with success, and a warning."""
        store = DjangoStore(databases.server(postgresql))
        store.probe()
        with connections[store._connections.alias].cursor() as cursor:
            cursor.execute("""
                CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE WARNING 'cancelled'; RETURN NEW; END $$;
                CREATE TRIGGER warn BEFORE INSERT ON ram_mfa FOR EACH ROW EXECUTE FUNCTION warn()
            """)
        try:
            with pytest.raises(StoreUncertain):
                store.swap(KEY, None, b"x")
            assert store.load(KEY) == b"x"
            assert store.swap(KEY, b"x", None)
        finally:
            with connections[store._connections.alias].cursor() as cursor:
                cursor.execute("DROP FUNCTION warn CASCADE")

    @pytest.mark.requirement("S3", "S12")
    def test_a_promotion_is_seen(self, databases):
        """With all hosts in the settings: the primary dies, and a statement for its history lands nowhere else."""
        pair = require_module("tests.stores.test_postgres", "psycopg_pool").Pair(synchronous=True)
        with pair:
            hosts = {"HOST": "127.0.0.1,127.0.0.1", "PORT": f"{pair.primary.port},{pair.standby.port}"}
            options = {"target_session_attrs": "prefer-standby"}
            name = databases.add(of_url(pair.primary.url(), **hosts, OPTIONS=options), migrate=False)
            migrated = databases.add(of_url(pair.primary.url()))
            store = DjangoStore(name, deadline=ALL_THE_TIME)
            view = store.at(store.incarnation())
            assert view.swap(KEY, None, b"x")
            connections[migrated].close()
            pair.fail_over()
            with pytest.raises(HistoryLost) as caught:
                view.load(KEY)
            with pytest.raises(HistoryLost):
                view.swap(KEY, b"x", b"y")
            assert caught.value.incarnation == store.incarnation()
            assert store.incarnation().endswith("/00000002")
            assert store.load(KEY) == b"x"
            store.close()

    def test_uses_no_pool_of_the_project(self, databases, postgresql):
        """A pooled connection would go back to the requests with the store's settings on it."""
        require_module("psycopg_pool", "psycopg[pool]")
        name = databases.server(postgresql, OPTIONS={"pool": {"min_size": 1, "max_size": 2}})
        try:
            store = DjangoStore(name)
            store.load(KEY)
            assert (
                not hasattr(store._connections.current().connection, "_pool")
                or store._connections.current().connection._pool is None
            )
        finally:
            connections[name].close()
            connections[name].close_pool()

    @pytest.mark.requirement("S16")
    def test_an_event_loop_is_told_to_use_a_thread(self, databases, path):
        """Django opens no connection on an event loop's thread; what it says of that crosses as a typed error."""
        store = DjangoStore(databases.sqlite(path))

        async def load():
            return store.load(KEY)

        with pytest.raises(StoreUnavailable, match="SynchronousOnlyOperation"):
            asyncio.run(load())

    def test_serves_an_event_loop_from_threads(self, databases, path):
        """An awaited MFA on it, as docs/django.md has it."""
        store = in_threads(DjangoStore(databases.sqlite(path)))

        async def open_account():
            mfa = AsyncMFA(store, POLICY, seal=UnsafePlaintext(), create=True)
            return await mfa.perform("alice", OpenAccount(required=True, by=Administrator("root")))

        assert asyncio.run(open_account()).must_bind


class TestFork:
    @pytest.mark.requirement("S3", "S10")
    @pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
    def test_both_sides_of_a_fork_go_on(self, databases, path, engine, request):
        """A server that loads the project before it forks: parent and child write, and both find all of it."""
        name = databases.on(engine, path, request)
        connections[name].close()
        store = DjangoStore(name, deadline=ALL_THE_TIME)
        assert store.swap("parent", None, b"1")

        def work():
            assert store.load("parent") in (b"1", b"2")
            assert store.swap("child", None, b"1")
            store.close()

        wait = forked(work)
        assert store.swap("parent", b"1", b"2")
        assert wait() == ""
        assert store.load("child") == b"1"
        assert store.load("parent") == b"2"
        for key, value in (("child", b"1"), ("parent", b"2")):
            assert store.swap(key, value, None)
