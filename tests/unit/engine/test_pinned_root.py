# SPDX-License-Identifier: Apache-2.0
"""What the root record says reaches every open process, in the very statements that read and write records."""

from __future__ import annotations

import pytest

from ram_mfa import MFA, BeginLogon, Describe, FinishLogon, HistoryLost, OpenAccount, Reason, TOTPCode, UnreadableRecord
from ram_mfa.engine.records import ROOT_KEY, user_key
from tests.support.service import ROOT, SESSION, ScriptedStore, StoreWithHistory, StoreWithoutViews, finish


class NameOnly(StoreWithHistory):
    """A store whose views compare the name of the history only, as a third party's may."""

    def at(self, incarnation, /):
        return super().at(incarnation)


STORES = {"pinned": ScriptedStore, "names": NameOnly, "plain": StoreWithoutViews}
each_store = pytest.mark.parametrize("store", STORES.values(), ids=STORES)


def log_on(service, user, code):
    """Log on, and return the outcome or the reason."""
    asked = service.ask(user)
    try:
        return service.perform(user, finish(asked, code))
    except Exception as error:  # noqa: BLE001 - looked at by the tests
        return error.refusal.reason


def put_back(store, records):
    """Bring a backup back."""
    for key in {*store.records, *records}:
        store.put(key, records.get(key))


@pytest.mark.requirement("A4", "S12")
class TestRestoredUnderAnOpenProcess:
    @each_store
    def test_declared_elsewhere(self, services, store):
        """A backup put back and declared by another process: the open one accepts nothing again that was spent."""
        service = services(store=store())
        phone = service.phone("alice")
        backup, code = service.store.records, service.code(phone)
        log_on(service, "alice", code)
        put_back(service.store, backup)
        other = services(store=service.store, clock=service.clock, create=False)
        other.run(other.mfa.declare_restored())
        assert log_on(service, "alice", code) is Reason.REPLAYED_CODE

    @each_store
    def test_a_loss_that_it_does_not_know_of(self, services, store):
        """A backup, or another server, of the same name without the last loss that was seen is another history."""
        service = services(store=store())
        phone = service.phone("alice")
        backup = service.store.records
        service.run(service.mfa.declare_restored())
        service.clock.advance(600)
        code = service.code(phone)
        assert log_on(service, "alice", code).user == "alice"
        put_back(service.store, backup)
        assert log_on(service, "alice", code) is Reason.REPLAYED_CODE
        assert len(service.root.losses) == 1
        service.run(service.mfa.renew_tickets())
        assert len(service.root.losses) == 1

    def test_between_load_and_swap(self, services):
        """Restored and declared between load and swap, with the record's same bytes back: the swap is not applied."""
        service = services()
        phone = service.phone("alice")
        other = MFA(service.store, service.mfa._engine.policy(), seal=service.seal, clock=service.clock)
        backup, code = service.store.records, service.code(phone)
        asked, again = service.ask("alice"), service.ask("alice")
        key, restored = user_key("", "alice"), []

        def interfere(word, really, at, *arguments):
            if word == "swap" and at == key and not restored:
                service.store.interfere = None
                other.perform("alice", finish(again, code))
                put_back(service.store, backup)
                restored.append(other.declare_restored())
                return service.store.at("", beside=(ROOT_KEY, backup[ROOT_KEY])).swap(at, *arguments)
            return really(at, *arguments)

        service.store.interfere = interfere
        assert service.refusal("alice", finish(asked, code)).reason is Reason.FOREIGN_TICKET
        assert restored == [()]
        assert log_on(service, "alice", code) is Reason.REPLAYED_CODE

    def test_a_fresh_root_is_no_loss(self, services):
        """A view that finds another root record under the same name reads it anew, and no loss is noted."""
        service = services(store=StoreWithHistory())
        service.perform("alice", OpenAccount(by=ROOT))
        other = services(store=service.store, clock=service.clock, create=False)
        other.run(other.mfa.renew_tickets())
        assert service.perform("alice", Describe()).user == "alice"
        assert service.root.losses == ()


