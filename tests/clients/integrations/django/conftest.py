# SPDX-License-Identifier: Apache-2.0
"""One project for all tests of the integration, and databases that are migrated when first asked for."""

from __future__ import annotations

import itertools

import pytest

from tests.stores.conftest import Proxied, served
from tests.support import require_module
from tests.support.servers import MariaDB, PostgreSQL

require_module("django", "django")

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from ram_mfa.integrations.django.connections import close_connections  # noqa: E402
from tests.clients.integrations.django import project  # noqa: E402

project.configure()
_numbers = itertools.count(1)


class Databases:
    """Adds aliases to the project for one test, and takes them away."""

    def __init__(self):
        self.names = []

    def add(self, settings, *, migrate=True):
        name = f"test{next(_numbers)}"
        connections.settings[name] = settings
        self.names.append(name)
        if migrate:
            call_command("migrate", "ram_mfa", database=name, verbosity=0)
        return name

    def sqlite(self, path, *, migrate=True, **named):
        return self.add(project.alias(project.SQLITE, path, **named), migrate=migrate)

    def server(self, proxied, *, migrate=True, direct=False, **named):
        url = proxied.server.url() if direct else proxied.url()
        return self.add(project.of_url(url, **named), migrate=migrate)

    def on(self, engine, path, request):
        """Add an alias on SQLite, or on a server whose fixture has the engine's name."""
        return self.sqlite(path) if engine == "sqlite" else self.server(request.getfixturevalue(engine))

    def close(self):
        for name in self.names:
            close_connections(name)
            connections[name].close()
            del connections[name]
            del connections.settings[name]


@pytest.fixture
def databases():
    made = Databases()
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgresql() -> Proxied:
    require_module("psycopg", "psycopg[binary]")
    yield from served(PostgreSQL)


@pytest.fixture(scope="session")
def mariadb() -> Proxied:
    pymysql = require_module("pymysql", "PyMySQL")
    pymysql.install_as_MySQLdb()
    yield from served(MariaDB)
