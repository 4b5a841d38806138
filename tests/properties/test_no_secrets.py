# SPDX-License-Identifier: Apache-2.0
"""No secret, code or token is written anywhere: not by a repr, an error and its frames, an event, a log or a pickle."""

from __future__ import annotations

import base64
import logging
import os
import random

import attrs
import cbor2
import pytest

from ram_mfa import (
    Administrator,
    AESGCMSeal,
    Assertion,
    BeginLogon,
    BeginStepUp,
    Challenge,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    FinishLogon,
    FinishStepUp,
    ForgetMachine,
    ForgetMachines,
    HistoryLost,
    ImportSecurityKey,
    ImportVirtualDevice,
    KindRule,
    MFAError,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    Proof,
    Refused,
    RememberMachine,
    RenameDevice,
    RequireMFA,
    ResetMFA,
    ResyncVirtualDevice,
    SpendReceipt,
    StoreUnavailable,
    StoreUncertain,
    ThrottlePolicy,
    TOTPCode,
    TOTPPolicy,
    U2FSignature,
    Unbind,
    UnsafeAdministrator,
    add_to_machine_cookie,
)
from ram_mfa.engine.records import user_key
from ram_mfa.otp import TOTP, KeyURI, hotp, parse_setup_key, setup_key
from ram_mfa.policy import AdministratorProof
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import AuthenticatorApp, SoftSecurityKey, enrolled, proved
from tests.support.races import wrong_codes
from tests.support.records import AsStored
from tests.support.secret_scanner import SecretScanner
from tests.support.service import APP_ID, DELETE, ORIGIN, PARTY, RecordReader, ScriptedStore, Services, StoreWithHistory

SESSION = "session-" + os.urandom(16).hex()
MARK = "mark-" + os.urandom(16).hex()
RING = {"2025": os.urandom(32), "2026": os.urandom(32)}
SEAL = AESGCMSeal(RING, seal_with="2026")
ROOT = Administrator("root")
RULES = {
    "relying_party": PARTY,
    "devices": DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8),
    "remember": RememberMachine(),
    "totp": TOTPPolicy(digits=8),
    "throttle": ThrottlePolicy(free_attempts=3, max_per_day=200, max_consecutive=5),
    "outbox": 0,
}


@pytest.fixture
def scanner(monkeypatch):
    """A scanner that knows every 32 bytes that are drawn: ticket keys, the entropy of each perform, sessions."""
    scanner = SecretScanner()
    drawn = os.urandom

    def noted(size):
        drawn_now = drawn(size)
        if size == 32:
            scanner.add_bytes("32 random bytes", drawn_now)
        return drawn_now

    monkeypatch.setattr(os, "urandom", noted)
    for key_id, key in RING.items():
        scanner.add_bytes(f"sealing key {key_id}", key)
    scanner.add_text("session", SESSION)
    scanner.add_text("password mark", MARK)
    return scanner


