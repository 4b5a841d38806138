# SPDX-License-Identifier: Apache-2.0
"""A process that is forked while a verb is performed: one side wins."""

from __future__ import annotations

import os

import pytest

from ram_mfa import (
    MFA,
    BeginLogon,
    FinishLogon,
    MFAPolicy,
    OpenAccount,
    Refused,
    StoreUncertain,
    TOTPCode,
    UnsafePlaintext,
)
from ram_mfa.engine import forks
from ram_mfa.engine.forks import lineage
from ram_mfa.engine.records import user_key
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import ManualClock, enrolled
from tests.support.service import ROOT, SESSION

ALICE = user_key("", "alice")
WON, LOST, UNCERTAIN = 10, 11, 12


class Forking:
    """A store over a file that forks once at a call of one user's, with the statement still to come.

    Attributes:
        child: the process id of the other side; 0 in the child.
    """

    def __init__(self, path, word):
        self._path, self._word = path, word
        self._store, self._in = SQLiteStore(path), os.getpid()
        self.child = None

    def _mine(self):
        if self._in != os.getpid():  # a connection is not carried over a fork
            self._store, self._in = SQLiteStore(self._path), os.getpid()
        return self._store

    def load(self, key, /):
        return self._mine().load(key)

    def swap(self, key, old, new, /):
        if key == ALICE and self._word is not None:
            word, self._word = self._word, None
            if word == "uncertain":
                assert self._mine().swap(key, old, new)
            self.child = os.fork()
            if word == "uncertain":
                raise StoreUncertain
        return self._mine().swap(key, old, new)


def side(mfa, verb):
    """Return what one side was told."""
    try:
        mfa.perform("alice", verb)
    except StoreUncertain:
        return UNCERTAIN
    except Refused:
        return LOST
    return WON


@pytest.mark.requirement("A19")
class TestFork:
    @pytest.mark.parametrize("word", ["before", "uncertain"])
    @pytest.mark.parametrize("turn", range(5))
    def test_between_seal_and_swap(self, tmp_path, word, turn):
        """Of a fork between sealing and swapping, or beside a lost reply, at most one side is told of its success."""
        clock, path = ManualClock(), str(tmp_path / f"{turn}.db")
        policy = MFAPolicy.ram(issuer="Example")
        mfa = MFA(SQLiteStore(path), policy, seal=UnsafePlaintext(), clock=clock, create=True)
        phone = enrolled(mfa, "alice")
        asked = mfa.perform("alice", BeginLogon(session=SESSION))
        verb = FinishLogon(asked.id, TOTPCode(phone.code_at(clock())), session=SESSION)
        store = Forking(path, word)
        told = side(MFA(store, policy, seal=UnsafePlaintext(), clock=clock), verb)
        if store.child == 0:
            os._exit(told)
        _, status = os.waitpid(store.child, 0)
        sides = sorted([told, os.waitstatus_to_exitcode(status)])
        if word == "before":
            assert sides in ([WON, LOST], [WON, UNCERTAIN]), sides
        else:
            assert sides == [UNCERTAIN, UNCERTAIN], sides

    def test_counted_on_both_sides(self):
        """Parent and child both know that they were forked."""
        before = lineage()
        child = os.fork()
        if child == 0:
            os._exit(WON if lineage() not in (before, (os.getpid(), before[1])) else LOST)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == WON
        assert lineage() == (before[0], before[1] + 1)

    @pytest.mark.parametrize("forked", [False, True])
    def test_another_secret(self, services, monkeypatch, forked):
        """A verb decided again draws anew after a fork, so that the two sides never make the same secret."""
        service, drawn, lost = services(), [], []

        class Noted(OpenAccount):
            def __call__(self, account, moment):
                drawn.append(bytes(moment.entropy))
                return super().__call__(account, moment)

        def interfere(word, really, key, *arguments):
            if word == "swap" and not lost:
                lost.append(key)
                monkeypatch.setattr(forks, "_forks", forks._forks + forked)
                return False
            return really(key, *arguments)

        service.store.interfere = interfere
        service.perform("alice", Noted(by=ROOT))
        assert len(drawn) == 2
        assert (drawn[0] != drawn[1]) is forked

    def test_a_lost_race_that_was_none(self, services, monkeypatch):
        """A swap answered False that was applied counts as applied, unless a fork came in between."""
        for forked in (False, True):
            service, times = services(), []

            def interfere(word, really, key, *arguments, times=times, forked=forked):
                answer = really(key, *arguments)
                if word == "swap" and not times:
                    times.append(key)
                    monkeypatch.setattr(forks, "_forks", forks._forks + forked)
                    return False
                return answer

            service.store.interfere = interfere
            if forked:
                with pytest.raises(StoreUncertain):
                    service.perform("alice", OpenAccount(by=ROOT))
            else:
                assert service.perform("alice", OpenAccount(by=ROOT)).user == "alice"
            assert len(service.observed) == (not forked)
