# SPDX-License-Identifier: Apache-2.0
"""The calls of a store on any SQL database, over two of its own: run a statement that reads, and one that writes.

Invariant: it knows the statements and what their answers mean, and no driver.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Iterator
from typing import Any

import attrs

from ..errors import StoreUnavailable, StoreUncertain
from ._earlier import WRITERS, Earlier
from ._sql import Family, Pin, Statements, Value, found, only, text_of


class SQLStore(abc.ABC):
    """Records in the table ``ram_mfa``, whatever reaches it.

    Args:
        family: the engine.
        mark: how its driver writes a parameter.
        deadline: how many seconds a swap is asked again while others are in its way.
    """

    def __init__(self, family: Family, mark: str, deadline: float) -> None:
        self._deadline = deadline
        self._statements = Statements(family, mark)
        self._is_mysql = family == "mysql"
        self._is_postgresql = family == "postgresql"

    @abc.abstractmethod
    def _rows(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        """Run a statement that reads; once more where the connection turns out to be of a server that is gone."""

    @abc.abstractmethod
    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """Run a statement that writes; None where nothing landed and it may be asked again."""

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
        return text_of(only(self._rows(self._statements.now, ())))

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, Pin(incarnation, beside))

    def clock(self) -> float:
        """See ``ram_mfa.store.ServerClock.clock``."""
        return float(only(self._rows(self._statements.clock, ())))

    def _load(self, key: str, pin: Pin | None) -> bytes | None:
        return found(self._rows(*self._statements.load(key, pin)), pin)

    def _swap(self, key: str, old: bytes | None, new: bytes | None, pin: Pin | None) -> bool:
        if old is None and new is None:
            return False
        if old == new and self._is_mysql:  # MySQL counts the rows that changed, unless a flag says otherwise
            return self._load(key, pin) == old
        text, values = self._statements.swap(key, old, new, pin)
        until = time.monotonic() + self._deadline
        while True:
            landed = self._write(text, values)
            if landed:
                if self._is_postgresql and pin is not None and pin.beside is None:
                    self._await_earlier()
                return True
            if landed is False and self._lost(key, old, pin):
                return False
            if time.monotonic() > until:
                raise StoreUnavailable("others kept this record locked until the deadline")

    def _await_earlier(self) -> None:
        """Wait on PostgreSQL for the statements that may be pinned to what was just replaced (``Earlier``)."""
        earlier, until = Earlier(), time.monotonic() + self._deadline
        try:
            while not earlier.ended(self._rows(WRITERS, ())):
                if time.monotonic() > until:
                    raise StoreUncertain
                self._rows("SELECT pg_sleep(0.005)", ())  # the server's sleep, which an awaited driver awaits
        except StoreUnavailable as error:
            raise StoreUncertain from error  # the swap itself has landed

    def _lost(self, key: str, old: bytes | None, pin: Pin | None) -> bool:
        """Say whether a swap that changed no row lost a race.

        The whole question is asked again after the swap, in one statement, and its answer is right at that moment,
        whatever was so when the swap ran. Where history and pin are the view's, and the record is not ``old``, a swap
        would lose now: False. Where the record is ``old``, something was another for a moment (or MariaDB was
        interrupted and did not say so): the swap itself is asked again, and again it lands whole or not at all.

        Raises:
            HistoryLost: the history or the pinned record is another. Nothing landed.
        """
        return (pin is None and not self._is_mysql) or self._load(key, pin) != old

    def _page(self, kind: str, last: str) -> list[str]:
        until = time.monotonic() + self._deadline
        while not (rows := self._rows(*self._statements.keys(kind, last))):
            end = self._rows(*self._statements.end(kind, last))
            if len(end) == 1 and end[0][0] is None:
                return []
            if time.monotonic() > until:
                raise StoreUnavailable("the listing was interrupted until the deadline")
        return [text_of(key) for (key,) in rows]


@attrs.frozen
class _View:
    """A store on one history, beside one pinned record."""

    _store: SQLStore
    _pin: Pin

    def load(self, key: str, /) -> bytes | None:
        return self._store._load(key, self._pin)  # noqa: SLF001 (the store's own view)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return self._store._swap(key, old, new, self._pin)  # noqa: SLF001 (likewise)


def all_rows(cursor: Any) -> list[Any]:
    """Return the rows of an answer."""
    return list(cursor.fetchall())


def row_count(cursor: Any) -> int:
    """Return how many rows a statement changed."""
    return int(cursor.rowcount)
