# SPDX-License-Identifier: Apache-2.0
"""Who may note a loss of history, and how one that a wrong clock noted is withdrawn."""

from __future__ import annotations

import math

import pytest

from ram_mfa import Describe, OpenAccount, Reason, Refused, StoreUnavailable
from ram_mfa.engine.records import ROOT_KEY
from tests.support.service import ROOT, StoreWithHistory

YEAR = 365 * 86_400.0
SKEW = 60


class Clocked(StoreWithHistory):
    """A store on a server with a clock of its own.

    Attributes:
        time: what it shows.
    """

    time = None

    def clock(self):
        return self.time


def reason(service, call):
    with pytest.raises(Refused) as caught:
        service.run(call())
    return caught.value.refusal.reason


@pytest.fixture
def clocked(services):
    """A service with a user, whose store has just been promoted and shows the same time as the host."""
    service = services(store=Clocked())
    service.perform("alice", OpenAccount(by=ROOT))
    service.store.time = service.clock()
    service.store.history = "2"
    return service


@pytest.mark.requirement("A5", "S12")
class TestNoting:
    @pytest.mark.parametrize("off", [-YEAR, -480, -SKEW - 1, SKEW + 1, 480, YEAR])
    def test_by_a_wrong_clock(self, clocked, off):
        """A host whose clock differs from the store's by more than the skew notes no loss, and writes nothing."""
        right = clocked.clock()
        clocked.clock.set(right + off)
        with clocked.unchanged():
            assert clocked.refusal("alice", Describe()).reason is Reason.CLOCK
            assert reason(clocked, clocked.mfa.declare_restored) is Reason.CLOCK
            assert reason(clocked, clocked.mfa.renew_tickets) is Reason.CLOCK
        clocked.clock.set(right)
        assert clocked.perform("alice", Describe()).user == "alice"
        assert [loss.at for loss in clocked.root.losses] == [right]

    @pytest.mark.parametrize("off", [-SKEW, 0, SKEW])
    def test_by_a_right_clock(self, clocked, off):
        """A host within the skew notes it, by its own clock."""
        clocked.clock.advance(off)
        assert clocked.perform("alice", Describe()).user == "alice"
        assert [loss.at for loss in clocked.root.losses] == [clocked.clock()]

    @pytest.mark.parametrize("time", [None, "5", True, math.nan, math.inf, 10**400])
    def test_a_clock_without_a_time(self, clocked, time):
        """A store's clock that shows no moment is no answer; nothing is written."""
        clocked.store.time = time
        with clocked.unchanged(), pytest.raises(StoreUnavailable, match="clock must return"):
            clocked.perform("alice", Describe())

    def test_not_asked_without_a_loss(self, clocked):
        """Without a loss the store's clock is not asked: a renewed ticket key needs no right clock."""
        clocked.perform("alice", Describe())
        clocked.store.time = None
        clocked.run(clocked.mfa.renew_tickets())
        assert clocked.perform("alice", Describe()).user == "alice"


@pytest.mark.requirement("A5")
class TestWithdrawing:
    def test_by_a_declaration_only(self, services):
        """A loss noted by a clock a year ahead stays until an operator declares one; that names and withdraws it."""
        service = services(store=StoreWithHistory())
        service.perform("alice", OpenAccount(by=ROOT))
        right = service.clock()
        service.clock.set(right + YEAR)
        service.store.history = "2"
        service.perform("alice", Describe())
        service.clock.set(right)
        service.store.history = "3"
        service.perform("alice", Describe())
        service.run(service.mfa.renew_tickets())
        service.run(service.mfa.reseal())
        assert service.root.lost_at == (right, right + YEAR)
        assert service.run(service.mfa.declare_restored()) == (right + YEAR,)
        assert service.root.lost_at == (right, right)
        assert service.run(service.mfa.declare_restored()) == ()

    def test_within_the_skew(self, services):
        """A loss that another right clock noted a minute ahead is none of the future."""
        service = services(store=StoreWithHistory())
        right = service.clock()
        service.clock.set(right + SKEW)
        service.run(service.mfa.declare_restored())
        service.clock.set(right)
        assert service.run(service.mfa.declare_restored()) == ()
        assert ROOT_KEY in service.store.records
        assert service.root.lost_at == (right, right + SKEW)
