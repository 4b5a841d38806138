# SPDX-License-Identifier: Apache-2.0
"""Known browsers on a real server: eight processes that have the password attack, and the owner gets in."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from typing import Any

import attrs
import pytest

from ram_mfa import (
    MFA,
    BeginLogon,
    Describe,
    FinishLogon,
    KnownBrowsers,
    MFAPolicy,
    Refused,
    TOTPCode,
    TOTPCodes,
    add_to_browser_cookie,
)
from ram_mfa.testing import AuthenticatorApp
from tests.stores import test_postgres
from tests.support import rounds
from tests.support.races import ALL_THE_TIME, Workers, bind, flag, shared_time
from tests.support.service import SEAL, SESSION

START = 1_700_000_000.0
POLICY = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers())
ATTACKERS = 8


@attrs.frozen
class Place:
    """A service on PostgreSQL, which each process opens for itself; all have one clock."""

    maker: test_postgres.Maker

    def open(self, now: Any, *, create: bool = False) -> tuple[MFA, Any]:
        store = self.maker()

        def clock() -> float:
            return now.value

        return MFA(store, POLICY, seal=SEAL, clock=clock, deadline=ALL_THE_TIME, create=create), store


def attack(worker, place, now, stop):
    """Send wrong codes, as many at once as the challenge asks for, until the flag is set; return what came of them."""
    mfa, store = place.open(now)
    session = f"the session of thief number {worker.number}"
    told = Counter()
    while not stop.is_set():
        try:
            ask = mfa.perform("alice", BeginLogon(session))
            evidence = TOTPCodes(["no code"] * 2) if ask.codes == 2 else TOTPCode("no code")
            mfa.perform("alice", FinishLogon(ask.id, evidence, session=session))
        except Refused as refused:
            told[refused.refusal.reason.name, ask.codes] += 1
    store.close()
    return told


class TestUnderAttack:
    @pytest.mark.requirement("B25", "B26")
    def test_the_owner_s_known_browser_passes(self, postgresql):
        """While eight processes send wrong codes, every logon of the owner's known browser passes.

        The clock advances by an hour and more between two logons, so that the gate of new browsers opens in between.
        """
        place = Place(test_postgres.Maker(postgresql.url(), ALL_THE_TIME))
        now, stop = shared_time(START), flag()
        mfa, store = place.open(now, create=True)
        with contextlib.closing(store):
            phone = AuthenticatorApp.scan(bind(mfa, "alice", START))
            cookie = self.log_on(mfa, phone, now, None)
            with Workers(attack, ATTACKERS, place, now, stop) as crew:
                self.wait_for_wrong_codes(mfa, 5)
                for _ in range(rounds(400)):
                    now.value += 4_000
                    cookie = self.log_on(mfa, phone, now, cookie)
                stop.set()
                told = sum(crew.results(), Counter())
            view = mfa.perform("alice", Describe(browser=cookie))
            assert view.known_browser
            assert not view.devices[0].disabled
            verified = told["WRONG_CODE", 1]
            weeks = int((now.value - START) // (7 * 86_400))
            assert 5 <= verified <= min(60 + weeks, 20 * (1 + (now.value - START) / 86_400))

    def wait_for_wrong_codes(self, mfa, count):
        """Wait until the attack has begun: so many wrong codes pass the first gate without a delay."""
        until = time.monotonic() + 60
        while mfa.perform("alice", Describe()).unforgiven < count:
            assert time.monotonic() < until, "no attack began within a minute"
            time.sleep(0.01)

    def log_on(self, mfa, phone, now, cookie):
        """Log on, and return the cookie's next value; a logon that is refused raises."""
        ask = mfa.perform("alice", BeginLogon(SESSION, browser=cookie))
        assert (ask.codes, ask.retry_after) == (1, None)
        finish = FinishLogon(ask.id, TOTPCode(phone.code_at(now.value)), session=SESSION, browser=cookie)
        return str(add_to_browser_cookie(cookie, mfa.perform("alice", finish).browser))
