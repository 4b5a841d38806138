# SPDX-License-Identifier: Apache-2.0
"""A logon, a bind and a step-up, interrupted at each of their lines: no frame shows a secret, a code or a ticket."""

from __future__ import annotations

import gc
import os
import random
import sys
import traceback

import pytest

from ram_mfa import (
    MFA,
    Administrator,
    AESGCMSeal,
    Assertion,
    BeginLogon,
    BeginStepUp,
    ConfirmVirtualDevice,
    Describe,
    DevicePolicy,
    FinishLogon,
    FinishStepUp,
    ImportVirtualDevice,
    KindRule,
    MFAPolicy,
    OfferVirtualDevice,
    Refused,
    RememberMachine,
    SpendReceipt,
    TOTPCode,
    TOTPPolicy,
    Unbind,
)
from ram_mfa._secret import SecretText
from ram_mfa.engine.records import ROOT_KEY
from ram_mfa.otp import KeyURI
from ram_mfa.testing import AuthenticatorApp, ManualClock, enrolled_key
from tests.support.secret_scanner import SecretScanner, is_of_the_tests
from tests.support.service import DELETE, ORIGIN, PARTY, ScriptedStore

ROOT = Administrator("root")
SESSION = "session-" + os.urandom(16).hex()
MARK = "mark-" + os.urandom(16).hex()
RING = {"2025": os.urandom(32), "2026": os.urandom(32)}
POLICY = MFAPolicy.ram(
    issuer="Example",
    relying_party=PARTY,
    devices=DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8),
    remember=RememberMachine(),
    totp=TOTPPolicy(digits=8),
)


class Interrupt(KeyboardInterrupt):
    """What a signal raises, wherever the program stands."""


class Interrupter:
    """Runs something, and raises at one of its lines.

    Attributes:
        lines: how many lines were begun in the last run.
    """

    def __init__(self):
        self.lines = 0
        self.at = None

    def run(self, work, at=None):
        self.lines, self.at = 0, at
        sys.settrace(self._called)
        try:
            return work()
        finally:
            sys.settrace(None)

    def _called(self, frame, event, argument):
        # A store in memory holds a lock, which an exception out of a trace function, unlike a signal's, may leave held.
        name = frame.f_code.co_filename
        return None if is_of_the_tests(name) or name.endswith("/stores/memory.py") else self._line

    def _line(self, frame, event, argument):
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                raise Interrupt
        return self._line


@pytest.fixture
def scanner(monkeypatch):
    """A scanner that knows the ring, the session, and every 32 bytes that are drawn; each run draws the same."""
    scanner = SecretScanner()
    generator = random.Random(1)

    def drawn(size):
        piece = generator.randbytes(size)
        if size == 32:
            scanner.add_bytes("32 random bytes", piece)
        return piece

    monkeypatch.setattr(os, "urandom", drawn)
    for key_id, key in RING.items():
        scanner.add_bytes(f"sealing key {key_id}", key)
    scanner.add_text("session", SESSION)
    scanner.add_text("password mark", MARK)
    scanner.generator = generator
    return scanner


class Service:
    """One user with a phone and a security key, and the means to do a thing again and again from the same state."""

    def __init__(self, scanner):
        self.scanner, self.store, self.clock = scanner, ScriptedStore(), ManualClock(1_700_000_000)
        seal = AESGCMSeal(RING, seal_with="2026")
        self.mfa = MFA(self.store, POLICY, seal=seal, clock=self.clock, create=True)
        offer = self.mfa.perform("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
        scanner.add_all_of("offer", offer)
        self.last = None
        self.phone = AuthenticatorApp.scan(offer.key_uri)
        code = self.phone.code_at(self.clock.now - 30)
        self.mfa.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=SESSION))
        self.key = enrolled_key(self.mfa, "alice")
        self.clock.advance(90)

    def ask(self, verb):
        ask = self.mfa.perform("alice", verb)
        self.scanner.add_all_of("challenge", ask)
        return ask

    def code(self):
        code = self.phone.code_at(self.clock.now)
        self.scanner.add_text("code", code)
        return code

    def interrupted_everywhere(self, verb):
        """Perform a verb as often as it has lines, interrupted at another one each time, from one state."""
        self.scanner.add_all_of(type(verb).__name__, verb)
        records, state, interrupter = self.store.records, self.scanner.generator.getstate(), Interrupter()

        def again(at=None):
            for key in self.store.records.keys() - records.keys():
                self.store.put(key, None)
            for key, record in records.items():
                self.store.put(key, record)
            self.scanner.generator.setstate(state)
            try:
                return interrupter.run(lambda: self.mfa.perform("alice", verb), at)
            except Refused as refused:
                return refused.refusal

        self.scanner.add_all_of("outcome", again())
        again()  # caches are warm, so that each run has the same lines
        lines = interrupter.lines
        assert lines > 100
        name, raised, swallowed = type(verb).__name__, 0, []
        hook, sys.unraisablehook = sys.unraisablehook, swallowed.append
        try:
            for at in range(1, lines + 1):
                try:
                    again(at)
                except Interrupt as interrupt:
                    raised += 1
                    self.scanner.scan_error(f"{name} interrupted", interrupt)
        finally:
            sys.unraisablehook = hook
        # What C code asks of Python cannot raise: the interpreter prints the error, and what was being asked of.
        assert lines - raised == len(swallowed) < 30
        for one in swallowed:
            self.scanner.scan_object(f"what is printed of {name}", one.object)
            self.scanner.scan_error(f"what is printed of {name}", one.exc_value)
        self.last = again()
        return lines

    def nothing_shown(self):
        found = self.scanner.findings()
        assert not found, "\n".join(found)
        assert min(self.scanner.size) > 100


