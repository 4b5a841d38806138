# SPDX-License-Identifier: Apache-2.0
"""Which errors of a store heal by themselves."""

from __future__ import annotations

import sqlite3

import pytest

from ram_mfa import StoreUnavailable
from ram_mfa.operations.exit_codes import AGAIN, NEVER, Missing, exit_code_of


class Driver(Exception):
    """An error of a driver's."""

    def __init__(self, *arguments, **attributes):
        super().__init__(*arguments)
        vars(self).update(attributes)


def because(cause, text="what it said"):
    """Return a store's error with a driver's behind it."""
    error = StoreUnavailable(text)
    error.__cause__ = cause
    return error


@pytest.mark.requirement("A30")
class TestCodes:
    @pytest.mark.parametrize(
        "error",
        [
            Missing("SQLite: there is no such file"),
            because(Driver("no such role", sqlstate="28000")),
            because(Driver("no such database", sqlstate="3D000")),
            because(Driver("no such table", sqlstate="42P01")),
            because(Driver(1045, "Access denied")),
            because(Driver("wrapped", orig=Driver(1146, "no such table"))),
            because(Driver("file is not a database", sqlite_errorname="SQLITE_NOTADB")),
            because(Driver("WRONGPASS invalid username-password pair")),
            because(Driver("NOAUTH Authentication required.")),
            StoreUnavailable("the table ram_mfa cannot keep records: it is UNLOGGED"),
            StoreUnavailable("this server can lose acknowledged writes: innodb_flush_log_at_trx_commit is not 1"),
            StoreUnavailable('PostgreSQL: FATAL: password authentication failed for user "mfa"'),
        ],
        ids=str,
    )
    def test_what_never_heals(self, error):
        """Beginning again cannot help: a code of its own."""
        assert exit_code_of(error) == NEVER

    @pytest.mark.parametrize(
        "error",
        [
            StoreUnavailable(),
            StoreUnavailable("PostgreSQL: all connections of this store are in use"),
            because(Driver("shutting down", sqlstate="57P01")),
            because(Driver("cannot connect", sqlstate="08006")),
            because(Driver(2003, "cannot connect")),
            because(Driver("Connection refused")),
            because(sqlite3.OperationalError("database is locked")),
            because(Driver("database is locked", sqlite_errorname="SQLITE_BUSY")),
        ],
        ids=str,
    )
    def test_what_may(self, error):
        """A server that is away, busy, or of which nothing is known: begin again."""
        assert exit_code_of(error) == AGAIN

    def test_a_circle_of_errors(self):
        """Errors that name each other as their cause end the search."""
        one, other = StoreUnavailable("one"), StoreUnavailable("other")
        one.__cause__, other.__cause__ = other, one
        assert exit_code_of(one) == AGAIN