class Watched:
    """A service of which everything is looked at: what goes in, what comes out, and what is in the store."""

    def __init__(self, services, scanner, **how):
        self.scanner = scanner
        self.service = services(seal=SEAL, observers=(self._told,), **how, **RULES)
        self.clock = self.service.clock
        scanner.scan_object("MFA", self.service.mfa)
        scanner.scan_object("seal", SEAL)
        scanner.scan_object("policy", self.service.mfa._engine.policy())

    def _told(self, event):
        self.scanner.scan_object("event", event)
        self.scanner.scan_object("event's fields", attrs.asdict(event))

    def perform(self, user, verb):
        """Perform a verb; return its outcome, or the error."""
        name = type(verb).__name__
        self.scanner.add_all_of(name, verb)
        self.scanner.scan_object(name, verb)
        try:
            outcome = self.service.perform(user, verb)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
            if isinstance(error, Refused):
                self.scanner.add_all_of("refusal", error.refusal)
                self.scanner.scan_object("refusal", error.refusal)
            self.scanner.scan_error(f"error of {name}", error)
            outcome = error
        else:
            self.scanner.add_all_of(f"outcome of {name}", outcome)
            self.scanner.scan_object(f"outcome of {name}", outcome)
        if user_key("", user) in self.service.store.records:
            account = self.service.account(user)
            self.scanner.add_all_of("account", account)
            self.scanner.scan_reprs("account", account)
            self.scanner.add_bytes("epoch", account.epoch)
        return outcome

    def typed(self, text):
        """A plain string as an application has it, and its needle."""
        self.scanner.add_text("typed", text)
        return str(text)

    def code(self, phone, steps=0):
        return TOTPCode(self.typed(phone.code_at(self.clock() + steps * phone.period)))

    def ask(self, user, operation=None, mark=None):
        begin = (
            BeginLogon(session=SESSION, password_mark=mark)
            if operation is None
            else BeginStepUp(operation, session=SESSION)
        )
        asked = self.perform(user, begin)
        assert isinstance(asked, Challenge), asked
        return asked

    def wrong(self, phone):
        (code,) = wrong_codes(phone, [self.clock()], 1, first=random.randrange(10_000_000, 90_000_000))
        return TOTPCode(self.typed(code))

    def phone(self, user, by=ROOT):
        offer = self.perform(user, OfferVirtualDevice(by, account_name=user, session=SESSION, create=True))
        phone = AuthenticatorApp.scan(offer.key_uri)
        code = self.typed(phone.code_at(self.clock() - 30))
        self.perform(user, ConfirmVirtualDevice([self.wrong(phone).code], offer=offer.id, by=by, session=SESSION))
        bound = self.perform(user, ConfirmVirtualDevice([code], offer=offer.id, by=by, session=SESSION))
        assert not isinstance(bound, Exception), bound
        return phone

    def receipt(self, user, phone, operation):
        self.clock.advance(30)
        asked = self.ask(user, operation)
        proof = self.perform(user, FinishStepUp(str(asked.id), self.code(phone), operation=operation, session=SESSION))
        assert isinstance(proof, Proof), proof
        return self.typed(proof.receipt)

    def owner(self, user, phone, operation):
        return Owner(self.receipt(user, phone, operation), session=SESSION)


def a_life_with_a_phone(watched):
    """Everything that a virtual device comes to."""
    clock, perform = watched.clock, watched.perform
    perform("alice", BeginLogon(session=SESSION))
    perform("alice", OpenAccount(by=ROOT))
    perform("alice", OpenAccount(by=ROOT))
    perform("alice", RequireMFA(by=UnsafeAdministrator("script")))
    must = perform("alice", BeginLogon(session=SESSION))
    actor = Enrolment(watched.typed(must.id), session=SESSION)
    watched.scanner.scan_object("actor", actor)
    perform("alice", OfferVirtualDevice(actor, account_name="alice", name="\n", session=SESSION, create=True))
    phone = watched.phone("alice", by=actor)
    watched.scanner.scan_object("phone", phone)
    perform("alice", ConfirmVirtualDevice([watched.code(phone).code], offer=must.id, by=actor, session=SESSION))
    clock.advance(30)
    asked = watched.ask("alice", mark=MARK)
    finish = FinishLogon(str(asked.id), watched.code(phone), session=SESSION, remember="Laptop", password_mark=MARK)
    proof = perform("alice", finish)
    cookie = watched.typed(add_to_machine_cookie(watched.typed(os.urandom(32).hex()[:43]), proof.machine))
    perform("alice", BeginLogon(session=SESSION, machine=cookie, password_mark=MARK))
    perform("alice", BeginLogon(session=SESSION, machine=cookie, password_mark="another"))
    view = perform("alice", Describe(cookie))
    perform("alice", finish)  # the ticket is spent
    perform("alice", attrs.evolve(finish, challenge=str(watched.ask("alice").id)))  # the code is
    perform("alice", attrs.evolve(finish, challenge=str(asked.id)[:-3] + "AAA"))
    perform("alice", attrs.evolve(finish, challenge="no ticket"))
    perform("alice", attrs.evolve(finish, session="the session of another browser"))
    perform("alice", attrs.evolve(finish, challenge=str(watched.ask("alice").id), evidence=Assertion({"id": "x"})))
    perform("bob", finish)
    receipt = watched.receipt("alice", phone, DELETE)
    for operation in (Operation("another"), DELETE, DELETE):
        perform("alice", SpendReceipt(receipt, operation=operation, session=SESSION))
    perform("alice", RenameDevice(name="Phone", by=watched.owner("alice", phone, Operation.RENAME)))
    perform("alice", RenameDevice(name="", by=watched.owner("alice", phone, Operation.RENAME)))
    by_owner = watched.owner("alice", phone, Operation.RESYNC)
    pair = [watched.typed(code) for code in phone.codes_at(clock() + 120)]
    perform("alice", ResyncVirtualDevice(codes=pair[::-1], by=ROOT))
    perform("alice", ResyncVirtualDevice(codes=pair, by=by_owner))
    phone.drift = 150.0
    perform("alice", ForgetMachine(view.machines[0].id, by=ROOT))
    perform("alice", ForgetMachines(watched.owner("alice", phone, Operation.MACHINES)))
    watched.phone("alice", by=watched.owner("alice", phone, Operation.BIND))
    perform("alice", FinishLogon(str(watched.ask("alice").id), watched.code(phone), session=SESSION))
    perform("alice", PasswordChanged())
    perform("alice", Unbind(perform("alice", Describe()).devices[1].id, by=ROOT))
    for _ in range(8):
        perform("alice", FinishLogon(str(watched.ask("alice").id), watched.wrong(phone), session=SESSION))
        clock.advance(100)
        if perform("alice", Describe()).devices[0].disabled:
            break
    perform("alice", BeginLogon(session=SESSION))
    perform("alice", BeginStepUp(DELETE, session=SESSION))
    perform("alice", Unbind(by=Owner(receipt, session=SESSION)))
    perform("alice", ResetMFA(ROOT))
    secret = os.urandom(20)
    watched.scanner.add_bytes("imported secret", secret)
    uri = str(KeyURI("totp", "Elsewhere", "alice", secret))
    for typed in (uri, uri + "&digits=99", uri.replace("secret", "secrets"), watched.typed("JBSWY3DPEHPK3PXPJBSWY3DP")):
        perform("alice", ImportVirtualDevice(typed, last_step=None, by=ROOT, create=True))
    perform("alice", EraseAccount(ROOT))


