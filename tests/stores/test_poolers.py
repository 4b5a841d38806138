# SPDX-License-Identifier: Apache-2.0
"""A pooler before PostgreSQL is refused on every way to it, leaves no trace, and sessions have safe settings."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from ram_mfa.errors import StoreUnavailable
from tests.stores.test_postgres import Maker
from tests.stores.test_sqlalchemy import Maker as AlchemyMaker
from tests.stores.test_sqlalchemy import dispose
from tests.support import require_module, rounds
from tests.support.servers import PgBouncer, PostgreSQL

psycopg = require_module("psycopg", "psycopg[binary]")

KEY = "u" + "P" * 43
PATIENCE = 30.0


@pytest.fixture(scope="module")
def server():
    with PostgreSQL() as server:
        Maker(server.url(), PATIENCE)().close()
        yield server


@pytest.fixture(scope="module", params=["session", "transaction", "statement"])
def pooler(request, server):
    with PgBouncer(server, request.param) as pooler:
        yield pooler


def settings(connection):
    return connection.execute(
        "SELECT current_setting('lock_timeout'), current_setting('synchronous_commit'),"
        " coalesce(current_setting('ram_mfa.system', true), ''), (SELECT count(*) FROM pg_prepared_statements)"
    ).fetchone()


class TestPooler:
    @pytest.mark.requirement("A9")
    @pytest.mark.parametrize("way", ["called", "awaited", "SQLAlchemy"])
    def test_is_refused_and_no_session_is_touched(self, pooler, way):
        """The first call says what is wrong; whoever gets the shared session next finds nothing of the store's.

        In statement mode PgBouncer itself refuses what SQLAlchemy does first.
        """
        with psycopg.connect(pooler.url(), autocommit=True, prepare_threshold=None) as another:
            before = settings(another)
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match=r"pooler|pooling"):
                {"called": self._called, "awaited": self._awaited, "SQLAlchemy": self._alchemy}[way](pooler.url())
        with psycopg.connect(pooler.url(), autocommit=True, prepare_threshold=None) as another:
            assert settings(another) == before

    @staticmethod
    def _called(url):
        store = Maker(url, PATIENCE)()
        store.swap(KEY, None, b"x")

    @staticmethod
    def _awaited(url):
        asyncio.run(Maker(url, PATIENCE).awaited())

    @staticmethod
    def _alchemy(url):
        try:
            AlchemyMaker(url.replace("postgresql:", "postgresql+psycopg:"), PATIENCE)()
        finally:
            dispose()

    @pytest.mark.requirement("A9")
    def test_never_switches_off_the_flush_of_a_swap(self, server):
        """Beside a client that switches synchronous_commit off through the pooler: no swap is acknowledged there."""
        with PgBouncer(server, "transaction") as pooler:
            done = threading.Event()

            def spoil():
                with psycopg.connect(pooler.url(), autocommit=True, prepare_threshold=None) as another:
                    while not done.is_set():
                        another.execute("SET synchronous_commit = off")

            spoiler = threading.Thread(target=spoil)
            spoiler.start()
            acknowledged = 0
            try:
                for _ in range(rounds(400)):
                    with contextlib.suppress(StoreUnavailable):
                        acknowledged += Maker(pooler.url(), PATIENCE)().swap(KEY, None, b"x")
            finally:
                done.set()
                spoiler.join(60)
            assert acknowledged == 0


class TestSettings:
    @pytest.fixture
    def store(self, server):
        store = Maker(server.url(), PATIENCE)()
        yield store
        store.close()

    @pytest.mark.requirement("A9")
    @pytest.mark.parametrize("weak", ["off", "local", "remote_write"])
    def test_synchronous_commit_is_pinned(self, server, store, weak):
        """Whatever the configuration says when a connection is opened, or while it is open."""
        asked = "SELECT current_setting('synchronous_commit')"
        assert store._rows(asked, ()) == [("on",)]
        server.sql(f"ALTER SYSTEM SET synchronous_commit = {weak}")
        server.sql("SELECT pg_reload_conf()")
        try:
            while server.sql("SHOW synchronous_commit") != weak:
                pass
            assert store._rows(asked, ()) == [("on",)]
            later = Maker(server.url(), PATIENCE)()
            assert later._rows(asked, ()) == [("on",)]
            later.close()
            server.sql(f"ALTER ROLE postgres SET synchronous_commit = {weak}")
            later = Maker(server.url(), PATIENCE)()
            assert later._rows(asked, ()) == [("on",)]
            later.close()
        finally:
            server.sql("ALTER ROLE postgres RESET ALL")
            server.sql("ALTER SYSTEM RESET synchronous_commit")
            server.sql("SELECT pg_reload_conf()")

    @pytest.mark.requirement("A9")
    def test_a_stronger_one_stays(self, server):
        """remote_apply waits for more than the store needs, and is the operator's word."""
        server.sql("ALTER ROLE postgres SET synchronous_commit = remote_apply")
        try:
            store = Maker(server.url(), PATIENCE)()
            assert store._rows("SELECT current_setting('synchronous_commit')", ()) == [("remote_apply",)]
            store.close()
        finally:
            server.sql("ALTER ROLE postgres RESET ALL")


class TestNames:
    @pytest.mark.requirement("A4")
    def test_a_plain_role_may_name_the_history(self, server):
        """And where that is taken from it, the store says what to grant."""
        Maker(server.url(), PATIENCE)().close()
        server.sql("CREATE ROLE plain LOGIN")
        server.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ram_mfa TO plain")
        url = server.url().replace("postgres@", "plain@")
        store = Maker(url, PATIENCE)()
        assert store.at(store.incarnation()).swap(KEY, None, b"plain") is True
        assert store.swap(KEY, b"plain", None) is True
        store.close()
        server.sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        try:
            with pytest.raises(StoreUnavailable, match="GRANT EXECUTE"):
                Maker(url, PATIENCE)()
        finally:
            server.sql("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
