# SPDX-License-Identifier: Apache-2.0
"""A fault at every call of the outside world, in every verb: store, clock, entropy, cipher.

Each verb is performed once without a fault and its calls are counted; then once for each call and each way in which
that call can fail, that once or from then on. Whatever happens: nothing is told that did not land, the record is as
before or as after and never between, and what was spent is not accepted again.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from ram_mfa import (
    Administrator,
    AdministratorProof,
    AESGCMSeal,
    BeginLogon,
    BeginStepUp,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    EventType,
    FinishLogon,
    FinishStepUp,
    ForgetMachine,
    ForgetMachines,
    HistoryLost,
    ImportCredential,
    ImportSecurityKey,
    ImportVirtualDevice,
    KindRule,
    MFAPolicy,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    Refused,
    RememberMachine,
    RenameDevice,
    RequireMFA,
    ResetMFA,
    ResyncVirtualDevice,
    SpendReceipt,
    StoreUnavailable,
    StoreUncertain,
    TOTPCode,
    Unbind,
    Verb,
)
from ram_mfa.account import Account, OfferedSecurityKey, VirtualMFADevice
from ram_mfa.codec import decode_account
from ram_mfa.engine import store_session
from ram_mfa.engine.records import user_key
from ram_mfa.sealing import BrokenSeal
from ram_mfa.testing import AuthenticatorApp, KeyFault, ManualClock, SoftSecurityKey
from tests.support.key_apis import KeyAPI, answer, registration
from tests.support.records import AsStored
from tests.support.service import APP_ID, DELETE, PARTY, ROOT, SEAL, SESSION, RecordReader, ScriptedStore

MARK = "mark"
ALICE = user_key("", "alice")


class Trouble(Exception):
    """What no layer of the library knows."""


# The outside world, counted


class World:
    """Counts the calls of the outside world while it is watched, and lets one of them fail.

    Attributes:
        calls: what was called, in its order.
        at: which call fails; None: none does.
        fault: how.
        for_good: whether all later calls of that kind fail with it.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.at: int | None = None
        self.fault: Callable[[Callable[[], Any]], Any] = lambda really: really()
        self.for_good = False
        self.watching = False

    def call(self, kind: str, really: Callable[[], Any]) -> Any:
        if not self.watching:
            return really()
        number = len(self.calls)
        self.calls.append(kind)
        if self.at is None or number < self.at or kind != self.calls[self.at]:
            return really()
        return self.fault(really) if number == self.at or self.for_good else really()

    @contextlib.contextmanager
    def watched(self, at: int | None = None, fault: Any = None, *, for_good: bool = False) -> Iterator[None]:
        self.calls, self.at, self.for_good, self.watching = [], at, for_good, True
        self.fault = fault or self.fault
        try:
            yield
        finally:
            self.watching = False


class Seal:
    """The real seal, each call of it counted."""

    def __init__(self, world: World) -> None:
        self.world, self.really = world, SEAL

    def for_record(self, key: str) -> Any:
        return self.world.call("derive", lambda: _RecordSeal(self.world, self.really.for_record(key)))


class _RecordSeal:
    def __init__(self, world: World, really: Any) -> None:
        self.world, self.really = world, really

    def seal(self, record: bytes) -> bytes:
        return self.world.call("seal", lambda: self.really.seal(record))

    def unseal(self, sealed: bytes) -> bytes:
        return self.world.call("unseal", lambda: self.really.unseal(sealed))

    def is_current(self, sealed: bytes) -> bool:
        return self.really.is_current(sealed)


def raises(error: Callable[[], Exception], *, after: bool = False) -> Callable[[Callable[[], Any]], Any]:
    """A call that raises; where it says ``after``, once it has done its work."""

    def fault(really: Callable[[], Any]) -> Any:
        if after:
            really()
        raise error()

    return fault


def returns(value: Any, *, after: bool = False) -> Callable[[Callable[[], Any]], Any]:
    """A call that returns something else; where it says ``after``, once it has done its work."""

    def fault(really: Callable[[], Any]) -> Any:
        if after:
            really()
        return value

    return fault


