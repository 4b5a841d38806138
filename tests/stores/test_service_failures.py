# SPDX-License-Identifier: Apache-2.0
"""Whole services whose server goes silent, loses its replies, is frozen or has no room: no code passes twice.

The server is reached through a proxy. ``SwapFaults`` does something to it around each swap, and to nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import time

import pytest

from ram_mfa.errors import StoreUnavailable, StoreUncertain
from tests.stores import test_postgres, test_redis, test_sqlalchemy
from tests.stores.conftest import LONG, until_connected, until_connected_there
from tests.support import full_disk, real
from tests.support.deployment import FAILED, STEP, AsyncDeployment, Deployment
from tests.support.races import begin, finish
from tests.support.servers import MariaDB, PostgreSQL, Proxy, Redis

SHORT = 1.0 if real else 0.3
"""Seconds that a store waits where nothing will come."""

numbers = itertools.count()


class Engine:
    """A server, the proxy in front of it, and houses whose stores are behind that.

    Args:
        server: running.
        proxy: in front of it.
        maker: opens a store on a port, with a deadline.
    """

    house_type = Deployment

    def __init__(self, server, proxy, maker):
        self.server, self.proxy, self.maker = server, proxy, maker

    def opened(self, deadline):
        return self.maker(self.server, self.proxy.port, deadline)

    def deployment(self):
        return self.house_type(self.opened(LONG), [f"user {next(numbers)}"])

    def with_swap_faults(self, deployment, fault, left, deadline=SHORT):
        """Open a deployment's service once more, on a store with a fault around as many swaps as are left.

        Args:
            deployment: whose service.
            fault: a context in which the server is out of order.
            left: one thing for each swap that is to fail.
            deadline: of the swaps that are to fail; all else has the long one.
        """
        return opened(deployment, lambda: SwapFaults(self.opened(LONG)(), self.opened(deadline)(), fault, left))

    def with_short_loads(self, deployment, hurry, deadline=SHORT):
        """Open a deployment's service once more, on a store whose loads have a short deadline once ``hurry`` is set."""
        return opened(deployment, lambda: ShortLoads(self.opened(LONG)(), self.opened(deadline)(), hurry))


class AwaitedEngine(Engine):
    """The same for stores that are awaited."""

    house_type = AsyncDeployment

    def opened(self, deadline):
        return super().opened(deadline).awaited

    def with_swap_faults(self, deployment, fault, left, deadline=SHORT):
        async def swap_faults():
            return AwaitedSwapFaults(await self.opened(LONG)(), await self.opened(deadline)(), fault, left)

        return opened(deployment, swap_faults)

    def with_short_loads(self, deployment, hurry, deadline=SHORT):
        async def short_loads():
            return AwaitedShortLoads(await self.opened(LONG)(), await self.opened(deadline)(), hurry)

        return opened(deployment, short_loads)


def opened(deployment, open_store):
    """Return a service that has opened its store, so that what follows is a load and a swap."""
    until = time.monotonic() + 60
    while True:
        try:
            mfa = deployment.service(open_store)
            begin(mfa, deployment.user)
        except StoreUnavailable:
            assert time.monotonic() < until
        else:
            return mfa


def postgresql(server, port, deadline):
    return test_postgres.Maker(server.url(port), deadline)


def mariadb(server, port, deadline):
    return test_sqlalchemy.Maker(server.url(port), deadline)


def redis(_server, port, deadline):
    return test_redis.Maker(port, deadline)


ENGINES = {
    "postgresql": (PostgreSQL, postgresql, Engine),
    "postgresql awaited": (PostgreSQL, postgresql, AwaitedEngine),
    "mariadb": (MariaDB, mariadb, Engine),
    "redis": (Redis, redis, Engine),
    "redis awaited": (Redis, redis, AwaitedEngine),
}


