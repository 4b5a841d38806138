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
from ._sql import Family, Statements, Value, statement, statements


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
        return _text(self._rows(self._texts.now, ())[0][0])

    def at(self, incarnation: str, /) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, incarnation)

    def _load(self, key: str, at: str | None) -> bytes | None:
        ((now, value),) = self._rows(self._texts.load, (self._key(key),))
        if at is not None and _text(now) != at:
            raise HistoryLost(_text(now))
        return None if value is None else bytes(value)

    def _swap(self, key: str, old: bytes | None, new: bytes | None, at: str | None) -> bool:
        if old is None and new is None:
            return False
        if old == new and self._binary_keys:  # MySQL counts the rows that changed, unless a flag says otherwise
            return self._load(key, at) == old
        text, values = statement(self._texts, self._key(key), old, new, at)
        until = time.monotonic() + self._deadline
        while (landed := self._write(text, values)) is None:
            if time.monotonic() > until:
                raise StoreUnavailable("others kept this record locked until the deadline")
        if not landed and at is not None:
            now = self.incarnation()
            if now != at:
                raise HistoryLost(now)
        return landed

    def _page(self, kind: str, last: str) -> list[str]:
        rows = self._rows(self._texts.keys, (self._key(last), self._key(chr(ord(kind) + 1))))
        return [_text(key) for (key,) in rows]

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


def _text(said: str | bytes) -> str:
    return said.decode() if isinstance(said, bytes) else str(said)
