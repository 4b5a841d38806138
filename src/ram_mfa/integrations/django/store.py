# SPDX-License-Identifier: Apache-2.0
"""A store on a database of a Django project, independent of the requests' transactions.

https://docs.djangoproject.com/en/stable/topics/db/transactions/#tying-transactions-to-http-requests

Under ATOMIC_REQUESTS a view that raises rolls back everything that the request wrote. If that included refusals, an
attacker would regain the tries with each error page. So this store writes on connections of its own, in autocommit.
Fault model: that of the database with durable settings, which each new connection checks. On PostgreSQL a promotion
and another cluster are detected (by timeline and system identifier), on MariaDB and MySQL another server and a restart,
on SQLite a replaced or removed file. A restored dump, or a copy written into the file, is detected only by the pinned
root record, once the restore is declared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings

from ...errors import StoreUnavailable, StoreUncertain
from ...stores._error_classification import CLASSIFIERS, Outcome, first_line
from ...stores._sql import Value
from ...stores._sql_store import SQLStore, fetch_row_count, fetch_rows
from .connections import DjangoConnection, DjangoConnections

T = TypeVar("T")


def default_alias() -> str:
    """Return the alias in the setting RAM_MFA_DATABASE, or ``default``."""
    return str(getattr(settings, "RAM_MFA_DATABASE", "default"))


class DjangoStore(SQLStore):
    """Records in the table ``ram_mfa`` of a database of the project's, on connections of the store's own.

    The constructor does not connect, so it may be called when a module is imported. On SQLite the alias needs a file of
    its own: a request's transaction locks the whole file, and the store's calls would fail after their deadline.

    Args:
        alias: of DATABASES; if omitted, the setting RAM_MFA_DATABASE, or ``default``.
        deadline: seconds that a call waits for a connection, and then for the database's answer.

    Raises:
        ValueError: there is no such alias, a store cannot use its engine, or the deadline is not positive.
    """

    def __init__(self, alias: str | None = None, *, deadline: float = 5.0) -> None:
        self._connections = DjangoConnections(default_alias() if alias is None else alias, deadline)
        self._engine = self._connections.engine
        self._classify = CLASSIFIERS[self._engine.family]
        super().__init__(self._engine.family, self._engine.placeholder, deadline)

    def __repr__(self) -> str:
        return f"<DjangoStore {self._connections.alias!r}>"

    def close(self) -> None:
        """Close the connections of all threads; they are reopened at their next use."""
        self._connections.close()

    def probe(self) -> None:
        """Connect to the database, and check that a store can use it.

        Raises:
            StoreUnavailable: it cannot be reached, is not migrated, or is not safe.
        """
        self.incarnation()

    def _write(self, text: str, values: tuple[Value, ...]) -> bool | None:
        """See ``SQLStore._write``."""
        holder = self._connections.current()
        with holder.lock:
            self._connections.cursor(holder)
            holder.warnings.clear()
            try:
                count = _execute(holder, text, values, fetch_row_count)
            except Exception as error:
                outcome = self._classify(error)
                if outcome is Outcome.DUPLICATE:
                    return False
                holder.close()
                if outcome is Outcome.RETRY:
                    return None
                if outcome is Outcome.NOT_APPLIED:
                    raise StoreUnavailable(first_line(error)) from error
                raise StoreUncertain from error
            warned = bool(holder.warnings)
        if warned or count not in {0, 1}:
            raise StoreUncertain
        return bool(count)

    def _rows(self, text: str, values: tuple[Value, ...]) -> list[Any]:
        """See ``SQLStore._rows``."""
        holder = self._connections.current()
        with holder.lock:
            for may_retry in (True, False):
                self._connections.cursor(holder)
                try:
                    return _execute(holder, text, values, fetch_rows)
                except Exception as error:
                    dead = self._engine.is_disconnect(error, holder.connection)
                    holder.close()
                    if not (dead and may_retry):
                        raise StoreUnavailable(first_line(error)) from error
        raise AssertionError  # the second attempt returns or raises


def _execute(holder: DjangoConnection, text: str, values: tuple[Value, ...], fetch: Callable[[Any], T]) -> T:
    cursor = holder.cursor
    try:
        cursor.execute(text, values)
        return fetch(cursor)
    except Exception:
        raise
    except BaseException:  # interrupted in an unknown state
        holder.close()
        raise