def a_life_with_a_key(watched):
    """Everything that a security key comes to."""
    clock, perform = watched.clock, watched.perform
    key = SoftSecurityKey()
    offer = perform("carol", OfferSecurityKey(ROOT, account_name="carol", session=SESSION, create=True))
    created = key.create(offer.options, ORIGIN)
    confirm = ConfirmSecurityKey(created, offer=str(offer.id), by=ROOT, session=SESSION)
    perform("carol", attrs.evolve(confirm, response={}))
    perform("carol", attrs.evolve(confirm, response="{"))
    perform("carol", attrs.evolve(confirm, response=created | {"id": "other"}))
    perform("carol", confirm)
    perform("carol", confirm)
    perform("dave", attrs.evolve(confirm, offer=str(offer.id)[:88] + "ZGF2ZQ"))
    asked = watched.ask("carol")
    right = key.get(asked.options, ORIGIN)
    finish = FinishLogon(str(asked.id), Assertion(right), session=SESSION)
    perform("carol", attrs.evolve(finish, evidence=Assertion(None)))
    asked = watched.ask("carol")
    finish = FinishLogon(str(asked.id), Assertion(key.get(asked.options, ORIGIN)), session=SESSION)
    perform("carol", finish)
    perform("carol", finish)
    other = watched.ask("carol")
    perform("carol", FinishLogon(str(other.id), Assertion(right), session=SESSION))
    other = watched.ask("carol")
    perform("carol", FinishLogon(str(other.id), U2FSignature({"keyHandle": "x"}), session=SESSION))
    other = watched.ask("carol", DELETE)
    perform(
        "carol",
        FinishStepUp(str(other.id), Assertion(key.get(other.options, ORIGIN)), operation=DELETE, session=SESSION),
    )
    for number in range(10):
        other = watched.ask("carol")
        perform("carol", FinishLogon(str(other.id), Assertion({"number": number}), session=SESSION))
        clock.advance(1)
    perform("carol", ImportSecurityKey({"keyHandle": "eA", "publicKey": "eA"}, app_id=APP_ID, by=ROOT, create=True))
    perform("carol", Unbind(by=ROOT))


LIVES = [a_life_with_a_phone, a_life_with_a_key]


def nothing_in(scanner):
    found = scanner.findings()
    needles, characters = scanner.size
    assert needles > 100, "hardly a secret was looked for"
    assert characters > 10_000, "hardly anything was read"
    assert not found, "\n".join(found)


