# SPDX-License-Identifier: Apache-2.0
"""Connections of the store's own: one per thread, and never the request's.

https://docs.djangoproject.com/en/stable/topics/db/transactions/#tying-transactions-to-http-requests

Django opens them, by the alias' settings, so that whatever a backend or the signal ``connection_created`` does is
done here too.

Invariant: none is open across a fork (``stores/_thread_connections.py`` says why), nor after a test runner has given
the alias another database.
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
    """One thread's place for a driver's connection and a cursor on it."""

    __slots__ = ("cursor", "database", "warnings")

    def __init__(self) -> None:
        self.cursor: Any = None
        self.warnings: list[str] = []
        self.database: object = None
        super().__init__()

    def close(self) -> None:
        """Close the connection, where one is open and of this process."""
        self.cursor = None
        super().close()


class Connections(PerThread[Own]):
    """The kept connections of one store, and how one is opened."""

    def __init__(self, alias: str, deadline: float) -> None:
        if alias not in requests.settings:
            raise ValueError(f"DATABASES has no alias {alias!r}")
        if not deadline > 0:
            raise ValueError("the deadline is a number of seconds above 0")
        self.alias = alias
        self.engine: Engine = engine_of(requests[alias].vendor)
        self._deadline = deadline
        self._settings = requests.settings[alias]  # where a test runner writes another NAME
        super().__init__(Own)

    def cursor(self, kept: Own) -> Any:
        """Return the cursor of a thread, whose lock is held, on an open connection.

        Raises:
            StoreUnavailable: the database is not reached, or no store can be on it.
        """
        if kept.cursor is not None and kept.database == self._settings["NAME"] and kept.pid == os.getpid():
            return kept.cursor
        if kept.connection is not None and kept.pid != os.getpid() and self.engine.family == "sqlite":
            raise StoreUnavailable("this process was forked behind Python's back: open the store after the fork")
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

        # Before Django itself says the first word on it, which must have a deadline too.
        opener.get_new_connection = get_new_connection
        try:
            opener.ensure_connection()
        finally:
            del opener.get_new_connection  # an opener is garbage in a circle, and must not keep a thread's place in it
        self.engine.settle(kept.connection, self._deadline)
        kept.cursor = self.engine.cursor(kept.connection)


def close_connections(alias: str) -> None:
    """Close the connections of all stores on an alias; they open again when next used."""
    for connections in _on_aliases():
        if connections.alias == alias:
            connections.close()


def aliases() -> set[str]:
    """Return the aliases that this process has stores on."""
    return {connections.alias for connections in _on_aliases()}


def _on_aliases() -> list[Connections]:
    return [connections for connections in living() if isinstance(connections, Connections)]
