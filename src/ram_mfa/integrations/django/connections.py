# SPDX-License-Identifier: Apache-2.0
"""The store's own connections: one per thread, separate from the request's.

https://docs.djangoproject.com/en/stable/topics/db/transactions/#tying-transactions-to-http-requests

Django opens them with the settings of the alias, so that the backend's own preparations and the signal
``connection_created`` apply to them too.

Invariant: no connection stays open across a fork (``stores/_thread_connections.py`` explains why), or after a test
runner has given the alias another database.
"""

from __future__ import annotations

import os
from typing import Any

from django.db import connections as requests

from ...errors import StoreUnavailable
from ...stores._error_classification import told
from ...stores._thread_connections import Kept, PerThread, living
from .engines import Engine, engine_of


class Own(Kept[Any]):
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


class Connections(PerThread[Own]):
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
        super().__init__(Own)

    def cursor(self, kept: Own) -> Any:
        """Return a cursor on the open connection of a thread that holds its lock.

        Raises:
            StoreUnavailable: the database cannot be reached, or a store cannot use it.
        """
        if kept.cursor is not None and kept.database == self._settings["NAME"] and kept.pid == os.getpid():
            return kept.cursor
        if kept.connection is not None and kept.pid != os.getpid() and self.engine.family == "sqlite":
            raise StoreUnavailable("this process was forked without os.fork: open the store after the fork")
        kept.close()
        kept.pid, kept.database = os.getpid(), self._settings["NAME"]
        try:
            self._open(kept)
        except StoreUnavailable:
            kept.close()
            raise
        except Exception as error:
            kept.close()
            raise StoreUnavailable(told(error)) from error
        return kept.cursor

    def _open(self, kept: Own) -> None:
        opener: Any = requests.create_connection(self.alias)
        options = self.engine.options(opener.settings_dict["OPTIONS"], self._deadline)
        opener.settings_dict = {**opener.settings_dict, "OPTIONS": options, "AUTOCOMMIT": True}
        connect = opener.get_new_connection

        def get_new_connection(parameters: dict[str, Any]) -> Any:
            kept.connection = connect(parameters)
            kept.warnings = self.engine.connected(kept.connection, self._deadline)
            return kept.connection

        # This must precede the first statement of Django itself, which needs a deadline too.
        opener.get_new_connection = get_new_connection
        try:
            opener.ensure_connection()
        finally:
            del opener.get_new_connection  # breaks a reference cycle that would keep the connection alive
        self.engine.settle(kept.connection, self._deadline)
        kept.cursor = self.engine.cursor(kept.connection)


def close_connections(alias: str) -> None:
    """Close the connections of all stores on an alias; they are reopened at their next use."""
    for connections in _all_connections():
        if connections.alias == alias:
            connections.close()


def aliases() -> set[str]:
    """Return the aliases for which this process has stores."""
    return {connections.alias for connections in _all_connections()}


def _all_connections() -> list[Connections]:
    return [connections for connections in living() if isinstance(connections, Connections)]