@pytest.mark.requirement("V36", "O20")
class TestNothingIsWritten:
    @pytest.mark.parametrize("life", LIVES)
    def test_in_a_life(self, services, scanner, capfd, life):
        """On every path of a device's life, with every logger at DEBUG: no repr, error, frame, event, log line, output
        or pickle holds a secret, a code, a ticket's MAC, a token, a receipt, a setup key or a key of the seal.
        """
        with scanner.scanning_logs():
            life(Watched(services, scanner))
        for text in capfd.readouterr():
            scanner.scan("output", text)
        nothing_in(scanner)

    @pytest.mark.parametrize("life", LIVES)
    def test_in_the_store(self, services, scanner, life):
        """Nor does the store: records are sealed, and their keys are digests."""
        watched = Watched(services, scanner)
        swap = watched.service.store.swap

        def noted(key, old, new, /):
            scanner.scan("store", key + (new or b"").decode("latin-1"))
            return swap(key, old, new)

        watched.service.store.swap = noted
        life(watched)
        nothing_in(scanner)

    def test_in_an_sqlite_file(self, tmp_path, scanner):
        """Nor do the database and its log on the disk."""
        store = SQLiteStore(tmp_path / "mfa.db")
        watched = Watched(Services("MFA"), scanner)
        mfa = type(watched.service.mfa)(
            store, watched.service.mfa._engine.policy(), seal=SEAL, clock=watched.clock, create=True
        )
        phone = enrolled(mfa, "alice")
        scanner.add_bytes("secret", phone._totp.secret)
        scanner.add_all_of("proof", proved(mfa, "alice", phone))
        for file in tmp_path.iterdir():
            scanner.scan(file.name, file.read_bytes().decode("latin-1"))
        store.close()
        nothing_in(scanner)


class Broken(Exception):
    """What a driver, a key service or a clock may raise."""


def broken():
    yield lambda: Broken("the driver says no")
    yield StoreUnavailable
    yield StoreUncertain
    yield lambda: HistoryLost("2")
    yield lambda: OSError(28, "No space left on device")
    yield KeyboardInterrupt


