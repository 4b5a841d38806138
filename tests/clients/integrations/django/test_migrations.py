# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from django.core.management import call_command
from django.db import connections

from ram_mfa.integrations.django.models import Record
from tests.support import require_module

KEY = "u" + "A" * 43


def made(alias, table="ram_mfa"):
    with connections[alias].cursor() as cursor:
        cursor.execute(f"""
            SELECT attname, format_type(atttypid, atttypmod), collname, attnotnull, attstorage
            FROM pg_attribute LEFT JOIN pg_collation ON pg_collation.oid = attcollation
            WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum
        """)
        found = cursor.fetchall()
        cursor.execute(f"SELECT reloptions FROM pg_class WHERE oid = '{table}'::regclass")
        return found, cursor.fetchone()[0]


class TestMigrations:
    def test_the_models_are_migrated(self):
        """``makemigrations --check`` finds nothing to add."""
        call_command("makemigrations", "ram_mfa", check_changes=True, dry_run=True, verbosity=0)

    def test_they_go_both_ways(self, databases, tmp_path, postgresql):
        """Undone and made again."""
        for name in (databases.sqlite(tmp_path / "mfa.db"), databases.server(postgresql)):
            call_command("migrate", "ram_mfa", "zero", database=name, verbosity=0)
            assert "ram_mfa" not in connections[name].introspection.table_names()
            call_command("migrate", "ram_mfa", database=name, verbosity=0)
            assert "ram_mfa" in connections[name].introspection.table_names()

    def test_the_root_record_has_a_table_where_it_needs_one(self, databases, tmp_path, mariadb):
        """On MariaDB and MySQL, and nowhere else."""
        for name, tables in (
            (databases.sqlite(tmp_path / "mfa.db"), {"ram_mfa"}),
            (databases.server(mariadb), {"ram_mfa", "ram_mfa_root"}),
        ):
            made = set(connections[name].introspection.table_names())
            assert {table for table in made if table.startswith("ram_mfa")} == tables

    def test_the_umask_says_who_may_read_a_file(self, databases, tmp_path):
        before = os.umask(0o027)
        try:
            databases.sqlite(tmp_path / "mfa.db")
        finally:
            os.umask(before)
        assert (tmp_path / "mfa.db").stat().st_mode & 0o777 == 0o640

    def test_the_table_is_that_of_the_other_stores(self, databases, postgresql):
        """A project can go over to PostgresStore, and the command line work on its table."""
        name = databases.server(postgresql)
        mine = made(name)
        columns = [("key", "text", "C", True, "x"), ("value", "bytea", None, True, "m")]
        assert mine == (columns, ["fillfactor=60"])
        call_command("migrate", "ram_mfa", "zero", database=name, verbosity=0)
        store = require_module("ram_mfa.stores.postgres", "psycopg").PostgresStore(postgresql.server.url())
        store.create_table()
        assert made(name) == mine
        store.close()
        with connections[name].cursor() as cursor:
            cursor.execute("DROP TABLE ram_mfa")


class TestRecord:
    """The model: for dumps and looks, never on the path of a verb."""

    @pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb"])
    def test_reads_and_writes_the_table(self, databases, tmp_path, engine, request):
        name = databases.on(engine, tmp_path / "mfa.db", request)
        Record.objects.using(name).create(key=KEY, value=b"\0\xff")
        found = Record.objects.using(name).get(key=KEY)
        assert (str(found), bytes(found.value)) == (KEY, b"\0\xff")
        assert not Record.objects.using(name).filter(key=KEY.lower()).exists()
        found.delete(using=name)

    def test_gives_nobody_permissions(self):
        assert Record._meta.default_permissions == ()
