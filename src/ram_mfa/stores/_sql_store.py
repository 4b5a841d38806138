# SPDX-License-Identifier: Apache-2.0
"""The calls of a store on any SQL database, over two of its own: run a statement that reads, and one that writes.

The room's rule: it knows the statements and what their answers mean, and no driver.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Iterator
from typing import Any

import attrs

from ..errors import HistoryLost, StoreUnavailable
from ._sql import Family, Statements, Value, found, statement, statements, text_of


class SQLStore(abc.ABC):
    """Records in the table ``ram_mfa``, whatever reaches it.

    Args:
        family: the engine.
        mark: how its driver writes a parameter.
        deadline: how many seconds a swap is asked again while others are in its way.
    """

    def __init__(self, family: Family, mark: str, deadline: float) -> None:
        self._deadline = deadline
        self._texts: Statements = statements(family, (mark, mark, mark, mark))
        self._binary_keys = family == "mysql"

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
        rows = self._rows(self._texts.now, ())
        return text_of(rows[0][0] if len(rows) == 1 else None)

    def at(self, incarnation: str, /) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, incarnation)

    def _load(self, key: str, at: str | None) -> bytes | None:
        now, value = found(self._rows(self._texts.load, (self._key(key),)))
        if at is not None and now != at:
            raise HistoryLost(now)
        return value

    def _swap(self, key: str, old: bytes | None, new: bytes | None, at: str | None) -> bool:
        if old is None and new is None:
            return False
        if old == new and self._binary_keys:  # MySQL counts the rows that changed, unless a flag says otherwise
            return self._load(key, at) == old
        text, values = statement(self._texts, self._key(key), old, new, at)
        until = time.monotonic() + self._deadline
        while True:
            landed = self._write(text, values)
            if landed:
                return True
            if landed is False and self._lost(key, old, at):
                return False
            if time.monotonic() > until:
                raise StoreUnavailable("others kept this record locked until the deadline")

    def _lost(self, key: str, old: bytes | None, at: str | None) -> bool:
        """Say whether a swap that changed no row lost a race.

        The record is read again, after the swap: where it is another now, False is a right answer of this moment. Where
        it is ``old``, it was another for a moment, or MariaDB was interrupted and said nothing: it is asked again.

        Raises:
            HistoryLost: this is another history.
        """
        return (at is None and not self._binary_keys) or self._load(key, at) != old

    def _page(self, kind: str, last: str) -> list[str]:
        between = (self._key(last), self._key(chr(ord(kind) + 1)))
        until = time.monotonic() + self._deadline
        while not (rows := self._rows(self._texts.keys, between)):
            end = self._rows(self._texts.end, between)
            if len(end) == 1 and end[0][0] is None:
                return []
            if time.monotonic() > until:
                raise StoreUnavailable("the listing was interrupted until the deadline")
        return [text_of(key) for (key,) in rows]

    def _key(self, key: str) -> Value:
        return key.encode() if self._binary_keys else key


@attrs.frozen
class _View:
    """A store at one incarnation."""

    _store: SQLStore
    _at: str

    def load(self, key: str, /) -> bytes | None:
        return self._store._load(key, self._at)  # noqa: SLF001 (the store's own view)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return self._store._swap(key, old, new, self._at)  # noqa: SLF001 (likewise)


def all_rows(cursor: Any) -> list[Any]:
    """Return the rows of an answer."""
    return list(cursor.fetchall())


def row_count(cursor: Any) -> int:
    """Return how many rows a statement changed."""
    return int(cursor.rowcount)
