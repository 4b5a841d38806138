# SPDX-License-Identifier: Apache-2.0
"""Of parallel submissions of one code over Redis one is accepted, whichever process submits it."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from ram_mfa import MFA, MFAPolicy, Reason
from ram_mfa.testing import ManualClock
from tests.stores.test_redis import Maker
from tests.support import rounds
from tests.support.races import ALL_THE_TIME, Crew, barrier, begin, bind, submit_one_code
from tests.support.servers import Redis
from tests.support.spine import SEAL

START = 1_700_000_000.0
LOSERS = {Reason.REPLAYED_CODE.name, Reason.SPENT_TICKET.name}


@attrs.frozen
class Place:
    """A service on a store that each process makes for itself."""

    maker: Maker

    def clock(self):
        return ManualClock(START)

    def open(self, clock, *, create=False):
        store = self.maker()
        policy = MFAPolicy.ram(issuer="Example")
        return MFA(store, policy, seal=SEAL, clock=clock, deadline=ALL_THE_TIME, create=create), store


@pytest.mark.requirement("V4", "O7", "S1", "S10")
def test_eight_processes_submit_one_code():
    """In each of 2,000 rounds exactly one of eight processes is let in, with one ticket for all or one for each."""
    with Redis() as server:
        place, clock = Place(Maker(server.port, ALL_THE_TIME)), ManualClock(START)
        mfa, store = place.open(clock, create=True)
        uri = bind(mfa, "alice", clock.now)
        tickets = []
        for number in range(rounds(2000)):
            clock.advance(60)
            tickets.append(begin(mfa, "alice") if number % 2 else "")
        with Crew(submit_one_code, 8, place, barrier(8), uri, tickets) as crew:
            outcomes = list(zip(*crew.results(), strict=True))
        store.close()
    assert len(outcomes) == rounds(2000)
    for number, told in enumerate(outcomes):
        assert Counter(told)["proof"] == 1, f"round {number}: {told}"
        assert set(told) <= LOSERS | {"proof"}, f"round {number}: {told}"
