# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import unittest

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import TestCase, TransactionTestCase

from ram_mfa import MFA, Administrator, BeginLogon, MFAPolicy, OpenAccount, Reason, Refused, UnsafePlaintext
from ram_mfa.integrations.django import DjangoStore
from ram_mfa.integrations.django.connections import close_connections
from ram_mfa.integrations.django.testing import FreshRecords
from tests.clients.integrations.django.project import alias, of_url

ROOT = Administrator("root")
POLICY = MFAPolicy.ram(issuer="Example")


def run(case):
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def suite(base, name, mfa):
    """Make a class of two tests, each of which finds no record of the other, on an MFA that stays open."""

    class Tests(FreshRecords, base):
        databases = {"default", name}  # noqa: RUF012
        mfa_database = name

        def test_one(self):
            with pytest.raises(Refused) as caught:
                mfa.perform("alice", BeginLogon(session="the session of one browser"))
            assert caught.value.refusal.reason is Reason.NO_ACCOUNT
            mfa.perform("alice", OpenAccount(required=False, by=ROOT))
            mfa.perform("alice", BeginLogon(session="the session of one browser"))

        test_two = test_one

    return Tests


class TestFreshRecords:
    @pytest.mark.parametrize("base", [TestCase, TransactionTestCase])
    def test_each_test_begins_without_records(self, databases, tmp_path, base):
        """Under a root record that stays, whether or not the test case empties the tables."""
        call_command("migrate", database="default", verbosity=0)
        name = databases.sqlite(tmp_path / "mfa.db")
        mfa = MFA(DjangoStore(name), POLICY, seal=UnsafePlaintext(), create=True)
        result = run(suite(base, name, mfa))
        assert result.testsRun == 2
        assert result.wasSuccessful(), result.errors + result.failures

    def test_without_it_records_stay(self, databases, tmp_path):
        """A TestCase rolls back what is on the request's connection, and the store is not on it."""
        name = databases.sqlite(tmp_path / "mfa.db")
        mfa = MFA(DjangoStore(name), POLICY, seal=UnsafePlaintext(), create=True)
        bare = suite(TestCase, name, mfa)
        bare.setUp = TestCase.setUp
        result = run(bare)
        assert len(result.errors + result.failures) == 1

    def test_an_alias_that_the_class_does_not_name_is_refused(self, databases, tmp_path):
        """Django's own guard, told as a typed error."""
        name = databases.sqlite(tmp_path / "mfa.db")
        mfa = MFA(DjangoStore(name), POLICY, seal=UnsafePlaintext(), create=True)
        close_connections(name)
        forgetful = suite(TestCase, name, mfa)
        forgetful.databases = {"default"}
        (first, *_) = run(forgetful).errors
        assert "not allowed in this test" in first[1]

    @pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
    def test_in_databases_that_a_test_runner_makes_and_drops(self, databases, tmp_path, engine, request):
        """The store follows the alias to its test database, whose drop finds no connection in its way."""
        if engine == "sqlite":
            settings = alias("django.db.backends.sqlite3", tmp_path / "mfa.db")
            settings["TEST"]["NAME"] = str(tmp_path / "test.db")
        else:
            settings = of_url(request.getfixturevalue(engine).server.url())
        name = databases.add(settings, migrate=False)
        mfa = MFA(DjangoStore(name), POLICY, seal=UnsafePlaintext())
        before = connections.settings[name]["NAME"]
        creation = connections[name].creation
        creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            MFA(DjangoStore(name), POLICY, seal=UnsafePlaintext(), create=True)
            result = run(suite(TestCase, name, mfa))
        finally:
            creation.destroy_test_db(before, verbosity=0)
        assert result.wasSuccessful(), result.errors + result.failures
