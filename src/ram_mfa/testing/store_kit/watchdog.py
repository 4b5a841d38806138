# SPDX-License-Identifier: Apache-2.0
"""A watchdog over every call of a store, so that a run ends whatever the store does.

A check runs in a thread of its own. The watchdog lists the calls of the store that are under way in any thread; a call
that takes longer than the patience ends the run. Threads that hang are abandoned, and the others end at their next
call.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from ...store import has_clock, has_history, has_listing
from .results import AbandonedError, StoreCheckFailed, expect

T = TypeVar("T")
_POLL_INTERVAL: Final = 0.02
"""Seconds between two inspections of the calls under way."""


class Watchdog:
    """List of the calls under way, and the time limits of a run.

    Args:
        patience: seconds after which a call hangs.
        seconds: seconds after which the run is over.
    """

    def __init__(self, patience: float, seconds: float) -> None:
        self.patience = patience
        self.until: float = time.monotonic() + seconds
        self.seconds = seconds
        self.stopped: bool = False
        self._calls: dict[tuple[int, int], tuple[str, float]] = {}
        self._number = 0

    def call(self, name: str, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call the store, and list the call meanwhile."""
        return self._watched(name, 0.0, call, *arguments, **named)

    def long_call(self, name: str, call: Callable[..., T], *arguments: Any) -> T:
        """Run work that calls the store many times, with ten times the patience."""
        return self._watched(name, 9 * self.patience, call, *arguments)

    def _watched(self, name: str, extra: float, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        if self.stopped:
            raise AbandonedError
        self._number += 1
        place = threading.get_ident(), self._number
        self._calls[place] = name, time.monotonic() + extra
        try:
            return call(*arguments, **named)
        finally:
            del self._calls[place]
            if self.stopped:
                raise AbandonedError

    def hanging_call(self) -> str:
        """Return the name of a call that has taken longer than the patience; "" where there is none."""
        now = time.monotonic()
        for name, began in list(self._calls.values()):
            if now - began > self.patience:
                return name
        return ""

    def run(self, work: Callable[[], object], limit: float | None = None) -> None:
        """Run work in a thread, and raise what it raises.

        Raises:
            StoreCheckFailed: a call hangs, or the time of the run (or the limit) is over.
        """
        raised: list[BaseException] = []
        done = threading.Event()

        def body() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 (raised below, in the thread that asked)
                raised.append(error)
            finally:
                done.set()

        until = self.until if limit is None else time.monotonic() + limit
        threading.Thread(target=body, daemon=True, name="store kit").start()
        while not done.wait(_POLL_INTERVAL):
            name = self.hanging_call()
            if name:
                self.stopped = True
                raise StoreCheckFailed("S14", f"a call has no deadline: {name} hangs for {self.patience:g} s")
            if time.monotonic() > until:
                self.stopped = True
                raise StoreCheckFailed("S14", f"the check did not end within the {self.seconds:g} s of the run")
        if raised:
            raise raised[0]


class Handle:
    """Store under test, each of whose calls is watched and has to answer with exactly the promised type."""

    keys: Callable[[str], Iterator[str]]
    incarnation: Callable[[], str]
    at: Callable[..., Handle]
    clock: Callable[[], float]

    def __init__(self, store: Any, watch: Watchdog) -> None:
        self.store = store
        self.watch = watch
        if has_listing(store):
            self.keys = self._keys
        if has_history(store):
            self.incarnation, self.at = self._incarnation, self._at
        if has_clock(store):
            self.clock = self._clock

    def load(self, key: str, /) -> bytes | None:
        """Load a record."""
        found = self.watch.call("load", self.store.load, key)
        if found is not None and type(found) is not bytes:
            raise StoreCheckFailed("S5", f"load gives a {type(found).__name__} instead of bytes")
        return found

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """Swap a record."""
        applied = self.watch.call("swap", self.store.swap, key, old, new)
        if applied is not True and applied is not False:
            raise StoreCheckFailed("S1", f"swap answered with a {type(applied).__name__} instead of a bool")
        return applied

    def close(self) -> None:
        """Close the store, where it can be closed."""
        close = getattr(self.store, "close", None)
        if callable(close):
            self.watch.call("close", close)

    def _keys(self, kind: str, /) -> Iterator[str]:
        listing: Iterator[Any] = iter(self.watch.call("keys", self.store.keys, kind))
        end = object()
        while True:
            key: Any = self.watch.call("keys", lambda: next(listing, end))
            if key is end:
                return
            expect(type(key) is str, "S11", f"a listing gives a {type(key).__name__} instead of str")
            yield key

    def _incarnation(self) -> str:
        name = self.watch.call("incarnation", self.store.incarnation)
        expect(type(name) is str, "S12", f"an incarnation is a {type(name).__name__} instead of str")
        return name  # type: ignore[no-any-return]

    def _at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> Handle:
        pinned = {} if beside is None else {"beside": beside}
        return Handle(self.watch.call("at", self.store.at, incarnation, **pinned), self.watch)

    def _clock(self) -> float:
        now = self.watch.call("clock", self.store.clock)
        expect(type(now) in (int, float), "S12", f"a clock shows a {type(now).__name__} instead of a number")
        return now  # type: ignore[no-any-return]


def can_list(handle: Handle) -> bool:
    """Return whether the store lists its keys."""
    return has_listing(handle)


def has_views(handle: Handle) -> bool:
    """Return whether the store names its histories and makes views."""
    return has_history(handle)


def has_server_clock(handle: Handle) -> bool:
    """Return whether the store shows its server's clock."""
    return has_clock(handle)
