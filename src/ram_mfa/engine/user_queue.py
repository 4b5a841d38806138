# SPDX-License-Identifier: Apache-2.0
"""The queues of each user: what is awaited for one user is performed one by one, and revocation waits for no visitor.

An event loop serves whoever asks. Without queues, a thousand guesses at one account would take every connection of the
store, and each honest user would wait behind them all. With one queue, whoever names an account in a made-up ticket,
which anybody can do who knows the name, would keep that account's owner and administrators waiting.

So each user has four queues, each bounded, and each performs one verb at a time:

- ``REVOCATION``: verbs that the application alone can cause (`Verb.privileged`, or by an administrator);
- ``WRITING`` and ``READING``: verbs that would succeed, or would change the record, by the record as it was last seen;
- ``STRANGER``: all others. Under a flood that means made-up tickets, and nobody else has to wait behind them.

A verb is a pure function of the record, so that trying it on the last record seen costs no I/O and changes nothing.
That trial chooses a queue and decides nothing else: the verb is performed on a fresh record when its turn comes, and
compare-and-swap settles what the four queues do at once.

Invariant: a verb in ``REVOCATION`` never waits for one in another queue, and no queue holds more than `MAX_WAITING`.
"""

from __future__ import annotations

import asyncio
import enum
import weakref
from typing import Any, Final

import attrs

from ..account import Account
from ..context import Context
from ..errors import StoreContended
from ..refusals import Refusal
from ..rules.actors import Administrator, UnsafeAdministrator
from ..rules.verb import Verb

MAX_WAITING: Final = 256
"""The most verbs that wait in one queue of one user; beyond it `StoreContended`, at once."""
_CROWDED: Final = 16
_PAUSE: Final = 0.005
"""Seconds between two turns of the ``STRANGER`` queue while more than ``_CROWDED`` wait in it: a flood takes a few
hundred loads a second and not all that the store and the processor can do."""


class QueueName(enum.Enum):
    """Which of a user's queues a verb waits in."""

    REVOCATION = enum.auto()
    WRITING = enum.auto()
    READING = enum.auto()
    STRANGER = enum.auto()


@attrs.define(eq=False)
class _Queue:
    """A fair lock, and how many wait for it."""

    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    waiting: int = 0

    @property
    def free(self) -> bool:
        return not self.waiting and not self.lock.locked()


@attrs.define(eq=False)
class _User:
    """The queues of one user who is being served, and the record as it was last seen."""

    queues: dict[QueueName, _Queue] = attrs.field(factory=dict)
    seen: tuple[Account | None, Context] | None = attrs.field(default=None, repr=False)

    def queue(self, name: QueueName) -> _Queue:
        queue = self.queues.get(name)
        if queue is None:
            queue = self.queues[name] = _Queue()
        return queue

    def queue_for(self, verb: Verb[Any]) -> QueueName:
        """Return the queue of a verb. Whoever finds nobody waiting is not examined."""
        if verb.privileged or isinstance(getattr(verb, "by", None), Administrator | UnsafeAdministrator):
            return QueueName.REVOCATION
        if self.seen is None or self.queue(QueueName.STRANGER).free:
            return QueueName.STRANGER
        account, context = self.seen
        try:
            step = verb(account, context)
        except Exception:  # noqa: BLE001 - it is raised where the verb is performed, in its turn
            return QueueName.STRANGER
        if step.account is not account:
            return QueueName.WRITING
        return QueueName.STRANGER if isinstance(step.outcome, Refusal) else QueueName.READING


@attrs.define(eq=False)
class Lane:
    """The place of one who is served."""

    _user: _User
    _queue: _Queue
    _pauses: bool
    _held: bool = True

    def look(self, account: Account | None, context: Context) -> None:
        """Note the record that the holder was given, for those who arrive while this user is being served."""
        self._user.seen = account, attrs.evolve(context, administrator=None)

    def leave(self) -> None:
        """Let the next one in; said once more it does nothing."""
        if not self._held:
            return
        self._held = False
        if self._pauses and self._queue.waiting > _CROWDED:
            asyncio.get_running_loop().call_later(_PAUSE, self._queue.lock.release)
        else:
            self._queue.lock.release()


@attrs.define
class UserQueues:
    """The queues of all users who are served now; those of a user whom nobody serves or waits for are gone."""

    _users: weakref.WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], _User] = attrs.field(
        init=False, factory=weakref.WeakValueDictionary
    )

    async def enter(self, key: str, verb: Verb[Any], deadline: float) -> Lane:
        """Wait for the verb's turn, first come, first served within its queue, and return the place.

        Args:
            key: of the user's record.
            verb: what is to be performed.
            deadline: seconds until the wait is over.

        Raises:
            StoreContended: the queue is full, or its turn did not come by then.
        """
        place = asyncio.get_running_loop(), key
        user = self._users.get(place)
        if user is None:
            user = self._users[place] = _User()
        name = user.queue_for(verb)
        queue = user.queue(name)
        if queue.waiting >= MAX_WAITING:
            raise StoreContended
        if queue.free:
            await queue.lock.acquire()  # at once
        else:
            queue.waiting += 1
            try:
                async with asyncio.timeout(deadline):
                    await queue.lock.acquire()
            except TimeoutError:
                raise StoreContended from None
            finally:
                queue.waiting -= 1
        return Lane(user, queue, name is QueueName.STRANGER)
