# SPDX-License-Identifier: Apache-2.0
"""Async variant of ``RedisStore``: the conversations of ``protocol`` on redis-py's asyncio connections.

A cancelled call closes its connection; the server may still run the command.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Self, TypeVar

import attrs
from redis import asyncio as aio
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff

from ...errors import HistoryLost, StoreUnavailable
from . import configuration, protocol
from .fair_pool import FairPool, exchange
from .protocol import Action, Address, Beside, Conversation, Exchange, NotSent, Parameters, Pause, Refresh, ReplyLost
from .store import KEYS_AT_ONCE, new_keys

T = TypeVar("T")


class AsyncRedisStore:
    """``RedisStore`` for one event loop, created by ``await AsyncRedisStore.open(client)``.

    If many tasks share the client, give it a ``BlockingConnectionPool``: the default pool opens a connection for each
    task, and raises when it is exhausted.
    """

    def __init__(self, servers: _Single | _Cluster, parameters: Parameters) -> None:
        self._servers = servers
        self._parameters = parameters

    @classmethod
    async def open(
        cls, client: aio.Redis | aio.RedisCluster, *, replicas: int | None = None, unsafe_settings: Iterable[str] = ()
    ) -> Self:
        """Check the servers' configuration and return the store.

        Args:
            client: ``redis.asyncio.Redis``, what ``redis.asyncio.Sentinel.master_for`` returns, or
                ``redis.asyncio.RedisCluster``.
            replicas: as for ``RedisStore``.
            unsafe_settings: as for ``RedisStore``.

        Raises:
            ValueError: as for ``RedisStore``.
            UnsafeConfiguration: as for ``RedisStore``.
            StoreUnavailable: as for ``RedisStore``.
        """
        unsafe = configuration.allowed(unsafe_settings)
        servers: _Single | _Cluster
        servers = _Cluster(client) if isinstance(client, aio.RedisCluster) else _Single(client)
        parameters = configuration.parameters(servers.settings, movable=servers.movable, replicas=replicas)
        store = cls(servers, parameters)
        try:
            by_file = await store._run(configuration.check(await servers.addresses(), parameters, unsafe))
        except BaseException:
            await servers.disconnect()
            raise
        barrier = configuration.barrier(parameters, by_file=by_file)
        store._parameters = attrs.evolve(parameters, barrier=barrier)
        return store

    def __repr__(self) -> str:
        return "<AsyncRedisStore>"

    async def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return await self._run(protocol.load(self._parameters, key, None, None))

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        if old is None and new is None:
            return False
        return await self._run(protocol.swap(self._parameters, key, old, new, None, None))

    async def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``RedisStore.keys``."""
        addresses = await self._servers.addresses()
        layout = [await self._run(protocol.layout(self._parameters, at)) for at in addresses]
        passes = 1 + sum([await self._ask("DBSIZE", at) for at in addresses]) // KEYS_AT_ONCE
        for part in range(passes):
            seen = set[str]()
            for address, server in zip(addresses, layout, strict=True):
                cursor, more = 0, True
                while more:
                    cursor, page = await self._run(protocol.scan(self._parameters, kind, cursor, address, server.run))
                    more = cursor != 0
                    for key in new_keys(page, seen, part, passes):
                        yield key
            protocol.check_layout(layout, [await self._run(protocol.layout(self._parameters, at)) for at in addresses])

    async def incarnation(self) -> str:
        """See ``RedisStore.incarnation``."""
        return ",".join(sorted(await self._ask_all(protocol.incarnation)))

    async def clock(self) -> float:
        """See ``RedisStore.clock``."""
        return (await self._ask_all(protocol.clock))[0]

    async def _ask_all(self, question: Callable[[Parameters, Address | None], Conversation[T]]) -> list[T]:
        until = time.monotonic() + self._parameters.deadline
        while True:
            try:
                return [await self._run(question(self._parameters, at)) for at in await self._servers.addresses()]
            except StoreUnavailable:
                if not self._parameters.movable or time.monotonic() > until:
                    raise
            await self._servers.refresh()
            await asyncio.sleep(0.05)

    def at(self, incarnation: str, /, *, beside: Beside = None) -> _View:
        """See ``RedisStore.at``."""
        configuration.check_pin(self._servers.pins, beside)
        return _View(self, incarnation, beside)

    async def close(self) -> None:
        """Close the client."""
        await self._servers.close()

    async def _ask(self, word: str, address: Address | None) -> Any:
        return await self._run(protocol.ask(self._parameters, (word,), address))

    async def _run(self, steps: Conversation[T]) -> T:
        """Run a conversation."""
        try:
            action = next(steps)
            while True:
                try:
                    done = await self._do(action)
                except (NotSent, ReplyLost) as error:
                    action = steps.throw(error)
                else:
                    action = steps.send(done)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    async def _do(self, action: Action) -> Any:
        match action:
            case Exchange():
                return await exchange(await self._servers.pool(action), action)
            case Refresh():
                return await self._servers.refresh()
            case Pause():
                return await asyncio.sleep(action.seconds)


