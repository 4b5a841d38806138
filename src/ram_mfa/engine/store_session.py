# SPDX-License-Identifier: Apache-2.0
"""Opening a store: the root record, without which nothing is performed, and the history it stands for.

The root record is the only thing cached, with the view of the store that goes with it. Where the store can, the view is
*pinned*: each load and swap compares the name of the history and the bytes of the root record inside its own statement,
so that a promotion, a restore, a declaration, a renewed ticket key or a re-sealing reaches every open process at once.
Elsewhere the root record is read again beside each user's record, and all is opened afresh after a second.

Invariant: a name of a history other than the one last seen means that acknowledged writes may be gone: the moment is
written into the root record (the first writer wins) before anything else is decided, and only by a host whose clock
agrees with the store's. Every write of the root record draws a new ticket key.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from .._secret import SecretBytes
from ..codec import decode_root, encode_root
from ..context import Root
from ..errors import HistoryLost, StoreContended, UnreadableRecord
from ..refusals import Reason, Refusal, Refused
from ..sealing import RecordSeal, Seal
from ..store import has_clock, has_history
from .binding import StoreSeal, new_store_id
from .effects import AnyStore, Plan, history_name, load, store_time, swap
from .records import ROOT_KEY, unsealed

Clock = Callable[[], float]
T = TypeVar("T")
_TURNS: Final = 64
MAX_TIME: Final = 2**40
"""Seconds since the epoch; no clock of a machine that works shows a later moment."""
MAX_AGE: Final = 1.0
"""Seconds after which a view that is not pinned is opened afresh."""


@attrs.frozen
class OpenStore:
    """A store as a verb works with it.

    Attributes:
        view: for users' records and claims.
        plain: the view for the root record itself: it compares the name of the history only.
        root: the root record.
        seal: of users' records and claims, bound to the store's id.
        sealed: the root record's bytes in the store.
        pinned: whether the view compares those bytes in each of its statements.
        at: when it was opened, on the monotonic clock.
    """

    view: AnyStore
    plain: AnyStore
    root: Root
    seal: StoreSeal
    sealed: bytes = attrs.field(repr=False)
    pinned: bool
    at: float


class StoreSession:
    """A store, its seal and its root record; shared by the engines of all tenants.

    Args:
        store: as the application made it.
        seal: of all records.
        clock: seconds since the epoch.
        pause: waits some seconds, as the driver does.
        skew: returns by how many seconds two right clocks may differ.
        create: whether a missing root record is made.
        monotonic: seconds, for the age of a view.
    """

    def __init__(
        self,
        store: AnyStore,
        seal: Seal,
        clock: Clock,
        pause: Callable[[float], Any],
        skew: Callable[[], float],
        *,
        create: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        has_history(store)  # one with half of it is refused here
        self.store = store
        self.seal = seal
        self._clock = clock
        self.pause = pause
        self._skew = skew
        self._create = create
        self._monotonic = monotonic
        self._opened: OpenStore | None = None
        self._store_ids: frozenset[bytes] = frozenset()
        self._last_loss: bytes | None = None

    def now(self) -> float:
        """Return the moment that the clock shows.

        Raises:
            Refused: it shows none: not a finite number of seconds since the epoch.
        """
        now = self._clock()
        if isinstance(now, bool) or not isinstance(now, int | float) or not 0 <= now < MAX_TIME:
            raise Refused(Refusal(Reason.CLOCK))
        return now

    def ready(self) -> Plan[OpenStore]:
        """Plan the view of the store and the root record to work with, opening it where it is not open.

        Raises:
            Refused: there is no root record, or a loss is to be noted and the clock differs from the store's.
            UnreadableRecord: the root record is not this store's, or not sealed under a key of this ring.
        """
        opened = self._opened  # once: another thread may forget it between a look and the next
        if opened is None or not (opened.pinned or 0 <= self._monotonic() - opened.at < MAX_AGE):
            opened = self._opened = yield from self._open()
        return opened

    def confirm(self, opened: OpenStore) -> Plan[None]:
        """Plan to find the root record as it was, where the view does not compare it by itself.

        It is asked for a user with a record and for one without alike, so that nobody can tell them apart by it.

        Raises:
            HistoryLost: it is another one, or gone.
        """
        if not opened.pinned and (yield from load(opened.plain, ROOT_KEY)) != opened.sealed:
            raise HistoryLost(opened.root.incarnation)

    def afresh(self, begin: Callable[[], Plan[T]]) -> Plan[T]:
        """Plan what is begun again, on the store opened anew, wherever history is lost in it."""
        for turn in range(_TURNS):
            try:
                return (yield from begin())
            except HistoryLost:
                self.forget()
            yield self.pause, (turn / 1_000,)
        raise StoreContended

    def forget(self) -> None:
        """Open the store afresh at the next use: history was lost, or the root record is another one."""
        self._opened = None

    def declare_lost(self) -> Plan[tuple[float, ...]]:
        """Plan that history is known to be lost, for engines that give no signal of a restore.

        Losses that lie in the future, beyond the skew of clocks, are withdrawn.

        Returns:
            The moments of those.
        """
        withdrawn: list[float] = []

        def declared(root: Root, name: str) -> Plan[Root]:
            latest = self.now() + self._skew()
            withdrawn[:] = [loss.at for loss in root.losses if loss.at > latest]
            root = attrs.evolve(root, losses=tuple(loss for loss in root.losses if loss.at <= latest))
            return (yield from self._after_loss(root, name))

        yield from self._rewritten(declared)
        return tuple(withdrawn)

    def renew_tickets(self) -> Plan[None]:
        """Plan a new ticket key: all open tickets and receipts end."""
        yield from self.rewrite(lambda root: root)

    def rewrite(self, change: Callable[[Root], Root]) -> Plan[Root]:
        """Plan to write the root record anew, changed, with a new ticket key, and sealed under the present key."""

        def changed(root: Root, name: str) -> Plan[Root]:
            return change(root if self._continues(root, name) else (yield from self._after_loss(root, name)))

        return (yield from self._rewritten(changed))

    def _rewritten(self, change: Callable[[Root, str], Plan[Root]]) -> Plan[Root]:
        def begin() -> Plan[Root]:
            plain, name = yield from self._named()
            _, root = yield from self._root(plain, name, change)
            return root

        root = yield from self.afresh(begin)
        self.forget()
        return root

    def _record_seal(self) -> RecordSeal:
        return self.seal.for_record(ROOT_KEY)

    def _open(self) -> Plan[OpenStore]:
        at = self._monotonic()
        plain, name = yield from self._named()
        sealed, root = yield from self._root(plain, name)
        pinned = self._pinned(name, sealed)
        view = plain if pinned is None else pinned
        return OpenStore(view, plain, root, StoreSeal(self.seal, root), sealed, pinned is not None, at)

    def _named(self) -> Plan[tuple[AnyStore, str]]:
        """Plan the view of the store's present history, and its name; of a store without names, the store and ""."""
        store = self.store
        if not has_history(store):
            return store, ""
        name = yield from history_name(store)
        return store.at(name), name

    def _pinned(self, name: str, sealed: bytes) -> AnyStore | None:
        """Return the view that compares the root record too; None where the store cannot."""
        store = self.store
        if not has_history(store):
            return None
        try:
            return store.at(name, beside=(ROOT_KEY, sealed))
        except TypeError:
            return None

    def _root(
        self, plain: AnyStore, name: str, change: Callable[[Root, str], Plan[Root]] | None = None
    ) -> Plan[tuple[bytes, Root]]:
        """Plan the root record's bytes and value, changed or after a loss where there was one."""
        seal = self._record_seal()
        for turn in range(_TURNS):
            found = yield from load(plain, ROOT_KEY)
            if found is not None:
                root = self._own(unsealed(ROOT_KEY, seal, found, decode_root))
                if change is not None:
                    root = yield from change(root, name)
                elif self._continues(root, name):
                    self._known(root)
                    return found, root
                else:
                    root = yield from self._after_loss(root, name)
                root = attrs.evolve(root, ticket_key=SecretBytes(os.urandom(32)))
                self._store_ids |= {root.store_id}
            elif self._create and not self._store_ids:
                root = Root(SecretBytes(os.urandom(32)), name, os.urandom(16), (), new_store_id())
            else:
                raise Refused(Refusal(Reason.NO_ROOT))
            new = seal.seal(encode_root(root))
            if (yield from swap(plain, ROOT_KEY, found, new)):
                self._known(root)
                return new, root
            yield self.pause, (turn / 1_000,)
        raise StoreContended

    def _continues(self, root: Root, name: str) -> bool:
        """Return whether a root record is of the history that this process was on, or of a later one.

        One that does not know of the last loss seen here is of another server or file, where what was accepted since is
        not spent, even if its name is the same.
        """
        known = {loss.history for loss in root.losses}
        return root.incarnation == name and (self._last_loss is None or self._last_loss in known)

    def _known(self, root: Root) -> None:
        self._store_ids |= {root.store_id}
        self._last_loss = root.losses[-1].history if root.losses else None

    def _own(self, root: Root) -> Root:
        """Return a root record that is this store's; once it is open, another store's is refused.

        Raises:
            UnreadableRecord: it has another id than the one that the store was opened with.
        """
        if self._store_ids and root.store_id not in self._store_ids:
            raise UnreadableRecord(ROOT_KEY, "the root record of another store")
        return root

    def _after_loss(self, root: Root, name: str) -> Plan[Root]:
        """Plan the root record that knows of a loss now; noted by a host whose clock and the store's agree, only.

        A slow host would let what was spent pass again, and a fast one would keep everybody out until its moment.

        Raises:
            Refused: they differ by more than the skew.
        """
        now = self.now()
        if has_clock(self.store):
            theirs, skew = (yield from store_time(self.store)), self._skew()
            if not now - skew <= theirs <= self.now() + skew:
                raise Refused(Refusal(Reason.CLOCK))
        return root.after_loss(at=now, incarnation=name, history=os.urandom(16))