@pytest.fixture(scope="module")
def started():
    """What starts a server, once for all tests here."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda server_type: stack.enter_context(server_type()))


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, started):
    """A server and the proxy in front of it."""
    server_type, maker, engine_type = ENGINES[request.param]
    server = started(server_type)
    with Proxy(server.port) as proxy:
        yield engine_type(server, proxy, maker)
    test_sqlalchemy.dispose()


@pytest.fixture
def deployment(engine):
    with engine.deployment() as deployment:
        yield deployment


class SwapFaults:
    """A store with something done around its swaps, as often as ``left`` says.

    Args:
        store: the store, or a view of it; its deadline is long, since it is answered.
        short: the same with a short deadline, for the swaps that something is done around.
        fault: a context in which the server is out of order.
        left: one thing for each swap that is to fail; shared by all views.
    """

    def __init__(self, store, short, fault, left):
        self.store, self.short, self.fault, self.left = store, short, fault, left
        self.incarnation = getattr(store, "incarnation", None)

    def at(self, incarnation):
        return type(self)(self.store.at(incarnation), self.short.at(incarnation), self.fault, self.left)

    def load(self, key):
        return self.store.load(key)

    def swap(self, key, old, new):
        if not self.left:
            return self.store.swap(key, old, new)
        until_connected(lambda: self.short.load(key))
        self.left.pop()
        with self.fault():
            return self.short.swap(key, old, new)

    def close(self):
        self.short.close()
        self.store.close()


class AwaitedSwapFaults(SwapFaults):
    """The same around an asynchronous store."""

    async def load(self, key):
        return await self.store.load(key)

    async def swap(self, key, old, new):
        if not self.left:
            return await self.store.swap(key, old, new)
        await until_connected_there(lambda: self.short.load(key))
        self.left.pop()
        with self.fault():
            return await self.short.swap(key, old, new)

    async def close(self):
        await self.short.close()
        await self.store.close()


class ShortLoads(SwapFaults):
    """A store whose loads have the short deadline too, once it is told to hurry.

    Args:
        hurry: an event that says so.
    """

    def __init__(self, store, short, hurry):
        super().__init__(store, short, None, [])
        self.hurry = hurry

    def at(self, incarnation):
        return type(self)(self.store.at(incarnation), self.short.at(incarnation), self.hurry)

    def load(self, key):
        if self.hurry.is_set():
            return self.short.load(key)
        until_connected(lambda: self.short.load(key))
        return self.store.load(key)


class AwaitedShortLoads(ShortLoads, AwaitedSwapFaults):
    """The same around an asynchronous store."""

    async def load(self, key):
        if self.hurry.is_set():
            return await self.short.load(key)
        await until_connected_there(lambda: self.short.load(key))
        return await self.store.load(key)


def passes_once(deployment, code, told):
    """Check that a code passes once in all, or never where its outcome was uncertain, and that the next one passes."""
    submitted_again(deployment, code, told, lost=told == "StoreUncertain")
    deployment.clock.advance(STEP)
    assert deployment.log_on(deployment.code()) == "proof"


def submitted_again(deployment, code, told, *, lost, user=None):
    """Check that a code passes once in all; where it may have been lost, once at most."""
    again = [deployment.log_on(code, user=user) for _ in range(3)]
    assert set(again) <= {"proof", "REPLAYED_CODE"}
    assert [told, *again].count("proof") in ({0, 1} if lost else {1})


class TestSwaps:
    @pytest.mark.requirement("S4", "S10")
    @pytest.mark.parametrize(("replies", "told"), [(1, "proof"), (2, "StoreUncertain")])
    def test_a_code_whose_reply_was_cut_off_passes_once(self, engine, deployment, replies, told):
        """Replies to swaps alone are lost after the server landed them. Where the service's second question is heard,
        the code passes; where that reply is lost as well, it does not. Either way it is spent.
        """
        left = [None] * replies
        mfa = engine.with_swap_faults(deployment, engine.proxy.replies_lost, left, LONG)
        code = deployment.code()
        assert deployment.log_on(code, mfa) == told
        assert not left
        assert deployment.log_on(code, mfa) == "REPLAYED_CODE"
        passes_once(deployment, code, told)

    @pytest.mark.requirement("S4", "S14")
    @pytest.mark.parametrize("replies", [1, 2])
    def test_a_code_whose_reply_never_came_passes_once(self, engine, deployment, replies):
        """The server landed it and the network says nothing: the deadline passes, and what is told then is right."""
        left = [None] * replies
        mfa = engine.with_swap_faults(deployment, functools.partial(engine.proxy.replies_lost, silent=True), left)
        code = deployment.code()
        told = deployment.log_on(code, mfa)
        assert not left
        assert told in (FAILED | {"proof"} if replies == 1 else FAILED)
        passes_once(deployment, code, told)

    @pytest.mark.requirement("S4", "S14")
    def test_a_server_that_is_frozen_in_a_swap_passes_nothing_twice(self, engine, deployment):
        """Frozen beyond the deadline between decision and write; thawed, it may still land what it was asked."""
        left = [None]
        mfa = engine.with_swap_faults(deployment, engine.server.paused, left)
        code = deployment.code()
        told = deployment.log_on(code, mfa)
        assert not left
        assert told in FAILED | {"proof"}
        passes_once(deployment, code, told)


class TestLoads:
    @pytest.mark.requirement("S4", "S14")
    @pytest.mark.parametrize("silent", [False, True], ids=["cut", "silent"])
    def test_a_service_that_hears_nothing_passes_nothing(self, engine, deployment, silent):
        """Neither before nor after the decision: a typed error, and afterwards the code passes once."""
        hurry = threading.Event()
        mfa = engine.with_short_loads(deployment, hurry, SHORT if silent else LONG)
        ticket, code = begin(deployment.mfa, deployment.user), deployment.code()
        hurry.set()
        with engine.proxy.replies_lost(silent=silent):
            assert finish(mfa, deployment.user, ticket, code) == "StoreUnavailable"
        passes_once(deployment, code, "StoreUnavailable")

    @pytest.mark.requirement("S14")
    def test_a_frozen_server_passes_nothing(self, engine, deployment):
        """Frozen beyond the deadline, a typed error; thawed, the code passes once."""
        hurry = threading.Event()
        mfa = engine.with_short_loads(deployment, hurry)
        ticket, code = begin(deployment.mfa, deployment.user), deployment.code()
        hurry.set()
        with engine.server.paused():
            told = finish(mfa, deployment.user, ticket, code)
        assert told in FAILED  # uncertain where a thread of the server ran on for a moment
        passes_once(deployment, code, told)


class TestFullDisk:
    @pytest.mark.requirement("S4", "S9")
    @pytest.mark.parametrize("disk_type", full_disk.kinds())
    @pytest.mark.parametrize("name", ["postgresql", "mariadb", "redis"])
    def test_a_full_disk_passes_nothing(self, name, disk_type):
        """Newcomers bind until there is no room; then everybody logs on until some are told that the store failed.

        Nobody of them was let in. With room again each of their codes passes once; not at all where its outcome was
        uncertain, or where the server ended and began another history, as Redis and MariaDB do.
        """
        server_type, maker, _ = ENGINES[name]
        with disk_type(server_type()) as disk, Deployment(maker(disk.server, disk.server.port, LONG)) as deployment:
            with disk.full():
                with contextlib.suppress(StoreUnavailable, StoreUncertain):
                    for number in range(1000):
                        deployment.bind(f"newcomer {number}")
                told = {}
                for _ in range(20):
                    deployment.clock.advance(STEP)
                    codes = {user: deployment.code(user) for user in deployment.phones}
                    told = {user: deployment.log_on(code, user=user) for user, code in codes.items()}
                    if FAILED.intersection(told.values()):
                        break
                    disk.press()
            assert FAILED.intersection(told.values())
            assert set(told.values()) <= FAILED | {"proof"}
            for user, code in codes.items():
                lost = told[user] == "StoreUncertain" or name in {"redis", "mariadb"}
                submitted_again(deployment, code, told[user], lost=lost, user=user)
            deployment.clock.advance(10 * STEP)
            for user in deployment.phones:
                assert deployment.log_on(deployment.code(user), user=user) == "proof"
        test_sqlalchemy.dispose()
