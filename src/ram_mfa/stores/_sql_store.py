# SPDX-License-Identifier: Apache-2.0
"""The store interface on any SQL database, built on two methods of a subclass: one that reads and one that writes.

Invariant: this module knows the statements and the meaning of their results, and no driver.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Iterator
from typing import Any

import attrs

from ..errors import StoreUnavailable, StoreUncertain
from ._sql import Family, Pin, Statements, Value, read_record, single_value, to_text

ACTIVE_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation = to_regclass('ram_mfa') AND mode = 'RowExclusiveLock' AND granted
"""
"""Query for the transactions that are writing to the table. A statement takes this lock before it reads any record."""


@attrs.define
class EarlierWriters:
    """The transactions on PostgreSQL that may still compare a pinned record that has just been replaced.

    A statement compares the pinned record as it was when the statement began. A swap of the pinned record (through a
    view without a pin) therefore waits until every statement that began earlier has ended; a later one sees the new
    record.
    """

    _remaining: set[str] | None = None

    def have_ended(self, active: list[tuple[str]]) -> bool:
        """Return whether all of them have ended, given the result of ``ACTIVE_WRITERS``."""
        transactions = {transaction for (transaction,) in active}
        self._remaining = transactions if self._remaining is None else self._remaining & transactions
        return not self._remaining


class SQLStore(abc.ABC):
    """Records in the table ``ram_mfa``.

    Args:
        family: the engine.
        placeholder: a parameter as the driver writes it.
        deadline: how many seconds a swap is retried after conflicts with other transactions.
    """

    def __init__(self, family: Family, placeholder: str, deadline: float) -> None:
        self._deadline = deadline
        self._statements = Statements(family, placeholder)
        self._is_mysql = family == "mysql"
        self._is_postgresql = family == "postgresql"

    @abc.abstractmethod
    def _rows(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        """Run a statement that reads, and once more if its connection turns out to be dead."""

    @abc.abstractmethod
    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """Run a statement that writes; return whether it changed its row, or None if it may be retried."""

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return self._load(key, None)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return self._swap(key, old, new, None)

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        last = kind
        while page := self._page(kind, last):
            yield from page
            last = page[-1]

    def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``."""
        return to_text(single_value(self._rows(self._statements.incarnation, ())))

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, Pin(incarnation, beside))

    def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``."""
        return float(single_value(self._rows(self._statements.clock, ())))

    def _load(self, key: str, pin: Pin | None) -> bytes | None:
        return read_record(self._rows(*self._statements.load(key, pin)), pin)

    def _swap(self, key: str, old: bytes | None, new: bytes | None, pin: Pin | None) -> bool:
        if old is None and new is None:
            return False
        if old == new and self._is_mysql:  # MySQL counts changed rows, not matched ones, unless a client flag is set
            return self._load(key, pin) == old
        text, values = self._statements.swap(key, old, new, pin)
        until = time.monotonic() + self._deadline
        while True:
            applied = self._write(text, values)
            if applied:
                if self._is_postgresql and pin is not None and pin.beside is None:
                    self._wait_for_earlier_writers()
                return True
            if applied is False and self._lost_race(key, old, pin):
                return False
            if time.monotonic() > until:
                raise contended()

    def _wait_for_earlier_writers(self) -> None:
        """Wait on PostgreSQL until no statement can compare the record that was just replaced (``EarlierWriters``)."""
        earlier, until = EarlierWriters(), time.monotonic() + self._deadline
        try:
            while not earlier.have_ended(self._rows(ACTIVE_WRITERS, ())):
                if time.monotonic() > until:
                    raise StoreUncertain
                self._rows("SELECT pg_sleep(0.005)", ())  # on the server: an async driver must not block its event loop
        except StoreUnavailable as error:
            raise StoreUncertain from error  # the swap itself was applied

    def _lost_race(self, key: str, old: bytes | None, pin: Pin | None) -> bool:
        """Return whether a swap that changed no row lost a race; if not, the swap is to be retried.

        History, pin and record are read again after the swap, in one statement. If history and pin are the view's and
        the record is not ``old``, a swap would lose now: the answer is False. If the record is ``old``, then either
        something was different only while the swap ran, or MariaDB interrupted the swap without an error. The swap is
        then retried, and is again applied as a whole or not at all.

        Raises:
            HistoryLost: the history or the pinned record is different. The swap was not applied.
        """
        return (pin is None and not self._is_mysql) or self._load(key, pin) != old

    def _page(self, kind: str, last: str) -> list[str]:
        until = time.monotonic() + self._deadline
        while not (rows := self._rows(*self._statements.keys(kind, last))):
            end = self._rows(*self._statements.end_of_keys(kind, last))
            if len(end) == 1 and end[0][0] is None:
                return []
            if time.monotonic() > until:
                raise StoreUnavailable("the listing kept being interrupted until the deadline")
        return [to_text(key) for (key,) in rows]


@attrs.frozen
class _View:
    """A store bound to one history and one pinned record."""

    _store: SQLStore
    _pin: Pin

    def load(self, key: str, /) -> bytes | None:
        return self._store._load(key, self._pin)  # noqa: SLF001 (the store's own view)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return self._store._swap(key, old, new, self._pin)  # noqa: SLF001 (likewise)


def contended() -> StoreUnavailable:
    """Return the error of a swap that conflicted with other transactions until the deadline."""
    return StoreUnavailable("other transactions kept this record locked until the deadline")


def fetch_rows(cursor: Any) -> list[Any]:
    """Return the rows of a result."""
    return list(cursor.fetchall())


def fetch_row_count(cursor: Any) -> int:
    """Return how many rows a statement changed."""
    return int(cursor.rowcount)
