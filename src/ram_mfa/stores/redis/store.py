# SPDX-License-Identifier: Apache-2.0
"""A store on Redis, for threads and processes: one server, one behind Sentinel, or a Cluster.

https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/

Fault model: with ``appendfsync always``, the death of the server; with ``replicas=n``, that of its machine too, where
a promoted replica is one of those that had the write. A promotion is seen (the replication id, asked within each
script), so what it may have lost is told; an unbind that it lost is not healed by that: ask for a replica. A master
that is cut off and does not know it goes on answering reads: set min-replicas-to-write, and keep its clients on its
side of no cut.
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
from .protocol import Action, Address, Beside, Exchange, Lost, NotSent, Pause, Refresh, Talk, Terms

T = TypeVar("T")

REFUSALS = (ResponseError, BusyLoadingError)
"""Errors that are replies: the server answered, and did not run the command."""

KEYS_AT_ONCE = 200_000
"""How many keys a listing remembers, so as to name each once: SCAN may name one twice."""


class RedisStore:
    """Records as plain values of a Redis database, which had best be the store's own.

    The client brings its addresses, its pool and its deadline (``socket_timeout``); its retries are switched off.

    Args:
        client: ``redis.Redis``, what ``Sentinel.master_for`` returns, or ``redis.RedisCluster``.
        replicas: how many replicas must have a swap before it is acknowledged: none on one server, and one behind
            Sentinel and in a Cluster, unless you say otherwise.
        unsafe_settings: what may be unsafe in the servers' configuration, by name: ``appendonly``, ``appendfsync``,
            ``no-appendfsync-on-rewrite``, ``maxmemory-policy``, ``replicas`` (fewer at the start than are asked for, or
            none asked for where another server may take over), ``CONFIG`` (not to be read).

    Raises:
        ValueError: the client waits for ever, or there is no such setting.
        UnsafeConfiguration: a server may lose what it acknowledges.
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
        self._terms = configuration.terms(self._servers.settings, movable=self._servers.movable, replicas=replicas)
        by_file = self._run(configuration.check(self._servers.addresses(), self._terms, unsafe))
        barrier = configuration.barrier(self._terms, by_file=by_file)
        self._terms = attrs.evolve(self._terms, barrier=barrier)

    def __repr__(self) -> str:
        return "<RedisStore>"

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return self._run(protocol.load(self._terms, key, None, None))

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        if old is None and new is None:
            return False
        return self._run(protocol.swap(self._terms, key, old, new, None, None))

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``.

        Reads all keys once for each ``KEYS_AT_ONCE`` of them. A server that restarts or is replaced meanwhile, and
        slots that move, end it in StoreUnavailable: keys might be left out.
        """
        addresses = self._servers.addresses()
        layout = [self._run(protocol.layout(self._terms, at)) for at in addresses]
        passes = 1 + sum(self._ask("DBSIZE", at) for at in addresses) // KEYS_AT_ONCE
        for part in range(passes):
            seen = set[str]()
            for address, there in zip(addresses, layout, strict=True):
                cursor, going = 0, True
                while going:
                    cursor, page = self._run(protocol.scan(self._terms, kind, cursor, address, there.run))
                    going = cursor != 0
                    yield from unseen(page, seen, part, passes)
            protocol.unmoved(layout, [self._run(protocol.layout(self._terms, at)) for at in addresses])

    def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``; a Cluster's is made of its masters'."""
        return ",".join(sorted(self._of_all(protocol.incarnation)))

    def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``; in a Cluster it is that of one of the masters."""
        return self._of_all(protocol.clock)[0]

    def _of_all(self, question: Callable[[Terms, Address | None], Talk[T]]) -> list[T]:
        """Ask all servers that take writes; anew where one of them has just been replaced."""
        until = time.monotonic() + self._terms.deadline
        while True:
            try:
                return [self._run(question(self._terms, at)) for at in self._servers.addresses()]
            except StoreUnavailable:
                if not self._terms.movable or time.monotonic() > until:
                    raise
            self._servers.refresh()
            time.sleep(0.05)

    def at(self, incarnation: str, /, *, beside: Beside = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``.

        Raises:
            TypeError: ``beside`` is given, and this is a Cluster: two keys are on different servers.
        """
        configuration.check_pin(self._servers.pins, beside)
        return _View(self, incarnation, beside)

    def close(self) -> None:
        """Close the client."""
        self._servers.close()

    def _ask(self, word: str, address: Address | None) -> Any:
        return self._run(protocol.ask(self._terms, (word,), address))

    def _run(self, steps: Talk[T]) -> T:
        """Run a conversation."""
        try:
            action = next(steps)
            while True:
                try:
                    done = self._do(action)
                except (NotSent, Lost) as error:
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
    """A store at one incarnation."""

    _store: RedisStore
    _at: str
    _beside: Beside

    def load(self, key: str, /) -> bytes | None:
        try:
            return self._store._run(protocol.load(self._store._terms, key, self._at, self._beside))  # noqa: SLF001 (its own)
        except HistoryLost as lost:
            raise HistoryLost(self._store.incarnation()) from lost

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        if old is None and new is None:
            return False
        try:
            steps = protocol.swap(self._store._terms, key, old, new, self._at, self._beside)  # noqa: SLF001 (its own view)
            return self._store._run(steps)  # noqa: SLF001 (likewise)
        except HistoryLost as lost:
            raise HistoryLost(self._store.incarnation()) from lost


def unseen(page: list[str], seen: set[str], part: int, passes: int) -> Iterator[str]:
    """Name the keys of a page that belong to this part of a listing and were not named before."""
    for key in page:
        if zlib.crc32(key.encode()) % passes == part and key not in seen:
            seen.add(key)
            yield key


def exchange(pool: Any, action: Exchange) -> list[Any]:
    """Send commands on one connection of a pool, and read a reply for each; retry nothing.

    A connection that another thread closes, as redis-py itself does to those of a node that is gone, ends in errors
    that are neither redis-py's nor the network's: whatever is raised, the connection is over.
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
            except REFUSALS as error:
                replies.append(error)
    except Exception as error:
        connection.disconnect()
        raise Lost(late=isinstance(error, (RedisTimeoutError, TimeoutError))) from error
    except BaseException:
        connection.disconnect()
        raise
    else:
        return replies
    finally:
        pool.release(connection)


class _Single:
    """One server: always the same, or the one that Sentinel names."""

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
    """The masters of a Cluster; who serves which key is what the client last heard."""

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
        with contextlib.suppress(Exception):  # whoever asks next is told
            self._client.nodes_manager.initialize()

    def close(self) -> None:
        self._client.close()
