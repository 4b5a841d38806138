# SPDX-License-Identifier: Apache-2.0
"""The protocol of a store: two methods, ``load`` and ``swap``, and the promises that they keep.

A store holds opaque bytes under opaque keys. It knows nothing of users, devices or codes; everything that this
library promises about them rests on what follows. ``ram_mfa.testing.check_store`` checks a store against it.

**The shapes.** A key is 44 ASCII characters: a letter that names the kind of record, and 43 of base64url. A value
is ``bytes``, from a few hundred to about 16,000 of them, never empty. ``None`` stands for "no record", in both
directions::

    swap(key, None, new)   create: lands only where there is no record
    swap(key, old, new)    replace: lands only where the record is ``old``, byte for byte; ``new`` may equal ``old``
    swap(key, old, None)   delete: lands only where the record is ``old``
    swap(key, None, None)  asks for nothing, and is False

A swap has three ends: it was applied (True), it lost the race and changed nothing (False), or it raised. A raised
``StoreUnavailable`` says that nothing was applied, for certain; a raised ``StoreUncertain`` says that nobody knows.
An answer counts only if it is exactly ``True`` or ``False``, and a record only if it is ``bytes`` or ``None``: a row
count, a reply of the driver or a coroutine that nobody awaited is a broken store, and is refused.

**The capabilities.** A store may have more methods than the two; each capability is found by its methods
(`has_history`, `has_listing`, `has_clock`), through a wrapper that delegates them too::

    keys(kind)                             names the keys: reports, re-sealing, moves   (``Listing``)
    incarnation(), at(name, beside=pin)    names the history; views that compare it     (``Incarnated``)
    clock()                                the server's own clock                       (``ServerClock``)

**The promises**, by the ids that tests and the kit name them by:

- S1. ``swap`` is an atomic compare-and-swap, and the record of one key is linearizable, across all threads,
  processes and hosts that use the store. Of N swaps from the same old bytes at most one returns True.
- S2. ``load`` reads what the last landed swap wrote: never a replica, a cache, or a snapshot older than the call.
  Outcomes that write nothing are caught by no swap, so this one carries weight of its own.
- S3. What was acknowledged (True) is durable: it survives the death of every process, and of the power of one
  machine, in the fault model that the store's documentation names.
- S4. An outcome that is not known is ``StoreUncertain``: never True, never False, never ``StoreUnavailable``. A store
  never repeats a swap whose reply it lost: the repetition finds its own new bytes and answers False.
- S5. Bytes come back as they were written, whatever they are and however many. What grows inside a record must not
  shrink, and the store's part in that is to alter, cut and merge nothing.
- S6. A record is written whole: no reader ever sees a part of one, or a mixture of two.
- S7. Creating is exclusive: ``swap(key, None, new)`` never replaces a record, so a claim on a name is held by one.
- S8. What was spent stays spent: bytes that a swap replaced are not the record again until somebody writes them,
  also after a failover (see S12).
- S9. Nothing is evicted and nothing expires by itself, under any pressure. A full store refuses writes,
  and what a swap replaced makes room again.
- S10. A swap is finished when it returns: it has landed or never will, save after ``StoreUncertain``, and nothing
  that the caller does later (a rollback, a closed handle, a request that fails) takes it back.
- S11. Two keys are one only if they are equal, character by character: no folding of case, no trimming.
- S12. An engine that can lose acknowledged writes (a promotion, a restore) says so: it is ``Incarnated``. A view
  (``at``) compares the name of its history, and the record that it is pinned to, inside the one statement that reads or
  writes; where either differs it raises ``HistoryLost``, and nothing was read or changed.
- S13. Deleting is as durable as writing, and a deleted record stays away until it is created again.
- S14. Every call ends by a deadline of the store's own: a load in ``StoreUnavailable``, a swap in ``StoreUnavailable``
  where nothing landed and ``StoreUncertain`` where that is not known.
- S15. A place that holds something else than this store's records (another file, another table, a server set up
  unsafely) is refused when the store is opened, never guessed at or repaired.
- S16. Failures are ``StoreUnavailable``, ``StoreUncertain`` and ``HistoryLost``; no exception of a driver crosses.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Protocol, TypeGuard, overload

from .errors import HistoryLost, StoreContended, StoreError, StoreUnavailable, StoreUncertain

__all__ = [
    "AsyncIncarnated",
    "AsyncListing",
    "AsyncServerClock",
    "AsyncStore",
    "HistoryLost",
    "Incarnated",
    "Listing",
    "ServerClock",
    "Store",
    "StoreContended",
    "StoreError",
    "StoreUnavailable",
    "StoreUncertain",
    "has_clock",
    "has_history",
    "has_listing",
    "is_awaited",
]


class Store(Protocol):
    """Records under keys, changed by compare-and-swap. One object is used by many threads at once."""

    def load(self, key: str, /) -> bytes | None:
        """Return the record as it is now, or None where there is none.

        Raises:
            StoreUnavailable: the store did not answer in time, or at all.
            HistoryLost: this is a view of another incarnation (``Incarnated.at``).
        """
        ...

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """Write ``new`` where the record is ``old``; None stands for no record.

        Returns:
            True where it landed and is durable, False where the record was not ``old`` and nothing changed.

        Raises:
            StoreUnavailable: nothing landed, for certain.
            StoreUncertain: it may have landed, or may still land.
            HistoryLost: this is a view of another incarnation, and nothing landed.
        """
        ...


class AsyncStore(Protocol):
    """``Store``, awaited. A cancelled ``swap`` may have landed; a cancelled call leaks no connection."""

    async def load(self, key: str, /) -> bytes | None:
        """See ``Store.load``."""
        ...

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``Store.swap``."""
        ...


