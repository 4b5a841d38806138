# SPDX-License-Identifier: Apache-2.0
"""The bench that a store is checked on: two handles of it, keys that nobody else uses, and racing threads."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from ...errors import StoreUnavailable
from ...store import Store
from .failure import StoreCheckFailed, expect
from .faults import Faults

T = TypeVar("T")

RACERS = 8


@attrs.define(eq=False)
class Bench:
    """Two handles on the same records, and how many rounds the races run.

    ``a`` and ``b`` may be one object: a store that lives in one process has only one.
    """

    make: Callable[[], Store]
    rounds: int
    faults: Faults
    handles: list[Store] = attrs.field(factory=list, init=False)
    used: list[str] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.handle()
        self.handle()

    @property
    def a(self) -> Store:
        """One handle."""
        return self.handles[0]

    @property
    def b(self) -> Store:
        """The other handle."""
        return self.handles[1]

    def handle(self) -> Store:
        """Make a further handle, closed at the end."""
        made = self.make()
        self.handles.append(made)
        return made

    def key(self, kind: str = "k") -> str:
        """Return a fresh key, whose record is deleted at the end."""
        key = kind + secrets.token_urlsafe(32)
        self.used.append(key)
        return key

    def record(self, kind: str = "k", size: int = 300) -> tuple[str, bytes]:
        """Create a record and return its key and bytes."""
        key, value = self.key(kind), secrets.token_bytes(size)
        expect(self.a.swap(key, None, value) is True, "S7", "creating a record under a fresh key did not land")
        return key, value

    def close(self) -> None:
        """Delete what the checks wrote, and close the handles that can be closed."""
        with contextlib.suppress(Exception):
            for key in self.used:
                left = self.a.load(key)
                if left is not None:
                    self.a.swap(key, left, None)
        for handle in {id(handle): handle for handle in self.handles}.values():
            close_handle(handle)


def close_handle(handle: object) -> None:
    """Close a handle that can be closed."""
    close = getattr(handle, "close", None)
    if close is not None:
        close()


def race(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run the jobs in threads that start at one moment; return what they returned, or raise what one of them raised."""
    start = threading.Barrier(len(jobs))
    results: dict[int, T] = {}
    raised: list[BaseException] = []

    def run(place: int, job: Callable[[], T]) -> None:
        try:
            start.wait()
            results[place] = job()
        except BaseException as error:  # noqa: BLE001 (raised below, in the thread that asked)
            raised.append(error)

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
    return [results[place] for place in range(len(jobs))]


def try_swap(store: Store, key: str, old: bytes | None, new: bytes | None) -> bool:
    """Swap, where a store that is too busy to answer has landed nothing."""
    try:
        landed = store.swap(key, old, new)
    except StoreUnavailable:
        return False
    if landed is not True and landed is not False:
        raise StoreCheckFailed("S1", f"swap answered with a {type(landed).__name__} instead of a bool")
    return landed
