# SPDX-License-Identifier: Apache-2.0
"""What operators do beside performing verbs."""

from __future__ import annotations

import pytest

from ram_mfa import (
    AESGCMSeal,
    Assertion,
    Describe,
    DevicePolicy,
    EraseAccount,
    EventType,
    ForgetMachines,
    KindRule,
    MFAPolicy,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    Reason,
    Refused,
    RememberMachine,
    RenameDevice,
    ResetMFA,
    StoreContended,
    StoreUnavailable,
    ThrottlePolicy,
    Unbind,
)
from ram_mfa.ceremonies.delivery import Delivered, Waiting
from ram_mfa.engine.records import user_key
from ram_mfa.policy.values import HOUR
from tests.support.service import ORIGIN, ROOT, SEAL, ScriptedStore, finish

NEW_SEAL = AESGCMSeal({"2026": b"k" * 32, "2027": b"n" * 32}, seal_with="2027")


def refusal(service, result):
    with pytest.raises(Refused) as caught:
        service.run(result())
    return caught.value.refusal.reason


class TestReport:
    def test_rows(self, services):
        """Each user of the tenant has a row; an unreadable record has one too, and says why."""
        service = services()
        service.phone("alice")
        service.perform("bob", OpenAccount(by=ROOT))
        service.mfa.for_tenant("other", MFAPolicy.ram(issuer="Other"))
        tenant = service.mfa.for_tenant("other", MFAPolicy.ram(issuer="Other"))
        service.run(tenant.perform("carol", OpenAccount(by=ROOT)))
        service.store.put("u" + "x" * 43, b"damaged")
        rows = {row.user: row for row in service.run(service.mfa.credential_report())}
        assert set(rows) == {"alice", "bob", ""}
        assert (rows["alice"].mfa_active, rows["alice"].must_bind, rows["alice"].devices) == (True, False, 1)
        assert (rows["bob"].mfa_active, rows["bob"].must_bind) == (False, True)
        assert rows[""].problem
        assert [row.user for row in service.run(tenant.credential_report()) if row.user] == ["carol"]

    def test_gone_meanwhile(self, services):
        """A record that goes while the report runs has no row."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        service.store.interfere = lambda word, really, key, *arguments: (
            None if word == "load" and key.startswith("u") else really(key, *arguments)
        )
        assert service.run(service.mfa.credential_report()) == []

    def test_store_without_keys(self, services):
        """A store that lists nothing cannot be reported on, and says so."""
        service = services()
        service.mfa._engine.session.store = object()
        with pytest.raises(TypeError, match="keys"):
            service.run(service.mfa.credential_report())


class TestReseal:
    @pytest.mark.requirement("B24")
    def test_rotation(self, services):
        """Every record is written under the new key, what cannot be read is counted, and progress is told."""
        store = ScriptedStore()
        services(store=store, seal=SEAL).phone("alice")
        store.put("u" + "x" * 43, b"damaged")
        service, told = services(store=store, seal=NEW_SEAL), []
        done = service.run(service.mfa.reseal(told.append))
        assert (done.records, done.resealed, done.unreadable, done.keys) == (3, 2, 1, ("u" + "x" * 43,))
        assert told[-1] == done
        assert service.run(service.mfa.reseal()).resealed == 0

    def test_races(self, services):
        """A record that changes at every turn ends in StoreContended."""
        store = ScriptedStore()
        services(store=store, seal=SEAL).phone("alice")
        service = services(store=store, seal=NEW_SEAL)
        store.interfere = lambda word, really, key, *arguments: (
            (word == "load" or key.startswith("r")) and really(key, *arguments)
        )
        with pytest.raises(StoreContended):
            service.run(service.mfa.reseal())


class TestDiscard:
    def test_what_cannot_be_read(self, services):
        """An unreadable record goes, by an administrator, and is told; a readable or missing one stays as it is."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        assert refusal(service, lambda: service.mfa.discard("alice", ROOT)) is Reason.NOTHING_TO_DO
        assert refusal(service, lambda: service.mfa.discard("nobody", ROOT)) is Reason.NOTHING_TO_DO
        service.store.put(user_key("", "alice"), b"damaged")
        owner = Owner("receipt", session="the session of one browser")
        assert refusal(service, lambda: service.mfa.discard("alice", owner)) is Reason.NOT_AUTHORISED
        service.run(service.mfa.discard("alice", ROOT))
        assert service.refusal("alice", Describe()).reason is Reason.NO_ACCOUNT
        assert len(service.events(EventType.RECORD_DISCARDED)) == 1