@attrs.frozen
class _View:
    """A store bound to one incarnation and one pinned record."""

    _store: AsyncRedisStore
    _incarnation: str
    _beside: Beside

    async def load(self, key: str, /) -> bytes | None:
        steps = protocol.load(self._store._parameters, key, self._incarnation, self._beside)  # noqa: SLF001 (its own view)
        try:
            return await self._store._run(steps)  # noqa: SLF001 (likewise)
        except HistoryLost as lost:
            raise HistoryLost(await self._store.incarnation()) from lost

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        if old is None and new is None:
            return False
        steps = protocol.swap(self._store._parameters, key, old, new, self._incarnation, self._beside)  # noqa: SLF001 (its own view)
        try:
            return await self._store._run(steps)  # noqa: SLF001 (likewise)
        except HistoryLost as lost:
            raise HistoryLost(await self._store.incarnation()) from lost


class _Single:
    """One server: a fixed one, or the current master according to Sentinel."""

    pins = True

    def __init__(self, client: aio.Redis) -> None:
        self._client = client
        self._pool = client.connection_pool
        configuration.check_pool(self._pool)
        self._pool.set_retry(Retry(NoBackoff(), 0))
        self._fair_pool = FairPool(self._pool)
        self.settings: dict[str, Any] = self._pool.connection_kwargs
        self.movable: bool = isinstance(self._pool, SentinelConnectionPool)

    async def addresses(self) -> list[Address | None]:
        return [None]

    async def pool(self, _action: Exchange) -> FairPool:
        return self._fair_pool

    async def refresh(self) -> None:
        await self._pool.disconnect(inuse_connections=False)  # the next connection asks Sentinel

    async def disconnect(self) -> None:
        """Close the connections that do not belong to the client."""

    async def close(self) -> None:
        await self._client.aclose()
        await self._pool.disconnect()


class _Cluster:
    """The masters of a Cluster, with the layout that the client last fetched.

    redis-py's own node raises ``MaxConnectionsError`` when all its connections are in use, instead of waiting, so each
    master gets a pool here.
    """

    movable = True
    pins = False

    def __init__(self, client: aio.RedisCluster) -> None:
        self._client = client
        self.settings: dict[str, Any] = client.get_connection_kwargs()
        self._fair_pools: dict[Address, FairPool] = {}

    async def addresses(self) -> list[Address | None]:
        await self._fetch_layout()
        return [(node.host, int(node.port)) for node in self._client.get_primaries()]

    async def pool(self, action: Exchange) -> FairPool:
        await self._fetch_layout()
        try:
            if action.address is not None:
                node = self._client.get_node(*action.address)
            else:
                node = self._client.get_node_from_key(str(action.key))
        except Exception as error:
            raise NotSent(f"{type(error).__name__}: {error}") from error
        if node is None:
            raise NotSent("the Cluster has no such node")
        address = (node.host, int(node.port))
        if address not in self._fair_pools:
            pool = aio.BlockingConnectionPool(
                max_connections=50,
                timeout=configuration.deadline_of(self.settings),
                connection_class=node.connection_class,
                **node.connection_kwargs,
            )
            self._fair_pools[address] = FairPool(pool)
        return self._fair_pools[address]

    async def _fetch_layout(self) -> None:
        try:
            _ = await self._client.initialize()
        except Exception as error:
            raise StoreUnavailable(f"Redis: {type(error).__name__}: {error}") from error

    async def refresh(self) -> None:
        with contextlib.suppress(Exception):  # the next command raises the error
            await self._client.nodes_manager.initialize()

    async def disconnect(self) -> None:
        for pool in self._fair_pools.values():
            await pool.pool.disconnect()

    async def close(self) -> None:
        await self.disconnect()
        await self._client.aclose()
