# SPDX-License-Identifier: Apache-2.0
"""A store on a database of a Django project, that no request's transaction reaches.

https://docs.djangoproject.com/en/stable/topics/db/transactions/#tying-transactions-to-http-requests

Under ATOMIC_REQUESTS a view that raises takes back whatever the request wrote, and with it a refusal: the tries of a
guesser would come back with each error page. So this store writes on connections of its own, in autocommit.
Fault model: the database's, with its durable settings, which each new connection checks. On PostgreSQL a promotion
and another cluster are seen (timeline and system identifier), on MariaDB and MySQL another server and a restart; a file
or a dump that is put back shows by the pinned root record only, once the restore is declared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings

from ...errors import StoreUnavailable, StoreUncertain
from ...stores._error_classification import JUDGES, Outcome, told
from ...stores._sql import Value
from ...stores._sql_store import SQLStore, all_rows, row_count
from .connections import Connections, Own

T = TypeVar("T")


def default_alias() -> str:
    """Return the alias that the setting RAM_MFA_DATABASE names, or Django's default one."""
    return str(getattr(settings, "RAM_MFA_DATABASE", "default"))


class DjangoStore(SQLStore):
    """Records in the table ``ram_mfa`` of a database of the project's, on connections of the store's own.

    Making one connects to nothing, so it may stand in a module. On SQLite the alias needs a file of its own: a
    request's transaction locks the whole file, and the store would wait for it in vain.

    Args:
        alias: of DATABASES; where left out, what the setting RAM_MFA_DATABASE says, or ``default``.
        deadline: how many seconds a call waits for a connection, and then for the database's answer.

    Raises:
        ValueError: there is no such alias, no store can be on its engine, or the deadline is none.
    """

    def __init__(self, alias: str | None = None, *, deadline: float = 5.0) -> None:
        self._connections = Connections(default_alias() if alias is None else alias, deadline)
        self._engine = self._connections.engine
        self._judge = JUDGES[self._engine.family]
        super().__init__(self._engine.family, self._engine.mark, deadline)

    def __repr__(self) -> str:
        return f"<DjangoStore {self._connections.alias!r}>"

    def close(self) -> None:
        """Close the connections of all threads; they open again when next used."""
        self._connections.close()

    def probe(self) -> None:
        """Reach the database, and look whether a store can be on it.

        Raises:
            StoreUnavailable: it is not reached, not migrated, or not safe.
        """
        self.incarnation()

    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """Run a statement that writes; None where nothing landed and it may be asked again."""
        kept = self._connections.mine()
        with kept.lock:
            cursor = self._connections.cursor(kept)
            kept.warnings.clear()
            try:
                count = _ask(kept, cursor, text, values, row_count)
            except Exception as error:
                outcome = self._judge(error)
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
                    return _ask(kept, cursor, text, values, all_rows)
                except Exception as error:
                    gone = self._engine.gone(error, kept.connection)
                    kept.close()
                    if not (gone and may_be_gone):
                        raise StoreUnavailable(told(error)) from error
        raise AssertionError  # the second turn returns or raises


def _ask(kept: Own, cursor: Any, text: str, values: tuple[Value, ...], get: Callable[[Any], T]) -> T:
    try:
        cursor.execute(text, values)
        return get(cursor)
    except Exception:
        raise
    except BaseException:  # interrupted: nobody knows in the middle of what
        kept.close()
        raise
