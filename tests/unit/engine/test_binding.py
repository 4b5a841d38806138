# SPDX-License-Identifier: Apache-2.0
"""Records are bound to their store; a re-sealing changes the id, and may be broken off anywhere."""

from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    MFA,
    AESGCMSeal,
    BeginLogon,
    Describe,
    OpenAccount,
    Operation,
    Reason,
    SpendReceipt,
    StoreContended,
    UnreadableRecord,
    UnsafePlaintext,
)
from ram_mfa.codec import decode_account, decode_root
from ram_mfa.engine.binding import StoreSeal, store_id_of
from ram_mfa.engine.records import ROOT_KEY, user_key
from ram_mfa.engine.resealing import adopt_store_id
from ram_mfa.engine.store_session import MAX_AGE
from ram_mfa.sealing import BrokenSeal, NotSealed, SealedElsewhere
from tests.support.accounts import ROOT_RECORD
from tests.support.service import ROOT, SEAL, SESSION, RecordReader, ScriptedStore, StoreWithHistory, StoreWithoutViews

OLD, NEW = b"k" * 32, b"n" * 32
BOTH = AESGCMSeal({"2026": OLD, "2027": NEW}, seal_with="2027")
NEW_ONLY = AESGCMSeal({"2027": NEW}, seal_with="2027")
PLACE = user_key("", "alice")


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.requirement("A14")
class TestBound:
    @pytest.mark.parametrize("seal", [SEAL, UnsafePlaintext()], ids=["sealed", "plain"])
    def test_a_record_of_another_store(self, services, seal):
        """A record of a staging store, written into production's table under the same ring, logs nobody on."""
        production, staging = services(seal=seal), services(seal=seal)
        production.phone("alice")
        staging.phone("alice")
        production.store.put(PLACE, staging.store.records[PLACE])
        with pytest.raises(UnreadableRecord, match="another store"):
            production.perform("alice", BeginLogon(session=SESSION))

    def test_the_id_selects(self):
        """The id before a record selects what opens it: the store's own, the older one meanwhile, and no other."""
        root, bare = ROOT_RECORD, attrs.evolve(ROOT_RECORD, older=None)
        older = attrs.evolve(ROOT_RECORD, store_id=root.older, older=None)
        sealed = StoreSeal(SEAL, older).for_record(PLACE).seal(b"record")
        assert store_id_of(sealed) == root.older
        both = StoreSeal(SEAL, root).for_record(PLACE)
        assert both.unseal(sealed) == b"record"
        assert not both.is_current(sealed)
        assert both.is_current(both.seal(b"record"))
        with pytest.raises(SealedElsewhere, match="another store"):
            StoreSeal(SEAL, bare).for_record(PLACE).unseal(sealed)
        swapped = sealed[:1] + root.store_id + sealed[17:]
        with pytest.raises(BrokenSeal, match="altered"):
            both.unseal(swapped)

    @pytest.mark.parametrize("sealed", [b"", b"damaged", b"\xff" * 300])
    def test_no_record(self, sealed):
        """What begins as no record does is not sealed at all, and names no store."""
        with pytest.raises(NotSealed):
            StoreSeal(SEAL, ROOT_RECORD).for_record(PLACE).unseal(sealed)
        assert store_id_of(sealed) is None

    def test_not_bound(self):
        """A record without an id, as the root record is, is nothing in a user's place."""
        with pytest.raises(SealedElsewhere):
            StoreSeal(SEAL, ROOT_RECORD).for_record(PLACE).unseal(SEAL.for_record(PLACE).seal(b"record"))


def readable(service, seal):
    """Return the users whose records the store's id and a seal open."""
    root = decode_root(seal.for_record(ROOT_KEY).unseal(service.store.records[ROOT_KEY]))
    bound = StoreSeal(seal, root)
    return {
        decode_account(bound.for_record(key).unseal(record)).user
        for key, record in service.store.records.items()
        if key.startswith("u")
    }


