# SPDX-License-Identifier: Apache-2.0
"""Queues for each user of `AsyncMFA`, so that a flood at one account delays neither other users nor its revocations.

An event loop accepts every call. Without queues, a thousand guesses at one account would occupy every connection of the
store, and all other users would wait behind them. With one queue per user, anyone who knows a user's name could send
forged tickets and so delay the owner and the administrators of that account.

So each user has five bounded queues, each of which performs one verb at a time:

- ``REVOCATION``: verbs that only the application can cause (`Verb.privileged`, or by an administrator);
- ``KNOWN``: verbs that were sent with an authentic browser token of this user, which is verified without the record: so
  that those who only know the password do not delay the owner, whatever they send and whatever the gates let pass;
- ``WRITING`` and ``READING``: verbs that would change the record, or succeed, on the record as last loaded;
- ``STRANGER``: all others, such as verbs with forged tickets.

A verb is a pure function of the record, so a trial on the record last loaded costs no I/O and changes nothing. The
trial only chooses the queue: the verb is performed on the current record when its turn comes, and compare-and-swap
resolves conflicts between the queues.

Invariant: a verb in ``REVOCATION`` never waits for one in another queue, and no queue holds more than `MAX_WAITING`.
"""

from __future__ import annotations

import asyncio
import enum
import weakref
from typing import Any, Final

import attrs

from .._secret import SecretBytes
from ..account import Account
from ..context import Context
from ..errors import StoreContended
from ..refusals import Refusal
from ..rules.actors import Administrator, UnsafeAdministrator
from ..rules.browser_tokens import holds_token
from ..rules.verb import Verb

MAX_WAITING: Final = 256
"""The most verbs that wait in one queue of one user; a further one raises `StoreContended` at once."""
_CROWD: Final = 16
_PAUSE: Final = 0.005
"""Seconds between two turns of the ``STRANGER`` queue while more than ``_CROWD`` verbs wait in it. This limits a flood
to a few hundred loads a second, instead of all that the store and the processor can do."""


class QueueName(enum.Enum):
    """The name of one of a user's queues."""

    REVOCATION = enum.auto()
    KNOWN = enum.auto()
    WRITING = enum.auto()
    READING = enum.auto()
    STRANGER = enum.auto()


@attrs.define(eq=False)
class _Queue:
    """A fair lock, and the number of verbs that wait for it."""

    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    waiting: int = 0

    @property
    def free(self) -> bool:
        return not self.waiting and not self.lock.locked()


@attrs.define(eq=False)
class _User:
    """The queues of one user who has verbs running or waiting, and the record as last loaded."""

    queues: dict[QueueName, _Queue] = attrs.field(factory=dict)
    last_loaded: tuple[Account | None, Context] | None = attrs.field(default=None, repr=False)

    def queue(self, name: QueueName) -> _Queue:
        queue = self.queues.get(name)
        if queue is None:
            queue = self.queues[name] = _Queue()
        return queue

    def queue_for(self, verb: Verb[Any], latest: Context | None) -> QueueName:
        """Return the name of the queue for a verb, which is not tried if the ``STRANGER`` queue is free.

        Args:
            verb: to be performed.
            latest: the last context of any user, with this user's store key, where this user has none yet; or None.
        """
        if verb.privileged or isinstance(verb.requested_by, Administrator | UnsafeAdministrator):
            return QueueName.REVOCATION
        if self.queue(QueueName.STRANGER).free:
            return QueueName.STRANGER
        if latest is not None and holds_token(verb.browser_cookie, latest):
            return QueueName.KNOWN
        if self.last_loaded is None:
            return QueueName.STRANGER
        account, context = self.last_loaded
        try:
            transition = verb(account, context)
        except Exception:  # noqa: BLE001 - raised again when the verb is performed, in its turn
            return QueueName.STRANGER
        if transition.account is not account:
            return QueueName.WRITING
        return QueueName.STRANGER if isinstance(transition.outcome, Refusal) else QueueName.READING


@attrs.define(eq=False)
class Turn:
    """The turn of one verb in its queue, from its acquisition to its end."""

    _queues: UserQueues
    _user: _User
    _queue: _Queue
    _pauses: bool
    _active: bool = True

    def note_record(self, account: Account | None, context: Context) -> None:
        """Note the record that the verb was given, for the trials of verbs that arrive later."""
        self._user.last_loaded = account, attrs.evolve(context, administrator=None)
        self._queues.latest = attrs.evolve(context, administrator=None, entropy=SecretBytes(bytes(32)))

    def end(self) -> None:
        """Start the next turn; a second call does nothing."""
        if not self._active:
            return
        self._active = False
        if self._pauses and self._queue.waiting > _CROWD:
            asyncio.get_running_loop().call_later(_PAUSE, self._queue.lock.release)
        else:
            self._queue.lock.release()


@attrs.define
class UserQueues:
    """The queues of all users who have verbs running or waiting; the garbage collector removes those of all others."""

    _users: weakref.WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], _User] = attrs.field(
        init=False, factory=weakref.WeakValueDictionary
    )
    latest: Context | None = attrs.field(init=False, default=None, repr=False)

    async def enter(self, key: str, verb: Verb[Any], deadline: float) -> Turn:
        """Wait for the verb's turn, first come, first served within its queue, and return it.

        Args:
            key: the store key of the user's record.
            verb: the verb to be performed.
            deadline: the most seconds to wait.

        Raises:
            StoreContended: the queue is full, or the verb's turn did not come before the deadline.
        """
        place = asyncio.get_running_loop(), key
        user = self._users.get(place)
        if user is None:
            user = self._users[place] = _User()
        latest = None if self.latest is None else attrs.evolve(self.latest, user="", key=key)
        name = user.queue_for(verb, latest)
        queue = user.queue(name)
        if queue.waiting >= MAX_WAITING:
            raise StoreContended
        if queue.free:
            await queue.lock.acquire()
        else:
            queue.waiting += 1
            try:
                async with asyncio.timeout(deadline):
                    await queue.lock.acquire()
            except TimeoutError:
                raise StoreContended from None
            finally:
                queue.waiting -= 1
        return Turn(self, user, queue, name is QueueName.STRANGER)