@pytest.mark.requirement("V36", "O20")
class TestNothingIsWrittenWhereThingsBreak:
    @pytest.mark.parametrize("store", [ScriptedStore, StoreWithHistory])
    def test_a_store_that_fails(self, services, scanner, store):
        """Whatever a store raises at whichever call, the frames that it goes through hold nothing."""
        watched = Watched(services, scanner, store=store(), deadline=0.001)
        phone = watched.phone("alice")
        receipt = watched.receipt("alice", phone, DELETE)
        records = watched.service.store.records
        ticket, marked = str(watched.ask("alice").id), str(watched.ask("alice", mark=MARK).id)
        for verb in (
            BeginLogon(session=SESSION),
            FinishLogon(marked, watched.code(phone, 1), session=SESSION, remember="Laptop", password_mark=MARK),
            FinishLogon(ticket, watched.wrong(phone), session=SESSION),
            SpendReceipt(receipt, operation=DELETE, session=SESSION),
            OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True),
            OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True),
            ResyncVirtualDevice(codes=phone.codes_at(watched.clock() + 60), by=ROOT),
        ):
            for error in broken():
                if error is KeyboardInterrupt and services.driver != "MFA":
                    continue  # in a thread of an event loop it ends the loop
                for number in range(3):
                    self._restore(watched, records)
                    self._failing(watched.service.store, number, error)
                    try:
                        watched.perform("alice", verb)
                    except KeyboardInterrupt as interrupt:
                        scanner.scan_error("interrupt", interrupt)
                    watched.service.store.interfere = None
        nothing_in(scanner)

    def _restore(self, watched, records):
        watched.service.store.interfere = None
        for key in watched.service.store.records.keys() | records.keys():
            watched.service.store.put(key, records.get(key))

    def _failing(self, store, number, error):
        calls = iter(range(100))

        def interfere(word, really, *arguments):
            if next(calls) >= number:
                raise error()
            return really(*arguments)

        store.interfere = interfere

    def test_a_record_that_is_damaged(self, services, scanner):
        """Nor do those of a record that cannot be read, whatever is wrong with it."""
        watched = Watched(services, scanner)
        phone = watched.phone("alice")
        key = user_key("", "alice")
        ticket = str(watched.ask("alice").id)
        sealed = watched.service.store.records[key]
        seal = AsStored(SEAL, RecordReader(watched.service.store)).for_record(key)
        record = seal.unseal(sealed)
        row = cbor2.loads(record)
        damaged = [sealed[:50] + b"!" + sealed[51:], sealed[:40], b"", b"\x07" + sealed[1:]]
        for place in range(len(row)):
            for odd in (None, 7, "text", b"bytes", [b"bytes"], [[0] * 15], {}):
                damaged.append(seal.seal(cbor2.dumps([*row[:place], odd, *row[place + 1 :]])))
        damaged += [seal.seal(bytes(record)[:size]) for size in range(0, len(record), 5)]
        for planted in damaged:
            watched.service.store.put(key, planted)
            try:
                watched.service.perform("alice", FinishLogon(ticket, watched.code(phone), session=SESSION))
            except MFAError as error:
                scanner.scan_error("error", error)
        nothing_in(scanner)

    @pytest.mark.parametrize("what", ["clock", "policy", "seal", "unseal", "observer", "load", "swap"])
    def test_a_collaborator_that_fails(self, services, scanner, what):
        """Nor do those of a clock, a policy, a third party's seal or an observer that fails; an observer's failure is
        logged.
        """
        armed = []

        def trip(name):
            if name == what and armed:
                raise Broken(name)

        class Seal:
            def for_record(self, key, /):
                return Record(SEAL.for_record(key))

        @attrs.frozen
        class Record:
            of: object

            def seal(self, record, /):
                trip("seal")
                return self.of.seal(record)

            def unseal(self, sealed, /):
                trip("unseal")
                return self.of.unseal(sealed)

            def is_current(self, sealed, /):
                return self.of.is_current(sealed)

        watched = Watched(services, scanner)
        store, clock, real = watched.service.store, watched.clock, watched.service.mfa._engine.policy()

        def policy():
            trip("policy")
            return real

        def tick():
            trip("clock")
            return clock()

        def interfere(word, really, *arguments):
            trip(word)
            return really(*arguments)

        watched.service = services(
            store=store, seal=Seal(), clock=tick, policy=policy, observers=(lambda event: trip("observer"),)
        )
        watched.service.clock = clock
        store.interfere = interfere
        phone = watched.phone("alice")
        ticket, marked = str(watched.ask("alice").id), str(watched.ask("alice", mark=MARK).id)
        with scanner.scanning_logs():
            armed.append(True)
            for verb in (
                FinishLogon(ticket, watched.wrong(phone), session=SESSION),
                FinishLogon(marked, watched.code(phone), session=SESSION, remember="Laptop", password_mark=MARK),
                OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True),
            ):
                scanner.add_all_of("verb", verb)
                try:
                    watched.service.perform("alice", verb)
                except (Broken, Refused) as error:
                    scanner.scan_error("error", error)
        nothing_in(scanner)

    def test_an_administrator_without_proof(self, services, scanner):
        """Nor do those of a refusal before the verb: of an administrator whose receipt is not valid."""
        watched = Watched(services, scanner)
        phone = watched.phone("root")
        receipt = watched.receipt("root", phone, Operation.ADMINISTER)
        policy = attrs.evolve(watched.service.mfa._engine.policy(), administrator_proof=AdministratorProof.ASKED)
        watched.service = services(store=watched.service.store, seal=SEAL, clock=watched.clock, policy=policy)
        for by in (
            Administrator("root", receipt=receipt, session=SESSION),
            Administrator("root", receipt=receipt, session="the session of another browser"),
            Administrator("mallory", receipt=receipt, session=SESSION),
            Administrator("root", receipt=watched.typed(receipt[::-1]), session=SESSION),
            Administrator("root"),
        ):
            scanner.scan_object("actor", by)
            watched.perform("alice", OpenAccount(by=by))
            watched.perform("alice", ResetMFA(by))
        nothing_in(scanner)


