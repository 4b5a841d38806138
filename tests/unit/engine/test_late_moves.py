# SPDX-License-Identifier: Apache-2.0
"""Moves that are late, broken off, or done by two at once leave one account, and revive none."""

from __future__ import annotations

import pytest

from ram_mfa import (
    MFA,
    BeginLogon,
    Describe,
    EraseAccount,
    OpenAccount,
    Reason,
    Refused,
    StoreContended,
    StoreUnavailable,
    UnreadableRecord,
)
from ram_mfa.codec import decode_claim
from ram_mfa.engine import moves
from ram_mfa.engine.records import user_key
from tests.support.records import AsStored
from tests.support.service import ROOT, SESSION, RecordReader, ScriptedStore

ALICE, BOB = user_key("", "alice"), user_key("", "bob")
PLACE = b"r" * 16


def reserved(service, user, source, epoch=b"e" * 16):
    """Write the place that a mover left behind."""
    service.perform(user, OpenAccount(by=ROOT))
    service.plant(user, reserved_for=source, reservation=PLACE, epoch=epoch)


def refusal(service, old, new):
    with pytest.raises(Refused) as caught:
        service.run(service.mfa.move(old, new, ROOT))
    return caught.value.refusal.reason


def living(service):
    """Return the users who have an account."""
    found = set()
    for user in ("alice", "bob", "carol"):
        try:
            service.perform(user, Describe())
        except Refused:
            continue
        found.add(user)
    return found


@pytest.mark.requirement("A20")
class TestPlaces:
    def test_one_left_behind(self, services):
        """A place that a broken move left behind is nobody's account, and the next move takes it."""
        service = services()
        service.phone("alice")
        reserved(service, "bob", "ghost")
        assert service.refusal("bob", BeginLogon(session=SESSION)).reason is Reason.MOVING
        assert [row.user for row in service.run(service.mfa.credential_report())] == ["alice"]
        service.run(service.mfa.move("alice", "bob", ROOT))
        assert living(service) == {"bob"}

    def test_given_free(self, services):
        """Moving from where nothing is gives free what such a move reserved."""
        service = services()
        reserved(service, "bob", "ghost")
        assert refusal(service, "ghost", "bob") is Reason.NO_ACCOUNT
        assert BOB not in service.store.records
        reserved(service, "bob", "ghost")
        assert refusal(service, "bob", "carol") is Reason.NO_ACCOUNT

    def test_anothers(self, services):
        """A place to which another record may still come is not taken: the move is refused, and its account stays."""
        service = services()
        service.phone("alice")
        service.phone("carol")
        leaving = service.plant("carol", moved_to="bob")
        reserved(service, "bob", "carol", leaving.epoch)
        assert refusal(service, "alice", "bob") is Reason.MOVING
        assert service.perform("alice", Describe()).user == "alice"
        service.run(service.mfa.move("carol", "bob", ROOT))
        assert living(service) == {"alice", "bob"}


class Meddled:
    """Calls something once, right before the place of the new user id is reserved."""

    def __init__(self, service, call):
        self.service, self.call = service, call

    def __call__(self, word, really, key, *arguments):
        if word == "swap" and key == BOB and arguments[0] is None and self.call is not None:
            call, self.call = self.call, None
            call()
        return really(key, *arguments)


