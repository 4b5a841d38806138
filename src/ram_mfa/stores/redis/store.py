# SPDX-License-Identifier: Apache-2.0
"""A store on Redis for threads and processes: on one server, on one behind Sentinel, or on a Cluster.

https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/

Fault model: with ``appendfsync always``, acknowledged writes survive the death of the server; with ``replicas=n``, also
that of its machine, if the promoted replica is one of those that had the write. A promotion is detected by the
replication id, which each script compares. That does not restore an unbind that the promotion lost, so require a
replica. Set ``min-replicas-to-write``, so that an isolated master stops accepting writes; clients on its side of a
partition can still read stale data from it.

The connections are those of redis-py's own pools, which discard inherited connections after a fork.
"""

from __future__ import annotations

import contextlib
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import attrs
import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

from ...errors import HistoryLost, StoreUnavailable
from . import configuration, protocol
from .protocol import Action, Address, Beside, Conversation, Exchange, NotSent, Parameters, Pause, Refresh, ReplyLost

T = TypeVar("T")

ERROR_REPLIES = (ResponseError, BusyLoadingError)
"""Errors that redis-py raises for an error reply: the server did not run the command."""

KEYS_AT_ONCE = 200_000
"""The most keys that a listing remembers, to yield each key once; SCAN may return a key twice."""


class RedisStore:
    """Records as plain values of a Redis database, which should be used for nothing else.

    The client brings its addresses, its pool and its deadline (``socket_timeout``); the store turns its retries off.

    Args:
        client: ``redis.Redis``, the result of ``Sentinel.master_for``, or ``redis.RedisCluster``.
        replicas: how many replicas must have a swap before it is acknowledged. The default is 0 on one server, and 1
            behind Sentinel and in a Cluster.
        unsafe_settings: the names of the settings that may be unsafe: ``appendonly``, ``appendfsync``,
            ``no-appendfsync-on-rewrite``, ``maxmemory-policy``, ``replicas`` (fewer are connected at the start than are
            required, or none is required although another server may take over), ``CONFIG`` (cannot be read).

    Raises:
        ValueError: the client waits without a limit, or there is no such setting.
        UnsafeConfiguration: a server can lose acknowledged writes.
        StoreUnavailable: a server does not answer.
    """

    def __init__(
        self,
        client: redis.Redis | redis.RedisCluster,
        *,
        replicas: int | None = None,
        unsafe_settings: Iterable[str] = (),
    ) -> None:
        unsafe = configuration.allowed(unsafe_settings)
        self._servers = _Cluster(client) if isinstance(client, redis.RedisCluster) else _Single(client)
        self._parameters = configuration.parameters(
            self._servers.settings, movable=self._servers.movable, replicas=replicas
        )
        by_file = self._run(configuration.check(self._servers.addresses(), self._parameters, unsafe))
        barrier = configuration.barrier(self._parameters, by_file=by_file)
        self._parameters = attrs.evolve(self._parameters, barrier=barrier)

    def __repr__(self) -> str:
        return "<RedisStore>"

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return self._run(protocol.load(self._parameters, key, None, None))

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        if old is None and new is None:
            return False
        return self._run(protocol.swap(self._parameters, key, old, new, None, None))

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``.

        The whole database is scanned once for each ``KEYS_AT_ONCE`` keys. If a server restarts or is replaced
        meanwhile, or slots move, keys could be missing, and the listing raises StoreUnavailable.
        """
        addresses = self._servers.addresses()
        layout = [self._run(protocol.layout(self._parameters, at)) for at in addresses]
        passes = 1 + sum(self._ask("DBSIZE", at) for at in addresses) // KEYS_AT_ONCE
        for part in range(passes):
            seen = set[str]()
            for address, server in zip(addresses, layout, strict=True):
                cursor, more = 0, True
                while more:
                    cursor, page = self._run(protocol.scan(self._parameters, kind, cursor, address, server.run))
                    more = cursor != 0
                    yield from new_keys(page, seen, part, passes)
            protocol.check_layout(layout, [self._run(protocol.layout(self._parameters, at)) for at in addresses])

    def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``; a Cluster's consists of those of its masters."""
        return ",".join(sorted(self._ask_all(protocol.incarnation)))

    def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``; in a Cluster, the clock of one of its masters."""
        return self._ask_all(protocol.clock)[0]

    def _ask_all(self, question: Callable[[Parameters, Address | None], Conversation[T]]) -> list[T]:
        """Ask all servers that accept writes, and again if one of them has just been replaced."""
        until = time.monotonic() + self._parameters.deadline
        while True:
            try:
                return [self._run(question(self._parameters, at)) for at in self._servers.addresses()]
            except StoreUnavailable:
                if not self._parameters.movable or time.monotonic() > until:
                    raise
            self._servers.refresh()
            time.sleep(0.05)

    def at(self, incarnation: str, /, *, beside: Beside = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``.

        Raises:
            TypeError: ``beside`` is given, and this is a Cluster, in which two keys may be on different servers.
        """
        configuration.check_pin(self._servers.pins, beside)
        return _View(self, incarnation, beside)

    def close(self) -> None:
        """Close the client."""
        self._servers.close()

    def _ask(self, word: str, address: Address | None) -> Any:
        return self._run(protocol.ask(self._parameters, (word,), address))

    def _run(self, steps: Conversation[T]) -> T:
        """Run a conversation."""
        try:
            action = next(steps)
            while True:
                try:
                    done = self._do(action)
                except (NotSent, ReplyLost) as error:
                    action = steps.throw(error)
                else:
                    action = steps.send(done)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def _do(self, action: Action) -> Any:
        match action:
            case Exchange():
                return exchange(self._servers.pool(action), action)
            case Refresh():
                return self._servers.refresh()
            case Pause():
                return time.sleep(action.seconds)


