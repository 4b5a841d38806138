# SPDX-License-Identifier: Apache-2.0
"""MariaDB gives a statement up in its middle, as KILL QUERY and a time limit have it: nothing half read passes."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from ram_mfa import MFA, Administrator, BeginLogon, Challenge, MFAPolicy, OpenAccount
from ram_mfa.errors import StoreUnavailable, StoreUncertain
from ram_mfa.policy import UnknownUsers
from ram_mfa.testing import enrolled
from tests.stores.test_sqlalchemy import Maker, dispose
from tests.support import require_module, rounds
from tests.support.servers import PATIENCE
from tests.support.service import SEAL, SESSION

require_module("sqlalchemy", "sqlalchemy")
require_module("pymysql", "PyMySQL")

KEY, ROOT = "i" + "A" * 43, "r" + "I" * 43
THREADS = 3


@pytest.fixture(autouse=True)
def dispose_of_engines():
    yield
    dispose()


@pytest.fixture(params=["interrupted", "impatient"])
def giving_up(request, mariadb):
    """What makes the server give statements up: somebody's KILL QUERY, or a limit of its own."""
    return getattr(mariadb.server, request.param)


@pytest.fixture
def pinned(mariadb):
    """Keep a root record, and return what opens a store and a view beside that record."""
    store = Maker(mariadb.server.url(), 30.0)()
    assert store.swap(ROOT, None, b"the root")

    def make():
        store = Maker(mariadb.server.url(), 30.0)()
        view = store.at(store.incarnation(), beside=(ROOT, b"the root"))
        store.close()  # a limit is for connections that are made from now on
        return store, view

    yield make
    assert store.swap(ROOT, b"the root", None)
    store.close()


@pytest.fixture
def record(mariadb):
    """Keep one record under ``KEY``."""
    store = Maker(mariadb.server.url(), 30.0)()
    value = os.urandom(500)
    assert store.swap(KEY, None, value)
    yield value
    assert store.swap(KEY, store.load(KEY), None)
    store.close()


def told(call, *arguments):
    """Return what a call answered, or that its store was unavailable."""
    try:
        return call(*arguments)
    except StoreUnavailable:
        return StoreUnavailable


def counted(call, times):
    """Call from several threads, and count what is told; so many times, and on until one was given up."""
    seen, until = Counter(), time.monotonic() + PATIENCE

    def ask(_):
        mine = 0
        while mine < times // THREADS or (not seen[StoreUnavailable] and time.monotonic() < until):
            mine += 1
            seen[told(call)] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(THREADS)))
    return seen


class TestLoad:
    @pytest.mark.requirement("A1", "S2")
    def test_answers_with_the_record_or_not_at_all(self, mariadb, record, giving_up):
        """In 50,000 loads of a record that is there, "no record" is answered 0 times."""
        store = Maker(mariadb.server.url(), 30.0)()
        store.close()  # a limit is for connections that are made from now on
        with giving_up():
            seen = counted(lambda: store.load(KEY), rounds(50_000))
        assert set(seen) == {record, StoreUnavailable}
        store.close()

    @pytest.mark.requirement("A1", "S2")
    def test_of_a_view_likewise(self, pinned, record, giving_up):
        """A view's load, which also compares history and root, is answered by the record or not at all."""
        store, view = pinned()
        with giving_up():
            seen = counted(lambda: view.load(KEY), rounds(50_000))
        assert set(seen) == {record, StoreUnavailable}
        store.close()

    @pytest.mark.requirement("A1", "S2")
    def test_awaited_likewise(self, mariadb, record, giving_up):
        """The awaited driver has a protocol of its own, and is answered alike."""
        require_module("asyncmy", "asyncmy")

        async def main():
            store = await Maker(mariadb.server.url(driver="asyncmy"), 30.0).awaited()
            await store.load(KEY)
            await store.close()
            seen, until = Counter(), time.monotonic() + PATIENCE

            async def ask():
                mine = 0
                while mine < rounds(50_000) // THREADS or (not seen[StoreUnavailable] and time.monotonic() < until):
                    mine += 1
                    try:
                        seen[await store.load(KEY)] += 1
                    except StoreUnavailable:
                        seen[StoreUnavailable] += 1

            with giving_up():
                await asyncio.gather(*[ask() for _ in range(THREADS)])
            await store.close()
            return seen

        assert set(asyncio.run(main())) == {record, StoreUnavailable}


class TestKeys:
    @pytest.mark.requirement("A1", "S2")
    def test_lists_all_or_raises(self, mariadb, giving_up):
        """A listing that ends has every key: none ends early for being interrupted."""
        store = Maker(mariadb.server.url(), 30.0)()
        keys = sorted("j" + str(number).rjust(43, "0") for number in range(1_200))
        for key in keys:
            assert store.swap(key, None, b"x")
        store.close()
        with giving_up():
            seen = counted(lambda: tuple(store.keys("j")), rounds(2_000))
        store.close()
        for key in keys:
            assert store.swap(key, b"x", None)
        assert set(seen) <= {tuple(keys), StoreUnavailable}
        assert StoreUnavailable in seen


class TestSwap:
    @pytest.mark.requirement("A1", "S1", "S4")
    def test_of_a_view_lands_or_raises(self, pinned, giving_up):
        """Nobody else writes, so no swap of a view loses a race: it is True, or raises and is looked up."""
        store, view = pinned()
        keys = ["s" + str(number).rjust(43, "0") for number in range(THREADS)]

        def work(key):
            seen, there = Counter(), None
            for number in range(rounds(6_000) // THREADS):
                new = b"%d" % number
                try:
                    seen[view.swap(key, there, new)] += 1
                    there = new
                except StoreUnavailable:
                    seen[StoreUnavailable] += 1
                except StoreUncertain:
                    seen[StoreUncertain] += 1
                    found = patiently(store, key)
                    assert found in {there, new}
                    there = found
            return seen

        with giving_up(), ThreadPoolExecutor(THREADS) as pool:
            seen = sum(pool.map(work, keys), Counter())
        store.close()
        for key in keys:
            assert store.swap(key, store.load(key), None)
        assert seen[True]
        assert not seen[False]


def patiently(store, key):
    """Load, over and over until the server answers."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return store.load(key)
        except StoreUnavailable:
            assert time.monotonic() < until


class TestLogon:
    @pytest.mark.requirement("A1", "B19")
    def test_never_passes_for_a_user_without_a_record(self, mariadb, giving_up):
        """Users without a record need no MFA here; in 20,000 logons the one with a phone is asked for its code."""
        store = Maker(mariadb.server.url(), 30.0)()
        policy = MFAPolicy.ram(issuer="Example", unknown_users=UnknownUsers.NOT_REQUIRED)
        mfa = MFA(store, policy, seal=SEAL, create=True)
        mfa.perform("interrupted", OpenAccount(required=True, by=Administrator("root")))
        enrolled(mfa, "interrupted")
        store.close()

        def log_on():
            return type(mfa.perform("interrupted", BeginLogon(session=SESSION)))

        with giving_up():
            seen = counted(log_on, rounds(20_000))
        store.close()
        assert set(seen) == {Challenge, StoreUnavailable}
        for kind in "rcu":
            for key in store.keys(kind):
                assert store.swap(key, store.load(key), None)
