# SPDX-License-Identifier: Apache-2.0
"""Two handles of the store under test, fresh keys for them, and races between threads."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import attrs

from ...errors import StoreUnavailable
from .faults import Faults
from .random_pauses import frequent_switches, random_pauses
from .remote import Remote, StartMethod
from .results import StoreCheckFailed, expect
from .watchdog import Handle, Watchdog

T = TypeVar("T")

RACERS: Final = 8
_MAX_CLEARING: Final = 120.0
"""The most seconds that the deletion of the checks' records takes at the end."""


def ordinary_bytes(size: int = 300) -> bytes:
    """Return fresh bytes without special contents: characters of base64url, which no text layer alters.

    So a store that alters some contents always fails the check of contents, and no other check by chance.
    """
    return secrets.token_urlsafe(size)[:size].encode()


def _make_watchdog(pair: StorePair) -> Watchdog:
    return Watchdog(pair.faults.patience, pair.seconds)


@attrs.define(eq=False)
class StorePair:
    """Two handles on the same records, with the settings of a run.

    ``a`` and ``b`` are the same store where ``make`` returns one object each time.
    """

    make: Callable[[], Any]
    rounds: int
    faults: Faults
    processes: int = 0
    start_method: StartMethod = "spawn"
    seconds: float = 3600.0
    make_remote: Callable[[], Any] | None = None
    threads: bool = True
    make_failing: Callable[[], Any] | None = None
    watch: Watchdog = attrs.field(init=False, default=attrs.Factory(_make_watchdog, takes_self=True))
    handles: list[Handle] = attrs.field(factory=list, init=False)
    _failing: Handle | None = attrs.field(default=None, init=False)
    remotes: list[Remote] = attrs.field(factory=list, init=False)
    used: list[str] = attrs.field(factory=list, init=False)
    certain: list[tuple[str, bytes | None]] = attrs.field(factory=list, init=False)
    """Records that no later check writes, with their bytes: the last check compares them."""

    def __attrs_post_init__(self) -> None:
        self.handle()
        self.handle()

    @property
    def a(self) -> Handle:
        """One handle."""
        return self.handles[0]

    @property
    def b(self) -> Handle:
        """The other handle."""
        return self.handles[1]

    @property
    def failing(self) -> Handle:
        """The handle for calls that are made while the engine fails; ``make_failing`` opens it, where given."""
        if self.make_failing is None:
            return self.a
        if self._failing is None:
            self._failing = Handle(self.make_failing(), self.watch)
            self.handles.append(self._failing)
        return self._failing

    def open(self) -> Handle:
        """Open a further handle, which the caller closes."""
        return Handle(self.make(), self.watch)

    def handle(self) -> Handle:
        """Open a further handle, which is closed at the end."""
        made = self.open()
        self.handles.append(made)
        return made

    def remote(self) -> Handle:
        """Open a handle in another process, which is ended with the run.

        Raises:
            NotTriedError: no processes were asked for.
        """
        return Handle(self.remote_process(), self.watch)

    def remote_process(self) -> Remote:
        """Start another process that opens the store."""
        made = Remote(self.make_remote or self.make, self.processes, self.start_method, self.faults.patience)
        self.remotes.append(made)
        return made

    def shares(self, handle: Handle) -> bool:
        """Return whether a handle is the same object as one of the others."""
        return any(handle is not other and _object(handle) is _object(other) for other in self.handles)

    def key(self, kind: str = "k") -> str:
        """Return a fresh key, whose record is deleted at the end."""
        key = kind + secrets.token_urlsafe(32)
        self.used.append(key)
        return key

    def record(self, kind: str = "k", size: int = 300) -> tuple[str, bytes]:
        """Create a record and return its key and bytes."""
        key, value = self.key(kind), ordinary_bytes(size)
        self.put(key, None, value)
        return key, value

    def put(self, key: str, old: bytes | None, new: bytes | None) -> None:
        """Swap, and check that the swap was applied."""
        stage = ("S7", "creating a record") if old is None else ("S13", "deleting a record")
        promise, what = stage if None in (old, new) else ("S1", "a swap from the record's bytes")
        expect(self.a.swap(key, old, new), promise, f"{what} was not applied")

    def close(self) -> None:
        """Delete what the checks wrote, and close the handles that can be closed."""
        until = time.monotonic() + _MAX_CLEARING
        for remote in self.remotes:
            remote.end()
        with contextlib.suppress(Exception):
            for key in dict.fromkeys(self.used):
                left = self.a.load(key)
                if left is not None:
                    self.a.swap(key, left, None)
                if time.monotonic() > until:
                    break
        for handle in {id(_object(handle)): handle for handle in self.handles}.values():
            handle.close()


def _object(handle: Handle) -> object:
    """Return the store as ``make`` returned it."""
    store = handle.store
    return store.store if type(store).__name__ == "SyncAdapter" else store


def race(jobs: Sequence[Callable[[], T]], *, pause_seed: object = None) -> list[T]:
    """Run jobs in threads that start together; return their results, or raise what one of them raised.

    Args:
        jobs: one for each thread.
        pause_seed: a seed for random pauses between any two lines of the store's code; None makes no pauses.
    """
    start = threading.Barrier(len(jobs))
    results: dict[int, T] = {}
    raised: list[BaseException] = []

    def run(place: int, job: Callable[[], T]) -> None:
        try:
            start.wait()
            with random_pauses(f"{pause_seed} {place}") if pause_seed is not None else contextlib.nullcontext():
                results[place] = job()
        except BaseException as error:  # noqa: BLE001 (raised below, in the thread that asked)
            raised.append(error)

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(jobs)]
    with frequent_switches():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if raised:
        raise next((error for error in raised if isinstance(error, StoreCheckFailed)), raised[0])
    return [results[place] for place in range(len(jobs))]


def try_swap(store: Any, key: str, old: bytes | None, new: bytes | None) -> bool:
    """Swap, and count StoreUnavailable as a lost race: nothing was applied."""
    try:
        applied = store.swap(key, old, new)
    except StoreUnavailable:
        return False
    if applied is not True and applied is not False:
        raise StoreCheckFailed("S1", f"swap answered with a {type(applied).__name__} instead of a bool")
    return applied


class Progress:
    """Progress of racing threads; ends a race that nobody wins any more.

    Args:
        patience: seconds without progress after which the race is ended.
        promise: the promise that is broken then.
        found: the observation that the failure reports.
    """

    def __init__(self, patience: float, promise: str, found: str) -> None:
        self._patience, self._promise, self._found = patience, promise, found
        self._last = time.monotonic()

    def note(self, progressed: bool) -> bool:  # noqa: FBT001 (its one argument)
        """Record a turn, and return whether it made progress."""
        now = time.monotonic()
        if progressed:
            self._last = now
        expect(now - self._last < self._patience, self._promise, self._found)
        return progressed
