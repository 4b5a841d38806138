# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from django.db import connections
from django.test import Client

from ram_mfa import MFA, Administrator, BeginLogon, MFAPolicy, Reason, RequireMFA, UnsafePlaintext
from ram_mfa.integrations.django import DjangoStore
from ram_mfa.testing import AuthenticatorApp, ManualClock, enrolled
from tests.clients.integrations.django import project

SESSION = "the session of one browser"
TRIES = 5


class OnTheRequestsConnection:
    """The trap: a store in the request's own transaction."""

    def __init__(self, alias):
        self.alias = alias

    def ask(self, text, *values):
        cursor = connections[self.alias].cursor()
        cursor.execute(text, values)
        return cursor

    def load(self, key, /):
        row = self.ask("SELECT value FROM ram_mfa WHERE key = %s", key).fetchone()
        return row and bytes(row[0])

    def swap(self, key, old, new, /):
        if old is None:
            return self.ask("INSERT INTO ram_mfa (key, value) VALUES (%s, %s)", key, new).rowcount == 1
        return self.ask("UPDATE ram_mfa SET value = %s WHERE key = %s AND value = %s", new, key, old).rowcount == 1


class Site:
    """The project's one page, its database under ATOMIC_REQUESTS, and a person with a phone."""

    def __init__(self, alias, store):
        self.alias = alias
        self.clock = ManualClock()
        policy = MFAPolicy.ram(issuer="Example")
        self.mfa = MFA(store, policy, seal=UnsafePlaintext(), clock=self.clock, create=True)
        self.phone: AuthenticatorApp = enrolled(self.mfa, "alice")
        self.mfa.perform("alice", RequireMFA(required=True, by=Administrator("root")))
        self.seen = []
        self.client = Client(raise_request_exception=False)
        project.page.update(mfa=self.mfa, alias=alias, session=SESSION, seen=self.seen)
        with connections[alias].cursor() as cursor:
            cursor.execute("CREATE TABLE witness (what varchar(20))")

    def log_on(self, code, **how):
        asked = self.mfa.perform("alice", BeginLogon(session=SESSION))
        return self.client.post("/log-on", {"ask": asked.id, "code": code, **how})

    @property
    def wrong(self):
        near = {self.phone.code_at(self.clock() + step * 30) for step in range(-9, 10)}
        return next(code for code in map("{:06}".format, range(50)) if code not in near)

    @property
    def witnesses(self):
        with connections[self.alias].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM witness")
            return cursor.fetchone()[0]

    def guesses(self):
        """Guess more often than the policy takes, each time on a page that breaks; return the reasons."""
        for _ in range(TRIES + 2):
            assert self.log_on(self.wrong, **{"break": "1"}).status_code == 500
        return [refusal.reason for refusal in self.seen]

    def close(self):
        with connections[self.alias].cursor() as cursor:
            cursor.execute("DROP TABLE witness")
            cursor.execute("DELETE FROM ram_mfa")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, databases, tmp_path):
    """Return the alias of the requests, with ATOMIC_REQUESTS, and that of the records: on PostgreSQL the same."""
    if request.param == "sqlite":
        return databases.sqlite(tmp_path / "site.db", ATOMIC_REQUESTS=True), databases.sqlite(tmp_path / "mfa.db")
    name = databases.server(request.getfixturevalue("postgresql"), ATOMIC_REQUESTS=True)
    return name, name


@pytest.fixture
def site(place):
    made = Site(place[0], DjangoStore(place[1]))
    yield made
    made.close()


class TestRequests:
    """A real request, through Django's handler, in the transaction that ATOMIC_REQUESTS opens around the view."""

    @pytest.mark.requirement("S10", "O12", "V9")
    def test_a_request_that_breaks_takes_no_refusal_back(self, site):
        """Each page raises after a wrong code: what the view wrote is gone, and the guesses are counted."""
        assert site.guesses() == [Reason.WRONG_CODE] * TRIES + [Reason.THROTTLED] * 2
        assert site.witnesses == 0

    @pytest.mark.requirement("S10", "O7")
    def test_a_request_that_breaks_takes_no_success_back(self, site):
        """The page breaks after a right code: the code is spent."""
        code = site.phone.code_at(site.clock())
        assert site.log_on(code, **{"break": "1"}).status_code == 500
        assert site.seen == []
        assert site.log_on(code).status_code == 200
        assert [refusal.reason for refusal in site.seen] == [Reason.REPLAYED_CODE]
        assert site.witnesses == 1

    def test_the_trap_is_real(self, place):
        """On the request's own connection each error page gives a guess back: no end to them."""
        site = Site(place[0], OnTheRequestsConnection(place[0]))
        try:
            assert site.guesses() == [Reason.WRONG_CODE] * (TRIES + 2)
        finally:
            site.close()
