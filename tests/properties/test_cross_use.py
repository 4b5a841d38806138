# SPDX-License-Identifier: Apache-2.0
"""Whatever is handed out is good for one user, in one session, for one purpose, in one generation of devices.

Every ticket and receipt there is, brought by every user in every session to every ceremony, with evidence that is
right in itself: accepted is what `LISTED` says and nothing else, and what is refused leaves every record as it was.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from ram_mfa import (
    MFA,
    Administrator,
    AdministratorProof,
    Assertion,
    BeginLogon,
    BeginStepUp,
    CheckSession,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    FinishLogon,
    FinishStepUp,
    ForgetMachines,
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
    ResumeLogon,
    ResyncVirtualDevice,
    SpendReceipt,
    Ticket,
    TOTPCode,
    Unbind,
    UnknownUsers,
    UnsafeAdministrator,
)
from ram_mfa.encoding.base64url import encode
from ram_mfa.rules.tickets import challenge_of
from ram_mfa.testing import AuthenticatorApp, ManualClock, SoftSecurityKey, enrolled, enrolled_key, proved
from tests.support.service import DELETE, ORIGIN, PARTY, SEAL, ScriptedStore

USERS = ("alice", "bob")
SESSIONS = ("the session of one browser", "the session of another browser")
STOP = Operation("server.stop", "i-0815")
SCRIPT = UnsafeAdministrator("script")
OWN = {
    "bind": Operation.BIND,
    "unbind": Operation.UNBIND,
    "rename": Operation.RENAME,
    "resynchronise": Operation.RESYNC,
    "forget machines": Operation.MACHINES,
    "administer": Operation.ADMINISTER,
}
OPERATIONS = {"delete": DELETE, "stop": STOP, **OWN}

LISTED = {
    "the challenge of a logon": {"finish a logon"},
    "the first factor of a logon": {"resume a logon"},
    "the first factor of a forced bind": {"resume a logon", "bind a first device"},
    "the first factor without a record": {"resume a logon"},
    "the mark of a session": {"check a session"},
    "the challenge of a step-up to delete": {"finish a step-up to delete"},
    "the challenge of a step-up to stop": {"finish a step-up to stop"},
    "the offer of a virtual device": {"confirm a virtual device"},
    "the offer of a security key": {"confirm a security key"},
    "the receipt of a logon": set(),
    "the receipt to delete": {"spend to delete"},
    "the receipt to stop": {"spend to stop"},
    "the receipt to bind": {"bind as the owner"},
    "the receipt to unbind": {"unbind as the owner"},
    "the receipt to rename": {"rename as the owner"},
    "the receipt to resynchronise": {"resynchronise as the owner"},
    "the receipt to forget machines": {"forget machines as the owner"},
    "the receipt to administer": {"administer"},
    "the ticket to enrol": {"enrol a virtual device", "enrol a security key"},
    "a virtual device's offer at enrolment": {"confirm an enrolled virtual device"},
    "a security key's offer at enrolment": {"confirm an enrolled security key"},
}
"""What each ticket and receipt is good for: for its user, in its session, in its generation."""

MIX = DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8)


def rules(**choices):
    return MFAPolicy.ram(issuer="Example", relying_party=PARTY, devices=MIX, remember=RememberMachine(), **choices)


@attrs.frozen
class Paper:
    """A ticket or receipt.

    Attributes:
        user, session, purpose: whose, where and for what it was handed out.
        text: itself.
        more: what is needed beside it, such as an offer.
    """

    user: str
    session: str
    purpose: str
    text: str
    more: Any = None


@attrs.frozen
class Ceremony:
    """Something that takes a ticket or receipt, as a user in a session brings it."""

    user: str
    session: str
    name: str
    bring: Callable[[Paper], Any]


class World:
    """Alice and bob, each with a device of a kind, or with none; victim, whom administrators work on; one store.

    Attributes:
        devices: {user: phone or key}.
    """

    def __init__(self, kind):
        self.kind = kind
        self.store, self.clock = ScriptedStore(), ManualClock()
        self.rules = {"unknown_users": UnknownUsers.MUST_BIND} if kind == "no record" else {}
        self.mfa = MFA(self.store, rules(**self.rules), seal=SEAL, clock=self.clock, create=True)
        self.asking = self.asking_for_proof()
        self.devices, self._signed, self._registered = {}, {}, {}
        self.mfa.perform("victim", OpenAccount(required=False, by=SCRIPT))
        for user in USERS:
            self.open(user)
        self.now = self.clock()

    def asking_for_proof(self):
        """The same service for administrators who prove themselves."""
        policy = rules(administrator_proof=AdministratorProof.ASKED, **self.rules)
        return MFA(self.store, policy, seal=SEAL, clock=self.clock)

    @property
    def has_devices(self):
        return self.kind in {"virtual device", "security key"}

    def open(self, user):
        """Give a user a device and a remembered machine; or a record alone; or not even that."""
        if self.kind != "no record":
            self.mfa.perform(user, OpenAccount(required=True, by=SCRIPT))
        if self.has_devices:
            self.bind(user)

    def bind(self, user):
        device = enrolled_key(self.mfa, user) if self.kind == "security key" else enrolled(self.mfa, user)
        self.devices[user] = device
        session = SESSIONS[0]
        asked = self.mfa.perform(user, BeginLogon(session=session, password_mark="mark"))
        verb = FinishLogon(
            asked.id, self.evidence(user, asked.id), session=session, remember="Laptop", password_mark="mark"
        )
        self.mfa.perform(user, verb)
        self.clock.advance(60)  # to a code that is not used up

    # Evidence that is right in itself

    def evidence(self, user, ticket):
        """What the user's device answers to a ticket, whatever the ticket is."""
        device = self.devices.get(user)
        if isinstance(device, AuthenticatorApp):
            return TOTPCode(device.code_at(self.clock()))
        if device is None:
            return TOTPCode("000000")
        if (user, ticket) not in self._signed:
            options = {
                "challenge": encode(_challenge(ticket)),
                "rpId": PARTY.id,
                "allowCredentials": [{"type": "public-key", "id": encode(one)} for one in device.credential_ids],
            }
            self._signed[user, ticket] = Assertion(device.get(options, ORIGIN))
        return self._signed[user, ticket]

    def registration(self, ticket):
        """What a new key says to a ticket, whatever the ticket is."""
        if ticket not in self._registered:
            options = {
                "challenge": encode(_challenge(ticket)),
                "rp": {"id": PARTY.id, "name": PARTY.id},
                "user": {"id": encode(b"h" * 32), "name": "somebody", "displayName": "somebody"},
                "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
            }
            self._registered[ticket] = SoftSecurityKey().create(options, ORIGIN)
        return self._registered[ticket]

    def codes(self, paper):
        """The code of the app that scanned the offer; of another app, where it is no offer."""
        uri = getattr(paper.more, "key_uri", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
        return [AuthenticatorApp.scan(uri).code_at(self.clock())]

    # What is handed out

    def papers(self):
        """Everything that can be handed out to a user in a session."""
        return [
            paper
            for user, session in itertools.product(USERS, SESSIONS)
            for paper in (self.bound(user, session) if self.has_devices else self.enrolling(user, session))
        ]

    def bound(self, user, session):
        perform = self.mfa.perform
        begun = perform(user, BeginLogon(session=session))
        yield Paper(user, session, "the challenge of a logon", begun.id)
        yield Paper(user, session, "the first factor of a logon", begun.logon)
        yield Paper(user, session, "the mark of a session", self.mark(user, session))
        for name, operation in (("delete", DELETE), ("stop", STOP)):
            asked = perform(user, BeginStepUp(operation, session=session))
            yield Paper(user, session, f"the challenge of a step-up to {name}", asked.id)
        yield Paper(user, session, "the receipt of a logon", self.receipt(user, session, None))
        for name, operation in OPERATIONS.items():
            yield Paper(user, session, f"the receipt to {name}", self.receipt(user, session, operation))
        for name, verb in (("virtual device", OfferVirtualDevice), ("security key", OfferSecurityKey)):
            offer = self.offered(user, session, verb, SCRIPT)
            yield Paper(user, session, f"the offer of a {name}", offer.id, offer)

    def enrolling(self, user, session):
        begun = self.mfa.perform(user, BeginLogon(session=session))
        ticket = begun.id
        where = "without a record" if self.kind == "no record" else "of a forced bind"
        yield Paper(user, session, f"the first factor {where}", begun.logon)
        yield Paper(user, session, "the ticket to enrol", ticket)
        if self.kind == "no record":
            return  # an offer would make one
        for name, verb in (("virtual device", OfferVirtualDevice), ("security key", OfferSecurityKey)):
            offer = self.offered(user, session, verb, Enrolment(ticket, session=session))
            yield Paper(user, session, f"a {name}'s offer at enrolment", offer.id, offer)

    def offered(self, user, session, verb, by):
        return self.mfa.perform(user, verb(by, account_name=user, session=session))

    def receipt(self, user, session, operation):
        """Prove, and put everything but the receipt back: slots and codes are a matter of other tests."""
        before = self.store.records
        receipt = str(proved(self.mfa, user, self.devices[user], operation=operation, session=session).receipt)
        self.restore(before)
        return receipt

    def mark(self, user, session):
        before = self.store.records
        mark = proved(self.mfa, user, self.devices[user], session=session).session_mark
        self.restore(before)
        return mark

    # What takes it

    def ceremonies(self):
        """Every ceremony, by every user in every session."""
        return [
            Ceremony(user, session, name, bring)
            for user, session in itertools.product(USERS, SESSIONS)
            for name, bring in self.taking(user, session).items()
        ]

    def taking(self, user, session):
        perform = self.mfa.perform

        def finish(verb, **how):
            return lambda paper: perform(
                user, verb(paper.text, self.evidence(user, paper.text), session=session, **how)
            )

        def owner(verb):
            return lambda paper: perform(user, verb(Owner(paper.text, session=session)))

        def confirm(by):
            virtual = lambda paper: ConfirmVirtualDevice(
                self.codes(paper), offer=paper.text, by=by(user), session=session
            )
            key = lambda paper: ConfirmSecurityKey(
                self.registration(paper.text), offer=paper.text, by=by(user), session=session
            )
            return (lambda paper: perform(user, virtual(paper))), (lambda paper: perform(user, key(paper)))

        def enrol(verb):
            return lambda paper: perform(
                user, verb(Enrolment(paper.text, session=session), account_name="somebody else", session=session)
            )

        device = self.devices.get(user)
        codes = device.codes_at(self.now) if isinstance(device, AuthenticatorApp) else ["0", "1"]
        virtual, key = confirm(lambda _: SCRIPT)
        taking = {
            "finish a logon": finish(FinishLogon),
            "resume a logon": lambda paper: perform(user, ResumeLogon(paper.text, session=session)),
            "bind a first device": lambda paper: perform(
                user,
                OfferVirtualDevice(
                    Owner.first_device(paper.text, session=session), account_name="me", session=session, create=True
                ),
            ),
            "check a session": lambda paper: perform(user, CheckSession(paper.text)),
            "finish a step-up to delete": finish(FinishStepUp, operation=DELETE),
            "finish a step-up to stop": finish(FinishStepUp, operation=STOP),
            "confirm a virtual device": virtual,
            "confirm a security key": key,
            "spend to delete": lambda paper: perform(user, SpendReceipt(paper.text, operation=DELETE, session=session)),
            "spend to stop": lambda paper: perform(user, SpendReceipt(paper.text, operation=STOP, session=session)),
            "bind as the owner": owner(
                lambda me: OfferVirtualDevice(me, account_name="me", session=session, create=True)
            ),
            "unbind as the owner": owner(lambda me: Unbind(by=me)),
            "rename as the owner": owner(lambda me: RenameDevice(name="Another", by=me)),
            "resynchronise as the owner": owner(lambda me: ResyncVirtualDevice(codes=codes, by=me)),
            "forget machines as the owner": owner(ForgetMachines),
            "administer": lambda paper: self.asking.perform(
                "victim", RequireMFA(required=True, by=Administrator(user, paper.text, session))
            ),
            "enrol a virtual device": enrol(OfferVirtualDevice),
            "enrol a security key": enrol(OfferSecurityKey),
        }
        if self.kind == "security key":
            del taking["resynchronise as the owner"]  # there is nothing about a key to resynchronise
        if not self.has_devices:
            mine = self.mfa.perform(user, BeginLogon(session=session)).id
            virtual, key = confirm(lambda _: Enrolment(mine, session=session))
            taking |= {"confirm an enrolled virtual device": virtual, "confirm an enrolled security key": key}
        return taking

    # The store

    def restore(self, records):
        self.store._records.clear()
        self.store._records.update(records)


def _challenge(ticket):
    return challenge_of(Ticket(ticket))


# What happens between handing out and bringing: {generation: what makes it}


def nothing(world):
    """The present generation."""


def password_changed(world):
    for user in USERS:
        world.mfa.perform(user, PasswordChanged())


def another_device(world):
    for user in USERS:
        if world.has_devices:
            world.mfa.perform(user, Unbind(by=SCRIPT))
        world.bind(user)
    world.clock.set(world.now)


def reset(world):
    for user in USERS:
        if world.kind == "no record":
            world.mfa.perform(user, RequireMFA(required=True, by=SCRIPT))
        world.mfa.perform(user, ResetMFA(SCRIPT))
        if world.has_devices:
            world.bind(user)
    world.clock.set(world.now)


def another_life(world):
    for user in USERS:
        if world.kind == "no record":  # what was never there cannot be erased
            world.mfa.perform(user, OpenAccount(by=SCRIPT))
        else:
            world.mfa.perform(user, EraseAccount(SCRIPT))
            world.open(user)
    world.clock.set(world.now)


def history_lost(world):
    world.mfa.declare_restored()
    world.asking = world.asking_for_proof()


def expired(world):
    world.clock.advance(600)


GENERATIONS = (nothing, password_changed, another_device, reset, another_life, history_lost, expired)


def accepted(world, ceremony, paper):
    """Whether a ceremony takes a paper."""
    try:
        ceremony.bring(paper)
    except Refused:
        return False
    return True


def listed(ceremony, paper):
    """Whether it is listed. The mark of a session is of the user and the generation alone."""
    same = (ceremony.user, ceremony.session) == (paper.user, paper.session)
    same |= ceremony.user == paper.user and paper.purpose == "the mark of a session"
    return same and ceremony.name in LISTED[paper.purpose]


@pytest.mark.requirement("B12", "B14", "V14", "V26", "V20")
class TestCrossUse:
    @pytest.mark.parametrize("kind", ["virtual device", "security key", "nothing bound", "no record"])
    @pytest.mark.parametrize("generation", GENERATIONS, ids=lambda generation: generation.__name__)
    def test_nothing_passes_that_is_not_listed(self, kind, generation):
        """(user x session x purpose) as handed out, (user x session x ceremony) as brought, before and after each
        change: accepted exactly where it is listed, in the present generation alone.
        """
        world = World(kind)
        papers = world.papers()
        generation(world)
        ceremonies = world.ceremonies()
        records, wrong, tried = world.store.records, [], Counter()
        for paper, ceremony in itertools.product(papers, ceremonies):
            world.restore(records)
            present = generation is nothing or (generation is expired and paper.purpose == "the mark of a session")
            must = present and listed(ceremony, paper)
            passes = accepted(world, ceremony, paper)
            tried[passes and paper.purpose != "the mark of a session"] += 1
            what = f"{paper.purpose} of {paper.user} in {paper.session}: {ceremony.name} as {ceremony.user} in " + (
                ceremony.session
            )
            if passes is not must:
                wrong.append(f"{what}: {'accepted' if passes else 'refused'}")
            if not passes and world.store.records != records:
                wrong.append(f"{what}: refused, and changed a record")
        assert not wrong, f"{len(wrong)} of {tried.total()} are wrong, such as {wrong[:5]}"
        assert tried.total() == NUMBER[kind]
        assert (tried[True] > 5) is (generation is nothing)

    @pytest.mark.parametrize("kind", ["virtual device", "security key", "nothing bound"])
    def test_nothing_passes_twice(self, kind):
        """What was used for what it is good for is good for nothing afterwards, in any hands; but an administrator's
        proof is good for several actions.
        """
        world = World(kind)
        papers, ceremonies = world.papers(), world.ceremonies()
        records, wrong, tried = world.store.records, [], 0
        for paper in papers:
            used = [one for one in ceremonies if listed(one, paper)]
            if not used or used[0].name in SPENDS_NOTHING:
                continue
            world.restore(records)
            assert accepted(world, used[0], paper)
            after = world.store.records
            for ceremony in ceremonies:
                world.restore(after)
                tried += 1
                if accepted(world, ceremony, paper):
                    wrong.append(f"{paper.purpose}, used: {ceremony.name} as {ceremony.user} in {ceremony.session}")
        assert not wrong, f"{len(wrong)} of {tried} are wrong, such as {wrong[:5]}"
        assert tried >= 100


SPENDS_NOTHING = {
    *("administer", "bind as the owner", "enrol a virtual device"),
    *("resume a logon", "bind a first device", "check a session"),
}
"""An offer spends nothing: its confirmation does; what only reads spends nothing either."""

NUMBER = {
    "virtual device": 4 * 16 * 4 * 18,
    "security key": 4 * 16 * 4 * 17,
    "nothing bound": 4 * 4 * 4 * 20,
    "no record": 4 * 2 * 4 * 20,
}
"""Combinations in one generation."""


def test_the_number_of_combinations():
    """Over all generations."""
    assert len(GENERATIONS) * sum(NUMBER.values()) == 76_160
