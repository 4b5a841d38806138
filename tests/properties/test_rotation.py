# SPDX-License-Identifier: Apache-2.0
"""A new key for the whole store while people log on: nobody is turned away, and the old key can go."""

from __future__ import annotations

import threading

import pytest

from ram_mfa import MFA, AESGCMSeal, ImportVirtualDevice, MFAPolicy, Reason, UnreadableRecord
from ram_mfa.engine.records import ROOT_KEY, user_key
from tests.support import rounds
from tests.support.races import (
    PATIENCE,
    ServiceOnFile,
    Worker,
    Workers,
    barrier,
    begin,
    finish,
    flag,
    keep_logging_on,
    phone_of,
    ring,
    uri_of,
)
from tests.support.records import AsStored
from tests.support.service import ROOT, ScriptedStore

POLICY = MFAPolicy.ram(issuer="Example")
NEW_ONLY = AESGCMSeal({"new": b"n" * 32}, seal_with="new")
OLD_ONLY = AESGCMSeal({"old": b"o" * 32}, seal_with="old")


def populate(mfa, users):
    for user in users:
        mfa.perform(user, ImportVirtualDevice(uri_of(user), last_step=-1, by=ROOT, create=True))


def is_new(store, key):
    return AsStored(NEW_ONLY, store, opens=ring("new")).for_record(key).is_current(store.load(key))


class TestReseal:
    @pytest.mark.requirement("O20", "S5", "O7")
    def test_while_people_log_on(self, tmp_path):
        """A store of 10,000 users is sealed anew while two threads, a process that has the new key and one that has not
        heard of it log people on. Every logon is right; what the last one wrote takes a second pass, a third finds
        nothing; then the old key opens nothing, and the new one alone opens everything as it was.
        """
        place = ServiceOnFile(str(tmp_path / "mfa.db"), POLICY, synchronous="UnsafeNORMAL")
        users = [f"user {number}" for number in range(rounds(10_000))]
        mfa, store = place.open(place.clock(), seal=OLD_ONLY, create=True)
        populate(mfa, users)
        busy = users[: min(len(users), 800)]
        quarters = [busy[number::4] for number in range(4)]
        old, new = ring("old"), ring("new")
        groups = [("new", quarters[0]), ("old", quarters[1])]
        threads, passed, stop = [], {}, threading.Event()
        meet, over = barrier(5), flag()

        def log_on(number):
            own = [("new", quarters[2]), ("new", quarters[3])]
            passed[number] = keep_logging_on(Worker(number, print), place, meet, stop, own)

        with Workers(keep_logging_on, 2, place, meet, over, groups) as crew:
            threads = [threading.Thread(target=log_on, args=(number,)) for number in range(2)]
            for thread in threads:
                thread.start()
            rotating, rotated = place.open(place.clock(), seal=new)
            meet.wait(PATIENCE)
            first = rotating.reseal()
            stop.set()
            over.set()
            for thread in threads:
                thread.join()
            moments = [*crew.results(), passed[0], passed[1]]
        second, third = rotating.reseal(), rotating.reseal()

        assert (first.records, first.unreadable, first.keys) == (len(users) + 1, 0, ())
        assert second.resealed <= len(quarters[1])
        assert (third.records, third.resealed, third.unreadable) == (len(users) + 1, 0, 0)
        assert all(is_new(store, key) for key in [ROOT_KEY, *(user_key("", user) for user in users)])
        assert old.for_record(ROOT_KEY).unseal(store.load(ROOT_KEY))
        rotated.close()
        store.close()
        self._as_it_was(place, users, dict(zip(map(tuple, quarters), moments, strict=True)))

    def _as_it_was(self, place, users, passes):
        clock = place.clock()
        last, with_old = place.open(clock, seal=OLD_ONLY)
        with pytest.raises(UnreadableRecord):
            last.open()
        with_old.close()
        mfa, store = place.open(clock, seal=NEW_ONLY)
        used = {user: moment for group, moment in passes.items() for user in group}
        for user in users:
            phone = phone_of(user)
            clock.set(used.get(user, place.start))
            if user in used:
                again = finish(mfa, user, begin(mfa, user), phone.code_at(clock.now))
                assert again == Reason.REPLAYED_CODE.name
            clock.advance(60)
            assert finish(mfa, user, begin(mfa, user), phone.code_at(clock.now)) == "proof"
        store.close()

    def test_goes_on_where_it_stopped(self):
        """A run that ends anywhere in the middle is begun again, and passes over what the first one did."""
        store, users = ScriptedStore(), [f"user {number}" for number in range(30)]
        mfa = MFA(store, POLICY, seal=OLD_ONLY, create=True)
        populate(mfa, users)
        mfa = MFA(store, POLICY, seal=ring("new"))

        def stop(done):
            if done.records == 11:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mfa.reseal(stop)
        assert sum(is_new(store, key) for key in store.records) == 11
        assert mfa.reseal().resealed == len(users) + 1 - 11
        assert all(is_new(store, key) for key in store.records)