@pytest.mark.requirement("A10")
class TestTicketKey:
    @each_store
    def test_renewed(self, services, store):
        """A renewed ticket key ends every open ticket and receipt at once, in processes that are open too."""
        service = services(store=store())
        phone = service.phone("alice")
        asked = service.ask("alice")
        before = service.root
        other = services(store=service.store, clock=service.clock, create=False)
        other.run(other.mfa.renew_tickets())
        refusal = service.refusal("alice", FinishLogon(asked.id, service.code(phone), session=SESSION))
        assert refusal.reason is Reason.FOREIGN_TICKET
        assert log_on(service, "alice", service.code(phone)).user == "alice"
        assert service.root.ticket_key != before.ticket_key
        assert (service.root.history, service.root.losses) == (before.history, before.losses)

    def test_every_write_of_the_root(self, services):
        """Whatever writes the root record draws a new ticket key: a loss, a declaration, a re-sealing, a renewal."""
        service = services(store=StoreWithHistory())
        service.perform("alice", OpenAccount(by=ROOT))
        keys = [service.root.ticket_key]
        service.store.history = "2"
        service.perform("alice", Describe())
        keys.append(service.root.ticket_key)
        for action in (service.mfa.declare_restored, service.mfa.reseal, service.mfa.renew_tickets):
            service.run(action())
            keys.append(service.root.ticket_key)
        assert len(set(keys)) == 5
        service.store.history = "3"
        service.run(service.mfa.renew_tickets())
        assert [len(service.root.losses), service.root.incarnation] == [3, "3"]


class TestNoRoot:
    @each_store
    @pytest.mark.requirement("V37")
    def test_vanished(self, services, store):
        """A root record that vanishes under an open process refuses everybody, and ``create`` makes no other."""
        service = services(store=store())
        service.perform("alice", OpenAccount(by=ROOT))
        service.store.put(ROOT_KEY, None)
        for user in ("alice", "nobody"):
            assert service.refusal(user, BeginLogon(session=SESSION)).reason is Reason.NO_ROOT
        assert ROOT_KEY not in service.store.records

    @each_store
    @pytest.mark.requirement("A14")
    def test_of_another_store(self, services, store):
        """Another store's root record, put in under an open process, is refused, and restoring the own one heals."""
        service, staging = services(store=store()), services()
        service.perform("alice", OpenAccount(by=ROOT))
        own = service.store.records[ROOT_KEY]
        service.store.put(ROOT_KEY, staging.store.records[ROOT_KEY])
        for action in (
            lambda: service.perform("alice", Describe()),
            lambda: service.run(service.mfa.declare_restored()),
        ):
            with pytest.raises(UnreadableRecord, match="another store"):
                action()
        service.store.put(ROOT_KEY, own)
        assert service.perform("alice", Describe()).user == "alice"


@pytest.mark.requirement("A17", "B20")
class TestReads:
    @each_store
    def test_known_and_unknown(self, services, store):
        """A made-up ticket, or a beginning, costs the same calls of the store for a user with a record and without."""
        service = services(store=store())
        service.phone("alice")
        ticket = service.ask("alice").id
        counted = {}
        for user in ("alice", "nobody"):
            for verb in (
                BeginLogon(session=SESSION),
                FinishLogon(ticket, TOTPCode("123456"), session="the session of another browser"),
            ):
                before = len(service.store.calls)
                try:
                    service.perform(user, verb)
                except Exception as error:  # noqa: BLE001 - refused, or asked: what counts are the calls
                    assert error.refusal.reason in {Reason.NO_ACCOUNT, Reason.FOREIGN_TICKET}  # noqa: PT017
                words = [word for word, _ in service.store.calls[before:]]
                counted.setdefault(type(verb), set()).add(tuple(words))
        expected = ("load",) if store is ScriptedStore else ("load", "load")
        assert counted == {BeginLogon: {expected}, FinishLogon: {expected}}


@pytest.mark.requirement("A4")
class TestUnpinned:
    @pytest.mark.parametrize("age", [0.5, 1.5, -1.0])
    def test_opened_afresh(self, services, age):
        """Where the root record cannot be compared, the store is opened afresh before a verb once a second passed."""
        service, asked = services(store=NameOnly()), []
        service.perform("alice", OpenAccount(by=ROOT))
        session = service.mfa._engine.session
        at, really = session._open_store.at, service.store.incarnation
        session._monotonic = lambda: at + age
        service.store.incarnation = lambda: (asked.append(1), really())[1]
        service.perform("alice", Describe())
        assert bool(asked) is (age != 0.5)

    def test_a_promotion(self, services):
        """A promotion is seen there too, inside the statement, and the loss is noted."""
        service = services(store=NameOnly())
        phone = service.phone("alice")
        code = service.code(phone)
        log_on(service, "alice", code)
        service.store.history = "2"
        assert log_on(service, "alice", code) is Reason.REPLAYED_CODE
        assert len(service.root.losses) == 1


class TestViews:
    def test_compare(self):
        """The test's own views raise HistoryLost where the name or the pinned record differs, and change nothing."""
        store = StoreWithHistory()
        store.put("r", b"1")
        for view in (store.at("2"), store.at("1", beside=("r", b"2")), store.at("1", beside=("q", b"1"))):
            with pytest.raises(HistoryLost):
                view.swap("k", None, b"new")
            with pytest.raises(HistoryLost):
                view.load("r")
        assert store.records == {"r": b"1"}
