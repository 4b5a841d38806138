# SPDX-License-Identifier: Apache-2.0
"""`MFA` and `AsyncMFA`: where verbs are performed. The two drivers of the one loop in `ram_mfa.engine`."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Final, Self, TypeVar

from .engine import maintenance
from .engine.driver import Driver, Policy
from .engine.effects import Plan, next_key
from .engine.frames import Frames
from .engine.maintenance import ReportRow
from .engine.moves import moving
from .engine.observers import AsyncObserver, Observer, async_notifier, notifier
from .engine.records import visitors_key
from .engine.resealing import Resealed, resealing
from .engine.store_session import Clock
from .engine.user_queue import Lane, UserQueues
from .events import Event
from .rules.actors import Actor
from .rules.verb import Verb
from .sealing import Seal
from .store import AsyncStore, Store, is_awaited

T = TypeVar("T")


class MFA(Driver):
    """The MFA of an identity system: performs verbs on users.

    Args:
        store: where records are kept.
        policy: what the administrator decides, or a callable that returns it, read at each perform.
        seal: what protects the records.
        clock: seconds since the epoch; a trusted server's, never a request's.
        observers: told each event after it is durable, in order; their exceptions change nothing.
        deadline: seconds until a perform that keeps losing races gives up.
        create: whether to make the root record where there is none; production leaves it out.

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
            raise TypeError("this store is awaited: use AsyncMFA")
        tell = notifier(observers)
        self._set_up(
            store, policy, seal=seal, clock=clock, tell=tell, pause=time.sleep, deadline=deadline, create=create
        )
        if create:
            self.open()

    def _run(self, plan: Plan[T]) -> T:
        frames = Frames()
        try:
            call, arguments = next(plan)
            while True:
                try:
                    result = call(*arguments)
                except BaseException as error:
                    frames.keep(error)
                    if not isinstance(error, Exception):
                        raise
                    call, arguments = plan.throw(error)  # which decides what it means
                else:
                    call, arguments = plan.send(result)
        except StopIteration as done:
            value: T = done.value
            return value
        except BaseException as error:
            frames.strip(error)
            raise

    def open(self) -> None:
        """Open the store now, rather than at the first perform.

        Raises:
            Refused: there is no root record.
            UnreadableRecord: it is not sealed under a key of this ring.
        """
        self._run(self._engine.opening.afresh(self._engine.opening.ready))

    def perform(self, user: str, verb: Verb[T]) -> T:
        """Perform a verb for a user, and return its outcome once it is durable.

        Args:
            user: the user id, compared exactly; the application maps spellings of names to ids first.
            verb: what is to happen.

        Raises:
            Refused: why not, as ``.refusal``; what had to be remembered of it is durable.
            UnreadableRecord: the user's record cannot be read.
            StoreUnavailable, StoreUncertain, StoreContended: the store failed; nothing passes.
        """
        return self._run(self._engine.performing(user, verb))

    def for_tenant(self, name: str, policy: Policy) -> Self:
        """Return the same store's MFA for the users of a tenant, under the tenant's own policy."""
        return self._for_tenant(name, policy)

    def reseal(self, progress: Callable[[Resealed], Any] | None = None, *, new_store_id: bool = False) -> Resealed:
        """Write the root record anew, and every record that is not sealed under the present key, while logons go on.

        The root record comes first and gets a new ticket key: all open tickets, offers and receipts end. Begun again
        after a crash it goes on where it stopped: what is sealed under the present key is passed over.

        With ``new_store_id`` records sealed for the old id are nothing in the store any more: for a copy of a store,
        before anybody performs on it. Processes that are open refuse the new id until they start again.
        """
        return self._run(resealing(self._engine, progress, new_store=new_store_id))

    def credential_report(self) -> Iterator[ReportRow]:
        """Yield the credential report: a row for each user of this tenant, in bounded memory."""
        keys = maintenance.report_keys(self._engine)
        while (key := self._run(next_key(keys))) is not None:
            row = self._run(maintenance.reported(self._engine, key))
            if row is not None:
                yield row

    def deliver(self, user: str, sink: Callable[[Event], Any]) -> int:
        """Hand the user's waiting events to a sink, at least once and in order; return how many it took."""
        return self._run(maintenance.delivering(self._engine, user, sink))

    def move(self, old: str, new: str, by: Actor) -> None:
        """Move an account to another user id; call it again after a crash."""
        self._run(moving(self._engine, old, new, by))

    def discard(self, user: str, by: Actor, *, unsafe_any_seal: bool = False) -> None:
        """Delete a user's record that cannot be read; the user is then one without a record.

        One that another ring of keys, another seal or another store's engine may read is `UnreadableRecord`, and is
        deleted with ``unsafe_any_seal`` only.
        """
        self._run(maintenance.discarding(self._engine, user, by, unsafe_any_seal=unsafe_any_seal))

    def declare_restored(self) -> tuple[float, ...]:
        """Declare that history was lost: a restore from a backup, or a promotion that the engine does not show.

        It reaches open processes too. Losses noted at moments that lie in the future, by a clock that was wrong, are
        withdrawn.

        Returns:
            The moments of those, in seconds since the epoch.

        Raises:
            Refused: this host's clock differs from the store's by more than the policy's skew; nothing was written.
        """
        return self._run(self._engine.opening.declare_lost())

    def renew_tickets(self) -> None:
        """Draw a new ticket key: all open tickets, offers and receipts end; devices and machines stay."""
        self._run(self._engine.opening.renew_tickets())