@pytest.fixture
def service(scanner):
    if sys.gettrace() is not None:
        pytest.skip("a debugger or a measurement of coverage traces this run")
    gc.disable()
    yield Service(scanner)
    gc.enable()


@pytest.mark.requirement("A21")
class TestInterrupted:
    def test_a_logon_with_a_code(self, service):
        begin = BeginLogon(session=SESSION, machine="A" * 43, password_mark=MARK)
        service.interrupted_everywhere(begin)
        ask = service.last
        code = TOTPCode(service.code(), service.mfa.perform("alice", Describe()).devices[0].id)
        finish = FinishLogon(ask.id, code, session=SESSION, remember="Laptop", password_mark=MARK)
        assert service.interrupted_everywhere(finish) > 300
        service.nothing_shown()

    def test_a_wrong_code_and_a_made_up_ticket(self, service):
        ask = service.ask(BeginLogon(session=SESSION))
        device = service.mfa.perform("alice", Describe()).devices[0].id
        wrong = f"{(int(service.code()) + 50_000_000) % 100_000_000:08}"
        service.interrupted_everywhere(FinishLogon(ask.id, TOTPCode(wrong, device), session=SESSION))
        service.interrupted_everywhere(FinishLogon(ask.id, TOTPCode(wrong, device), session=SESSION + "x"))
        service.nothing_shown()

    def test_a_logon_with_a_key(self, service):
        ask = service.ask(BeginLogon(session=SESSION))
        answer = service.key.get(ask.options, ORIGIN)
        service.interrupted_everywhere(FinishLogon(ask.id, Assertion(answer), session=SESSION))
        service.nothing_shown()

    def test_a_step_up_and_its_receipt(self, service):
        ask = service.ask(BeginStepUp(DELETE, session=SESSION))
        answer = service.key.get(ask.options, ORIGIN)
        finish = FinishStepUp(ask.id, Assertion(answer), operation=DELETE, session=SESSION)
        service.interrupted_everywhere(finish)
        proof = service.last
        service.interrupted_everywhere(SpendReceipt(proof.receipt, operation=DELETE, session=SESSION))
        service.nothing_shown()

    def test_a_bind(self, service):
        offering = OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, name="Second", create=True)
        service.interrupted_everywhere(offering)
        offer = service.last
        service.scanner.add_all_of("offer", offer)
        phone = AuthenticatorApp.scan(offer.key_uri)
        code = phone.code_at(service.clock.now)
        service.scanner.add_text("code", code)
        service.interrupted_everywhere(ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=SESSION))
        service.nothing_shown()

    def test_an_import_and_an_unbind(self, service):
        secret = service.scanner.generator.randbytes(20)
        service.scanner.add_bytes("imported secret", secret)
        uri = SecretText(KeyURI("totp", "Elsewhere", "alice", secret))
        service.interrupted_everywhere(ImportVirtualDevice(uri, last_step=None, by=ROOT, create=True))
        device = service.mfa.perform("alice", Describe()).devices[0].id
        service.interrupted_everywhere(Unbind(device, by=ROOT))
        service.nothing_shown()


def refused_ring(keys, seal_with):
    """Return the error of a ring that cannot be built, and its frames below this one."""
    with pytest.raises((ValueError, TypeError)) as caught:
        AESGCMSeal(keys, seal_with=seal_with)
    return caught.value


@pytest.mark.requirement("A21")
@pytest.mark.parametrize(
    ("change", "seal_with"),
    [({}, "2027"), ({"2027": b"short"}, "2026"), ({"": b"x" * 32}, "2026"), ({"2027": "text"}, "2026")],
    ids=["misspelt", "size", "id", "type"],
)
def test_a_ring_that_cannot_be_built(scanner, change, seal_with):
    """The error of a misspelt id or a key of a wrong size shows no key of the ring, in none of its frames."""
    scanner.scan_error("ring", refused_ring(RING | change, seal_with))
    assert not scanner.findings()


@pytest.mark.requirement("A21")
def test_frames_of_the_store_stay(scanner):
    """What a broken store raised keeps the store's frames; the others are named in a note, without their locals."""

    class Odd(ScriptedStore):
        def load(self, key, /):
            return self.really_load(key) if key == ROOT_KEY else self.broken(key)

        def really_load(self, key):
            return super().load(key)

        def broken(self, key):
            raise LookupError(key)

    seal = AESGCMSeal(RING, seal_with="2026")
    mfa = MFA(Odd(), POLICY, seal=seal, clock=ManualClock(1_700_000_000), create=True)
    with pytest.raises(LookupError) as caught:
        mfa.perform("alice", BeginLogon(session=SESSION))
    names = [entry.name for entry in traceback.extract_tb(caught.value.__traceback__)]
    assert "broken" in names
    assert "perform_verb" not in names
    assert any("in perform_verb" in note for note in caught.value.__notes__)
