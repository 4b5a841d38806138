# SPDX-License-Identifier: Apache-2.0
"""The commands sent to Redis and the meaning of its replies, without a socket; both stores run them.

https://redis.io/docs/latest/commands/wait/, https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/

A conversation is a generator. It yields what it wants done (``Exchange``, ``Refresh``, ``Pause``) and is sent the
replies, or thrown ``NotSent`` or ``Lost``.

The room's rule: a swap is asked again only where the server said that it did not run it, or where it was never sent.
WAIT follows its script on the same connection, in the same breath; its count is looked at, since it also answers
when its time is over.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import attrs
from redis import exceptions

from ...errors import HistoryLost, StoreUnavailable, StoreUncertain
from .scripts import LOAD, NOW, SWAP, Script, swap_arguments

T = TypeVar("T")

Word = str | bytes | int
Command = tuple[Word, ...]
Address = tuple[str, int]


class NotSent(Exception):
    """There is no connection: nothing was asked."""


class Lost(Exception):
    """The connection broke, or the reply did not come in time, after something was asked."""

    def __init__(self, *, late: bool) -> None:
        super().__init__(late)
        self.late = late


@attrs.frozen
class Exchange:
    """Send commands on one connection and read a reply for each; an error reply is a value among them.

    The connection is to ``address``, or else to whoever serves ``key``.
    """

    commands: tuple[Command, ...]
    key: str | None = None
    address: Address | None = None


@attrs.frozen
class Refresh:
    """Find out anew who serves what."""


@attrs.frozen
class Pause:
    """Wait a little."""

    seconds: float


Action = Exchange | Refresh | Pause
Talk = Generator[Action, Any, T]


@attrs.frozen(kw_only=True)
class Terms:
    """How a store talks.

    Attributes:
        deadline: seconds; how long nothing having landed is put up with.
        movable: whether another server may take over (Sentinel, Cluster), so that asking again is of use.
        barrier: what follows each swap: WAIT or WAITAOF, or nothing.
        replicas: how many replicas must have a swap.
    """

    deadline: float
    movable: bool
    barrier: Command | None
    replicas: int


_ELSEWHERE = (
    exceptions.AskError,  # MovedError is one
    exceptions.TryAgainError,
    exceptions.ClusterDownError,
    exceptions.ReadOnlyError,
    exceptions.BusyLoadingError,
)
"""Replies that say: not run, not here, or not now."""


Beside = tuple[str, bytes] | None
"""The key of a pinned record, and the record that must stand there."""


def load(terms: Terms, key: str, at: str | None, beside: Beside) -> Talk[bytes | None]:
    """Read a record of a master, together with the incarnation and the pinned record."""
    keys, pinned = ((key,), ()) if beside is None else ((key, beside[0]), (beside[1],))
    for again in (True, False):
        try:
            ((now, same, value),) = yield from _run(terms, LOAD, keys, *pinned)
        except Lost as error:
            # Reading twice does no harm; but a connection that was idle too long is no reason to fail.
            if error.late or not again:
                raise StoreUnavailable("Redis: no answer") from error
            continue
        if same != 1 or (at is not None and now.decode() not in at.split(",")):
            raise HistoryLost(now.decode())
        return _bytes_or_none(value)
    raise AssertionError  # the second turn returns or raises


def swap(  # noqa: PLR0917 (the words of a swap, and of a view)
    terms: Terms, key: str, old: bytes | None, new: bytes | None, at: str | None, beside: Beside
) -> Talk[bool]:
    """Compare and swap, and wait for those who must have it."""
    keys = (key,) if beside is None else (key, beside[0])
    barrier = () if terms.barrier is None else (terms.barrier,)
    try:
        replies = yield from _run(terms, SWAP, keys, *swap_arguments(old, new, at, beside), then=barrier)
    except Lost as error:
        raise StoreUncertain from error
    answer = replies[0]
    if isinstance(answer, bytes):
        raise HistoryLost(answer.decode())
    if answer not in {0, 1}:
        raise StoreUncertain
    if answer and barrier and not _passed(terms, replies[1]):
        raise StoreUncertain
    return bool(answer)


def ask(terms: Terms, command: Command, address: Address | None) -> Talk[Any]:
    """Ask one server something that changes nothing."""
    try:
        (answer,) = yield from _insist(attrs.evolve(terms, movable=False), (command,), None, address)
    except Lost as error:
        raise StoreUnavailable("Redis: no answer") from error
    return answer


def incarnation(terms: Terms, address: Address | None) -> Talk[str]:
    """Ask one server for the name of its history."""
    answer = yield from ask(terms, ("EVAL", NOW.text, 0), address)
    return str(answer.decode())


def clock(terms: Terms, address: Address | None) -> Talk[float]:
    """Ask one server what time it is."""
    seconds, microseconds = yield from ask(terms, ("TIME",), address)
    return int(seconds) + int(microseconds) / 1e6


@attrs.frozen
class Layout:
    """Which run of a server program answers at an address, and which slots of a Cluster it serves."""

    run: str
    slots: tuple[str, ...]


_MOVED = "Redis: a server was replaced, or slots moved, in the middle of a listing"


def layout(terms: Terms, address: Address | None) -> Talk[Layout]:
    """Ask a server who it is and what it serves."""
    slots: tuple[str, ...] = ()
    if address is not None:
        nodes = (yield from ask(terms, ("CLUSTER", "NODES"), address)).decode().splitlines()
        slots = tuple(next(line.split()[8:] for line in nodes if "myself" in line.split()[2]))
    return Layout(_run_id((yield from ask(terms, ("INFO", "server"), address))), slots)


def unmoved(before: list[Layout], after: list[Layout]) -> None:
    """Look whether all keys stayed where they were, so that each was met.

    Raises:
        StoreUnavailable: they did not, or slots are on the move (which are named in brackets).
    """
    if before != after or any(slot.startswith("[") for one in after for slot in one.slots):
        raise StoreUnavailable(_MOVED)


def scan(terms: Terms, kind: str, cursor: int, address: Address | None, run: str) -> Talk[tuple[int, list[str]]]:
    """Ask one run of a server for a stretch of the keys of a kind, where the cursor of the stretch before goes on.

    A cursor is a place in one run's hash table: on another server, or after a restart, it would pass keys over.
    """
    command = ("SCAN", cursor, "MATCH", kind + "?" * 43, "COUNT", 1000)
    try:
        found, info = yield from _insist(
            attrs.evolve(terms, movable=False), (command, ("INFO", "server")), None, address
        )
    except Lost as error:
        raise StoreUnavailable("Redis: no answer") from error
    if isinstance(info, Exception) or _run_id(info) != run:
        raise StoreUnavailable(_MOVED)
    return int(found[0]), [key.decode() for key in found[1]]


def _run_id(info: Any) -> str:
    text: str = info.decode()
    for line in text.splitlines():
        if line.startswith("run_id:"):
            return line
    raise StoreUnavailable("Redis: a server that does not tell its run_id cannot be listed")


def _run(
    terms: Terms, script: Script, keys: tuple[str, ...], *arguments: Word, then: tuple[Command, ...] = ()
) -> Talk[list[Any]]:
    """Run a script by its name, or by its text where the server has not seen it."""
    given = (len(keys), *keys, *arguments)
    try:
        return (yield from _insist(terms, (("EVALSHA", script.sha, *given), *then), keys[0]))
    except exceptions.NoScriptError:
        return (yield from _insist(terms, (("EVAL", script.text, *given), *then), keys[0]))


def _insist(
    terms: Terms, commands: tuple[Command, ...], key: str | None, address: Address | None = None
) -> Talk[list[Any]]:
    """Ask until a server that is responsible has run the first command.

    Raises:
        StoreUnavailable: none has, for certain.
        NoScriptError: it does not know the script.
        Lost: it is not known whether one has.
    """
    until = time.monotonic() + terms.deadline
    there, asking = address, False
    while True:
        trouble: Exception
        try:
            replies = yield Exchange((("ASKING",), *commands) if asking else commands, key, there)
        except NotSent as error:
            trouble = error
        else:
            first = replies[1 if asking else 0]
            if not isinstance(first, Exception):
                return replies[1:] if asking else replies  # type: ignore[no-any-return]
            if isinstance(first, exceptions.NoScriptError):
                raise first
            if not isinstance(first, _ELSEWHERE):
                raise StoreUnavailable(f"Redis: {first}") from first
            trouble = first
        asking = isinstance(trouble, exceptions.AskError) and not isinstance(trouble, exceptions.MovedError)
        if isinstance(trouble, exceptions.AskError) and asking:
            there = (trouble.host, trouble.port)
            continue
        there = address
        if not terms.movable or time.monotonic() > until:
            raise StoreUnavailable(f"Redis: {trouble}") from trouble
        yield Refresh()
        yield Pause(0.05)


def _passed(terms: Terms, reply: Any) -> bool:
    """Say whether a barrier let the swap through: WAIT answers with a count, WAITAOF with two."""
    if isinstance(reply, int):
        return reply >= terms.replicas
    if isinstance(reply, list) and len(reply) == 2:
        return bool(reply[0] >= 1 and reply[1] >= terms.replicas)
    return False


def _bytes_or_none(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
