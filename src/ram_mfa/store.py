# SPDX-License-Identifier: Apache-2.0
"""What a store is: two words, ``load`` and ``swap``, and the promises behind them.

A store holds opaque bytes under opaque keys. It knows nothing of users, devices or codes; everything that this
library promises about them rests on what follows. ``ram_mfa.testing.check_store`` checks a store against it.

**The shapes.** A key is 44 ASCII characters: a letter that names the kind of record, and 43 of base64url. A value
is ``bytes``, from a few hundred to about 16,000 of them, never empty. ``None`` stands for "no record", in both
directions::

    swap(key, None, new)   create: lands only where there is no record
    swap(key, old, new)    replace: lands only where the record is ``old``, byte for byte; ``new`` may equal ``old``
    swap(key, old, None)   delete: lands only where the record is ``old``
    swap(key, None, None)  asks for nothing, and is False

A swap has three ends: it landed (True), it lost the race and changed nothing (False), or it raised. A raised
``StoreUnavailable`` says that nothing landed, for certain; a raised ``StoreUncertain`` says that nobody knows.

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
- S12. An engine that can lose acknowledged writes (a promotion, a restore) says so: it is ``Incarnated``.
- S13. Deleting is as durable as writing, and a deleted record stays away until it is created again.
- S14. Every call ends by a deadline of the store's own: a load in ``StoreUnavailable``, a swap in ``StoreUnavailable``
  where nothing landed and ``StoreUncertain`` where that is not known.
- S15. A place that holds something else than this store's records (another file, another table, a server set up
  unsafely) is refused when the store is opened, never guessed at or repaired.
- S16. Failures are ``StoreUnavailable``, ``StoreUncertain`` and ``HistoryLost``; no exception of a driver crosses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol, runtime_checkable

from .errors import HistoryLost, StoreContended, StoreUnavailable, StoreUncertain

__all__ = [
    "AsyncIncarnated",
    "AsyncListing",
    "AsyncStore",
    "HistoryLost",
    "Incarnated",
    "Listing",
    "Store",
    "StoreContended",
    "StoreUnavailable",
    "StoreUncertain",
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


@runtime_checkable
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


@runtime_checkable
class AsyncListing(Protocol):
    """``Listing``, awaited."""

    def keys(self, kind: str, /) -> AsyncIterator[str]:
        """See ``Listing.keys``."""
        ...


@runtime_checkable
class Incarnated(Protocol):
    """A store whose engine can lose acknowledged writes, and calls each of its histories by a name.

    A promotion that may have lost writes, or a restore, changes the name. Without a view, ``load`` and ``swap`` do
    not compare it.
    """

    def incarnation(self) -> str:
        """Ask the engine, now, what it calls its present history.

        Raises:
            StoreUnavailable: it did not answer.
        """
        ...

    def at(self, incarnation: str, /) -> Store:
        """Return a view, cheap to make, that only works on this history.

        Its ``load`` and ``swap`` compare the name *inside* the statement that reads or writes. Comparing before
        the load, or between load and swap, lets a promotion slip in between, and one code is accepted twice.
        Where the name differs they raise ``HistoryLost`` with the present name, and nothing landed.
        """
        ...


@runtime_checkable
class AsyncIncarnated(Protocol):
    """``Incarnated``, awaited."""

    async def incarnation(self) -> str:
        """See ``Incarnated.incarnation``."""
        ...

    def at(self, incarnation: str, /) -> AsyncStore:
        """See ``Incarnated.at``."""
        ...