@attrs.frozen
class _View:
    """A store bound to one incarnation and one pinned record."""

    _store: RedisStore
    _incarnation: str
    _beside: Beside

    def load(self, key: str, /) -> bytes | None:
        try:
            return self._store._run(protocol.load(self._store._parameters, key, self._incarnation, self._beside))  # noqa: SLF001 (its own)
        except HistoryLost as lost:
            raise HistoryLost(self._store.incarnation()) from lost

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        if old is None and new is None:
            return False
        try:
            steps = protocol.swap(self._store._parameters, key, old, new, self._incarnation, self._beside)  # noqa: SLF001 (its own view)
            return self._store._run(steps)  # noqa: SLF001 (likewise)
        except HistoryLost as lost:
            raise HistoryLost(self._store.incarnation()) from lost


def new_keys(page: list[str], seen: set[str], part: int, passes: int) -> Iterator[str]:
    """Yield the keys of a page that belong to this pass of a listing and were not yielded before."""
    for key in page:
        if zlib.crc32(key.encode()) % passes == part and key not in seen:
            seen.add(key)
            yield key


def exchange(pool: Any, action: Exchange) -> list[Any]:
    """Send commands on one connection of a pool, and read a reply for each, without retries.

    Every exception is caught, because a connection that another thread closes (redis-py does so for a node that is
    gone) raises exceptions of other kinds than redis-py's and the network's.
    """
    try:
        connection = pool.get_connection()
    except Exception as error:
        raise NotSent(f"{type(error).__name__}: {error}") from error
    try:
        packed = connection.pack_commands(action.commands)
        connection.send_packed_command(packed, check_health=False)
        replies: list[Any] = []
        for _ in action.commands:
            try:
                replies.append(connection.read_response(disable_decoding=True))
            except ERROR_REPLIES as error:
                replies.append(error)
    except Exception as error:
        connection.disconnect()
        raise ReplyLost(late=isinstance(error, (RedisTimeoutError, TimeoutError))) from error
    except BaseException:
        connection.disconnect()
        raise
    else:
        return replies
    finally:
        pool.release(connection)


class _Single:
    """One server: a fixed one, or the current master according to Sentinel."""

    pins = True

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._pool = client.connection_pool
        configuration.check_pool(self._pool)
        self._pool.set_retry(Retry(NoBackoff(), 0))
        self.settings = self._pool.connection_kwargs
        self.movable = isinstance(self._pool, SentinelConnectionPool)

    def addresses(self) -> list[Address | None]:
        return [None]

    def pool(self, _action: Exchange) -> Any:
        return self._pool

    def refresh(self) -> None:
        self._pool.disconnect(inuse_connections=False)  # the next connection asks Sentinel

    def close(self) -> None:
        self._client.close()


class _Cluster:
    """The masters of a Cluster, with the layout that the client last fetched."""

    movable = True
    pins = False

    def __init__(self, client: Any) -> None:  # a RedisCluster, much of which has no types
        self._client = client
        self.settings = self._client.get_connection_kwargs()

    def addresses(self) -> list[Address | None]:
        return [(node.host, node.port) for node in self._client.get_primaries()]

    def pool(self, action: Exchange) -> Any:
        try:
            if action.address is not None:
                node = self._client.get_node(*action.address)
            else:
                node = self._client.get_node_from_key(action.key)
            if node is not None:
                return self._client.get_redis_connection(node).connection_pool
        except Exception as error:
            raise NotSent(f"{type(error).__name__}: {error}") from error
        raise NotSent("the Cluster has no such node")

    def refresh(self) -> None:
        with contextlib.suppress(Exception):  # the next command raises the error
            self._client.nodes_manager.initialize()

    def close(self) -> None:
        self._client.close()
