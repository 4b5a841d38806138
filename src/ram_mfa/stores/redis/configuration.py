# SPDX-License-Identifier: Apache-2.0
"""Checks of the Redis servers' settings and of the client, made when a store is opened.

https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/,
https://redis.io/docs/latest/develop/reference/eviction/

With its default settings, Redis saves snapshots only, and can lose minutes of writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redis import exceptions

from ...errors import StoreUnavailable
from .protocol import Address, Beside, Command, Conversation, Exchange, NotSent, Parameters, ReplyLost

SETTINGS = ("CONFIG", "appendfsync", "appendonly", "maxmemory-policy", "no-appendfsync-on-rewrite", "replicas")
"""The settings that a caller may allow to be unsafe; ``CONFIG`` allows them to be unreadable."""


class UnsafeConfiguration(ValueError):
    """A Redis server can lose acknowledged writes.

    Attributes:
        settings: the names of the unsafe settings.
    """

    def __init__(self, settings: tuple[str, ...]) -> None:
        super().__init__(
            f"this Redis server can lose acknowledged writes ({', '.join(settings)}): set appendonly yes, appendfsync "
            "always, no-appendfsync-on-rewrite no, maxmemory-policy noeviction, and connect the required replicas; "
            "or name the exceptions in unsafe_settings"
        )
        self.settings = settings


def allowed(unsafe_settings: Iterable[str]) -> frozenset[str]:
    """Return the settings that may be unsafe.

    Raises:
        ValueError: there is no such setting.
    """
    names = frozenset(unsafe_settings)
    if unknown := names.difference(SETTINGS):
        raise ValueError(f"no such setting: {', '.join(sorted(unknown))}; there are {', '.join(SETTINGS)}")
    return names


def barrier(parameters: Parameters, *, by_file: bool) -> Command | None:
    """Return the command that follows each swap and waits for file and replicas, up to four fifths of the deadline."""
    wait, replicas = max(1, int(parameters.deadline * 800)), parameters.replicas
    if by_file:
        return ("WAITAOF", 1, replicas, wait)
    return ("WAIT", replicas, wait) if replicas else None


def check(addresses: Iterable[Address | None], parameters: Parameters, unsafe: frozenset[str]) -> Conversation[bool]:
    """Check the settings of every server that accepts writes; return whether swaps must wait for the file (WAITAOF).

    Raises:
        UnsafeConfiguration: a setting is unsafe, and is not in ``unsafe``.
        StoreUnavailable: a server does not answer, or is a replica.
    """
    by_file = False
    for address in addresses:
        names = ("appendonly", "appendfsync", "maxmemory-policy", "no-appendfsync-on-rewrite")
        commands: tuple[Command, ...] = tuple(("CONFIG", "GET", name) for name in names)
        try:
            *settings, info = yield Exchange((*commands, ("INFO",)), None, address)
        except (NotSent, ReplyLost) as error:
            raise StoreUnavailable(f"Redis: {error.__cause__ or 'no answer'}") from error
        if isinstance(info, Exception):
            raise StoreUnavailable(f"Redis: {info}") from info
        information = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
        if information.get("role") != "master":
            raise StoreUnavailable("this Redis server is a replica: its data may be stale")
        problems = set[str]()
        found = dict(zip(names, map(_setting, settings), strict=True))
        if None in found.values():
            problems.add("CONFIG")
        if found["appendonly"] not in {None, "yes"}:
            problems.add("appendonly")
        if found["appendfsync"] not in {None, "always"}:
            if _version(information.get("redis_version", "")) >= (7, 2):
                by_file = True
            else:
                problems.add("appendfsync")
        if found["maxmemory-policy"] not in {None, "noeviction"}:
            problems.add("maxmemory-policy")
        # Unless it is "no", nothing is synced while a child process saves.
        if found["no-appendfsync-on-rewrite"] not in {None, "no"}:
            problems.add("no-appendfsync-on-rewrite")
        # A server that takes over lacks every write that no replica had, and so loses an unbind permanently.
        required, connected = parameters.replicas, int(information.get("connected_slaves", 0))
        if connected < required or (parameters.movable and not required):
            problems.add("replicas")
        if problems - unsafe:
            raise UnsafeConfiguration(tuple(sorted(problems - unsafe)))
        by_file = by_file and not problems & {"appendonly", "appendfsync"}
    return by_file


def _setting(reply: Any) -> str | None:
    """Return the value in a reply to CONFIG GET, in either protocol version; None if it could not be read."""
    if isinstance(reply, exceptions.RedisError) or not reply:
        return None
    value = next(iter(reply.values())) if isinstance(reply, dict) else reply[1]
    return str(value.decode())


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def deadline_of(settings: Any) -> float:
    """Return how many seconds a client's connections wait for a reply.

    Raises:
        ValueError: they wait without a limit.
    """
    seconds = settings.get("socket_timeout")
    if not seconds or not seconds > 0:
        raise ValueError("a store's calls end by a deadline: give the client a socket_timeout")
    return float(seconds)


def check_pool(pool: Any) -> None:
    """Check that a client's pool bounds the wait for a connection.

    Raises:
        ValueError: it does not.
    """
    if getattr(pool, "timeout", 0) is None:
        raise ValueError("a store's calls end by a deadline: give the client's connection pool a timeout")


def check_pin(possible: bool, beside: Beside) -> None:  # noqa: FBT001
    """Refuse a pinned record in a Cluster, where it and other records may be on different servers.

    Raises:
        TypeError: a record is pinned, and this is a Cluster.
    """
    if beside is not None and not possible:
        raise TypeError("a Redis Cluster cannot compare two records atomically, so beside= is not supported")


def parameters(settings: Any, *, movable: bool, replicas: int | None) -> Parameters:
    """Return the parameters of a store before the servers' settings are known.

    Raises:
        ValueError: the client waits without a limit, or the number of replicas is negative.
    """
    if replicas is None:
        replicas = int(movable)
    if replicas < 0:
        raise ValueError("the number of replicas that must have a swap is 0 or more")
    return Parameters(deadline=deadline_of(settings), movable=movable, barrier=None, replicas=replicas)