FAULTS: dict[str, dict[str, Any]] = {
    "load": {
        "unavailable": raises(StoreUnavailable),
        "history lost": raises(lambda: HistoryLost("another")),
        "a driver's exception": raises(Trouble),
        "garbage": returns(b"\x02" + bytes(16) + b"\x01\x042026" + bytes(140)),
        "an empty record": returns(b""),
    },
    "swap": {
        "unavailable": raises(StoreUnavailable),
        "uncertain, not landed": raises(StoreUncertain),
        "uncertain, landed": raises(StoreUncertain, after=True),
        "history lost": raises(lambda: HistoryLost("another")),
        "a driver's exception, not landed": raises(Trouble),
        "a driver's exception, landed": raises(Trouble, after=True),
        "lost, not landed": returns(False),
        "lost, landed": returns(False, after=True),
    },
    "clock": {
        "raises": raises(Trouble),
        "not a number": returns(math.nan),
        "infinite": returns(math.inf),
        "before the epoch": returns(-1.0),
        "nothing": returns(None),
        "text": returns("1700000000"),
    },
    "entropy": {"raises": raises(lambda: OSError("no entropy"))},
    "derive": {"raises": raises(Trouble)},
    "seal": {"raises": raises(Trouble)},
    "unseal": {"broken": raises(lambda: BrokenSeal("altered")), "raises": raises(Trouble)},
}


# The service, and every verb that can be performed on it


@attrs.define
class Case:
    """A verb, ready to be performed for alice.

    Attributes:
        verb: itself, or a function of the service's driver.
        passes: whether its success lets somebody in or vouches for somebody.
        once: whether its success must not be had twice.
    """

    verb: Any
    passes: bool = False
    once: bool = False


class Bench:
    """A service in the faulty world, with alice in one state."""

    def __init__(self, services: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.policy = World(), rules()
        self.seal = Seal(self.world)
        really = os.urandom
        monkeypatch.setattr(os, "urandom", lambda size: self.world.call("entropy", lambda: really(size)))
        monkeypatch.setattr(store_session, "_MAX_TURNS", 3)  # so that a store that applies no swap is given up soon
        clock = ManualClock()
        store = ScriptedStore()
        store.interfere = lambda word, call, *arguments: self.world.call(word, lambda: call(*arguments))
        self.time = clock
        self.service = services(
            store=store,
            clock=lambda: self.world.call("clock", clock),
            policy=lambda: self.policy,
            seal=self.seal,
            deadline=0.003,
        )

    def make(self, name: str) -> Case:
        """Bring alice into the state for a case, and return it."""
        case: Case = CASES[name](self)
        return case

    def perform(self, verb: Any) -> Any:
        if isinstance(verb, Verb):
            return self.service.perform("alice", verb)
        return self.service.run(verb(self.service.mfa))

    # Alice

    def phone(self) -> AuthenticatorApp:
        phone: AuthenticatorApp = self.service.phone("alice")
        return phone

    def code(self, phone: AuthenticatorApp) -> TOTPCode:
        return TOTPCode(phone.code_at(self.time()))

    def ask(self, operation: Operation | None = None) -> Any:
        return self.service.ask("alice", operation=operation)

    def receipt(self, operation: Operation, user: str = "alice") -> str:
        key = self.service.key(user)
        asked = self.service.ask(user, operation=operation)
        verb = FinishStepUp(asked.id, answer(KeyAPI.WEBAUTHN, key, asked), operation=operation, session=SESSION)
        return str(self.service.perform(user, verb).receipt)

    def machine(self) -> str:
        phone, asked = self.phone(), self.service.ask("alice", mark=MARK)
        verb = FinishLogon(asked.id, self.code(phone), session=SESSION, remember="Laptop", password_mark=MARK)
        return str(self.perform(verb).machine)


def rules(**choices: Any) -> MFAPolicy:
    mix = DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8)
    return MFAPolicy.ram(issuer="Example", relying_party=PARTY, devices=mix, remember=RememberMachine(), **choices)


CASES: dict[str, Callable[[Bench], Case]] = {}


def case(make: Callable[[Bench], Case]) -> Callable[[Bench], Case]:
    CASES[make.__name__] = make
    return make