@pytest.mark.requirement("A14", "B24")
class TestANewStoreId:
    def test_what_was_sealed_before(self, services):
        """Under a new id everything opens as before, and what was sealed for the old one is nothing any more."""
        service = services()
        phone = service.phone("alice")
        service.key("bob")
        before = service.store.records
        old = service.root.store_id
        done = service.run(service.mfa.reseal(new_store_id=True))
        assert (done.records, done.resealed, done.unreadable) == (4, 3, 0)
        assert service.root.store_id != old
        assert service.root.older is None
        assert service.perform("alice", Describe()).user == "alice"
        assert service.code(phone)
        service.store.put(PLACE, before[PLACE])
        with pytest.raises(UnreadableRecord, match="another store"):
            service.perform("alice", Describe())

    def test_an_open_process(self, services):
        """A process that was open refuses the new id, as it would another store's root; opened again it works."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        other = services(store=service.store, clock=service.clock, create=False)
        other.perform("alice", Describe())
        service.run(service.mfa.reseal(new_store_id=True))
        with pytest.raises(UnreadableRecord, match="another store"):
            other.perform("alice", Describe())
        again = services(store=service.store, clock=service.clock, create=False)
        assert again.perform("alice", Describe()).user == "alice"

    @pytest.mark.parametrize("lost", [False, True], ids=["", "history lost meanwhile"])
    @pytest.mark.parametrize("new_store_id", [False, True])
    def test_killed_at_every_statement(self, services, lost, new_store_id):
        """Killed at any call of the store it goes on, with users made and history lost in between: all opens under the
        new key alone, nothing under the old id, and no ticket key is the old one.
        """
        number = 0
        while True:
            store = StoreWithHistory()
            service = services(store=store, seal=SEAL)
            for user in ("alice", "bob"):
                service.perform(user, OpenAccount(by=ROOT))
            old = service.root
            rotating = MFA(store, service.mfa._engine.policy(), seal=BOTH, clock=service.clock)
            left = [number]

            def interfere(word, really, key, *arguments, left=left):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return really(key, *arguments)

            store.interfere = interfere
            try:
                rotating.reseal(new_store_id=new_store_id)
            except Killed:
                ended = False
            else:
                ended = True
            store.interfere = None
            if lost:
                store.history = "2"
            meanwhile = services(store=store, clock=service.clock, seal=BOTH, create=False)
            for user in ("alice", "bob"):
                assert meanwhile.perform(user, Describe()).user == user
            meanwhile.perform("carol", OpenAccount(by=ROOT))
            again = services(store=store, clock=service.clock, seal=BOTH, create=False)
            done = again.run(again.mfa.reseal())
            assert done.unreadable == 0
            root = decode_root(NEW_ONLY.for_record(ROOT_KEY).unseal(store.records[ROOT_KEY]))
            assert root.older is None
            assert root.ticket_key != old.ticket_key
            assert readable(service, NEW_ONLY) == {"alice", "bob", "carol"}
            if root.store_id != old.store_id:
                assert new_store_id
                assert {store_id_of(record) for key, record in store.records.items() if key != ROOT_KEY} == {
                    root.store_id
                }
            if ended:
                assert (root.store_id != old.store_id) is new_store_id
                break
            number += 1
        assert number >= 8

    @pytest.mark.requirement("S12")
    def test_history_lost_in_every_walk(self, services):
        """While history is lost in every walk the older id is not given up: what the walk wrote may be gone."""
        service, names = services(store=StoreWithHistory()), iter(range(2, 1_000))
        service.perform("alice", OpenAccount(by=ROOT))
        first = service.root.store_id

        def lost(_):
            service.store.history = str(next(names))

        with pytest.raises(StoreContended):
            service.run(service.mfa.reseal(lost, new_store_id=True))
        assert service.root.older == first
        service.run(service.mfa.reseal())
        assert service.root.older is None

    def test_begun_again_with_another_id(self, services):
        """Where a change of the id was broken off, another one finishes it first, and then draws an id of its own."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        first = service.root.store_id
        session = service.mfa._engine.session
        service.run(
            service.mfa._run(session.rewrite_root(lambda root: attrs.evolve(root, store_id=b"b" * 16, older=first)))
        )
        done = service.run(service.mfa.reseal(new_store_id=True))
        assert done.unreadable == 0
        assert service.root.store_id not in (first, b"b" * 16)
        assert service.root.older is None
        assert service.perform("alice", Describe()).user == "alice"

    def test_an_unreadable_record_keeps_the_older_id(self, services):
        """While something cannot be read, the older id is not given up: another ring may still open it."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        service.store.put("u" + 43 * "x", b"damaged")
        first = service.root.store_id
        assert service.run(service.mfa.reseal(new_store_id=True)).unreadable == 1
        assert service.root.older == first
        assert service.run(service.mfa.reseal(new_store_id=True)).unreadable == 1
        assert service.root.older == first
        service.store.put("u" + 43 * "x", None)
        service.run(service.mfa.reseal())
        assert service.root.older is None

    @pytest.mark.parametrize("store", [ScriptedStore, StoreWithoutViews])
    @pytest.mark.parametrize("new_store_id", [False, True])
    def test_waits_where_views_are_not_pinned(self, services, store, new_store_id):
        """Where an open process may still write under the old id, the walk begins when its view and verb have ended."""
        service, waited = services(store=store()), []
        service.perform("alice", OpenAccount(by=ROOT))
        session = service.mfa._engine.session
        session.pause = waited.append
        service.run(service.mfa.reseal(new_store_id=new_store_id))
        wait = MAX_AGE + service.mfa._engine.deadline
        assert (wait in waited) is (store is StoreWithoutViews and new_store_id)


@pytest.mark.requirement("A10")
class TestALeakedKey:
    def test_what_the_thief_made(self, services):
        """With the ring's key and a copy of the records anyone forges receipts, for moments to come too. After the
        documented cure none of them passes, now or 90 days later.
        """
        service, copy = services(), ScriptedStore()
        phone = service.phone("alice")
        for key, record in service.store.records.items():
            copy.put(key, record)
        thief = services(store=copy, clock=type(service.clock)(service.clock()), create=False)
        delete = Operation("server.delete", "i-1")
        forged = [str(thief.receipt("alice", phone, delete)) for _ in range(2)]
        thief.clock.advance(90 * 86_400)
        forged.append(str(thief.receipt("alice", phone, delete)))

        def passes(seal, receipt):
            opened = services(store=service.store, clock=service.clock, seal=seal, create=False)
            try:
                opened.perform("alice", SpendReceipt(receipt, operation=delete, session=SESSION))
            except Exception as error:  # noqa: BLE001 - why is looked at
                return error.refusal.reason
            return True

        service.clock.advance(60)
        assert passes(SEAL, forged[0]) is True
        cure = services(store=service.store, clock=service.clock, seal=BOTH, create=False)
        cure.run(cure.mfa.reseal())
        assert passes(NEW_ONLY, forged[1]) is Reason.BAD_RECEIPT
        service.clock.advance(90 * 86_400)
        assert passes(NEW_ONLY, forged[2]) is Reason.BAD_RECEIPT

    def test_the_root_comes_first(self, services):
        """The root record is sealed anew before any other record: what the old key opens names no living ticket key."""
        store = ScriptedStore()
        services(store=store, seal=SEAL).perform("alice", OpenAccount(by=ROOT))
        service = services(store=store, seal=BOTH, create=False)
        service.store.calls.clear()
        service.run(service.mfa.reseal())
        assert [key for word, key in store.calls if word == "swap"] == [ROOT_KEY, PLACE]


@pytest.mark.requirement("A22")
class TestDiscard:
    def refused(self, service):
        with service.unchanged(), pytest.raises(UnreadableRecord, match="not discarded"):
            service.run(service.mfa.discard("alice", ROOT))
        service.run(service.mfa.discard("alice", ROOT, unsafe_any_seal=True))
        assert PLACE not in service.store.records

    @pytest.mark.parametrize(
        "ring",
        [
            AESGCMSeal({"2027": NEW}, seal_with="2027"),
            AESGCMSeal({"2026": NEW}, seal_with="2026"),
            UnsafePlaintext(),
        ],
        ids=["another key", "another key of that id", "no seal"],
    )
    def test_what_another_ring_may_read(self, services, ring):
        """A record that another ring or seal may open is not deleted, unless that is said by name."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        record = StoreSeal(ring, service.root).for_record(PLACE).seal(b"good")
        service.store.put(PLACE, record)
        self.refused(service)

    def test_what_another_store_may_read(self, services):
        """Nor is one that is bound to another store."""
        service, other = services(), services()
        other.perform("alice", OpenAccount(by=ROOT))
        service.store.put(PLACE, other.store.records[PLACE])
        self.refused(service)

    def test_what_nobody_can_read(self, services):
        """What is not sealed, altered, or no account, is deleted."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        good = service.store.records[PLACE]
        bound = StoreSeal(SEAL, service.root)
        for planted in (
            b"damaged",
            good[:-1] + bytes([good[-1] ^ 1]),
            bound.for_record(PLACE).seal(b"no account"),
            bound.for_record("elsewhere").seal(b"good"),
        ):
            service.store.put(PLACE, planted)
            service.run(service.mfa.discard("alice", ROOT))
            assert PLACE not in service.store.records

    def test_changed_meanwhile(self, services):
        """A record that was written between look and deletion stays."""
        service = services()
        service.store.put(PLACE, b"damaged")
        service.store.interfere = lambda word, really, key, *arguments: word == "load" and really(key, *arguments)
        with pytest.raises(Exception, match="nothing there to change"):
            service.run(service.mfa.discard("alice", ROOT))
        assert RecordReader(service.store).load(PLACE) == b"damaged"


@pytest.mark.requirement("A14")
class TestAdopting:
    def test_the_id_of_what_is_there(self, services):
        """A root record made anew takes the id that the records name; what names none is passed over."""
        service = services()
        key = service.key("alice")
        assert key is not None
        store_id = service.root.store_id
        service.store.put("u" + 43 * "x", b"damaged")
        service.store.put(ROOT_KEY, None)
        fresh = MFA(service.store, service.mfa._engine.policy(), seal=SEAL, clock=service.clock, create=True)
        with pytest.raises(UnreadableRecord, match="another store"):
            fresh.perform("alice", Describe())
        fresh._run(adopt_store_id(fresh._engine))
        assert service.root.store_id == store_id
        assert fresh.perform("alice", Describe()).user == "alice"

    def test_nothing_there(self, services):
        """Without any record the new root record keeps its own id; a record that goes meanwhile names none."""
        service = services()
        store_id = service.root.store_id
        fresh = MFA(service.store, service.mfa._engine.policy(), seal=SEAL, clock=service.clock)
        service.store.keys = lambda kind: iter(["u" + 43 * "x"] if kind == "u" else [])
        fresh._run(adopt_store_id(fresh._engine))
        assert service.root.store_id == store_id
