# SPDX-License-Identifier: Apache-2.0
"""The settings that a Redis server needs as a store; checked when the store is opened.

https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/,
https://redis.io/docs/latest/develop/reference/eviction/

A Redis as it is installed keeps snapshots only: it loses minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redis import exceptions

from ...errors import StoreUnavailable
from .protocol import Address, Beside, Command, Exchange, Lost, NotSent, Talk, Terms

SETTINGS = ("CONFIG", "appendfsync", "appendonly", "maxmemory-policy", "no-appendfsync-on-rewrite", "replicas")
"""The names by which a caller can say that a setting may be unsafe; CONFIG: that it may be unreadable."""


class UnsafeConfiguration(ValueError):
    """A Redis server loses, or may lose, what it acknowledged.

    Attributes:
        settings: by which settings.
    """

    def __init__(self, settings: tuple[str, ...]) -> None:
        super().__init__(
            f"this Redis may lose what it acknowledges ({', '.join(settings)}): set appendonly yes, appendfsync "
            "always, no-appendfsync-on-rewrite no, maxmemory-policy noeviction, as many replicas as are asked for; "
            "or name them in unsafe_settings"
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


def barrier(terms: Terms, *, by_file: bool) -> Command | None:
    """Return what follows each swap, for at most four fifths of the deadline."""
    wait, replicas = max(1, int(terms.deadline * 800)), terms.replicas
    if by_file:
        return ("WAITAOF", 1, replicas, wait)
    return ("WAIT", replicas, wait) if replicas else None


def check(addresses: Iterable[Address | None], terms: Terms, unsafe: frozenset[str]) -> Talk[bool]:
    """Ask every server that takes writes what it is set to; return whether swaps must wait for the file (WAITAOF).

    Raises:
        UnsafeConfiguration: one is set up unsafely, and that was not allowed by name.
        StoreUnavailable: one does not answer, or is a replica.
    """
    by_file = False
    for address in addresses:
        names = ("appendonly", "appendfsync", "maxmemory-policy", "no-appendfsync-on-rewrite")
        commands: tuple[Command, ...] = tuple(("CONFIG", "GET", name) for name in names)
        try:
            *settings, info = yield Exchange((*commands, ("INFO",)), None, address)
        except (NotSent, Lost) as error:
            raise StoreUnavailable(f"Redis: {error.__cause__ or 'no answer'}") from error
        if isinstance(info, Exception):
            raise StoreUnavailable(f"Redis: {info}") from info
        said = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
        if said.get("role") != "master":
            raise StoreUnavailable("this Redis only follows another: what it answers may be old")
        problems = set[str]()
        found = dict(zip(names, map(_setting, settings), strict=True))
        if None in found.values():
            problems.add("CONFIG")
        if found["appendonly"] not in {None, "yes"}:
            problems.add("appendonly")
        if found["appendfsync"] not in {None, "always"}:
            if _version(said.get("redis_version", "")) >= (7, 2):
                by_file = True
            else:
                problems.add("appendfsync")
        if found["maxmemory-policy"] not in {None, "noeviction"}:
            problems.add("maxmemory-policy")
        if found["no-appendfsync-on-rewrite"] not in {None, "no"}:  # then nothing is synced while a child saves
            problems.add("no-appendfsync-on-rewrite")
        # Where another server may take over, it takes over without what no replica had: an unbind, for ever.
        if int(said.get("connected_slaves", 0)) < terms.replicas or (terms.movable and not terms.replicas):
            problems.add("replicas")
        if problems - unsafe:
            raise UnsafeConfiguration(tuple(sorted(problems - unsafe)))
        by_file = by_file and not problems & {"appendonly", "appendfsync"}
    return by_file


def _setting(reply: Any) -> str | None:
    """Return a setting out of a reply to CONFIG GET, in either protocol; None where it may not be read."""
    if isinstance(reply, exceptions.RedisError) or not reply:
        return None
    value = next(iter(reply.values())) if isinstance(reply, dict) else reply[1]
    return str(value.decode())


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def deadline_of(settings: Any) -> float:
    """Return how long a client's connections wait for a reply.

    Raises:
        ValueError: for ever.
    """
    seconds = settings.get("socket_timeout")
    if not seconds or not seconds > 0:
        raise ValueError("a store's calls end by a deadline: give the client a socket_timeout")
    return float(seconds)


def check_pool(pool: Any) -> None:
    """Look whether a client's pool ever ends the wait for one of its connections.

    Raises:
        ValueError: it does not.
    """
    if getattr(pool, "timeout", 0) is None:
        raise ValueError("a store's calls end by a deadline: give the client's connection pool a timeout")


def check_pin(possible: bool, beside: Beside) -> None:  # noqa: FBT001
    """Refuse to pin a record where it and others are in different slots, and so perhaps on different servers.

    Raises:
        TypeError: a record is to be pinned in a Cluster.
    """
    if beside is not None and not possible:
        raise TypeError("a Redis Cluster cannot compare two records in one step: it takes no beside")


def terms(settings: Any, *, movable: bool, replicas: int | None) -> Terms:
    """Return how a store talks before it has asked the servers anything.

    Raises:
        ValueError: the client waits for ever, or the number of replicas is none.
    """
    if replicas is None:
        replicas = int(movable)
    if replicas < 0:
        raise ValueError("the number of replicas that must have a swap is 0 or more")
    return Terms(deadline=deadline_of(settings), movable=movable, barrier=None, replicas=replicas)