@case
def open_account(bench: Bench) -> Case:
    return Case(OpenAccount(by=ROOT))


@case
def require_mfa(bench: Bench) -> Case:
    bench.perform(OpenAccount(required=False, by=ROOT))
    return Case(RequireMFA(required=True, by=ROOT))


@case
def offer_virtual_device(bench: Bench) -> Case:
    return Case(OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))


@case
def confirm_virtual_device(bench: Bench) -> Case:
    offer = bench.perform(OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
    code = AuthenticatorApp.scan(offer.key_uri).code_at(bench.time())
    return Case(ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=SESSION), once=True)


@case
def confirm_virtual_device_with_a_wrong_code(bench: Bench) -> Case:
    offer = bench.perform(OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
    code = bench.service.wrong(AuthenticatorApp.scan(offer.key_uri)).code
    return Case(ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=SESSION))


@case
def confirm_virtual_device_at_logon(bench: Bench) -> Case:
    bench.perform(OpenAccount(by=ROOT))
    me = Enrolment(bench.perform(BeginLogon(session=SESSION)).id, session=SESSION)
    offer = bench.perform(OfferVirtualDevice(me, account_name="alice", session=SESSION, create=True))
    code = AuthenticatorApp.scan(offer.key_uri).code_at(bench.time())
    return Case(ConfirmVirtualDevice([code], offer=offer.id, by=me, session=SESSION), passes=True, once=True)


@case
def offer_security_key(bench: Bench) -> Case:
    return Case(OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True))


@case
def confirm_security_key(bench: Bench) -> Case:
    offer = bench.perform(OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True))
    told = registration(KeyAPI.WEBAUTHN, SoftSecurityKey(), offer)
    return Case(ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=SESSION), once=True)


@case
def begin_logon(bench: Bench) -> Case:
    bench.phone()
    return Case(BeginLogon(session=SESSION))


@case
def begin_logon_not_required(bench: Bench) -> Case:
    bench.perform(OpenAccount(required=False, by=ROOT))
    return Case(BeginLogon(session=SESSION), passes=True)


@case
def begin_logon_remembered(bench: Bench) -> Case:
    return Case(BeginLogon(session=SESSION, machine=bench.machine(), password_mark=MARK), passes=True)


@case
def begin_logon_of_a_user_without_a_record(bench: Bench) -> Case:
    return Case(BeginLogon(session=SESSION))


@case
def finish_logon(bench: Bench) -> Case:
    phone = bench.phone()
    return Case(FinishLogon(bench.ask().id, bench.code(phone), session=SESSION), passes=True, once=True)


@case
def finish_logon_and_remember(bench: Bench) -> Case:
    phone, asked = bench.phone(), bench.service.ask("alice", mark=MARK)
    verb = FinishLogon(asked.id, bench.code(phone), session=SESSION, remember="Laptop", password_mark=MARK)
    return Case(verb, passes=True, once=True)


@case
def finish_logon_with_a_wrong_code(bench: Bench) -> Case:
    phone = bench.phone()
    return Case(FinishLogon(bench.ask().id, bench.service.wrong(phone), session=SESSION))


@case
def finish_logon_with_a_key(bench: Bench) -> Case:
    key = bench.service.key("alice")
    asked = bench.ask()
    verb = FinishLogon(asked.id, answer(KeyAPI.WEBAUTHN, key, asked), session=SESSION)
    return Case(verb, passes=True, once=True)


@case
def finish_logon_with_a_wrong_answer(bench: Bench) -> Case:
    key = bench.service.key("alice")
    key.faults = frozenset({KeyFault.NO_USER_PRESENCE})
    asked = bench.ask()
    return Case(FinishLogon(asked.id, answer(KeyAPI.WEBAUTHN, key, asked), session=SESSION))


@case
def begin_step_up(bench: Bench) -> Case:
    bench.phone()
    return Case(BeginStepUp(DELETE, session=SESSION))


@case
def finish_step_up(bench: Bench) -> Case:
    phone = bench.phone()
    verb = FinishStepUp(bench.ask(DELETE).id, bench.code(phone), operation=DELETE, session=SESSION)
    return Case(verb, passes=True, once=True)