class AsyncMFA(Driver):
    """`MFA`, awaited. It takes an async store, or a sync one through `in_threads`.

    A cancelled `perform` goes on by itself to its end, so that a landed swap is never parted from its events.

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
            raise TypeError("the load of this store is no coroutine function: use MFA, or in_threads(store)")
        tell = async_notifier(observers)
        self._set_up(
            store, policy, seal=seal, clock=clock, tell=tell, pause=asyncio.sleep, deadline=deadline, create=create
        )
        self._lanes = UserQueues()

    async def _run(self, plan: Plan[T], lane: Lane | None = None) -> T:
        task = asyncio.ensure_future(self._drive(plan, lane))
        _RUNNING.add(task)
        task.add_done_callback(_finished)
        if lane is not None:
            task.add_done_callback(lambda _: lane.leave())
        try:
            return await asyncio.shield(task)
        finally:
            del task  # which holds its exception, which holds this frame

    async def _drive(self, plan: Plan[T], lane: Lane | None) -> T:
        frames = Frames()
        try:
            call, arguments = next(plan)
            while True:
                if lane is not None and call is self._engine.tell:
                    lane.leave()  # all is written: an observer may take its time, or perform a verb for this user
                try:
                    result = call(*arguments)
                    if inspect.isawaitable(result):
                        result = await result
                except BaseException as error:
                    frames.keep(error)
                    if not isinstance(error, Exception):
                        raise
                    call, arguments = plan.throw(error)  # which decides what it means
                else:
                    call, arguments = plan.send(result)
        except StopIteration as done:
            value: T = done.value
            return value
        except BaseException as error:
            frames.strip(error)
            raise

    async def open(self) -> None:
        """See `MFA.open`."""
        await self._run(self._engine.opening.afresh(self._engine.opening.ready))

    async def perform(self, user: str, verb: Verb[T]) -> T:
        """See `MFA.perform`.

        The verbs of one user are performed one by one, in the order in which they came, but in four queues: what only
        the application can cause, by an administrator or after a change of password, waits for nothing that a visitor
        sent, and what would hold on the record as it was last seen does not wait behind made-up tickets. A queue that
        is full, and a turn that does not come before the deadline, raise `StoreContended`.
        """
        lane = await self._lanes.enter(visitors_key(self._engine.tenant, user), verb, self._engine.deadline)
        return await self._run(self._engine.performing(user, verb, lane.look), lane)

    def for_tenant(self, name: str, policy: Policy) -> Self:
        """See `MFA.for_tenant`."""
        other = self._for_tenant(name, policy)
        other._lanes = self._lanes  # noqa: SLF001 (one of the same kind)
        return other

    async def reseal(
        self, progress: Callable[[Resealed], Any] | None = None, *, new_store_id: bool = False
    ) -> Resealed:
        """See `MFA.reseal`."""
        return await self._run(resealing(self._engine, progress, new_store=new_store_id))

    async def credential_report(self) -> AsyncIterator[ReportRow]:
        """See `MFA.credential_report`."""
        keys = maintenance.report_keys(self._engine)
        while (key := await self._run(next_key(keys))) is not None:
            row = await self._run(maintenance.reported(self._engine, key))
            if row is not None:
                yield row

    async def deliver(self, user: str, sink: Callable[[Event], Any]) -> int:
        """See `MFA.deliver`; the sink may be a coroutine function."""
        return await self._run(maintenance.delivering(self._engine, user, sink))

    async def move(self, old: str, new: str, by: Actor) -> None:
        """See `MFA.move`."""
        await self._run(moving(self._engine, old, new, by))

    async def discard(self, user: str, by: Actor, *, unsafe_any_seal: bool = False) -> None:
        """See `MFA.discard`."""
        await self._run(maintenance.discarding(self._engine, user, by, unsafe_any_seal=unsafe_any_seal))

    async def declare_restored(self) -> tuple[float, ...]:
        """See `MFA.declare_restored`."""
        return await self._run(self._engine.opening.declare_lost())

    async def renew_tickets(self) -> None:
        """See `MFA.renew_tickets`."""
        await self._run(self._engine.opening.renew_tickets())


_RUNNING: Final[set[asyncio.Future[Any]]] = set()


def _finished(task: asyncio.Future[Any]) -> None:
    _RUNNING.discard(task)
    if not task.cancelled():
        task.exception()  # taken note of: a perform that was cancelled by its caller has nobody else to raise to