class Listing(Protocol):
    """A store that can name its keys: for reports, re-sealing and moves, never on the path of a logon."""

    def keys(self, kind: str, /) -> Iterator[str]:
        """Name the keys that begin with the letter ``kind``, in bounded memory, while others write.

        A key that was there during the whole listing comes exactly once. One that was created or deleted
        meanwhile comes once or not at all. The order is the store's own.

        Raises:
            StoreUnavailable: the listing could not be finished.
        """
        ...


class AsyncListing(Protocol):
    """``Listing``, awaited."""

    def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``Listing.keys``."""
        ...


class Incarnated(Protocol):
    """A store that names its histories and makes views that are pinned to one.

    A promotion that may have lost writes, or a restore, changes the name. Without a view, ``load`` and ``swap`` do
    not compare it.
    """

    def incarnation(self) -> str:
        """Ask the engine, now, what it calls its present history; "" where the engine has no name for it.

        A name never comes back: an engine that returns to a server, a file or a timeline of before has a new one.

        Raises:
            StoreUnavailable: it did not answer.
        """
        ...

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> Store:
        """Return a view, cheap to make, that only works on this history, and beside this record.

        Its ``load`` and ``swap`` compare the name *inside* the statement that reads or writes. Comparing before
        the load, or between load and swap, lets a promotion slip in between, and one code is accepted twice.
        Where the name differs they raise ``HistoryLost`` with the present name, and nothing was read or changed.

        Args:
            incarnation: the name, as ``incarnation()`` gave it.
            beside: a key and a record. Each ``load`` and ``swap`` of the view also compares, inside the same
                statement, that the record under that key is exactly this one. Where it is another or absent:
                ``HistoryLost`` with the present name. Every write differs, so this record names a history that the
                engine itself has no name for, as after a backup that was put back.

        Raises:
            TypeError: ``beside`` is given, and the engine cannot compare two records in one statement.
        """
        ...


class AsyncIncarnated(Protocol):
    """``Incarnated``, awaited; ``at`` is not, and its views are."""

    async def incarnation(self) -> str:
        """See ``Incarnated.incarnation``."""
        ...

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> AsyncStore:
        """See ``Incarnated.at``."""
        ...


class ServerClock(Protocol):
    """A store on a server that has a clock of its own."""

    def clock(self) -> float:
        """Ask the server, now, for its clock: seconds since the epoch.

        Raises:
            StoreUnavailable: it did not answer.
        """
        ...


class AsyncServerClock(Protocol):
    """``ServerClock``, awaited."""

    async def clock(self) -> float:
        """See ``ServerClock.clock``."""
        ...


@overload
def has_listing(store: Store) -> TypeGuard[Listing]: ...
@overload
def has_listing(store: AsyncStore) -> TypeGuard[AsyncListing]: ...
@overload
def has_listing(store: object) -> TypeGuard[Listing | AsyncListing]: ...
def has_listing(store: object) -> TypeGuard[Listing | AsyncListing]:
    """Return whether a store lists its keys."""
    return _has(store, "keys")


@overload
def has_history(store: Store) -> TypeGuard[Incarnated]: ...
@overload
def has_history(store: AsyncStore) -> TypeGuard[AsyncIncarnated]: ...
@overload
def has_history(store: object) -> TypeGuard[Incarnated | AsyncIncarnated]: ...
def has_history(store: object) -> TypeGuard[Incarnated | AsyncIncarnated]:
    """Return whether a store names its histories and makes views.

    Raises:
        TypeError: it has one of ``incarnation`` and ``at`` only. Taken for a store without a history, it would go
            without the protection that its author meant it to have.
    """
    named = _has(store, "incarnation")
    if named != _has(store, "at"):
        raise TypeError("a store has both incarnation() and at(name, beside=...), or neither")
    return named


@overload
def has_clock(store: Store) -> TypeGuard[ServerClock]: ...
@overload
def has_clock(store: AsyncStore) -> TypeGuard[AsyncServerClock]: ...
@overload
def has_clock(store: object) -> TypeGuard[ServerClock | AsyncServerClock]: ...
def has_clock(store: object) -> TypeGuard[ServerClock | AsyncServerClock]:
    """Return whether a store can be asked for its server's clock."""
    return _has(store, "clock")


def is_awaited(store: object) -> bool:
    """Return whether a store is asynchronous: its ``load`` is a coroutine function.

    A wrapper around an asynchronous store defines ``load`` and ``swap`` by ``async def``, or delegates them.
    """
    load = getattr(store, "load", None)
    return inspect.iscoroutinefunction(load) or inspect.iscoroutinefunction(getattr(load, "__call__", None))  # noqa: B004


def _has(store: object, method: str) -> bool:
    # Not isinstance of a runtime Protocol: from Python 3.12 on, that does not see what __getattr__ delegates.
    return callable(getattr(store, method, None))
