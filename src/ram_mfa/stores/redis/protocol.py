# SPDX-License-Identifier: Apache-2.0
"""The commands sent to Redis and the meaning of its replies, without I/O; the sync and the async store share them.

https://redis.io/docs/latest/commands/wait/, https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/

A conversation is a generator. It yields actions (``Exchange``, ``Refresh``, ``Pause``), and its driver sends it the
replies, or throws ``NotSent`` or ``ReplyLost``.

Invariant: a swap is repeated only if it was never sent, or if the server replied that it did not run it. WAIT is sent
together with its script, on the same connection; the count in its reply is checked, because it also replies when its
time is over.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import attrs
from redis import exceptions

from ...errors import HistoryLost, StoreUnavailable, StoreUncertain
from .scripts import INCARNATION, LOAD, SWAP, Script, swap_arguments

T = TypeVar("T")

Word = str | bytes | int
Command = tuple[Word, ...]
Address = tuple[str, int]


class NotSent(Exception):
    """There was no connection, so no command was sent."""


class ReplyLost(Exception):
    """The connection broke, or the reply did not come in time, after a command was sent."""

    def __init__(self, *, late: bool) -> None:
        super().__init__(late)
        self.late = late


@attrs.frozen
class Exchange:
    """Send commands on one connection and read a reply for each; an error reply is a value among them.

    The connection is to ``address`` or, without one, to the server of ``key``.
    """

    commands: tuple[Command, ...]
    key: str | None = None
    address: Address | None = None


@attrs.frozen
class Refresh:
    """Fetch the addresses of the servers again."""


@attrs.frozen
class Pause:
    """Wait for some seconds."""

    seconds: float


Action = Exchange | Refresh | Pause
Conversation = Generator[Action, Any, T]


@attrs.frozen(kw_only=True)
class Parameters:
    """The parameters of a store's conversations.

    Attributes:
        deadline: seconds for which a command that was not run is repeated.
        movable: whether another server may take over (Sentinel, Cluster), so that repeating a command can help.
        barrier: the command after each swap: WAIT, WAITAOF, or none.
        replicas: how many replicas must have a swap.
    """

    deadline: float
    movable: bool
    barrier: Command | None
    replicas: int


_NOT_RUN = (
    exceptions.AskError,  # MovedError is one
    exceptions.TryAgainError,
    exceptions.ClusterDownError,
    exceptions.ReadOnlyError,
    exceptions.BusyLoadingError,
)
"""Error replies to a command that the server did not run, because another one serves the key or it is not ready."""


Beside = tuple[str, bytes] | None
"""The key of a pinned record, and the value that it must have."""


def load(parameters: Parameters, key: str, at: str | None, beside: Beside) -> Conversation[bytes | None]:
    """Read a record from a master, and compare the incarnation and the pinned record."""
    keys, pinned = ((key,), ()) if beside is None else ((key, beside[0]), (beside[1],))
    for may_retry in (True, False):
        try:
            ((name, pinned_found, value),) = yield from _run(parameters, LOAD, keys, *pinned)
        except ReplyLost as error:
            # Repeating a read is harmless, and an idle connection may just have been closed by the server.
            if error.late or not may_retry:
                raise StoreUnavailable("Redis: no answer") from error
            continue
        if pinned_found != 1 or (at is not None and name.decode() not in at.split(",")):
            raise HistoryLost(name.decode())
        return _bytes_or_none(value)
    raise AssertionError  # the second attempt returns or raises


def swap(  # noqa: PLR0917 (the arguments of a swap, and of a view)
    parameters: Parameters, key: str, old: bytes | None, new: bytes | None, at: str | None, beside: Beside
) -> Conversation[bool]:
    """Compare and swap, and wait for the required replicas."""
    keys = (key,) if beside is None else (key, beside[0])
    barrier = () if parameters.barrier is None else (parameters.barrier,)
    try:
        replies = yield from _run(parameters, SWAP, keys, *swap_arguments(old, new, at, beside), then=barrier)
    except ReplyLost as error:
        raise StoreUncertain from error
    answer = replies[0]
    if isinstance(answer, bytes):
        raise HistoryLost(answer.decode())
    if answer not in {0, 1}:
        raise StoreUncertain
    if answer and barrier and not _is_replicated(parameters, replies[1]):
        raise StoreUncertain
    return bool(answer)


def ask(parameters: Parameters, command: Command, address: Address | None) -> Conversation[Any]:
    """Send one server a command that changes nothing."""
    try:
        (answer,) = yield from _send(attrs.evolve(parameters, movable=False), (command,), None, address)
    except ReplyLost as error:
        raise StoreUnavailable("Redis: no answer") from error
    return answer


def incarnation(parameters: Parameters, address: Address | None) -> Conversation[str]:
    """Ask one server for the name of its history."""
    answer = yield from ask(parameters, ("EVAL", INCARNATION.text, 0), address)
    return str(answer.decode())


def clock(parameters: Parameters, address: Address | None) -> Conversation[float]:
    """Ask one server for its time, in seconds since the epoch."""
    seconds, microseconds = yield from ask(parameters, ("TIME",), address)
    return int(seconds) + int(microseconds) / 1e6


@attrs.frozen
class Layout:
    """The run id of the server process at an address, and the slots of a Cluster that it serves."""

    run: str
    slots: tuple[str, ...]


_LISTING_INTERRUPTED = "Redis: a server was replaced, or slots moved, during a listing"


def layout(parameters: Parameters, address: Address | None) -> Conversation[Layout]:
    """Ask a server for its run id and its slots."""
    slots: tuple[str, ...] = ()
    if address is not None:
        nodes = (yield from ask(parameters, ("CLUSTER", "NODES"), address)).decode().splitlines()
        slots = tuple(next(line.split()[8:] for line in nodes if "myself" in line.split()[2]))
    return Layout(_run_id((yield from ask(parameters, ("INFO", "server"), address))), slots)


def check_layout(before: list[Layout], after: list[Layout]) -> None:
    """Check that no key moved during a listing, so that none was missed.

    Raises:
        StoreUnavailable: the layout changed, or slots are being moved (their entries are in brackets).
    """
    if before != after or any(slot.startswith("[") for one in after for slot in one.slots):
        raise StoreUnavailable(_LISTING_INTERRUPTED)


def scan(
    parameters: Parameters, kind: str, cursor: int, address: Address | None, run: str
) -> Conversation[tuple[int, list[str]]]:
    """Ask one run of a server for the next page of the keys of a kind, and for the cursor of the page after it.

    A cursor is a position in the hash table of one run; on another server, or after a restart, it would skip keys.
    """
    command = ("SCAN", cursor, "MATCH", kind + "?" * 43, "COUNT", 1000)
    try:
        found, info = yield from _send(
            attrs.evolve(parameters, movable=False), (command, ("INFO", "server")), None, address
        )
    except ReplyLost as error:
        raise StoreUnavailable("Redis: no answer") from error
    if isinstance(info, Exception) or _run_id(info) != run:
        raise StoreUnavailable(_LISTING_INTERRUPTED)
    return int(found[0]), [key.decode() for key in found[1]]


def _run_id(info: Any) -> str:
    text: str = info.decode()
    for line in text.splitlines():
        if line.startswith("run_id:"):
            return line
    raise StoreUnavailable("Redis: a server that does not report its run_id cannot be listed")


def _run(
    parameters: Parameters, script: Script, keys: tuple[str, ...], *arguments: Word, then: tuple[Command, ...] = ()
) -> Conversation[list[Any]]:
    """Run a script by its SHA-1, or by its text if the server has not loaded it."""
    given = (len(keys), *keys, *arguments)
    try:
        return (yield from _send(parameters, (("EVALSHA", script.sha, *given), *then), keys[0]))
    except exceptions.NoScriptError:
        return (yield from _send(parameters, (("EVAL", script.text, *given), *then), keys[0]))


def _send(
    parameters: Parameters, commands: tuple[Command, ...], key: str | None, address: Address | None = None
) -> Conversation[list[Any]]:
    """Send commands until a server that serves the key has run the first one; return the replies.

    Raises:
        StoreUnavailable: no server has run it.
        NoScriptError: the server has not loaded the script.
        ReplyLost: a server may have run it.
    """
    until = time.monotonic() + parameters.deadline
    target, is_asking = address, False
    while True:
        failure: Exception
        try:
            replies = yield Exchange((("ASKING",), *commands) if is_asking else commands, key, target)
        except NotSent as error:
            failure = error
        else:
            first = replies[1 if is_asking else 0]
            if not isinstance(first, Exception):
                return replies[1:] if is_asking else replies  # type: ignore[no-any-return]
            if isinstance(first, exceptions.NoScriptError):
                raise first
            if not isinstance(first, _NOT_RUN):
                raise StoreUnavailable(f"Redis: {first}") from first
            failure = first
        is_asking = isinstance(failure, exceptions.AskError) and not isinstance(failure, exceptions.MovedError)
        if isinstance(failure, exceptions.AskError) and is_asking:
            target = (failure.host, failure.port)
            continue
        target = address
        if not parameters.movable or time.monotonic() > until:
            raise StoreUnavailable(f"Redis: {failure}") from failure
        yield Refresh()
        yield Pause(0.05)


def _is_replicated(parameters: Parameters, reply: Any) -> bool:
    """Return whether enough replicas have the swap: WAIT replies with one count, WAITAOF with two."""
    if isinstance(reply, int):
        return reply >= parameters.replicas
    if isinstance(reply, list) and len(reply) == 2:
        return bool(reply[0] >= 1 and reply[1] >= parameters.replicas)
    return False


def _bytes_or_none(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
