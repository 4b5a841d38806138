# SPDX-License-Identifier: Apache-2.0
"""`MFA` and `AsyncMFA`, which perform verbs: the two drivers of the loop in `ram_mfa.engine`."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from .encoding import base64url
from .engine import maintenance
from .engine.driver import Driver, Policy
from .engine.effects import Effects, next_key
from .engine.frames import Frames
from .engine.maintenance import ReportRow
from .engine.moves import move
from .engine.observers import AsyncObserver, Observer, async_notifier, notifier
from .engine.records import untrusted_user_key
from .engine.resealing import Resealed, reseal
from .engine.store_session import Clock
from .engine.user_queue import Turn, UserQueues
from .events import Event
from .rules.actors import Actor
from .rules.verb import Verb
from .sealing import Seal
from .store import AsyncStore, Store, is_awaited

T = TypeVar("T")


def new_session() -> str:
    """Return a session string of 43 random characters, for the application to keep for one browser.

    Never use a framework's session id instead: it changes at logon, in the middle of a ceremony.
    """
    return base64url.encode(os.urandom(32))


class MFA(Driver):
    """The MFA of an identity system: performs verbs on users.

    Args:
        store: holds the records.
        policy: the administrator's decisions, or a callable that returns them, called at each perform.
        seal: encrypts and authenticates the records.
        clock: returns seconds since the epoch, of a trusted server and never of a request.
        observers: called with each event after it is durable, in order; their exceptions are logged and ignored.
        deadline: seconds until a perform that keeps losing races gives up.
        create: whether to make the root record if there is none; leave it out in production.

    Raises:
        TypeError, ValueError: the configuration is not usable.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        *,
        seal: Seal,
        clock: Clock = time.time,
        observers: Iterable[Observer] = (),
        deadline: float = 5.0,
        create: bool = False,
    ) -> None:
        if is_awaited(store):
            raise TypeError("this store is asynchronous: use AsyncMFA")
        notify = notifier(observers)
        self._set_up(
            store, policy, seal=seal, clock=clock, notify=notify, pause=time.sleep, deadline=deadline, create=create
        )
        if create:
            self.open()

    def _run(self, effects: Effects[T]) -> T:
        frames = Frames()
        try:
            call, arguments = next(effects)
            while True:
                try:
                    result = call(*arguments)
                except BaseException as error:
                    frames.keep(error)
                    if not isinstance(error, Exception):
                        raise
                    call, arguments = effects.throw(error)  # the loop decides what it means
                else:
                    call, arguments = effects.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value
        except BaseException as error:
            frames.strip(error)
            raise

    def open(self) -> None:
        """Open the store now, instead of at the first perform.

        Raises:
            Refused: there is no root record.
            UnreadableRecord: it is not sealed under a key of this ring.
        """
        self._run(self._engine.session.retry_on_loss(self._engine.session.open))

    def perform(self, user: str, verb: Verb[T]) -> T:
        """Perform a verb for a user, and return its outcome once it is durable.

        Args:
            user: the user id, compared exactly; the application maps variants of a name to one id first.
            verb: the verb to perform.

        Raises:
            Refused: ``.refusal`` says why; its effects on the record are durable.
            UnreadableRecord: the user's record cannot be read.
            StoreUnavailable, StoreUncertain, StoreContended: the store failed, and there is no outcome.
        """
        return self._run(self._engine.perform_verb(user, verb))

    def reseal(self, progress: Callable[[Resealed], Any] | None = None, *, new_store_id: bool = False) -> Resealed:
        """Rewrite the root record, and every record that is not sealed under the present key, while logons continue.

        The root record comes first and gets a new ticket key, so all open tickets, offers and receipts end. Repeat the
        call after a crash: it skips the records that are sealed under the present key.

        Args:
            progress: called after each record with the figures so far.
            new_store_id: whether the store gets a new id, under which records sealed for the old id cannot be read.
                Use it for a copy of a store, before the copy is used. Open processes refuse the new id until they
                are restarted.
        """
        return self._run(reseal(self._engine, progress, new_store=new_store_id))

    def credential_report(self) -> Iterator[ReportRow]:
        """Yield the credential report: one row for each user of this tenant, in bounded memory."""
        keys = maintenance.list_report_keys(self._engine)
        while (key := self._run(next_key(keys))) is not None:
            row = self._run(maintenance.report_row(self._engine, key))
            if row is not None:
                yield row

    def deliver(self, user: str, sink: Callable[[Event], Any]) -> int:
        """Pass the user's undelivered events to a sink, at least once and in order; return how many it accepted."""
        return self._run(maintenance.deliver(self._engine, user, sink))

    def move(self, old: str, new: str, by: Actor) -> None:
        """Move an account to another user id; repeat the call after a crash."""
        self._run(move(self._engine, old, new, by))

    def discard(self, user: str, by: Actor, *, unsafe_any_seal: bool = False) -> None:
        """Delete a user's record that cannot be read; the user is then one without a record.

        A record that may be readable with another ring of keys, another seal, or as another store's record raises
        `UnreadableRecord` and is deleted only with ``unsafe_any_seal``.
        """
        self._run(maintenance.discard(self._engine, user, by, unsafe_any_seal=unsafe_any_seal))

    def declare_restored(self) -> tuple[float, ...]:
        """Declare that history was lost: by a restore from a backup, or a promotion that the database does not show.

        This takes effect in open processes too. Losses noted at times in the future, by a wrong clock, are withdrawn.

        Returns:
            The times of the withdrawn losses, in seconds since the epoch.

        Raises:
            Refused: this host's clock differs from the store's by more than the policy's skew; nothing was written.
        """
        return self._run(self._engine.session.declare_loss())

    def renew_tickets(self) -> None:
        """Draw a new ticket key: all open tickets, offers and receipts end; devices and machines stay."""
        self._run(self._engine.session.renew_tickets())