@case
def spend(bench: Bench) -> Case:
    return Case(SpendReceipt(bench.receipt(DELETE), operation=DELETE, session=SESSION), passes=True, once=True)


@case
def unbind(bench: Bench) -> Case:
    bench.phone()
    return Case(Unbind(by=ROOT))


@case
def unbind_by_the_owner(bench: Bench) -> Case:
    return Case(Unbind(by=Owner(bench.receipt(Operation.UNBIND), session=SESSION)), once=True)


@case
def unbind_by_a_proved_administrator(bench: Bench) -> Case:
    receipt = bench.receipt(Operation.ADMINISTER, "root")
    bench.phone()
    bench.policy = rules(administrator_proof=AdministratorProof.ASKED)
    return Case(Unbind(by=Administrator("root", receipt, SESSION)), once=True)


@case
def reset_mfa(bench: Bench) -> Case:
    bench.machine()
    return Case(ResetMFA(ROOT))


@case
def resync_virtual_device(bench: Bench) -> Case:
    phone = bench.phone()
    bench.time.advance(300)
    return Case(ResyncVirtualDevice(codes=phone.codes_at(bench.time() - 30), by=ROOT), once=True)


@case
def rename_device_by_the_owner(bench: Bench) -> Case:
    me = Owner(bench.receipt(Operation.RENAME), session=SESSION)
    return Case(RenameDevice(name="Blue", by=me), once=True)


@case
def import_virtual_device(bench: Bench) -> Case:
    uri = "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    return Case(ImportVirtualDevice(uri, last_step=None, by=ROOT, create=True))


@case
def import_security_key(bench: Bench) -> Case:
    kept = bytes(SoftSecurityKey().register(bytes(32), bytes(32)))
    return Case(ImportSecurityKey(kept, app_id=APP_ID, by=ROOT, create=True), once=True)


@case
def import_credential(bench: Bench) -> Case:
    point = bytes(SoftSecurityKey().register(bytes(32), bytes(32)))[1:66]
    return Case(ImportCredential(b"an id", public_key=point, rp_id=PARTY.id, by=ROOT, create=True), once=True)


@case
def forget_machine(bench: Bench) -> Case:
    bench.machine()
    return Case(ForgetMachine(bench.perform(Describe()).machines[0].id, by=ROOT), once=True)


@case
def forget_machines(bench: Bench) -> Case:
    bench.machine()
    return Case(ForgetMachines(ROOT), once=True)


@case
def password_changed(bench: Bench) -> Case:
    bench.machine()
    return Case(PasswordChanged())


@case
def erase_account(bench: Bench) -> Case:
    bench.phone()
    return Case(EraseAccount(ROOT), once=True)


@case
def describe(bench: Bench) -> Case:
    bench.phone()
    return Case(Describe())


@case
def deliver(bench: Bench) -> Case:
    bench.policy = rules(outbox=20)
    bench.phone()
    return Case(lambda mfa: mfa.deliver("alice", lambda event: None))


@case
def discard(bench: Bench) -> Case:
    bench.phone()
    bench.service.store.put(ALICE, b"nothing that the library ever wrote")
    return Case(lambda mfa: mfa.discard("alice", ROOT), once=True)


@case
def credential_report(bench: Bench) -> Case:
    bench.phone()
    return Case(lambda mfa: mfa.credential_report())


# What must hold


def shape(service: Any, before: Account | None) -> Any:
    """Return the state of alice's record, without what is drawn at random, and without what an offer was answered
    with: that is written before the claim, and opens nothing.
    """
    sealed = service.store.records.get(ALICE)
    if sealed is None:
        return "no record"
    try:
        account = decode_account(AsStored(SEAL, RecordReader(service.store)).for_record(ALICE).unseal(sealed))
    except BrokenSeal:
        return "unreadable"
    return attrs.evolve(
        account,
        handle=b"",
        epoch=b"the same" if before is not None and account.epoch == before.epoch else b"another",
        devices=tuple(
            attrs.evolve(one, id="") if isinstance(one, VirtualMFADevice) else one for one in account.devices
        ),
        offers=tuple(
            attrs.evolve(one, stamp=b"", claimed=b"")
            if isinstance(one, OfferedSecurityKey)
            else attrs.evolve(one, stamp=b"", secret=b"")
            for one in account.offers
        ),
        machines=tuple(attrs.evolve(one, digest=b"") for one in account.machines),
        browsers=attrs.evolve(account.browsers, epoch=bytes(16)),
    )


