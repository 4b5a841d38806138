# SPDX-License-Identifier: Apache-2.0
"""The same store on Redis, awaited: the conversations of ``protocol``, on redis-py's asyncio connections.

A call that is cancelled closes its connection; the server may still land what it was asked.
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
from .fair_pool import Line, exchange
from .protocol import Action, Address, Beside, Exchange, Lost, NotSent, Pause, Refresh, Talk, Terms
from .store import KEYS_AT_ONCE, unseen

T = TypeVar("T")


class AsyncRedisStore:
    """``RedisStore`` for one event loop; ``await AsyncRedisStore.open(client)`` makes one.

    Give the client a ``BlockingConnectionPool`` where many tasks share it: the ordinary pool opens a connection for
    each, and refuses the one too many.
    """

    def __init__(self, servers: _Single | _Cluster, terms: Terms) -> None:
        self._servers = servers
        self._terms = terms

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
        terms = configuration.terms(servers.settings, movable=servers.movable, replicas=replicas)
        store = cls(servers, terms)
        try:
            by_file = await store._run(configuration.check(await servers.addresses(), terms, unsafe))
        except BaseException:
            await servers.let_go()
            raise
        barrier = configuration.barrier(terms, by_file=by_file)
        store._terms = attrs.evolve(terms, barrier=barrier)
        return store

    def __repr__(self) -> str:
        return "<AsyncRedisStore>"

    async def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return await self._run(protocol.load(self._terms, key, None, None))

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        if old is None and new is None:
            return False
        return await self._run(protocol.swap(self._terms, key, old, new, None, None))

    async def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``RedisStore.keys``."""
        addresses = await self._servers.addresses()
        layout = [await self._run(protocol.layout(self._terms, at)) for at in addresses]
        passes = 1 + sum([await self._ask("DBSIZE", at) for at in addresses]) // KEYS_AT_ONCE
        for part in range(passes):
            seen = set[str]()
            for address, there in zip(addresses, layout, strict=True):
                cursor, going = 0, True
                while going:
                    cursor, page = await self._run(protocol.scan(self._terms, kind, cursor, address, there.run))
                    going = cursor != 0
                    for key in unseen(page, seen, part, passes):
                        yield key
            protocol.unmoved(layout, [await self._run(protocol.layout(self._terms, at)) for at in addresses])

    async def incarnation(self) -> str:
        """See ``RedisStore.incarnation``."""
        return ",".join(sorted(await self._of_all(protocol.incarnation)))

    async def clock(self) -> float:
        """See ``RedisStore.clock``."""
        return (await self._of_all(protocol.clock))[0]

    async def _of_all(self, question: Callable[[Terms, Address | None], Talk[T]]) -> list[T]:
        until = time.monotonic() + self._terms.deadline
        while True:
            try:
                return [await self._run(question(self._terms, at)) for at in await self._servers.addresses()]
            except StoreUnavailable:
                if not self._terms.movable or time.monotonic() > until:
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
        return await self._run(protocol.ask(self._terms, (word,), address))

    async def _run(self, steps: Talk[T]) -> T:
        """Run a conversation."""
        try:
            action = next(steps)
            while True:
                try:
                    done = await self._do(action)
                except (NotSent, Lost) as error:
                    action = steps.throw(error)
                else:
                    action = steps.send(done)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    async def _do(self, action: Action) -> Any:
        match action:
            case Exchange():
                return await exchange(await self._servers.line(action), action)
            case Refresh():
                return await self._servers.refresh()
            case Pause():
                return await asyncio.sleep(action.seconds)


@attrs.frozen
class _View:
    """A store at one incarnation."""

    _store: AsyncRedisStore
    _at: str
    _beside: Beside

    async def load(self, key: str, /) -> bytes | None:
        steps = protocol.load(self._store._terms, key, self._at, self._beside)  # noqa: SLF001 (its own view)
        try:
            return await self._store._run(steps)  # noqa: SLF001 (likewise)
        except HistoryLost as lost:
            raise HistoryLost(await self._store.incarnation()) from lost

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        if old is None and new is None:
            return False
        steps = protocol.swap(self._store._terms, key, old, new, self._at, self._beside)  # noqa: SLF001 (its own view)
        try:
            return await self._store._run(steps)  # noqa: SLF001 (likewise)
        except HistoryLost as lost:
            raise HistoryLost(await self._store.incarnation()) from lost


class _Single:
    """One server: always the same, or the one that Sentinel names."""

    pins = True

    def __init__(self, client: aio.Redis) -> None:
        self._client = client
        self._pool = client.connection_pool
        configuration.check_pool(self._pool)
        self._pool.set_retry(Retry(NoBackoff(), 0))
        self._line = Line(self._pool)
        self.settings: dict[str, Any] = self._pool.connection_kwargs
        self.movable: bool = isinstance(self._pool, SentinelConnectionPool)

    async def addresses(self) -> list[Address | None]:
        return [None]

    async def line(self, _action: Exchange) -> Line:
        return self._line

    async def refresh(self) -> None:
        await self._pool.disconnect(inuse_connections=False)  # the next connection asks Sentinel

    async def let_go(self) -> None:
        """Close what is not the client's own."""

    async def close(self) -> None:
        await self._client.aclose()
        await self._pool.disconnect()


class _Cluster:
    """The masters of a Cluster; who serves which key is what the client last heard.

    The client's own nodes have no pool that waits, so each master gets one here.
    """

    movable = True
    pins = False

    def __init__(self, client: aio.RedisCluster) -> None:
        self._client = client
        self.settings: dict[str, Any] = client.get_connection_kwargs()
        self._lines: dict[Address, Line] = {}

    async def addresses(self) -> list[Address | None]:
        await self._known()
        return [(node.host, int(node.port)) for node in self._client.get_primaries()]

    async def line(self, action: Exchange) -> Line:
        await self._known()
        try:
            if action.address is not None:
                node = self._client.get_node(*action.address)
            else:
                node = self._client.get_node_from_key(str(action.key))
        except Exception as error:
            raise NotSent(f"{type(error).__name__}: {error}") from error
        if node is None:
            raise NotSent("the Cluster has no such node")
        place = (node.host, int(node.port))
        if place not in self._lines:
            pool = aio.BlockingConnectionPool(
                max_connections=50,
                timeout=configuration.deadline_of(self.settings),
                connection_class=node.connection_class,
                **node.connection_kwargs,
            )
            self._lines[place] = Line(pool)
        return self._lines[place]

    async def _known(self) -> None:
        try:
            _ = await self._client.initialize()
        except Exception as error:
            raise StoreUnavailable(f"Redis: {type(error).__name__}: {error}") from error

    async def refresh(self) -> None:
        with contextlib.suppress(Exception):  # whoever asks next is told
            await self._client.nodes_manager.initialize()

    async def let_go(self) -> None:
        for line in self._lines.values():
            await line.pool.disconnect()

    async def close(self) -> None:
        await self.let_go()
        await self._client.aclose()
