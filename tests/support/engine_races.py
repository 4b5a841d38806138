# SPDX-License-Identifier: Apache-2.0
"""Processes that submit one code over an engine's store, each with the store and the service opened for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import attrs

from ram_mfa import MFA, MFAPolicy, Reason
from ram_mfa.store import Store
from ram_mfa.testing import ManualClock

from .races import ALL_THE_TIME, Crew, barrier, begin, bind, submit_one_code
from .spine import SEAL

START = 1_700_000_000.0
LOSERS = {Reason.REPLAYED_CODE.name, Reason.SPENT_TICKET.name}


@attrs.frozen
class Place:
    """A service on a store that each process makes for itself."""

    maker: Callable[[], Store]

    def clock(self):
        return ManualClock(START)

    def open(self, clock, *, create=False):
        store = self.maker()
        policy = MFAPolicy.ram(issuer="Example")
        return MFA(store, policy, seal=SEAL, clock=clock, deadline=ALL_THE_TIME, create=create), store


def check_one_code_passes_once(maker: Callable[[], Store], rounds: int) -> None:
    """In each round exactly one of eight processes is let in, with one ticket for all or one for each.

    Args:
        maker: opens the store, with a deadline of ALL_THE_TIME; can be pickled.
        rounds: how many codes are submitted.
    """
    place, clock = Place(maker), ManualClock(START)
    mfa, store = place.open(clock, create=True)
    uri = bind(mfa, "alice", clock.now)
    tickets = []
    for number in range(rounds):
        clock.advance(60)
        tickets.append(begin(mfa, "alice") if number % 2 else "")
    with Crew(submit_one_code, 8, place, barrier(8), uri, tickets) as crew:
        outcomes = list(zip(*crew.results(), strict=True))
    if close := getattr(store, "close", None):
        close()
    assert len(outcomes) == rounds
    for number, told in enumerate(outcomes):
        assert Counter(told)["proof"] == 1, f"round {number}: {told}"
        assert set(told) <= LOSERS | {"proof"}, f"round {number}: {told}"
