# SPDX-License-Identifier: Apache-2.0
"""Histories whose name an engine gives twice, under services that stay open all the while.

Two MariaDB servers, over to the other one and back again; and one backup of PostgreSQL that is recovered twice.
"""

from __future__ import annotations

import contextlib

import pytest

from ram_mfa import BeginStepUp, FinishStepUp, SpendReceipt
from ram_mfa.errors import HistoryLost
from ram_mfa.testing import enrolled_key, proved
from tests.stores import test_postgres
from tests.stores.test_promotions import MARGIN, told
from tests.stores.test_sqlalchemy import Maker, dispose
from tests.support import require_module, rounds
from tests.support.deployment import STEP, Deployment
from tests.support.key_apis import KeyAPI, answer
from tests.support.servers import MariaDB, PostgreSQL, Proxy
from tests.support.service import DELETE, SESSION

require_module("sqlalchemy", "sqlalchemy")
require_module("pymysql", "PyMySQL")

KEY, ROOT = "u" + "F" * 43, "r" + "F" * 43
TABLES = ("ram_mfa", "ram_mfa_root")
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def dispose_of_engines():
    yield
    dispose()


class Servers:
    """Two servers of one name behind one address. The second replicates the first, and later than it should."""

    def __init__(self):
        self.first = MariaDB("--server-id=1")
        self.second = MariaDB("--server-id=1")
        self.road = None

    def __enter__(self):
        try:
            self.first.start()
            self.second.start()
            self.road = Proxy(self.first.port)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.road is not None:
            self.road.close()
        self.second.close()
        self.first.close()

    def maker(self):
        return Maker(self.first.url(self.road.port), PATIENCE)

    def replicate(self):
        """Bring the second server all that the first one has."""
        copy(self.first, self.second)

    def to_the_second(self):
        """Fail over: what the first server had alone is gone."""
        self.road.target = self.second.port
        self.road.cut()

    def back_to_the_first(self):
        """Have the first server begin anew from what the second one has, as a former primary must, and go back."""
        self.first.kill()
        self.first.start()
        copy(self.second, self.first)
        self.road.target = self.first.port
        self.road.cut()


def copy(source, target):
    for table in TABLES:
        (_, made), *_ = source.sql("USE mfa", f"SHOW CREATE TABLE {table}")
        rows = source.sql("USE mfa", f"SELECT HEX(`key`), HEX(value) FROM {table}")
        filled = [f"INSERT INTO {table} VALUES (UNHEX('{key}'), UNHEX('{value}'))" for key, value in rows]
        target.sql("USE mfa", f"DROP TABLE IF EXISTS {table}", made, *filled)


@pytest.fixture(scope="module")
def servers():
    with Servers() as servers:
        yield servers


class TestName:
    @pytest.mark.requirement("A4", "S12")
    def test_is_one_over_all_connections_and_never_comes_back(self, servers):
        """One run of a server has one name, however many ask, and each start has another one."""
        names = []
        for _ in range(4):
            stores = [Maker(servers.first.url(), PATIENCE)() for _ in range(8)]
            seen = {store.incarnation() for store in stores for _ in range(100)}
            assert len(seen) == 1
            names += seen
            for store in stores:
                store.close()
            servers.first.restart()
        assert len(set(names)) == len(names)


class TestView:
    @pytest.mark.requirement("A4", "S12")
    @pytest.mark.parametrize("beside", [True, False])
    def test_answers_nothing_after_there_and_back(self, servers, beside):
        """A view from before reads and swaps nothing, neither on the other server nor back on the first one."""
        store = servers.maker()()
        for key in (KEY, ROOT):
            assert store.swap(key, store.load(key), b"before")
        servers.replicate()
        name = store.incarnation()
        view = store.at(name, beside=(ROOT, b"before")) if beside else store.at(name)
        assert view.swap(KEY, b"before", b"accepted")
        for move in (servers.to_the_second, servers.back_to_the_first):
            move()
            for call in (
                lambda: view.load(KEY),
                lambda: view.swap(KEY, b"before", b"accepted twice"),
                lambda: view.swap(KEY, b"accepted", b"again"),
                lambda: view.swap("u" + "N" * 43, None, b"new"),
                lambda: view.swap(KEY, b"before", None),
            ):
                with pytest.raises(HistoryLost) as lost:
                    call()
                assert lost.value.incarnation == store.incarnation() != name
            assert store.load(KEY) == b"before"
        store.close()


