# SPDX-License-Identifier: Apache-2.0
"""Real processes over one SQLite file: one answer of a key is accepted once, one credential has one owner."""

from __future__ import annotations

from collections import Counter

import pytest

from ram_mfa import BeginLogon, ConfirmSecurityKey, MFAPolicy, OfferSecurityKey
from ram_mfa.ceremonies import Claim
from ram_mfa.codec import decode_account, decode_claim
from ram_mfa.encoding.base64url import encode
from ram_mfa.engine.records import claim_key, user_key
from ram_mfa.testing import ManualClock, SoftSecurityKey
from tests.support import rounds
from tests.support.key_races import Answered, Registered, bind_one_credential, submit_one_answer
from tests.support.races import ServiceOnFile, Workers, barrier
from tests.support.records import AsStored
from tests.support.service import ORIGIN, PARTY, ROOT, SEAL, SESSION

START = 1_700_000_000.0


@pytest.fixture
def place(tmp_path):
    return ServiceOnFile(str(tmp_path / "mfa.db"), MFAPolicy.ram(issuer="Example", relying_party=PARTY))


def offered(mfa, user):
    return mfa.perform(user, OfferSecurityKey(ROOT, account_name=user, session=SESSION, create=True))


def read(store, user):
    key = user_key("", user)
    return decode_account(AsStored(SEAL, store).for_record(key).unseal(store.load(key)))


class TestOneAnswer:
    @pytest.mark.requirement("V4", "V26", "B21", "S1", "S8", "S10")
    def test_eight_processes_submit_it(self, place):
        """In each of 2,000 rounds exactly one of eight processes is let in, at one API and at the other in turn."""
        clock = ManualClock(START)
        mfa, store = place.open(clock, create=True)
        key, offer = SoftSecurityKey(), offered(mfa, "alice")
        told = key.u2f_register(offer.u2f, ORIGIN)
        mfa.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=SESSION))
        answers = []
        for number in range(rounds(2_000)):
            clock.advance(60)
            asked = mfa.perform("alice", BeginLogon(session=SESSION))
            if number % 2:
                answers.append(Answered(str(asked.id), None, key.u2f_sign(asked.u2f, ORIGIN)))
            else:
                answers.append(Answered(str(asked.id), key.get(asked.options, ORIGIN), None))
        with Workers(submit_one_answer, 8, place, barrier(8), answers) as crew:
            outcomes = list(zip(*crew.results(), strict=True))
        assert len(outcomes) == len(answers)
        for number, round_ in enumerate(outcomes):
            assert Counter(round_) == {"proof": 1, "SPENT_TICKET": 7}, f"round {number}"
        (device,) = read(store, "alice").devices
        assert (device.sign_count, device.cloned_at) == (key.counter, None)
        store.close()


class TestOneCredential:
    @pytest.mark.requirement("S7", "S1", "B21")
    def test_two_users_race_for_it(self, place):
        """In each of 500 rounds one of two users has it, the claim says so, and the other has nothing."""
        mfa, store = place.open(ManualClock(START), create=True)
        handles, users = [], ([], [])
        for number in range(rounds(500)):
            for mine, name in zip(users, ("alice", "bob"), strict=True):
                user = f"{name} {number}"
                offer, key = offered(mfa, user), SoftSecurityKey(seed=f"key {number}".encode())
                told = key.create(offer.options, ORIGIN) if number % 2 else key.u2f_register(offer.u2f, ORIGIN)
                mine.append(Registered(user, str(offer.id), told))
            handles.append(key.credential_ids[0])
        with Workers(bind_one_credential, 2, place, barrier(2), users) as crew:
            outcomes = list(zip(*crew.results(), strict=True))
        assert len(outcomes) == len(handles)
        winners = Counter()
        for handle, round_, racers in zip(handles, outcomes, zip(*users, strict=True), strict=True):
            assert sorted(round_) == ["CREDENTIAL_TAKEN", "bound"], racers[0].user
            winner, loser = racers if round_[0] == "bound" else racers[::-1]
            assert [device.id for device in read(store, winner.user).devices] == [encode(handle)]
            assert read(store, loser.user).devices == ()
            place_ = claim_key("", Claim(PARTY.id, handle))
            held = decode_claim(AsStored(SEAL, store).for_record(place_).unseal(store.load(place_)))
            assert held.key == user_key("", winner.user)
            winners[winner.user.split()[0]] += 1
        print(f"won: {dict(winners)}")
        store.close()
