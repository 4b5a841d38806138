# SPDX-License-Identifier: Apache-2.0
"""The store's own connections: one per thread, separate from the request's.

https://docs.djangoproject.com/en/stable/topics/db/transactions/#tying-transactions-to-http-requests

Django opens them with the settings of the alias, so that the backend's own preparations and the signal
``connection_created`` apply to them too. Django has no pool for SQLite, MariaDB and MySQL; its pool for PostgreSQL
shares connections with the requests.

Invariant: no connection stays open across a fork (``stores/_thread_connections.py`` explains why), or after a test
runner has given the alias another database.
"""

from __future__ import annotations

import os
from typing import Any

from django.db import connections as requests

from ...errors import StoreUnavailable
from ...stores._error_classification import first_line
from ...stores._thread_connections import FORKED, ThreadConnection, ThreadConnections, all_pools
from .engines import Engine, engine_of


class DjangoConnection(ThreadConnection[Any]):
    """The connection of one thread, and a cursor on it."""

    __slots__ = ("cursor", "database", "warnings")

    def __init__(self) -> None:
        self.cursor: Any = None
        self.warnings: list[str] = []
        self.database: object = None
        super().__init__()

    def close(self) -> None:
        """Close the connection if it is open and belongs to this process."""
        self.cursor = None
        super().close()


class DjangoConnections(ThreadConnections[DjangoConnection]):
    """The connections of one store."""

    def __init__(self, alias: str, deadline: float) -> None:
        if alias not in requests.settings:
            raise ValueError(f"DATABASES has no alias {alias!r}")
        if not deadline > 0:
            raise ValueError("the deadline is a number of seconds above 0")
        self.alias = alias
        self.engine: Engine = engine_of(requests[alias].vendor)
        self._deadline = deadline
        self._settings = requests.settings[alias]  # a test runner may write another NAME into it
        super().__init__(DjangoConnection)

    def cursor(self, holder: DjangoConnection) -> Any:
        """Return a cursor on the open connection of a thread that holds its lock.

        Raises:
            StoreUnavailable: the database cannot be reached, or a store cannot use it.
        """
        if holder.cursor is not None and holder.database == self._settings["NAME"] and holder.pid == os.getpid():
            self.engine.check_file()
            return holder.cursor
        if holder.connection is not None and holder.pid != os.getpid() and self.engine.family == "sqlite":
            raise StoreUnavailable(FORKED)
        holder.close()
        holder.pid, holder.database = os.getpid(), self._settings["NAME"]
        try:
            self._open(holder)
        except StoreUnavailable:
            holder.close()
            raise
        except Exception as error:
            holder.close()
            raise StoreUnavailable(first_line(error)) from error
        return holder.cursor

    def close(self) -> None:
        """Close all connections, each after its running statement. The next call may open another file."""
        super().close()
        self.engine.forget_file()

    def _open(self, holder: DjangoConnection) -> None:
        opener: Any = requests.create_connection(self.alias)
        options = self.engine.options(opener.settings_dict["OPTIONS"], self._deadline)
        opener.settings_dict = {**opener.settings_dict, "OPTIONS": options, "AUTOCOMMIT": True}
        connect = opener.get_new_connection

        def get_new_connection(parameters: dict[str, Any]) -> Any:
            holder.connection = connect(parameters)
            holder.warnings = self.engine.connected(holder.connection, self._deadline)
            return holder.connection

        # This must precede the first statement of Django itself, which needs a deadline too.
        opener.get_new_connection = get_new_connection
        try:
            opener.ensure_connection()
        finally:
            del opener.get_new_connection  # breaks a reference cycle that would keep the connection alive
        self.engine.prepare(holder.connection, self._deadline)
        holder.cursor = self.engine.cursor(holder.connection)


def close_connections(alias: str) -> None:
    """Close the connections of all stores on an alias; they are reopened at their next use."""
    for connections in _all_connections():
        if connections.alias == alias:
            connections.close()


def aliases() -> set[str]:
    """Return the aliases for which this process has stores."""
    return {connections.alias for connections in _all_connections()}


def _all_connections() -> list[DjangoConnections]:
    return [connections for connections in all_pools() if isinstance(connections, DjangoConnections)]
