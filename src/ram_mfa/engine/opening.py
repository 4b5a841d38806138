# SPDX-License-Identifier: Apache-2.0
"""Opening a store: the root record, without which nothing is performed, and the history it stands for.

The root record is read when an engine opens, after history was lost, and whenever a user's record is absent; with the
view of the store that goes with it, it is the only thing cached. An incarnation other than the one last seen means
that acknowledged writes may be gone: the moment is written into the root record (first writer wins) before anything
else is decided.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

from .._secret import SecretBytes
from ..codec import decode_root, encode_root
from ..errors import HistoryLost, Refused, StoreContended
from ..moment import Root
from ..sealing import RecordSeal, Seal
from ..store import has_history
from ..words import Reason, Refusal
from .plan import AnyStore, Plan
from .records import ROOT_KEY, unsealed

Clock = Callable[[], float]
T = TypeVar("T")
_TURNS: Final = 64
LATEST: Final = 2**40
"""Seconds since the epoch; no clock of a machine that works shows a later moment."""


class Opening:
    """A store, its seal and its root record; shared by the engines of all tenants.

    Args:
        store: as the application made it.
        seal: of all records.
        clock: seconds since the epoch.
        pause: waits some seconds, as the driver does.
        create: whether a missing root record is made.
    """

    def __init__(
        self, store: AnyStore, seal: Seal, clock: Clock, pause: Callable[[float], Any], *, create: bool
    ) -> None:
        self.store = store
        self.seal = seal
        self._clock = clock
        self._pause = pause
        self._create = create
        self._opened: tuple[AnyStore, Root] | None = None

    def now(self) -> float:
        """Return the moment that the clock shows.

        Raises:
            Refused: it shows none: not a finite number of seconds since the epoch.
        """
        now = self._clock()
        if isinstance(now, bool) or not isinstance(now, int | float) or not math.isfinite(now) or not 0 <= now < LATEST:
            raise Refused(Refusal(Reason.CLOCK))
        return now

    def ready(self) -> Plan[tuple[AnyStore, Root]]:
        """Plan the view of the store and the root record to work with, opening it where it is not open.

        Raises:
            Refused: there is no root record.
        """
        opened = self._opened  # once: another thread may forget it between a look and the next
        if opened is None:
            view, incarnation = yield from self._view()
            opened = self._opened = view, (yield from self._root(view, incarnation))
        return opened

    def afresh(self, begin: Callable[[], Plan[T]]) -> Plan[T]:
        """Plan what is begun again, on the store opened anew, wherever history is lost in it."""
        for turn in range(_TURNS):
            try:
                return (yield from begin())
            except HistoryLost:
                self.forget()
            yield self._pause, (turn / 1_000,)
        raise StoreContended

    def read_again(self, view: AnyStore, known: Root) -> Plan[Root]:
        """Plan the root record as it is now, because a user's record was absent.

        Raises:
            Refused: there is no root record any more.
        """
        found = yield view.load, (ROOT_KEY,)
        if found is None:
            self._opened = None
            raise Refused(Refusal(Reason.NO_ROOT))
        root = unsealed(ROOT_KEY, self._record_seal(), found, decode_root)
        if root != known:
            self._opened = view, root
        return root

    def forget(self) -> None:
        """Open the store afresh at the next use: history was lost."""
        self._opened = None

    def declare_lost(self) -> Plan[None]:
        """Plan that history is known to be lost, for engines that give no signal of a restore."""
        yield from self.afresh(self._declared)
        self._opened = None

    def _declared(self) -> Plan[Root]:
        view, incarnation = yield from self._view()
        return (yield from self._root(view, incarnation, lost=True))

    def _record_seal(self) -> RecordSeal:
        return self.seal.for_record(ROOT_KEY)

    def _view(self) -> Plan[tuple[AnyStore, str]]:
        store = self.store
        if not has_history(store):
            return store, ""
        incarnation: str = yield store.incarnation, ()
        return store.at(incarnation), incarnation

    def _root(self, view: AnyStore, incarnation: str, *, lost: bool = False) -> Plan[Root]:
        seal = self._record_seal()
        for turn in range(_TURNS):
            found = yield view.load, (ROOT_KEY,)
            if found is not None:
                root = unsealed(ROOT_KEY, seal, found, decode_root)
                if root.incarnation == incarnation and not lost:
                    return root
                root = root.after_loss(
                    at=self.now(),
                    incarnation=incarnation,
                    history=os.urandom(16),
                    ticket_key=SecretBytes(os.urandom(32)),
                )
            elif self._create:
                root = Root(SecretBytes(os.urandom(32)), incarnation, os.urandom(16), (), os.urandom(16))
            else:
                raise Refused(Refusal(Reason.NO_ROOT))
            if (yield view.swap, (ROOT_KEY, found, seal.seal(encode_root(root)))):
                return root
            yield self._pause, (turn / 1_000,)
        raise StoreContended
