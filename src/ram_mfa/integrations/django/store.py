# SPDX-License-Identifier: Apache-2.0
"""A store on a database of a Django project, that no request's transaction reaches.

https://docs.djangoproject.com/en/stable/topics/db/transactions/#tying-transactions-to-http-requests

Under ATOMIC_REQUESTS a view that raises takes back whatever the request wrote, and with it a refusal: the tries of a
guesser would come back with each error page. So this store writes on connections of its own, in autocommit.
Fault model: the database's, with its durable settings, which each new connection checks. On PostgreSQL a promotion is
seen (the timeline), on MariaDB and MySQL a failover to another server is; a file or a dump put back is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar

import attrs
from django.conf import settings

from ...errors import HistoryLost, StoreUnavailable, StoreUncertain
from ...stores._outcomes import Outcome
from ...stores._sql import Statements, Value, statement, statements
from .connections import Connections, Kept, told

T = TypeVar("T")


def default_alias() -> str:
    """Return the alias that the setting RAM_MFA_DATABASE names, or Django's default one."""
    return str(getattr(settings, "RAM_MFA_DATABASE", "default"))


class DjangoStore:
    """Records in the table ``ram_mfa`` of a database of the project's, on connections of the store's own.

    Making one connects to nothing, so it may stand in a module. On SQLite the alias needs a file of its own: a
    request's transaction locks the whole file, and the store would wait for it in vain. On the other engines the
    store is ``ram_mfa.store.Incarnated`` too.

    Args:
        alias: of DATABASES; where left out, what the setting RAM_MFA_DATABASE says, or ``default``.
        deadline: how many seconds a call waits for a connection, and then for the database's answer.

    Raises:
        ValueError: there is no such alias, no store can be on its engine, or the deadline is none.
    """

    def __new__(cls, alias: str | None = None, *, deadline: float = 5.0) -> Self:
        """Make a store of the kind that the engine is."""
        connections = Connections(default_alias() if alias is None else alias, deadline)
        kind: Any = cls if connections.engine.family == "sqlite" else _Incarnated
        store: Self = object.__new__(kind)
        store._set_up(connections, deadline)
        return store

    def _set_up(self, connections: Connections, deadline: float) -> None:
        engine = connections.engine
        self._connections = connections
        self._engine = engine
        self._deadline = deadline
        mark = engine.mark
        self._texts: Statements = statements(engine.family, (mark, mark, mark, mark))
        self._binary_keys = engine.family == "mysql"

    def __repr__(self) -> str:
        return f"<DjangoStore {self._connections.alias!r}>"

    def load(self, key: str, /) -> bytes | None:
        """See ``ram_mfa.store.Store.load``."""
        return self._load(key, None)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        """See ``ram_mfa.store.Store.swap``."""
        return self._swap(key, old, new, None)

    def keys(self, kind: str, /) -> Iterator[str]:
        """See ``ram_mfa.store.Listing.keys``."""
        last, end = kind, chr(ord(kind) + 1)
        while page := self._rows(self._texts.keys, (self._key(last), self._key(end))):
            for (key,) in page:
                last = key.decode() if isinstance(key, bytes) else key
                yield last

    def close(self) -> None:
        """Close the connections of all threads; they open again when next used."""
        self._connections.close()

    def probe(self) -> None:
        """Reach the database, and look whether a store can be on it.

        Raises:
            StoreUnavailable: it is not reached, not migrated, or not safe.
        """
        self._now()

    def _now(self) -> str:
        return _text(self._rows(self._texts.now, ())[0][0])

    def _load(self, key: str, at: str | None) -> bytes | None:
        ((now, value),) = self._rows(self._texts.load, (self._key(key),))
        if at is not None and _text(now) != at:
            raise HistoryLost(_text(now))
        return None if value is None else bytes(value)

    def _swap(self, key: str, old: bytes | None, new: bytes | None, at: str | None) -> bool:
        if old is None and new is None:
            return False
        if old == new and self._binary_keys:  # a connection without FOUND_ROWS counts the rows that changed
            return self._load(key, at) == old
        text, values = statement(self._texts, self._key(key), old, new, at)
        until = time.monotonic() + self._deadline
        while (landed := self._write(text, values)) is None:
            if time.monotonic() > until:
                raise StoreUnavailable("others kept this record locked until the deadline")
        if not landed and at is not None:
            now = self._now()
            if now != at:
                raise HistoryLost(now)
        return landed

    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """Run a statement that writes; None where nothing landed and it may be asked again."""
        kept = self._connections.mine()
        with kept.lock:
            cursor = self._connections.cursor(kept)
            kept.warnings.clear()
            try:
                count = _ask(kept, cursor, text, values, _row_count)
            except Exception as error:
                outcome = self._engine.judge(error)
                if outcome is Outcome.DUPLICATE:
                    return False
                kept.close()
                if outcome is Outcome.AGAIN:
                    return None
                if outcome is Outcome.NOTHING_LANDED:
                    raise StoreUnavailable(told(error)) from error
                raise StoreUncertain from error
            warned = bool(kept.warnings)
        if warned or count not in {0, 1}:
            raise StoreUncertain
        return bool(count)

    def _rows(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        """Run a statement that reads; once more where the connection turns out to be of a server that is gone."""
        kept = self._connections.mine()
        with kept.lock:
            for may_be_gone in (True, False):
                cursor = self._connections.cursor(kept)
                try:
                    return _ask(kept, cursor, text, values, _all_rows)
                except Exception as error:
                    gone = self._engine.gone(error, kept.raw)
                    kept.close()
                    if not (gone and may_be_gone):
                        raise StoreUnavailable(told(error)) from error
        raise AssertionError  # the second turn returns or raises

    def _key(self, key: str) -> Value:
        return key.encode() if self._binary_keys else key


class _Incarnated(DjangoStore):
    """A store on an engine that has a name for its history."""

    def incarnation(self) -> str:
        """See ``ram_mfa.store.Incarnated.incarnation``."""
        return self._now()

    def at(self, incarnation: str, /) -> _View:
        """See ``ram_mfa.store.Incarnated.at``."""
        return _View(self, incarnation)


@attrs.frozen
class _View:
    """A store at one incarnation."""

    _store: DjangoStore
    _at: str

    def load(self, key: str, /) -> bytes | None:
        return self._store._load(key, self._at)  # noqa: SLF001 (the store's own view)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return self._store._swap(key, old, new, self._at)  # noqa: SLF001 (likewise)


def _ask(kept: Kept, cursor: Any, text: str, values: tuple[Value, ...], get: Callable[[Any], T]) -> T:
    try:
        cursor.execute(text, values)
        return get(cursor)
    except Exception:
        raise
    except BaseException:  # interrupted: nobody knows in the middle of what
        kept.close()
        raise


def _all_rows(cursor: Any) -> list[Any]:
    return list(cursor.fetchall())


def _row_count(cursor: Any) -> int:
    return int(cursor.rowcount)


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