@attrs.frozen
class Failed:
    """What a verb raised."""

    error: Exception


def attempt(bench: Bench, verb: Any) -> Any:
    try:
        return bench.perform(verb)
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing was told
        return Failed(error)


QUIET = {EventType.REFUSED}
"""The events that tell of no change."""


def check(bench: Bench, tried: Case, name: str) -> int:
    """Try every fault of one case, and return how many there were."""
    store, service = bench.service.store, bench.service
    records = store.records
    sealed = records.get(ALICE)
    account = None
    if sealed is not None and name != "discard":
        account = decode_account(AsStored(SEAL, RecordReader(service.store)).for_record(ALICE).unseal(sealed))
    before = shape(service, account)
    with bench.world.watched():
        clean = attempt(bench, tried.verb)
    calls, after = tuple(bench.world.calls), shape(service, account)
    assert not isinstance(clean, Failed) or isinstance(clean.error, Refused), f"{name}: {clean}"
    assert {"load", "clock", "derive"} <= {*calls} or name in {"deliver", "credential_report"}, f"{name}: {calls}"

    number = 0
    for at, kind in enumerate(calls):
        for how, fault in FAULTS[kind].items():
            for for_good in (False, True):
                number += 1
                what = f"{name}: call {at} of {calls}, {kind} {how}{', for good' if for_good else ''}"
                store._records.clear()
                store._records.update(records)
                service.observed.clear()
                with bench.world.watched(at, fault, for_good=for_good):
                    told = attempt(bench, tried.verb)
                state = shape(service, account)
                assert state in (before, after), f"{what}: between"
                if not isinstance(told, Failed):
                    assert not isinstance(clean, Failed), f"{what}: told {told!r}"
                    assert state == after, f"{what}: told {told!r}, and it did not land"
                if {event.type for event in service.observed} - QUIET:
                    assert state == after, f"{what}: an event was told, and nothing landed"
                again = attempt(bench, tried.verb)
                if tried.once:
                    successes = [one for one in (told, again) if not isinstance(one, Failed)]
                    assert len(successes) <= 1, f"{what}: had twice"
                    assert shape(service, account) == after, f"{what}: not as after, once it is tried again"
    return number


@pytest.mark.requirement("B19", "V37", "B21", "S4", "S6", "S10", "V16")
class TestEveryCall:
    @pytest.mark.parametrize("name", CASES)
    def test_of_a_verb(self, services, monkeypatch, name):
        """A fault at each call, once or for good: no pass, and the record is as before or as after."""
        bench = Bench(services, monkeypatch)
        assert check(bench, bench.make(name), name) >= 20

    def test_the_number_of_cases(self, services, monkeypatch):
        """They are 500 or more for each driver."""
        number = 0
        for name in CASES:
            bench = Bench(services, monkeypatch)
            made = bench.make(name)
            with bench.world.watched():
                attempt(bench, made.verb)
            number += sum(2 * len(FAULTS[kind]) for kind in bench.world.calls)
            monkeypatch.undo()
        assert number >= 500


def each_fault(bench: Bench, verb: Any, put_back: Callable[[], None]) -> Iterator[tuple[str, Any]]:
    """Yield (what, what it came to) for each fault at each call of a function of the driver."""
    put_back()
    with bench.world.watched():
        bench.perform(verb)
    for at, kind in enumerate(tuple(bench.world.calls)):
        for how, fault in FAULTS[kind].items():
            for for_good in (False, True):
                put_back()
                with bench.world.watched(at, fault, for_good=for_good):
                    told = attempt(bench, verb)
                yield f"call {at}, {kind} {how}{', for good' if for_good else ''}", told