class TestMove:
    def test_refusals(self, services):
        """To the same id, without a record, by an owner, or onto another's record: refused, and the old one works."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        service.perform("bob", OpenAccount(by=ROOT))
        move = service.mfa.move
        assert refusal(service, lambda: move("alice", "alice", ROOT)) is Reason.NOTHING_TO_DO
        assert refusal(service, lambda: move("nobody", "carol", ROOT)) is Reason.NO_ACCOUNT
        owner = Owner("x", session="the session of one browser")
        assert refusal(service, lambda: move("alice", "carol", owner)) is Reason.NOT_AUTHORISED
        assert refusal(service, lambda: move("alice", "bob", ROOT)) is Reason.ACCOUNT_EXISTS
        assert service.perform("alice", Describe()).user == "alice"

    def test_begun_again(self, services):
        """A move that stopped half-way refuses elsewhere, and goes on when it is begun again."""
        service = services()
        service.phone("alice")
        service.plant("alice", moved_to="bob")
        assert service.refusal("alice", Describe()).reason is Reason.MOVING
        assert refusal(service, lambda: service.mfa.move("alice", "carol", ROOT)) is Reason.MOVING
        service.run(service.mfa.move("alice", "bob", ROOT))
        assert len(service.perform("bob", Describe()).devices) == 1
        service.run(service.mfa.move("bob", "alice", ROOT))

    def test_arrived_before(self, services):
        """What arrived before a crash stays, and the old record goes."""
        service, key = services(), user_key("", "alice")
        service.phone("alice")

        def interfere(word, really, at, *arguments):
            if word == "swap" and at == key and arguments[1] is None:
                raise StoreUnavailable("no answer")
            return really(at, *arguments)

        service.store.interfere = interfere
        with pytest.raises(StoreUnavailable):
            service.run(service.mfa.move("alice", "bob", ROOT))
        service.store.interfere = None
        assert len(service.perform("bob", Describe()).devices) == 1
        assert service.refusal("alice", Describe()).reason is Reason.MOVING
        service.run(service.mfa.move("alice", "bob", ROOT))
        assert service.refusal("alice", Describe()).reason is Reason.NO_ACCOUNT
        assert len(service.perform("bob", Describe()).devices) == 1

    def test_claims(self, services):
        """The claim on a security key moves along; one that cannot be written ends in StoreContended."""
        service = services()
        service.key("alice")
        service.store.interfere = lambda word, really, key, *arguments: (
            False if word == "swap" and key.startswith("c") else really(key, *arguments)
        )
        with pytest.raises(StoreContended):
            service.run(service.mfa.move("alice", "bob", ROOT))
        service.store.interfere = None
        service.run(service.mfa.move("alice", "bob", ROOT))
        assert service.perform("bob", Unbind(by=ROOT)).id


class TestOutbox:
    def test_at_least_once(self, services):
        """Events wait in their order until a sink took them; one that the sink dropped waits on."""
        service = services(outbox=4)
        service.phone("alice")
        taken = []

        def sink(event):
            if len(taken) == 1:
                raise OSError("the sink is full")
            taken.append(event)

        with pytest.raises(OSError, match="full"):
            service.run(service.mfa.deliver("alice", sink))
        assert service.run(service.mfa.deliver("alice", taken.append)) == 1
        assert [event.type for event in taken] == [EventType.DEVICE_OFFERED, EventType.DEVICE_BOUND]
        assert service.run(service.mfa.deliver("alice", taken.append)) == 0
        assert service.run(service.mfa.deliver("nobody", taken.append)) == 0

    @pytest.mark.requirement("A34")
    def test_delivered_twice(self, services):
        """Events that somebody else has taken out are no trouble, and those that came later stay."""
        service = services(outbox=4)
        service.phone("alice")
        waiting = service.perform("alice", Waiting())
        assert len(waiting) == 2
        service.perform("alice", Delivered(waiting))
        service.perform("alice", Unbind(by=ROOT))
        [later] = service.perform("alice", Waiting())
        with service.unchanged():
            service.perform("alice", Delivered(waiting))
            service.perform("alice", Delivered(waiting[:1]))
        assert service.perform("alice", Waiting()) == (later,)
        service.perform("alice", Delivered((later,)))
        assert service.perform("alice", Waiting()) == ()

    @pytest.mark.requirement("A16", "B5")
    def test_full(self, services):
        """Without room, changes of devices and settings wait, and logons do not; what they tell is counted."""
        service = services(outbox=2)
        phone = service.phone("alice")
        assert service.refusal("alice", RenameDevice(name="Mine", by=ROOT)).reason is Reason.OUTBOX_FULL
        assert service.receipt("alice", phone, Operation.UNBIND)
        dropped, *kept = service.perform("alice", Waiting())
        assert (dropped.type, dropped.detail) == (EventType.EVENTS_DROPPED, "1")
        assert [event.type for event in kept] == [EventType.DEVICE_OFFERED, EventType.DEVICE_BOUND]
        taken = []
        assert service.run(service.mfa.deliver("alice", taken.append)) == 3
        assert service.perform("alice", RenameDevice(name="Mine", by=ROOT)).name == "Mine"
        assert [event.type for event in service.perform("alice", Waiting())] == [EventType.DEVICE_RENAMED]

    @pytest.mark.requirement("A16", "B5")
    @pytest.mark.parametrize("size", [2, 3, 16])
    def test_revocations_go_through(self, services, size):
        """However full an outbox is, what takes a right away happens and is told: what is older gives way."""
        service = services(outbox=size, remember=RememberMachine())
        phone = service.phone("alice")
        for _ in range(size + 2):
            service.clock.advance(HOUR)
            service.refusal("alice", finish(service.ask("alice"), service.wrong(phone)))
        service.clock.advance(HOUR)
        ask = service.ask("alice", mark="m")
        service.perform("alice", finish(ask, service.code(phone), remember="Laptop", password_mark="m"))
        for verb, what in (
            (ForgetMachines(by=ROOT), EventType.MACHINES_FORGOTTEN),
            (PasswordChanged(), EventType.PASSWORD_CHANGED),
            (Unbind(by=ROOT), EventType.DEVICE_UNBOUND),
            (ResetMFA(ROOT), EventType.MFA_RESET),
        ):
            service.perform("alice", verb)
            dropped, *kept = service.perform("alice", Waiting())
            assert dropped.type is EventType.EVENTS_DROPPED
            assert int(dropped.detail) > 0
            assert kept[-1].type is what
            assert len(kept) <= size
        service.perform("alice", EraseAccount(by=ROOT))

    @pytest.mark.requirement("A16", "O13", "V30")
    def test_alarms_go_through(self, services):
        """A device that is disabled, and a key that may be cloned, are told from a full outbox too."""
        devices = DevicePolicy(rule=KindRule.ANY_MIX, max_devices=2)
        service = services(outbox=4, throttle=ThrottlePolicy(max_consecutive=1), devices=devices)
        phone, key = service.phone("alice"), service.key("alice")
        thief = key.clone()
        service.refusal("alice", finish(service.ask("alice"), service.wrong(phone)))
        assert [event.type for event in service.perform("alice", Waiting())][-1] is EventType.DEVICE_DISABLED
        for one in (key, thief):
            ask = service.ask("alice")
            answer = Assertion(one.get(ask.options, ORIGIN))
            if one is key:
                service.perform("alice", finish(ask, answer))
        service.refusal("alice", finish(ask, answer))
        assert [event.type for event in service.perform("alice", Waiting())][-1] is EventType.KEY_CLONED

    @pytest.mark.requirement("A16")
    def test_wrong_codes_do_not_fill_it(self, services):
        """Refusals give way, the oldest first: wrong codes hold up no change, and are counted."""
        service = services(outbox=4)
        phone = service.phone("alice")
        service.run(service.mfa.deliver("alice", lambda _: None))
        for _ in range(6):
            service.clock.advance(HOUR)
            service.refusal("alice", finish(service.ask("alice"), service.wrong(phone)))
        service.perform("alice", RenameDevice(name="Mine", by=ROOT))
        dropped, *kept = service.perform("alice", Waiting())
        assert dropped.detail == "3"
        assert [event.type for event in kept] == [EventType.REFUSED] * 3 + [EventType.DEVICE_RENAMED]

    @pytest.mark.requirement("A16")
    def test_a_smaller_outbox(self, services):
        """An outbox that the policy made smaller keeps what waits in it, and grows no more."""
        sizes = [8]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", outbox=sizes[0]))
        service.phone("alice")
        service.perform("alice", RenameDevice(name="Mine", by=ROOT))
        sizes[0] = 1
        service.perform("alice", Unbind(by=ROOT))
        dropped, *kept = service.perform("alice", Waiting())
        assert dropped.detail == "1"
        assert [event.type for event in kept] == [
            EventType.DEVICE_BOUND,
            EventType.DEVICE_RENAMED,
            EventType.DEVICE_UNBOUND,
        ]

    @pytest.mark.requirement("A26")
    def test_erasing_hands_over(self, services):
        """What still waited when the account was erased is the outcome: whoever erases it delivers it."""
        service = services(outbox=4)
        service.phone("alice")
        waiting = service.perform("alice", Waiting())
        assert service.perform("alice", EraseAccount(by=ROOT)) == waiting
        assert [event.type for event in waiting] == [EventType.DEVICE_OFFERED, EventType.DEVICE_BOUND]
