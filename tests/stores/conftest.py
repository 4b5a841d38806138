# SPDX-License-Identifier: Apache-2.0
"""The private servers that the tests of stores share, each started when it is first asked for."""

from __future__ import annotations

import time

import pytest

from ram_mfa.errors import StoreUnavailable
from ram_mfa.testing import Faults
from tests.support import real
from tests.support.servers import MariaDB, PostgreSQL, Proxy, Redis, RedisCluster

SHORT = 1.0
"""Seconds for which a store waits where nothing will come: short, since it is waited for."""
LONG = 20.0
"""Seconds for which a store waits where its server will answer, however busy the machine is."""


def until_connected(call):
    """Call a store with a short deadline until it has a connection, and return the answer."""
    until = time.monotonic() + 60
    while True:
        try:
            return call()
        except StoreUnavailable:
            assert time.monotonic() < until


async def until_connected_there(call):
    """Call an asynchronous store with a short deadline until it has a connection, and return the answer."""
    until = time.monotonic() + 60
    while True:
        try:
            return await call()
        except StoreUnavailable:
            assert time.monotonic() < until


def until_found(store, key, value):
    """Wait until a record is what a swap wrote whose end was not known: it may land after its caller gave up."""
    until = time.monotonic() + 60
    while store.load(key) != value:
        assert time.monotonic() < until
        time.sleep(0.01)


class Proxied:
    """A server and the proxy in front of it."""

    def __init__(self, server, proxy):
        self.server = server
        self.proxy = proxy

    def url(self, *given, **named):
        return self.server.url(*given, port=self.proxy.port, **named)

    def faults(self, short_deadline):
        """What is done to the server: all of it where everything must really run, else what is quick.

        Args:
            short_deadline: opens the store for the calls that are made meanwhile.
        """
        if not real:
            return Faults(
                replies_lost=self.proxy.replies_lost,
                one_reply_lost=self.proxy.one_reply_lost,
                restart=self.server.restart,
                size=self.size,
                short_deadline=short_deadline,
            )
        return Faults(
            replies_lost=self.proxy.replies_lost,
            one_reply_lost=self.proxy.one_reply_lost,
            restart=self.server.restart,
            stopped=self.server.stopped,
            paused=self.server.paused,
            interrupted=getattr(self.server, "interrupted", None),
            new_history=None if isinstance(self.server, PostgreSQL) else self.server.restart,
            size=self.size,
            short_deadline=short_deadline,
        )

    @property
    def size(self):
        """What asks how large the table is, where the server can tell at once."""
        return getattr(self.server, "size", None)


def served(server_type):
    with server_type() as server, Proxy(server.port) as proxy:
        yield Proxied(server, proxy)


@pytest.fixture(scope="session")
def postgresql():
    yield from served(PostgreSQL)


@pytest.fixture(scope="session")
def mariadb():
    yield from served(MariaDB)


@pytest.fixture(scope="session")
def redis_server():
    yield from served(Redis)


@pytest.fixture(scope="session")
def redis_cluster():
    with RedisCluster() as cluster:
        yield cluster
