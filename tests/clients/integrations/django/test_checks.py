# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from django.core import checks as system
from django.core.management import call_command
from django.db import connections
from django.db.backends.postgresql import psycopg_any
from django.test import override_settings

from ram_mfa.integrations.django import DjangoStore, checks, site_checks
from ram_mfa.integrations.django.checks import check_database, check_settings
from tests.clients.integrations.django import project

TOP = Path(__file__).parents[4]


def ids(messages):
    return [message.id for message in messages]


def settings_of(alias):
    with override_settings(RAM_MFA_DATABASE=alias):
        return ids(check_settings())


class TestCheckSettings:
    """What is said without a connection."""

    def test_finds_nothing_wrong_with_a_project_that_is_right(self, databases, tmp_path, postgresql):
        """A file of its own on SQLite; on a server the requests' own alias, ATOMIC_REQUESTS or not."""
        assert settings_of(databases.sqlite(tmp_path / "mfa.db", ATOMIC_REQUESTS=True)) == []
        assert settings_of(databases.server(postgresql, migrate=False, ATOMIC_REQUESTS=True)) == []
        assert ids(system.run_checks()) == []

    def test_an_alias_that_is_not_there(self):
        assert settings_of("elsewhere") == ["ram_mfa.E001"]

    def test_an_engine_that_no_store_can_be_on(self, databases):
        name = databases.add(project.alias("django.db.backends.dummy", ""), migrate=False)
        assert settings_of(name) == ["ram_mfa.E002"]

    @pytest.mark.parametrize("name", [":memory:", "file:shared?mode=memory&cache=shared", ""])
    def test_records_in_memory(self, databases, name):
        assert settings_of(databases.sqlite(name, migrate=False)) == ["ram_mfa.E003"]

    @pytest.mark.requirement("S10")
    def test_a_file_that_the_requests_use_too(self, databases, tmp_path):
        """The same file under two aliases, however it is written: an error under ATOMIC_REQUESTS, else a warning."""
        (tmp_path / "folder").mkdir()
        other = f"file:{tmp_path}/folder/../site.db?timeout=1"
        databases.sqlite(tmp_path / "site.db", migrate=False, ATOMIC_REQUESTS=True)
        name = databases.sqlite(other, migrate=False)
        assert settings_of(name) == ["ram_mfa.E004"]
        connections.settings[databases.names[0]]["ATOMIC_REQUESTS"] = False
        assert settings_of(name) == ["ram_mfa.W001"]
        assert settings_of("default") == ["ram_mfa.E004"]

    def test_psycopg_2(self, databases, postgresql, monkeypatch):
        monkeypatch.setattr(psycopg_any, "is_psycopg3", False)
        assert settings_of(databases.server(postgresql, migrate=False)) == ["ram_mfa.E005"]

    def test_each_alias_that_has_a_store_is_looked_at(self, databases):
        """A store that the project made on another alias than the setting's is not left out."""
        name = databases.sqlite(":memory:", migrate=False)
        store = DjangoStore(name)
        assert ids(check_settings()) == ["ram_mfa.E003"]
        assert repr(name) in repr(store)


class TestCheckDatabase:
    """What ``check --database`` and ``migrate`` say."""

    def test_finds_nothing_wrong_with_a_database_that_is_right(self, databases, tmp_path, postgresql):
        for name in (databases.sqlite(tmp_path / "mfa.db"), databases.server(postgresql)):
            with override_settings(RAM_MFA_DATABASE=name):
                assert check_database(databases=[name]) == []
                call_command("check", databases=[name])

    def test_a_database_that_is_not_migrated(self, databases, tmp_path):
        """It is a warning: ``migrate`` runs the checks before it makes the table."""
        name = databases.sqlite(tmp_path / "mfa.db", migrate=False)
        with override_settings(RAM_MFA_DATABASE=name):
            assert ids(check_database(databases=[name])) == ["ram_mfa.W002"]
            call_command("migrate", "ram_mfa", database=name, verbosity=0, skip_checks=False)
            assert check_database(databases=[name]) == []

    def test_a_database_that_is_not_reached(self, databases, tmp_path):
        name = databases.sqlite(tmp_path / "missing" / "mfa.db", migrate=False)
        with override_settings(RAM_MFA_DATABASE=name):
            assert ids(check_database(databases=[name])) == ["ram_mfa.E010"]

    def test_says_nothing_of_what_is_not_asked_for(self, databases, tmp_path):
        """Other databases, and aliases that the settings' check has already found fault with."""
        name = databases.sqlite(tmp_path / "missing" / "mfa.db", migrate=False)
        dummy = databases.add(project.alias("django.db.backends.dummy", ""), migrate=False)
        assert check_database() == []
        assert check_database(databases=[name]) == []
        for alias in (dummy, "elsewhere"):
            with override_settings(RAM_MFA_DATABASE=alias):
                assert check_database(databases=[alias]) == []


def test_the_page_has_each_check():
    """docs/django.md lists what the checks may say, and nothing else."""
    page = (TOP / "docs" / "django.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([EW]\d+)`", page, flags=re.MULTILINE)
    sources = inspect.getsource(checks) + inspect.getsource(site_checks)
    assert sorted(listed) == sorted(set(re.findall(r'id="ram_mfa\.([EW]\d+)"', sources)))