class TestLogon:
    @pytest.mark.requirement("A4", "S8", "S12")
    @pytest.mark.parametrize("somebody", [False, True], ids=["nobody performs there", "somebody performs there"])
    def test_what_was_accepted_is_not_accepted_again(self, servers, somebody):
        """A code and a receipt spent before are refused after there and back, 20 times, by all that stayed open."""
        for _ in range(rounds(20)):
            for server in (servers.first, servers.second):
                server.sql("USE mfa", *[f"DROP TABLE IF EXISTS {table}" for table in TABLES])
            with Deployment(servers.maker()) as deployment:
                key = enrolled_key(deployment.mfa, "kim")
                idle = deployment.service()
                for mfa in (deployment.mfa, idle):
                    assert deployment.log_on(deployment.code(), mfa) == "proof"
                    deployment.clock.advance(STEP)
                servers.replicate()

                code = deployment.code()
                assert deployment.log_on(code) == "proof"
                asked = deployment.mfa.perform("kim", BeginStepUp(DELETE, session=SESSION))
                step_up = FinishStepUp(asked.id, answer(KeyAPI.WEBAUTHN, key, asked), operation=DELETE, session=SESSION)
                spent = SpendReceipt(deployment.mfa.perform("kim", step_up).receipt, operation=DELETE, session=SESSION)
                deployment.mfa.perform("kim", spent)

                servers.to_the_second()
                if somebody:
                    assert deployment.log_on(code, idle) == "REPLAYED_CODE"
                servers.back_to_the_first()
                fresh = deployment.service()
                for mfa in (deployment.mfa, idle, fresh):
                    assert deployment.log_on(code, mfa) == "REPLAYED_CODE"
                    assert told(mfa, "kim", step_up) == "FOREIGN_TICKET"
                    assert told(mfa, "kim", spent) == "BAD_RECEIPT"
                    assert proved(mfa, "kim", key).user == "kim"
                deployment.clock.advance((MARGIN + 2) * STEP)
                assert deployment.log_on(deployment.code(), fresh) == "proof"


class TestRecoveredTwice:
    @pytest.mark.requirement("A4", "S8", "S12")
    @pytest.mark.parametrize("way", ["psycopg", "SQLAlchemy"])
    def test_what_was_accepted_is_not_accepted_again(self, way):
        """One backup of PostgreSQL becomes two servers of one name: a code spent on one is refused on the other.

        So it is where the services are led back to the first one, which lived on.
        """
        require_module("psycopg", "psycopg[binary]")
        makers = {"psycopg": (test_postgres.Maker, "postgresql:"), "SQLAlchemy": (Maker, "postgresql+psycopg:")}
        maker, scheme = makers[way]
        with PostgreSQL() as primary, Proxy(primary.port) as road, contextlib.ExitStack() as stack:
            deployment = stack.enter_context(
                Deployment(maker(primary.url(road.port).replace("postgresql:", scheme), PATIENCE))
            )
            first, second = (stack.enter_context(PostgreSQL(copy_of=primary)) for _ in range(2))
            primary.kill()
            names, code = set(), deployment.code()
            for server in (first, second):
                server.promote()
            for server in (first, second, first, second):
                road.target = server.port
                road.cut()
                names.add(deployment.stores[0].incarnation())
                assert deployment.log_on(code) == "REPLAYED_CODE"
                deployment.clock.advance((MARGIN + 2) * STEP)
                code = deployment.code()
                assert deployment.log_on(code) == "proof"
            assert len(names) == 1
