# SPDX-License-Identifier: Apache-2.0
"""Devices and machines carry the history in which they were bound or proved: every small life of a record that
promotions set back, walked whole.

A state is the user's record, the root record and what the user was told. Each step is one of: offer (or offer again),
confirm, log on with the present code, log on and remember, come back on the machine, forget all machines, unbind, or a
promotion that loses the last write or the last two. The law: no code of one secret is accepted twice, and no machine
that was forgotten lets anybody in.
"""

from __future__ import annotations

from typing import Any

import pytest

from ram_mfa import (
    BeginLogon,
    Challenge,
    ConfirmVirtualDevice,
    FinishLogon,
    ForgetMachines,
    MFAPolicy,
    OfferVirtualDevice,
    OpenAccount,
    Refused,
    Remembered,
    RememberMachine,
    TOTPCode,
    Unbind,
)
from ram_mfa.context import Root
from ram_mfa.engine.records import user_key
from ram_mfa.rules import device_binding
from ram_mfa.testing import AuthenticatorApp
from tests.support.service import ROOT, SESSION, Services, StoreWithHistory

POLICY = MFAPolicy.ram(issuer="Example", remember=RememberMachine())
MARK = "mark"
STEPS = ("offer", "confirm", "log on", "come back", "forget", "unbind", "lose 1", "lose 2")
DEPTH = 6
ALICE = user_key("", "alice")


class Life:
    """One walk, performed on the engine: what was accepted, and what was forgotten."""

    def __init__(self) -> None:
        self.store = StoreWithHistory()
        self.service = Services("MFA")(store=self.store, policy=POLICY)
        self.written: list[bytes | None] = []
        self.offer: Any = None
        self.phone: AuthenticatorApp | None = None
        self.accepted: set[tuple[str, str]] = set()
        self.machine: str | None = None
        self.forgotten: set[str] = set()
        self.uri = ""
        self.service.perform("alice", OpenAccount(by=ROOT))
        self.broken = ""

    def perform(self, verb: Any) -> Any:
        before = self.store.records.get(ALICE)
        try:
            outcome = self.service.perform("alice", verb)
        except Refused:
            outcome = None
        if self.store.records.get(ALICE) != before:
            self.written.append(before)
        return outcome

    def step(self, what: str) -> None:
        now = self.service.clock()
        if what == "offer":
            offer = self.perform(OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
            if offer is not None:
                self.offer = offer
        elif what == "confirm" and self.offer is not None:
            phone = AuthenticatorApp.scan(self.offer.key_uri)
            code = phone.code_at(now)
            verb = ConfirmVirtualDevice([code], offer=self.offer.id, by=ROOT, session=SESSION)
            if self.perform(verb) is not None:
                self.use(str(self.offer.key_uri), code)
                self.phone = phone
        elif what == "log on" and self.phone is not None:
            self.log_on(self.phone, self.phone.code_at(now + 30))
        elif what == "come back" and self.machine is not None:
            begun = self.perform(BeginLogon(session=SESSION, machine=self.machine, password_mark=MARK))
            if isinstance(begun, Remembered) and self.machine in self.forgotten:
                self.broken = "a forgotten machine came back"
        elif what == "forget":
            if self.machine is not None and self.told(ForgetMachines(ROOT)):
                self.forgotten.add(self.machine)
        elif what == "unbind":
            if self.told(Unbind(by=ROOT)) and self.machine is not None:
                self.forgotten.add(self.machine)
        elif what.startswith("lose"):
            for _ in range(int(what[-1])):
                if self.written:
                    self.store.put(ALICE, self.written.pop())
            self.store.history += "'"

    def told(self, verb: Any) -> bool:
        before = len(self.written)
        self.perform(verb)
        return len(self.written) > before

    def log_on(self, phone: AuthenticatorApp, code: str) -> None:
        begun = self.perform(BeginLogon(session=SESSION, password_mark=MARK))
        if not isinstance(begun, Challenge):
            return
        verb = FinishLogon(begun.id, TOTPCode(code), session=SESSION, remember="Laptop", password_mark=MARK)
        proof = self.perform(verb)
        if proof is not None:
            self.use(str(self.uri), code)
            self.machine = str(proof.machine)

    def use(self, uri: str, code: str) -> None:
        """Note that a code of a secret was accepted."""
        self.uri = uri
        if (uri, code) in self.accepted:
            self.broken = "a code was accepted twice"
        self.accepted.add((uri, code))


def walk(depth: int = DEPTH) -> tuple[str, tuple[str, ...], int]:
    """Walk all lives up to a depth, breadth first; return what broke, the way to it, and how many there were."""
    number = 0
    lives: list[tuple[str, ...]] = [("offer", "confirm")]
    while lives:
        longer = []
        for life in lives:
            one = Life()
            for what in life:
                one.step(what)
            number += 1
            if one.broken:
                return one.broken, life, number
            if len(life) < depth:
                longer += [(*life, what) for what in STEPS if what != life[-1] or what.startswith("lose")]
        lives = longer
    return "", (), number


@pytest.mark.requirement("A5", "S12", "B17", "O7")
class TestHistories:
    def test_every_life(self):
        """Nothing that was spent in a lost history passes again, whenever device or machine came to be."""
        broken, life, number = walk()
        assert not broken, (broken, life)
        assert number > 1_000
        print(f"{number} lives")

    def test_an_offer_of_a_lost_history_must_not_be_open(self, monkeypatch):
        """The walk finds it: an offer made before the loss gives out the secret of a bind that was lost."""
        monkeypatch.setattr(device_binding, "open_offers", lambda account, moment: account.offers)
        broken, life, _ = walk()
        assert broken == "a code was accepted twice"
        print(life)

    def test_losses_must_count(self, monkeypatch):
        """The walk finds it: devices and machines to which no loss counts are revived."""
        monkeypatch.setattr(Root, "losses_since", lambda *_: ())
        broken, life, _ = walk()
        assert broken
        print(life)

    def test_a_bind_anew_heals(self):
        """After a loss a device that is bound anew logs on with its next code, and its machine counts, at once."""
        life = Life()
        for what in ("offer", "confirm", "log on", "lose 1", "unbind", "offer", "confirm", "log on"):
            life.step(what)
        before = life.machine
        life.step("come back")
        assert before is not None
        assert isinstance(life.perform(BeginLogon(session=SESSION, machine=before, password_mark=MARK)), Remembered)
