# SPDX-License-Identifier: Apache-2.0
"""Stores for the command to operate on, each empty: on a file, and on the private servers."""

from __future__ import annotations

import itertools
import json

import pytest

from ram_mfa import policy_to_plain
from ram_mfa.stores.sqlite import SQLiteStore
from tests.stores.conftest import mariadb, postgresql, redis_cluster, redis_server
from tests.support import require_module
from tests.support.command import POLICY, Site
from tests.support.races import ALL_THE_TIME

__all__ = ["mariadb", "postgresql", "redis_cluster", "redis_server"]  # fixtures of the neighbours
_number = itertools.count(1)


def on_sqlite(request, folder):
    path = str(folder / "mfa.db")
    return Site(path, lambda: SQLiteStore(path, deadline=ALL_THE_TIME, synchronous="UnsafeNORMAL"), folder)


def on_postgresql(request, folder):
    require_module("psycopg", "psycopg[binary]")
    stores = require_module("ram_mfa.stores.postgres", "psycopg[binary]")
    server = request.getfixturevalue("postgresql").server
    name = f"operated_{next(_number)}"
    server.sql(f"CREATE DATABASE {name}")
    url = f"{server.url().rpartition('/')[0]}/{name}"
    return Site(url, lambda: stores.PostgresStore(url, deadline=ALL_THE_TIME), folder)


def on_redis(request, folder):
    redis = require_module("redis", "redis")
    stores = require_module("ram_mfa.stores.redis", "redis")
    server = request.getfixturevalue("redis_server").server
    server.ask("FLUSHALL")
    url = server.url()
    return Site(url, lambda: stores.RedisStore(redis.Redis.from_url(url, socket_timeout=ALL_THE_TIME)), folder)


def on_mariadb(request, folder):
    sqlalchemy = require_module("sqlalchemy", "sqlalchemy")
    require_module("pymysql", "PyMySQL")
    stores = require_module("ram_mfa.stores.sqlalchemy", "sqlalchemy")
    url = request.getfixturevalue("mariadb").server.url()

    def opened():
        return stores.SQLAlchemyStore(sqlalchemy.create_engine(url), deadline=ALL_THE_TIME)

    engine = sqlalchemy.create_engine(url)
    stores.metadata.drop_all(engine)
    engine.dispose()
    return Site(f"sqlalchemy+{url}", opened, folder)


ENGINES = {"sqlite": on_sqlite, "postgresql": on_postgresql, "redis": on_redis}
ALL = {**ENGINES, "mariadb": on_mariadb}


@pytest.fixture
def site(request, tmp_path):
    """A store on SQLite, which nobody created yet."""
    site = on_sqlite(request, tmp_path)
    yield site
    site.end()


@pytest.fixture(params=ENGINES)
def each_site(request, tmp_path):
    """A store on one engine after the other."""
    site = ENGINES[request.param](request, tmp_path)
    yield site
    site.end()


@pytest.fixture(params=ALL)
def any_site(request, tmp_path):
    """A store on one engine after the other, and through SQLAlchemy."""
    site = ALL[request.param](request, tmp_path)
    yield site
    site.end()


@pytest.fixture
def make_site(request, tmp_path):
    """Make stores on engines by name, each with a folder of its own."""
    sites = []

    def make(engine):
        folder = tmp_path / f"site-{len(sites)}"
        folder.mkdir()
        sites.append(ALL[engine](request, folder))
        return sites[-1]

    yield make
    for site in sites:
        site.end()


@pytest.fixture
def policy_file(tmp_path):
    """The policy of all of these, as a file."""
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy_to_plain(POLICY)), encoding="utf-8")
    return str(file)


@pytest.fixture
def postgresql_site(request, tmp_path):
    """A store on PostgreSQL."""
    site = on_postgresql(request, tmp_path)
    yield site
    site.end()


@pytest.fixture
def redis_site(request, tmp_path):
    """A store on Redis."""
    site = on_redis(request, tmp_path)
    yield site
    site.end()


@pytest.fixture
def cluster_site(redis_cluster, tmp_path):
    """A store on a Redis Cluster."""
    redis = require_module("redis", "redis")
    stores = require_module("ram_mfa.stores.redis", "redis")
    port = redis_cluster.servers[0].port

    def opened():
        client = redis.RedisCluster.from_url(f"redis://127.0.0.1:{port}", socket_timeout=ALL_THE_TIME)
        return stores.RedisStore(client)

    site = Site(f"redis+cluster://127.0.0.1:{port}", opened, tmp_path)
    yield site
    site.end()
