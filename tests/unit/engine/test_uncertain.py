# SPDX-License-Identifier: Apache-2.0
"""Writes whose outcome is unknown, and histories that are lost."""

from __future__ import annotations

import pytest

from ram_mfa import Describe, OpenAccount, StoreContended, StoreUnavailable, StoreUncertain
from ram_mfa.errors import HistoryLost
from tests.support.service import ROOT, StoreWithHistory


class Uncertain:
    """Loses the reply of the first swaps of a user's record; ``lands`` says whether the write stands."""

    def __init__(self, *, lands: bool, times: int) -> None:
        self.lands, self.times = lands, times

    def __call__(self, word, really, key, *arguments):
        if word == "swap" and key.startswith("u") and self.times:
            self.times -= 1
            if self.lands:
                really(key, *arguments)
            raise StoreUncertain
        return really(key, *arguments)


class TestUncertain:
    @pytest.mark.requirement("S4")
    def test_landed(self, services):
        """A write that stands is told once the store kept it at a second asking."""
        service = services()
        service.store.interfere = Uncertain(lands=True, times=1)
        assert service.perform("alice", OpenAccount(by=ROOT)).user == "alice"
        assert len(service.observed) == 1

    @pytest.mark.requirement("S4", "S13")
    def test_landed_and_not_kept(self, services):
        """A write that stands, and that the store does not vouch for again, is not told: a replica may lack it."""
        service = services()
        service.store.interfere = Uncertain(lands=True, times=2)
        with pytest.raises(StoreUncertain):
            service.perform("alice", OpenAccount(by=ROOT))
        assert service.observed == []

    @pytest.mark.requirement("S4")
    @pytest.mark.parametrize("again", ["load", "swap"])
    def test_landed_and_no_answer_after(self, services, again):
        """A store that cannot be asked again tells nothing of the write before: uncertain, and not unavailable."""
        service = services()
        uncertain, words = Uncertain(lands=True, times=1), []

        def interfere(word, really, key, *arguments):
            if "swap" in words and word == again:
                raise StoreUnavailable("no answer")
            try:
                return uncertain(word, really, key, *arguments)
            finally:
                words.extend([word] if key.startswith("u") else [])

        service.store.interfere = interfere
        with pytest.raises(StoreUncertain):
            service.perform("alice", OpenAccount(by=ROOT))
        assert service.observed == []
        service.store.interfere = None
        assert service.perform("alice", Describe()).user == "alice"

    @pytest.mark.requirement("S4")
    def test_not_landed(self, services):
        """A write that does not stand is not told, and the next attempt reads afresh."""
        service = services()
        service.store.interfere = Uncertain(lands=False, times=1)
        with pytest.raises(StoreUncertain):
            service.perform("alice", OpenAccount(by=ROOT))
        assert service.perform("alice", OpenAccount(by=ROOT)).user == "alice"


@pytest.mark.requirement("S12")
class TestLostHistory:
    def test_upkeep_begins_afresh(self, services):
        """Report, re-sealing and discarding open the store anew, and the loss is written down once."""
        service = services(store=StoreWithHistory())
        service.perform("alice", OpenAccount(by=ROOT))
        service.store.history = "2"
        assert [row.user for row in service.run(service.mfa.credential_report())] == ["alice"]
        service.store.history = "3"
        assert service.run(service.mfa.reseal()).records == 2
        service.store.history = "4"
        service.store.put(next(key for key in service.store.records if key.startswith("u")), b"damaged")
        service.run(service.mfa.discard("alice", ROOT))
        service.store.history = "5"
        service.run(service.mfa.declare_restored())
        assert (service.root.incarnation, len(service.root.lost_at)) == ("5", 4)

    def test_lost_while_opening(self, services):
        """A history that is lost between the first question and the first read is asked for again."""
        service = services(store=StoreWithHistory())
        lost = [True]

        def interfere(word, really, key, *arguments):
            if lost:
                lost.pop()
                raise HistoryLost("2")
            return really(key, *arguments)

        service.mfa._engine.session.forget()
        service.store.interfere = interfere
        service.run(service.mfa.open())
        assert not lost

    def test_lost_without_end(self, services):
        """A history that is lost at every read ends in StoreContended."""

        def interfere(word, really, key, *arguments):
            raise HistoryLost("2")

        service = services(store=StoreWithHistory())
        service.mfa._engine.session.forget()
        service.store.interfere = interfere
        with pytest.raises(StoreContended):
            service.run(service.mfa.open())
        service.mfa._engine.deadline = 0.01
        with pytest.raises(StoreContended):
            service.perform("alice", Describe())