class AsyncMFA(Driver):
    """The asynchronous variant of `MFA`. It takes an async store, or a sync one through `in_threads`.

    A cancelled `perform` continues in the background to its end, so that the events of an applied swap are reported.

    Args:
        store, policy, seal, clock, deadline, create: as for `MFA`; the store is opened at the first perform.
        observers: as for `MFA`; they may be coroutine functions.
    """

    def __init__(
        self,
        store: AsyncStore,
        policy: Policy,
        *,
        seal: Seal,
        clock: Clock = time.time,
        observers: Iterable[AsyncObserver] = (),
        deadline: float = 5.0,
        create: bool = False,
    ) -> None:
        if not is_awaited(store):
            raise TypeError("the load of this store is not a coroutine function: use MFA, or in_threads(store)")
        notify = async_notifier(observers)
        self._set_up(
            store, policy, seal=seal, clock=clock, notify=notify, pause=asyncio.sleep, deadline=deadline, create=create
        )
        self._queues = UserQueues()

    async def _run(self, effects: Effects[T], turn: Turn | None = None) -> T:
        task = asyncio.ensure_future(self._drive(effects, turn))
        _RUNNING.add(task)
        task.add_done_callback(_discard_task)
        if turn is not None:
            task.add_done_callback(lambda _: turn.end())
        try:
            return await asyncio.shield(task)
        finally:
            del task  # it holds its exception, which holds this frame

    async def _drive(self, effects: Effects[T], turn: Turn | None) -> T:
        frames = Frames()
        try:
            call, arguments = next(effects)
            while True:
                if turn is not None and call is self._engine.notify:
                    turn.end()  # the write is done: an observer may take long, or perform a verb for this user
                try:
                    result = call(*arguments)
                    if inspect.isawaitable(result):
                        result = await result
                except BaseException as error:
                    frames.keep(error)
                    if not isinstance(error, Exception):
                        raise
                    call, arguments = effects.throw(error)  # the loop decides what it means
                else:
                    call, arguments = effects.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value
        except BaseException as error:
            frames.strip(error)
            raise

    async def open(self) -> None:
        """See `MFA.open`."""
        await self._run(self._engine.session.retry_on_loss(self._engine.session.open))

    async def perform(self, user: str, verb: Verb[T]) -> T:
        """See `MFA.perform`.

        The verbs of one user wait in five queues, each in order of arrival and one verb at a time. Verbs that only the
        application can cause, by an administrator or after a change of password, do not wait for verbs that visitors
        sent. Verbs that would succeed on the record as last loaded do not wait behind forged tickets. `StoreContended`
        is raised if a queue is full or the verb's turn does not come before the deadline.
        """
        turn = await self._queues.enter(untrusted_user_key(self._engine.tenant, user), verb, self._engine.deadline)
        return await self._run(self._engine.perform_verb(user, verb, turn.note_record), turn)

    async def reseal(
        self, progress: Callable[[Resealed], Any] | None = None, *, new_store_id: bool = False
    ) -> Resealed:
        """See `MFA.reseal`."""
        return await self._run(reseal(self._engine, progress, new_store=new_store_id))

    async def credential_report(self) -> AsyncIterator[ReportRow]:
        """See `MFA.credential_report`."""
        keys = maintenance.list_report_keys(self._engine)
        while (key := await self._run(next_key(keys))) is not None:
            row = await self._run(maintenance.report_row(self._engine, key))
            if row is not None:
                yield row

    async def deliver(self, user: str, sink: Callable[[Event], Any]) -> int:
        """See `MFA.deliver`; the sink may be a coroutine function."""
        return await self._run(maintenance.deliver(self._engine, user, sink))

    async def move(self, old: str, new: str, by: Actor) -> None:
        """See `MFA.move`."""
        await self._run(move(self._engine, old, new, by))

    async def discard(self, user: str, by: Actor, *, unsafe_any_seal: bool = False) -> None:
        """See `MFA.discard`."""
        await self._run(maintenance.discard(self._engine, user, by, unsafe_any_seal=unsafe_any_seal))

    async def declare_restored(self) -> tuple[float, ...]:
        """See `MFA.declare_restored`."""
        return await self._run(self._engine.session.declare_loss())

    async def renew_tickets(self) -> None:
        """See `MFA.renew_tickets`."""
        await self._run(self._engine.session.renew_tickets())


_RUNNING: Final[set[asyncio.Future[Any]]] = set()


def _discard_task(task: asyncio.Future[Any]) -> None:
    _RUNNING.discard(task)
    if not task.cancelled():
        task.exception()  # marked as retrieved: the caller of a cancelled perform no longer waits for it