@pytest.mark.requirement("V36", "O20")
class TestPrimitives:
    def test_values(self, scanner):
        """Primitives that hold a secret print and pickle without it, and refuse bad arguments without it."""
        secret = os.urandom(20)
        scanner.add_bytes("secret", secret)
        uri = KeyURI("totp", "Example", "alice", secret)
        totp = TOTP(secret)
        grouped = setup_key(secret)
        scanner.add_text("setup key", grouped)
        scanner.scan("KeyURI", repr(uri))
        for value in (totp, SEAL, SEAL.for_record("u" + "A" * 43)):
            scanner.scan_object(type(value).__name__, value)
        scanner.add_text("key URI", str(uri))
        for attempt in (
            lambda: TOTP(secret, digits=5),
            lambda: TOTP(secret, period=0),
            lambda: TOTP(secret, algorithm="SHA1"),
            lambda: totp.at(-1),
            lambda: totp.match("1", at=float("nan")),
            lambda: totp.match("1", at=0, backward=-1),
            lambda: hotp(secret, -1),
            lambda: hotp(secret, 1.5),
            lambda: hotp(secret, 1, digits=12),
            lambda: KeyURI("totp", "a:b", "alice", secret),
            lambda: KeyURI("totp", "a", "alice", secret, period=0),
            lambda: KeyURI("motp", "a", "alice", secret),
            lambda: AESGCMSeal({"": secret + bytes(12)}, seal_with=""),
            lambda: AESGCMSeal({"a": secret}, seal_with="a"),
        ):
            with pytest.raises((ValueError, TypeError)) as error:
                attempt()
            scanner.scan("message", str(error.value) + repr(error.value))
        for text in (f"{uri}&period=0", f"{uri}&secret=AAAA", f"{uri}&encoder=steam", f"{uri}\n", f"x{uri}"):
            with pytest.raises(ValueError) as error:
                KeyURI.parse(text)
            scanner.scan("message", str(error.value) + repr(error.value))
        with pytest.raises(ValueError) as error:
            parse_setup_key(grouped + "1")
        scanner.scan("message", str(error.value) + repr(error.value))
        found = scanner.findings()
        assert not found, "\n".join(found)


class TestHaystack:
    """The search itself: what is planted is found, however it is written."""

    @pytest.mark.parametrize(
        "written",
        [
            lambda secret: f"{secret!r}",
            lambda secret: f"{secret[:12]!r}...",
            lambda secret: secret.hex(":").replace(":", ""),
            lambda secret: f"log: {secret.hex().upper()}",
            lambda secret: f"{list(secret)}",
            lambda secret: setup_key(secret).replace(" ", ""),
            lambda secret: str(int.from_bytes(secret, "big")),
            lambda secret: secret.decode("latin-1"),
        ],
    )
    def test_a_secret(self, written):
        scanner, secret = SecretScanner(), os.urandom(20)
        scanner.add_bytes("secret", secret)
        scanner.scan("log", f"before {written(secret)} behind")
        assert scanner.findings() == ["secret in log"]

    def test_texts(self):
        """A code, the MAC of a ticket, the secret of a key URI, a setup key: in a value's fields, logs and frames."""
        service = Services("MFA")(**RULES)
        offer = service.perform("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
        scanner = SecretScanner()
        scanner.add_all_of("offer", offer)
        scanner.add_all_of("evidence", TOTPCode("12345678"))
        for where, text in (
            ("a ticket", str(offer.id)),
            ("half a ticket", str(offer.id)[:70]),
            ("a key URI", str(offer.key_uri)),
            ("a setup key", str(offer.setup_key)),
            ("a code", "the code 12345678 is wrong"),
        ):
            scanner.scan(where, text)
        scanner.scan("the head of a ticket", str(offer.id)[:44])
        assert {line.split(" in ")[1] for line in scanner.findings()} == {
            *("a ticket", "half a ticket", "a key URI", "a setup key", "a code")
        }

    def test_logs_frames_and_pickles(self):
        """What is logged at DEBUG by anybody, what stands in frames below the tests, and what a pickle holds."""
        scanner, secret = SecretScanner(), os.urandom(32)
        scanner.add_bytes("secret", secret)
        with scanner.scanning_logs():
            logging.getLogger("somebody.else").debug("drew %s", secret)
        try:
            base64.b85decode(secret + b"\xff")
        except ValueError as error:
            scanner.scan_error("error", error)
        scanner.scan_object("value", {"secret": secret})
        found = scanner.findings()
        assert any("log of somebody.else" in line for line in found)
        assert any("error: local" in line for line in found)
        assert any("pickle of value" in line for line in found)