@pytest.mark.requirement("A20")
class TestLate:
    def other(self, service):
        return MFA(service.store, service.mfa._engine.policy(), seal=service.seal, clock=service.clock)

    def test_an_erased_account_stays_erased(self, services):
        """A mover that comes late, when another has moved the account and it was erased, writes nothing."""
        service = services()
        service.phone("alice")
        other = self.other(service)

        def meanwhile():
            other.move("alice", "bob", ROOT)
            other.perform("bob", EraseAccount(by=ROOT))

        service.store.interfere = Meddled(service, meanwhile)
        assert refusal(service, "alice", "bob") is Reason.NO_ACCOUNT
        assert living(service) == set()
        assert not {ALICE, BOB} & service.store.records.keys()

    def test_erased_before_the_old_record_went(self, services):
        """So does one that comes between arrival and the end of the old record."""
        service = services()
        service.phone("alice")
        other = self.other(service)

        def meanwhile():
            really = service.store.interfere

            def no_end(word, call, key, *arguments):
                if word == "swap" and key == ALICE and arguments[1] is None:
                    raise StoreUnavailable("no answer")
                return call(key, *arguments)

            service.store.interfere = no_end
            with pytest.raises(StoreUnavailable):
                other.move("alice", "bob", ROOT)
            other.perform("bob", EraseAccount(by=ROOT))
            service.store.interfere = really

        service.store.interfere = Meddled(service, meanwhile)
        service.run(service.mfa.move("alice", "bob", ROOT))
        assert living(service) == set()
        assert not {ALICE, BOB} & service.store.records.keys()

    def test_done_by_another(self, services):
        """Where another has moved it meanwhile, and it is there, it stays there."""
        service = services()
        service.phone("alice")
        other = self.other(service)
        service.store.interfere = Meddled(service, lambda: other.move("alice", "bob", ROOT))
        assert refusal(service, "alice", "bob") is Reason.NO_ACCOUNT
        assert living(service) == {"bob"}

    def test_a_refused_move_beside_one_that_goes_on(self, services):
        """A mover that finds the place taken cannot call back a record that another mover has sent on."""
        service = services()
        service.phone("alice")
        service.perform("bob", OpenAccount(by=ROOT))
        other, called = self.other(service), []

        def interfere(word, really, key, *arguments):
            looked = really(key, *arguments)
            if word == "load" and key == BOB and not called and looked != b"":
                called.append(key)
                other.perform("bob", EraseAccount(by=ROOT))
                other.move("alice", "bob", ROOT)
            return looked

        service.store.interfere = interfere
        assert refusal(service, "alice", "bob") is Reason.NO_ACCOUNT
        assert living(service) == {"bob"}

    def test_without_end(self, services, monkeypatch):
        """Where others come in between at every turn, the move gives up and says so."""

        def nothing(*_):
            return None
            yield

        monkeypatch.setattr(moves, "_depart", nothing)
        service = services(store=ScriptedStore())
        with pytest.raises(StoreContended):
            service.run(service.mfa.move("alice", "bob", ROOT))


def claim_of(service):
    """Return the store key of the one claim."""
    [key] = [key for key in service.store.records if key.startswith("c")]
    return key


def owner(service):
    """Return the store key of the user whose claim it is."""
    key = claim_of(service)
    sealed = service.store.records[key]
    return decode_claim(AsStored(service.seal, RecordReader(service.store)).for_record(key).unseal(sealed)).key


@pytest.mark.requirement("A20")
class TestClaims:
    def test_broken_off_before_its_claim_went(self, services):
        """Nobody has the account before its claim is the new user's, so that it cannot go on without it."""
        service = services()
        service.key("alice")

        def interfere(word, really, key, *arguments):
            if key.startswith("c"):
                raise StoreUnavailable("no answer")
            return really(key, *arguments)

        service.store.interfere = interfere
        with pytest.raises(StoreUnavailable):
            service.run(service.mfa.move("alice", "bob", ROOT))
        service.store.interfere = None
        assert living(service) == set()
        assert refusal(service, "bob", "carol") is Reason.NO_ACCOUNT
        service.run(service.mfa.move("alice", "bob", ROOT))
        assert owner(service) == BOB
        service.run(service.mfa.move("bob", "carol", ROOT))
        assert living(service) == {"carol"}
        assert owner(service) == user_key("", "carol")

    def test_moved_there_and_back_meanwhile(self, services):
        """A mover that comes late to the claim of an account that is back leaves the claim there."""
        service = services()
        service.key("alice")
        other, called = MFA(service.store, service.mfa._engine.policy(), seal=service.seal, clock=service.clock), []

        def interfere(word, really, key, *arguments):
            if key.startswith("c") and not called:
                called.append(key)
                other.move("alice", "bob", ROOT)
                assert owner(service) == BOB
                other.move("bob", "alice", ROOT)
            return really(key, *arguments)

        service.store.interfere = interfere
        service.run(service.mfa.move("alice", "bob", ROOT))
        assert called
        assert living(service) == {"alice"}
        assert owner(service) == ALICE

    def test_that_cannot_be_read(self, services):
        """A claim that cannot be read stays as it is, and the move says so; its account is at the new user id."""
        service = services()
        service.key("alice")
        service.store.put(claim_of(service), b"not sealed")
        for _ in range(2):
            with pytest.raises(UnreadableRecord):
                service.run(service.mfa.move("alice", "bob", ROOT))
            assert living(service) == {"bob"}
        assert service.store.records[claim_of(service)] == b"not sealed"
