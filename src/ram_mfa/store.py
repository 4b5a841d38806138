# SPDX-License-Identifier: Apache-2.0
"""The protocol of a store: two methods, ``load`` and ``swap``, and the promises that they must keep.

A store holds opaque bytes under opaque keys. It knows nothing of users, devices or codes; everything that this
library promises about them depends on what follows. ``ram_mfa.testing.check_store`` checks a store against it.

**The shapes.** A key is 44 ASCII characters: a letter that names the kind of record, and 43 of base64url. A value
is ``bytes``, usually a few hundred to about 16,000, never empty. ``None`` means "no record", as an argument and as
a result::

    swap(key, None, new)   create: applied only if there is no record
    swap(key, old, new)    replace: applied only if the record is ``old``, byte for byte; ``new`` may equal ``old``
    swap(key, old, None)   delete: applied only if the record is ``old``
    swap(key, None, None)  does nothing, and returns False

A swap ends in one of three ways: it was applied (True), it lost a race and changed nothing (False), or it raised.
``StoreUnavailable`` means that nothing was applied, for certain; ``StoreUncertain`` means that the outcome is unknown.
An answer counts only if it is exactly ``True`` or ``False``, and a record only if it is ``bytes`` or ``None``: a row
count, a reply of the driver or a coroutine that was not awaited shows a broken store, and is refused.

**The capabilities.** A store may have more methods than the two; each capability is detected by its methods
(`has_history`, `has_listing`, `has_clock`), also through a wrapper that delegates them::

    keys(kind)                             lists the keys: reports, re-sealing, moves   (``Listing``)
    incarnation(), at(name, beside=pin)    names the history; views that compare it     (``Incarnated``)
    clock()                                the server's own clock                       (``ServerClock``)

**The promises**, under the ids that the tests and the kit use:

- S1. ``swap`` is an atomic compare-and-swap, and the record of one key is linearizable, across all threads,
  processes and hosts that use the store. Of N swaps from the same old bytes at most one returns True.
- S2. ``load`` reads what the last applied swap wrote: never a replica, a cache, or a snapshot older than the call.
  For outcomes that write nothing, no later swap would detect a stale read.
- S3. What was acknowledged (True) is durable: it survives the death of every process, and a power failure of one
  machine, within the fault model that the store's documentation states.
- S4. An unknown outcome raises ``StoreUncertain``: never True, never False, never ``StoreUnavailable``. A store
  never repeats a swap whose reply it lost: the repetition would find its own new bytes and return False.
- S5. Bytes are returned as they were written, whatever they are and however many: a store alters, truncates and
  merges nothing.
- S6. A record is written as a whole: no reader ever sees a part of one, or a mixture of two.
- S7. Creating is exclusive: ``swap(key, None, new)`` never replaces a record, so only one user can hold a claim.
- S8. Bytes that a swap replaced do not become the record again unless they are written again, also after a failover
  (see S12). So what was spent stays spent.
- S9. Nothing is evicted and nothing expires, whatever the load. A full store refuses writes, and the space of replaced
  records is reused.
- S10. A swap is finished when it returns: it was applied or never will be, except after ``StoreUncertain``, and nothing
  that the caller does later (a rollback, a closed handle, a request that fails) undoes it.
- S11. Two keys are the same only if they are equal, character by character: no folding of case, no trimming.
- S12. A store that can lose acknowledged writes (by a promotion or a restore) is ``Incarnated``. A view (``at``)
  compares the name of its history, and the record that it is pinned to, inside the one statement that reads or writes;
  if either differs it raises ``HistoryLost``, and nothing was read or changed.
- S13. A deletion is as durable as a write, and a deleted record is absent until it is created again.
- S14. Every call ends by a deadline of the store's own: a load with ``StoreUnavailable``, a swap with
  ``StoreUnavailable`` if nothing was applied, and with ``StoreUncertain`` if that is not known.
- S15. A place that does not hold this store's records (another file, another table, an unsafely configured server) is
  refused when the store is opened; the store never guesses and never repairs.
- S16. Failures are ``StoreUnavailable``, ``StoreUncertain`` and ``HistoryLost``; no exception of a driver escapes.
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
        """Return the record as it is now, or None if there is none.

        Raises:
            StoreUnavailable: the store did not answer in time, or at all.
            HistoryLost: this is a view of another incarnation (``Incarnated.at``).
        """
        ...

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """Write ``new`` if the record is ``old``; None means no record.

        Returns:
            True if it was applied and is durable, False if the record was not ``old`` and nothing changed.

        Raises:
            StoreUnavailable: nothing was applied, for certain.
            StoreUncertain: it may have been applied, or may still be.
            HistoryLost: this is a view of another incarnation, and nothing was applied.
        """
        ...


class AsyncStore(Protocol):
    """An asynchronous ``Store``. A cancelled ``swap`` may have been applied; a cancelled call leaks no connection."""

    async def load(self, key: str, /) -> bytes | None:
        """See ``Store.load``."""
        ...

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``Store.swap``."""
        ...


class Listing(Protocol):
    """A store that can list its keys: for reports, re-sealing and moves, never during a logon."""

    def keys(self, kind: str, /) -> Iterator[str]:
        """Yield the keys that begin with the letter ``kind``, in bounded memory, while others write.

        A key that exists during the whole listing is yielded exactly once. A key that is created or deleted meanwhile
        is yielded once or not at all. The order is the store's own.

        Raises:
            StoreUnavailable: the listing could not be finished.
        """
        ...


class AsyncListing(Protocol):
    """An asynchronous ``Listing``."""

    def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``Listing.keys``."""
        ...


class Incarnated(Protocol):
    """A store that names its histories and makes views that are pinned to one.

    A promotion that may have lost writes, or a restore, changes the name. Without a view, ``load`` and ``swap`` do
    not compare it.
    """

    def incarnation(self) -> str:
        """Ask the database for the name of its present history; "" if the database has none.

        A name is never reused: a database that returns to an earlier server, file or timeline has a new name.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        ...

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> Store:
        """Return a view, cheap to make, that works only on this history, and only while the pinned record is unchanged.

        Its ``load`` and ``swap`` compare the name *inside* the statement that reads or writes. With a comparison
        before the load, or between load and swap, a promotion could happen in between, and one code be accepted twice.
        If the name differs they raise ``HistoryLost`` with the present name, and nothing was read or changed.

        Args:
            incarnation: the name that ``incarnation()`` returned.
            beside: a key and a record. Each ``load`` and ``swap`` of the view also checks, inside the same statement,
                that the record under that key is exactly this one. If it is another or absent, they raise
                ``HistoryLost`` with the present name. No two writes have the same bytes, so this record identifies a
                history even where the database has no name for it, as after a restored backup.

        Raises:
            TypeError: ``beside`` is given, and the database cannot compare two records in one statement.
        """
        ...


class AsyncIncarnated(Protocol):
    """An asynchronous ``Incarnated``; ``at`` itself is synchronous and returns asynchronous views."""

    async def incarnation(self) -> str:
        """See ``Incarnated.incarnation``."""
        ...

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> AsyncStore:
        """See ``Incarnated.at``."""
        ...


class ServerClock(Protocol):
    """A store on a server that has a clock of its own."""

    def clock(self) -> float:
        """Ask the server for the time on its clock: seconds since the epoch.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        ...


class AsyncServerClock(Protocol):
    """An asynchronous ``ServerClock``."""

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
        TypeError: it has only one of ``incarnation`` and ``at``. Treated as a store without a history, it would lack
            the protection that its author intended.
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
    """Return whether a store can read its server's clock."""
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
