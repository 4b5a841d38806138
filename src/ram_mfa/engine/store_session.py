# SPDX-License-Identifier: Apache-2.0
"""The session with a store: its root record, without which no verb is performed, and the history of the store.

The root record, and the view of the store that goes with it, are the only things cached. Where the store supports it,
the view is *pinned*: each load and swap compares the name of the history and the bytes of the root record inside its
own statement, so that a promotion, a restore, a declared loss, a renewed ticket key or a re-sealing takes effect in
every open process at once. On other stores the root record is read again with each user's record, and the store is
reopened after a second.

Invariant: a history with another name than the last one seen means that acknowledged writes may be lost. The time of
the loss is written into the root record (the first writer wins) before anything else is decided, and only by a host
whose clock agrees with the store's. Every write of the root record draws a new ticket key.
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
from .effects import AnyStore, Effects, history_name, load, store_time, swap
from .records import ROOT_KEY, unseal_record

Clock = Callable[[], float]
T = TypeVar("T")
_MAX_TURNS: Final = 64
MAX_TIME: Final = 2**40
"""Seconds since the epoch; no working clock shows a later time."""
MAX_AGE: Final = 1.0
"""Seconds after which a view that is not pinned is reopened."""


@attrs.frozen
class OpenStore:
    """An open store: its views, root record and seal.

    Attributes:
        view: for users' records and claims.
        plain: the view for the root record itself, which compares only the name of the history.
        root: the root record.
        seal: of users' records and claims, bound to the store's id.
        sealed: the root record's bytes in the store.
        pinned: whether each statement of ``view`` compares those bytes.
        at: seconds on the monotonic clock when it was opened.
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
        store: the application's store.
        seal: the application's seal.
        clock: returns seconds since the epoch.
        pause: waits some seconds.
        skew: returns the number of seconds by which two correct clocks may differ.
        create: whether to make a missing root record.
        monotonic: returns seconds on a monotonic clock, for the age of a view.
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
        has_history(store)  # TypeError where it has only one of the two methods
        self.store = store
        self.seal = seal
        self._clock = clock
        self.pause = pause
        self._skew = skew
        self._create = create
        self._monotonic = monotonic
        self._open_store: OpenStore | None = None
        self._store_ids: frozenset[bytes] = frozenset()
        self._last_loss: bytes | None = None

    def now(self) -> float:
        """Return the time that the clock shows.

        Raises:
            Refused: that is not a finite number of seconds since the epoch.
        """
        now = self._clock()
        if isinstance(now, bool) or not isinstance(now, int | float) or not 0 <= now < MAX_TIME:
            raise Refused(Refusal(Reason.CLOCK))
        return now

    def open(self) -> Effects[OpenStore]:
        """Return the open store, opening it first where it is not open or its view is too old.

        Raises:
            Refused: there is no root record, or a loss is to be noted and the clock differs from the store's.
            UnreadableRecord: the root record is not this store's, or not sealed under a key of this ring.
        """
        open_store = self._open_store  # read once: another thread may forget it between two reads
        if open_store is None or not (open_store.pinned or 0 <= self._monotonic() - open_store.at < MAX_AGE):
            open_store = self._open_store = yield from self._reopen()
        return open_store

    def confirm_root(self, open_store: OpenStore) -> Effects[None]:
        """Check that the root record has not changed, where the view does not compare it itself.

        The check is made for users with and without a record alike, so that its time does not distinguish them.

        Raises:
            HistoryLost: it is another one, or gone.
        """
        if not open_store.pinned and (yield from load(open_store.plain, ROOT_KEY)) != open_store.sealed:
            raise HistoryLost(open_store.root.incarnation)

    def retry_on_loss(self, begin: Callable[[], Effects[T]]) -> Effects[T]:
        """Run effects, and begin them again on the reopened store whenever history is lost.

        Raises:
            StoreContended: history was lost too often.
        """
        for turn in range(_MAX_TURNS):
            try:
                return (yield from begin())
            except HistoryLost:
                self.forget()
            yield self.pause, (turn / 1_000,)
        raise StoreContended

    def forget(self) -> None:
        """Have the store reopened at its next use: history was lost, or the root record is another one."""
        self._open_store = None

    def declare_loss(self) -> Effects[tuple[float, ...]]:
        """Declare that history was lost, for databases that give no sign of a restore.

        Losses noted at times in the future, beyond the skew of clocks, are withdrawn.

        Returns:
            The times of the withdrawn losses.
        """
        withdrawn: list[float] = []

        def declare(root: Root, name: str) -> Effects[Root]:
            latest = self.now() + self._skew()
            withdrawn[:] = [loss.at for loss in root.losses if loss.at > latest]
            root = attrs.evolve(root, losses=tuple(loss for loss in root.losses if loss.at <= latest))
            return (yield from self._note_loss(root, name))

        yield from self._rewrite(declare)
        return tuple(withdrawn)

    def renew_tickets(self) -> Effects[None]:
        """Draw new keys: all open tickets and receipts end, and every browser is a new one."""
        yield from self.rewrite_root(lambda root: root)

    def rewrite_root(self, change: Callable[[Root], Root]) -> Effects[Root]:
        """Write the changed root record, with new ticket and browser keys, sealed under the present key; return it."""

        def change_present(root: Root, name: str) -> Effects[Root]:
            present = root if self._continues(root, name) else (yield from self._note_loss(root, name))
            return change(attrs.evolve(present, browser_key=SecretBytes(os.urandom(32))))

        return (yield from self._rewrite(change_present))

    def _rewrite(self, change: Callable[[Root, str], Effects[Root]]) -> Effects[Root]:
        def begin() -> Effects[Root]:
            plain, name = yield from self._present_view()
            _, root = yield from self._load_root(plain, name, change)
            return root

        root = yield from self.retry_on_loss(begin)
        self.forget()
        return root

    def _root_seal(self) -> RecordSeal:
        return self.seal.for_record(ROOT_KEY)

    def _reopen(self) -> Effects[OpenStore]:
        at = self._monotonic()
        plain, name = yield from self._present_view()
        sealed, root = yield from self._load_root(plain, name)
        pinned = self._pinned_view(name, sealed)
        view = plain if pinned is None else pinned
        return OpenStore(view, plain, root, StoreSeal(self.seal, root), sealed, pinned is not None, at)

    def _present_view(self) -> Effects[tuple[AnyStore, str]]:
        """Return the view of the store's present history, and its name; without histories, the store itself and ""."""
        store = self.store
        if not has_history(store):
            return store, ""
        name = yield from history_name(store)
        return store.at(name), name

    def _pinned_view(self, name: str, sealed: bytes) -> AnyStore | None:
        """Return the view that also compares the root record; None where the store cannot."""
        store = self.store
        if not has_history(store):
            return None
        try:
            return store.at(name, beside=(ROOT_KEY, sealed))
        except TypeError:
            return None

    def _load_root(
        self, plain: AnyStore, name: str, change: Callable[[Root, str], Effects[Root]] | None = None
    ) -> Effects[tuple[bytes, Root]]:
        """Return the root record, as bytes and as a value, rewritten first where a change or a loss requires it."""
        seal = self._root_seal()
        for turn in range(_MAX_TURNS):
            old = yield from load(plain, ROOT_KEY)
            if old is not None:
                root = unseal_record(ROOT_KEY, seal, old, decode_root)
                self._check_store_id(root)
                if change is not None:
                    root = yield from change(root, name)
                elif self._continues(root, name):
                    self._note_root(root)
                    return old, root
                else:
                    root = yield from self._note_loss(root, name)
                root = attrs.evolve(root, ticket_key=SecretBytes(os.urandom(32)))
                self._store_ids |= {root.store_id}
            elif self._create and not self._store_ids:
                keys = SecretBytes(os.urandom(32)), SecretBytes(os.urandom(32))
                root = Root(*keys, name, os.urandom(16), (), new_store_id())
            else:
                raise Refused(Refusal(Reason.NO_ROOT))
            new = seal.seal(encode_root(root))
            if (yield from swap(plain, ROOT_KEY, old, new)):
                self._note_root(root)
                return new, root
            yield self.pause, (turn / 1_000,)
        raise StoreContended

    def _continues(self, root: Root, name: str) -> bool:
        """Return whether a root record belongs to the history that this process last saw, or to a later one.

        A root record without the last loss noted here comes from another server or file, where what was accepted since
        that loss is not spent, even if the name of its history is the same.
        """
        known = {loss.history for loss in root.losses}
        return root.incarnation == name and (self._last_loss is None or self._last_loss in known)

    def _note_root(self, root: Root) -> None:
        self._store_ids |= {root.store_id}
        self._last_loss = root.losses[-1].history if root.losses else None

    def _check_store_id(self, root: Root) -> None:
        """Check that a root record is this store's; until one was read, any is.

        Raises:
            UnreadableRecord: its store id is not one that this session has seen.
        """
        if self._store_ids and root.store_id not in self._store_ids:
            raise UnreadableRecord(ROOT_KEY, "the root record of another store")

    def _note_loss(self, root: Root, name: str) -> Effects[Root]:
        """Return the root record with one more loss, noted only by a host whose clock agrees with the store's.

        A clock that is behind would let spent codes pass again; one that is ahead would refuse everybody until its
        time comes.

        Raises:
            Refused: the clocks differ by more than the skew.
        """
        now = self.now()
        if has_clock(self.store):
            server_now, skew = (yield from store_time(self.store)), self._skew()
            if not now - skew <= server_now <= self.now() + skew:
                raise Refused(Refusal(Reason.CLOCK))
        return root.after_loss(at=now, incarnation=name, history=os.urandom(16))