class TestOfAnOperator:
    """What operators do takes several writes; a fault between two of them lets nobody in, and it can be done again."""

    def bench(self, services, monkeypatch):
        bench = Bench(services, monkeypatch)
        phone, key = bench.phone(), bench.service.key("alice")
        records = bench.service.store.records

        def put_back():
            bench.service.store._records.clear()
            bench.service.store._records.update(records)

        return bench, phone, key, put_back

    @pytest.mark.requirement("B19", "S6", "V37")
    def test_move(self, services, monkeypatch):
        """A move that broke off leaves the old user id whole, or refusing until it is done again; never two that pass.
        Done again, it is done, and both devices log on under the new user id alone.
        """
        bench, phone, key, put_back = self.bench(services, monkeypatch)
        service, number = bench.service, 0
        for what, told in each_fault(bench, lambda mfa: mfa.move("alice", "alicia", ROOT), put_back):
            number += 1
            there = {user for user in ("alice", "alicia") if user_key("", user) in service.store.records}
            passes = {user for user in there if self.begins(service, user)}
            assert len(passes) <= 1, f"{what}: {passes}"
            if not isinstance(told, Failed):
                assert (there, passes) == ({"alicia"}, {"alicia"}), what
            again = attempt(bench, lambda mfa: mfa.move("alice", "alicia", ROOT))
            assert not (isinstance(again, Failed) and isinstance(told, Failed) and "alice" in there), f"{what}: {again}"
            assert self.begins(service, "alicia"), what
            assert user_key("", "alice") not in service.store.records, what
            for device in (bench.code(phone), None):
                asked = service.ask("alicia")
                evidence = device or answer(KeyAPI.WEBAUTHN, key, asked)
                assert service.perform("alicia", FinishLogon(asked.id, evidence, session=SESSION)).user == "alicia"
        assert number >= 100

    def begins(self, service, user):
        try:
            service.perform(user, BeginLogon(session=SESSION))
        except Refused:
            return False
        return True

    @pytest.mark.requirement("B19", "B24")
    def test_reseal(self, services, monkeypatch):
        """A re-sealing that broke off leaves every record readable, and goes on where it stopped."""
        bench, _, _, put_back = self.bench(services, monkeypatch)
        service, number = bench.service, 0
        bench.seal.really = AESGCMSeal({"2026": b"k" * 32, "2027": b"n" * 32}, seal_with="2027")
        for what, told in each_fault(bench, lambda mfa: mfa.reseal(), put_back):
            number += 1
            service.mfa._engine.session.forget()
            assert self.begins(service, "alice"), what
            done = bench.perform(lambda mfa: mfa.reseal())
            assert done.unreadable == 0, what
            assert all(b"\x01\x042027" in sealed[:24] for sealed in service.store.records.values()), what
            assert isinstance(told, Failed) or told.records == len(service.store.records)
        assert number >= 50

    @pytest.mark.requirement("B19", "S12")
    def test_open_and_declare_restored(self, services, monkeypatch):
        """A fault while the store is opened, created, or said to be restored: the root record is as before or as
        after, nobody passes meanwhile, and opening it again is all it takes.
        """
        bench, _, _, put_back = self.bench(services, monkeypatch)
        service, number = bench.service, 0

        def afresh(mfa):
            mfa._engine.session.forget()
            return mfa.perform("alice", BeginLogon(session=SESSION))

        for action in (afresh, lambda mfa: mfa.declare_restored()):
            for what, told in each_fault(bench, action, put_back):
                number += 1
                lost = service.root.lost_at
                assert not lost or action is not afresh, what
                assert lost or action is afresh or isinstance(told, Failed), what
                service.mfa._engine.session.forget()
                assert self.begins(service, "alice"), what
        empty = service.store._records.clear

        def created(mfa):
            mfa._engine.session.forget()
            mfa._engine.session._store_ids = frozenset()  # as one that has not opened it yet
            return mfa.open()

        for what, told in each_fault(bench, created, empty):
            number += 1
            assert isinstance(told, Failed) or service.root.lost_at == (), what
            assert not self.begins(service, "alice"), what
            assert service.root.lost_at == (), what
        assert number >= 100
