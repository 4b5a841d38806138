# SPDX-License-Identifier: Apache-2.0
"""Tables that no store could keep its promises in are refused on each new connection, and left as they are."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest

from ram_mfa.errors import StoreUnavailable
from tests.stores.test_sqlalchemy import dispose, opened
from tests.support import require_module

require_module("sqlalchemy", "sqlalchemy")

KEY = "u" + "A" * 43
C = 'key text COLLATE "C"'


@pytest.fixture(autouse=True)
def dispose_of_engines():
    yield
    dispose()


def opened_as_it_is(url):
    return opened(url, create=False)


def refuses(url, problem, *, open_store=opened_as_it_is):
    """Look that each call is refused with a sentence that names the problem."""
    store = open_store(url)
    for call in (
        lambda: store.load(KEY),
        lambda: store.swap(KEY, None, b"x"),
        lambda: list(store.keys("u")),
        store.incarnation,
        store.create_table,
    ):
        with pytest.raises(StoreUnavailable, match=problem):
            call()
    store.close()


async def refuses_async(url, problem):
    """Check that each call of the async psycopg store is refused with a sentence that names the problem."""
    store = require_module("ram_mfa.stores.postgres", "psycopg").AsyncPostgresStore(url)

    async def keys():
        return [key async for key in store.keys("u")]

    for call in (
        lambda: store.load(KEY),
        lambda: store.swap(KEY, None, b"x"),
        keys,
        store.incarnation,
        store.create_table,
    ):
        with pytest.raises(StoreUnavailable, match=problem):
            await call()
    await store.close()


def refused_by(way, url, problem):
    """Try a place of PostgreSQL through one of the three stores that reach it."""
    if way == "SQLAlchemy":
        refuses(url.replace("sql:", "sql+psycopg:"), problem)
    elif way == "psycopg":
        refuses(url, problem, open_store=require_module("ram_mfa.stores.postgres", "psycopg").PostgresStore)
    else:
        asyncio.run(refuses_async(url, problem))


WAYS = ["SQLAlchemy", "psycopg", "psycopg, async"]


class TestPostgreSQL:
    @pytest.fixture
    def database(self, postgresql):
        require_module("psycopg", "psycopg[binary]")
        postgresql.server.sql("CREATE DATABASE odd")
        yield lambda text: postgresql.server.sql(text, database="odd")
        postgresql.server.sql("DROP DATABASE odd WITH (FORCE)")

    @pytest.fixture
    def url(self, postgresql):
        return postgresql.server.url().rpartition("/")[0] + "/odd"

    @pytest.mark.requirement("A28", "S15")
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize(
        ("made", "problem"),
        [
            (f"CREATE UNLOGGED TABLE ram_mfa ({C} PRIMARY KEY, value bytea NOT NULL)", "UNLOGGED"),
            ("CREATE TABLE ram_mfa (key text PRIMARY KEY, value bytea NOT NULL)", "other columns"),
            ('CREATE TABLE ram_mfa (key varchar(255) COLLATE "C" PRIMARY KEY, value bytea NOT NULL)', "other columns"),
            (f"CREATE TABLE ram_mfa ({C} PRIMARY KEY, value text NOT NULL)", "other columns"),
            (f"CREATE TABLE ram_mfa ({C} PRIMARY KEY)", "other columns"),
            (f"CREATE TABLE ram_mfa ({C}, value bytea)", "primary key"),
            (f"CREATE TABLE ram_mfa ({C}, value bytea, PRIMARY KEY (key, value))", "primary key"),
            (f"CREATE TABLE ram_mfa ({C} PRIMARY KEY DEFERRABLE, value bytea)", "primary key"),
            (
                f"CREATE TABLE t ({C} PRIMARY KEY, value bytea); CREATE VIEW ram_mfa AS SELECT * FROM t",
                "not an ordinary table",
            ),
            (f"CREATE TABLE ram_mfa ({C} PRIMARY KEY, value bytea) PARTITION BY LIST (key)", "not an ordinary table"),
            (
                f"CREATE TABLE ram_mfa ({C} PRIMARY KEY, value bytea); CREATE TABLE t () INHERITS (ram_mfa)",
                "inherits",
            ),
            (
                (
                    f"CREATE TABLE ram_mfa ({C} PRIMARY KEY, value bytea);"
                    " CREATE RULE r AS ON DELETE TO ram_mfa DO INSTEAD NOTHING"
                ),
                "rules",
            ),
            (
                (
                    f"CREATE TABLE ram_mfa ({C} PRIMARY KEY, value bytea);"
                    " CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
                    " CREATE TRIGGER t BEFORE UPDATE ON ram_mfa FOR EACH ROW EXECUTE FUNCTION f()"
                ),
                "triggers",
            ),
        ],
    )
    def test_refuses(self, database, url, made, problem, way):
        database(made)
        refused_by(way, url, problem)

    @pytest.mark.requirement("A28", "S15")
    @pytest.mark.parametrize("way", WAYS)
    def test_refuses_a_foreign_table(self, database, url, way):
        """Its rows are kept by another server, whose settings no statement can check."""
        database("""
            CREATE FOREIGN DATA WRAPPER elsewhere;
            CREATE SERVER other FOREIGN DATA WRAPPER elsewhere;
            CREATE FOREIGN TABLE ram_mfa (key text COLLATE "C" NOT NULL, value bytea NOT NULL) SERVER other
        """)
        refused_by(way, url, "not an ordinary table")

    @pytest.mark.requirement("A28", "S15")
    @pytest.mark.parametrize("way", WAYS)
    def test_refuses_a_table_that_hides_rows_from_its_role(self, database, url, way):
        """Row security: a record that a policy hides would pass for absent."""
        database("""
            CREATE ROLE guarded LOGIN;
            CREATE TABLE ram_mfa (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
            GRANT ALL ON ram_mfa TO guarded;
            ALTER TABLE ram_mfa ENABLE ROW LEVEL SECURITY
        """)
        try:
            refused_by(way, url.replace("postgres@", "guarded@"), "row security")
        finally:
            database("DROP TABLE ram_mfa; DROP ROLE guarded")


class TestMariaDB:
    @pytest.fixture
    def database(self, mariadb):
        mariadb.server.sql("CREATE DATABASE odd")
        yield lambda *texts: mariadb.server.sql("USE odd", *texts)
        mariadb.server.sql("DROP DATABASE odd")

    @pytest.fixture
    def url(self, mariadb):
        return mariadb.server.url().rpartition("/")[0] + "/odd"

    @pytest.mark.requirement("A28", "S15")
    @pytest.mark.parametrize("table", ["ram_mfa", "ram_mfa_root"])
    @pytest.mark.parametrize(
        ("columns", "problem"),
        [
            ("(`key` varchar(255) PRIMARY KEY, value mediumblob)", "key column"),
            ("(`key` varbinary(43) PRIMARY KEY, value mediumblob)", "key column"),
            ("(`key` varbinary(255) PRIMARY KEY, value blob)", "value column"),
            ("(`key` varbinary(255) PRIMARY KEY, value mediumtext)", "value column"),
            ("(`key` varbinary(255), value mediumblob, PRIMARY KEY (`key`(10)))", "primary key"),
            ("(`key` varbinary(255), value mediumblob)", "primary key"),
            ("(`key` varbinary(255) PRIMARY KEY, value mediumblob) ENGINE=MyISAM", "InnoDB"),
            ("(`key` varbinary(255) PRIMARY KEY, value mediumblob) ENGINE=Aria", "InnoDB"),
        ],
    )
    def test_refuses(self, database, url, table, columns, problem):
        opened(url).close()
        database(f"DROP TABLE {table}", f"CREATE TABLE {table} {columns}")
        refuses(url, problem)

    @pytest.mark.requirement("A28", "S15")
    def test_refuses_a_view_and_a_trigger(self, database, url):
        opened(url).close()
        database("CREATE TRIGGER t BEFORE UPDATE ON ram_mfa FOR EACH ROW SET NEW.value = OLD.value")
        refuses(url, "triggers")
        database("DROP TABLE ram_mfa", "CREATE VIEW ram_mfa AS SELECT * FROM ram_mfa_root")
        refuses(url, "not an ordinary table")


class TestSQLite:
    @pytest.mark.requirement("A28", "S15")
    @pytest.mark.parametrize(
        ("made", "problem"),
        [
            ("CREATE TABLE ram_mfa (key INTEGER PRIMARY KEY, value BLOB)", "key column"),
            ("CREATE TABLE ram_mfa (key BLOB PRIMARY KEY, value BLOB)", "key column"),
            ("CREATE TABLE ram_mfa (key TEXT PRIMARY KEY, value TEXT)", "value column"),
            ("CREATE TABLE ram_mfa (key TEXT PRIMARY KEY)", "no columns"),
            ("CREATE TABLE ram_mfa (key TEXT, value BLOB)", "primary key"),
            ("CREATE TABLE ram_mfa (key TEXT, value BLOB, PRIMARY KEY (key, value))", "primary key"),
            ("CREATE TABLE ram_mfa (key TEXT COLLATE NOCASE PRIMARY KEY, value BLOB)", "collation"),
            ("CREATE TABLE ram_mfa (key TEXT, value BLOB, PRIMARY KEY (key COLLATE RTRIM))", "collation"),
            ("CREATE TABLE t (key, value); CREATE VIEW ram_mfa AS SELECT * FROM t", "is not a table"),
            ("CREATE VIRTUAL TABLE ram_mfa USING fts5(key, value)", "is not a table"),
            (
                (
                    "CREATE TABLE ram_mfa (key TEXT PRIMARY KEY, value BLOB); CREATE TRIGGER t AFTER INSERT ON ram_mfa"
                    " BEGIN DELETE FROM ram_mfa; END"
                ),
                "triggers",
            ),
        ],
    )
    def test_refuses(self, tmp_path, made, problem):
        with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db")) as connection:
            connection.executescript(made)
        refuses(f"sqlite:///{tmp_path / 'mfa.db'}", problem)

    @pytest.mark.requirement("A28")
    @pytest.mark.parametrize("columns", ["key text NOT NULL PRIMARY KEY, value blob", "key VARCHAR(255), value BLOB, "])
    def test_takes_what_others_make(self, tmp_path, columns):
        """SQLiteStore, SQLAlchemy and Django describe the same table differently."""
        with contextlib.closing(sqlite3.connect(tmp_path / "mfa.db")) as connection:
            more = "PRIMARY KEY (key)" if columns.endswith(" ") else ""
            connection.execute(f"CREATE TABLE ram_mfa ({columns}{more})")
        store = opened(f"sqlite:///{tmp_path / 'mfa.db'}")
        assert store.swap(KEY, None, b"x")
        store.close()
