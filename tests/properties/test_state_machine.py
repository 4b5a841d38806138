# SPDX-License-Identifier: Apache-2.0
"""The whole life, as hypothesis makes it up: two users, two services on one store, and everything that goes wrong.

An administrator, the owners, thieves with whatever was ever handed out; a clock that moves both ways, two clocks that
differ, a policy that changes, a store that fails and does not say whether it wrote. A model in plain words says who may
pass; whoever passes must be one of those.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from types import SimpleNamespace
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ram_mfa import (
    MFA,
    Assertion,
    BeginLogon,
    BeginStepUp,
    Bound,
    Challenge,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    Enrolment,
    EraseAccount,
    FinishLogon,
    FinishStepUp,
    ForgetMachines,
    Kind,
    MFAError,
    MFAPolicy,
    MustBind,
    NotRequired,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    Proof,
    Refused,
    Remembered,
    RememberMachine,
    Requirement,
    RequireMFA,
    ResetMFA,
    SelfManagement,
    SpendReceipt,
    StoreUnavailable,
    StoreUncertain,
    TOTPCode,
    Unbind,
    UnknownUsers,
    Verb,
    refusals,
)
from ram_mfa.account import Account
from ram_mfa.codec import decode_account
from ram_mfa.encoding.base64url import encode
from ram_mfa.engine.records import user_key
from ram_mfa.policy.values import DAY
from ram_mfa.rules.tickets import challenge_of
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import AuthenticatorApp, ManualClock, SoftAttestation, SoftSecurityKey
from tests.support import all_rounds, rounds
from tests.support.races import wrong_codes
from tests.support.records import AsStored
from tests.support.service import DELETE, ORIGIN, PARTY, ROOT, SEAL

SESSIONS = ("the session of one browser", "the session of another browser")
ATTESTATION = SoftAttestation.make(transports=("usb",), aaguid=bytes(16), seed=b"one maker")
SKEW = 20.0
"""By how many seconds the second service's clock is ahead."""
NOTHING = object()
"""What a verb comes to that was refused, or that failed."""
Device = AuthenticatorApp | SoftSecurityKey


class Failing(MemoryStore):
    """A store whose next call fails, where it was told to.

    Attributes:
        trouble: the word of the call that fails, and how.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trouble: tuple[str, str] | None = None

    def load(self, key: str, /) -> bytes | None:
        if self._fails("load"):
            raise StoreUnavailable
        return super().load(key)

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        how = self._fails("swap")
        if how == "unavailable":
            raise StoreUnavailable
        landed = super().swap(key, old, new) if how != "uncertain, not landed" else False
        if how:
            raise StoreUncertain
        return landed

    def _fails(self, word: str) -> str:
        if self.trouble is None or self.trouble[0] != word:
            return ""
        how, self.trouble = self.trouble[1], None
        return how


@attrs.frozen
class Ticket:
    """A ticket or receipt as it was handed out."""

    text: str
    user: str
    session: str
    operation: Operation | None
    generation: int
    expires: float
    mark: str = ""


@attrs.frozen
class Machine:
    """A machine as it was remembered."""

    token: str
    user: str
    mark: str
    at: float


@attrs.define
class Person:
    """What the model knows of a user.

    Attributes:
        generation: how often devices or password changed.
        device: the phone or key that is bound, or None.
        spent: codes, tickets and receipts that passed.
        password: how often it changed.
    """

    generation: int = 0
    device: Device | None = None
    spent: set[str] = attrs.field(factory=set)
    password: int = 0

    @property
    def mark(self) -> str:
        return f"mark {self.password}"


users = st.sampled_from(["alice", "bob"])
services = st.sampled_from([0, 1])
sessions = st.sampled_from(SESSIONS)
operations = st.sampled_from([None, DELETE, Operation.UNBIND])


class Life(RuleBasedStateMachine):
    """See the module. Each rule is something that somebody does, and judges whoever passes by it."""

    steps: ClassVar[int] = 0
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.store, self.clock = Failing(), ManualClock()
        self.rules: dict[str, Any] = {"remember": RememberMachine()}
        self.clocks = (self.clock, lambda: self.clock() + SKEW)
        self.mfas = [
            MFA(self.store, self.policy, seal=SEAL, clock=clock, create=True, deadline=0.5) for clock in self.clocks
        ]
        self.people = {name: Person() for name in ("alice", "bob")}
        self.tickets: list[Ticket] = []
        self.receipts: list[Ticket] = []
        self.machines: list[Machine] = []
        self.ever: list[Machine] = []
        self.forgotten: set[bytes] = set()
        self.devices: list[Device] = []
        self.highest: dict[str, int] = {}

    def policy(self) -> MFAPolicy:
        return MFAPolicy.ram(issuer="Example", relying_party=PARTY, **self.rules)

    def account(self, user: str) -> Account | None:
        key, records = user_key("", user), self.store._records
        if key not in records:
            return None
        seal = AsStored(SEAL, SimpleNamespace(load=records.get)).for_record(key)
        return decode_account(seal.unseal(records[key]))

    def now(self, service: int) -> float:
        return self.clocks[service]()

    def do(self, service: int, user: str, verb: Verb[Any]) -> tuple[Any, bool]:
        """Perform a verb: its outcome (`NOTHING` where it was refused or failed), and whether the record changed."""
        before = self.account(user)
        outcome: Any = NOTHING
        try:
            outcome = self.mfas[service].perform(user, verb)
        except Refused as refused:
            self.seen[f"refused: {refused.refusal.reason.name}"] += 1
        except MFAError as error:
            self.seen[f"failed: {type(error).__name__}"] += 1
        else:
            self.seen[type(outcome).__name__] += 1
        return outcome, self.account(user) != before

    def change(self, service: int, user: str, verb: Verb[Any], *, unbinds: bool = False) -> None:
        """Perform a change of devices or password; where it was told, or landed untold, everything older is dead."""
        outcome, landed = self.do(service, user, verb)
        if landed or outcome is not NOTHING:
            self.ended(user, unbinds=unbinds)

    def ended(self, user: str, *, unbinds: bool) -> None:
        person = self.people[user]
        person.generation += 1
        self.forget(user)
        if unbinds:
            person.device = None

    def forget(self, user: str) -> None:
        self.forgotten |= {hashlib.sha256(one.token.encode()).digest() for one in self.ever if one.user == user}
        self.machines = [one for one in self.machines if one.user != user]

    # The world

    @initialize(kinds=st.tuples(st.sampled_from(Kind), st.sampled_from(Kind)))
    def two_users_with_a_device(self, kinds) -> None:
        for user, kind in zip(self.people, kinds, strict=True):
            self.bind(0, user, kind, "root")
        self.clock.advance(60)

    @rule(seconds=st.sampled_from([1, 31, 31, 299, 301, 3_600, DAY, -1, -400]))
    def time_passes(self, seconds) -> None:
        self.clock.advance(seconds)

    @rule(
        trouble=st.sampled_from(
            [
                ("load", "unavailable"),
                ("swap", "unavailable"),
                ("swap", "uncertain, landed"),
                ("swap", "uncertain, not landed"),
            ]
        )
    )
    def the_store_will_fail(self, trouble) -> None:
        self.store.trouble = trouble

    @rule(
        requirement=st.sampled_from(Requirement),
        self_management=st.sampled_from(SelfManagement),
        days=st.sampled_from([None, 1, 7, 7, 7]),
        unknown_users=st.sampled_from(UnknownUsers),
    )
    def the_policy_changes(self, requirement, self_management, days, unknown_users) -> None:
        if requirement is Requirement.NOBODY and unknown_users is UnknownUsers.MUST_BIND:
            unknown_users = UnknownUsers.REFUSE  # the two together are no policy
        self.rules = {
            "requirement": requirement,
            "self_management": self_management,
            "remember": None if days is None else RememberMachine(lifetime=days * DAY),
            "unknown_users": unknown_users,
        }

    # The administrator

    @rule(
        data=st.data(),
        service=services,
        user=users,
        action=st.sampled_from(["open", "require", "unbind", "reset", "erase", "forget", "restore"]),
    )
    def an_administrator(self, data, service, user, action) -> None:
        match action:
            case "open":
                self.change(service, user, OpenAccount(required=data.draw(st.booleans()), by=ROOT))
            case "require":
                self.do(service, user, RequireMFA(required=data.draw(st.booleans()), by=ROOT))
            case "unbind":
                self.change(service, user, Unbind(by=ROOT), unbinds=True)
            case "reset":
                self.change(service, user, ResetMFA(ROOT), unbinds=True)
            case "erase":
                self.change(service, user, EraseAccount(ROOT), unbinds=True)
            case "forget":
                _, landed = self.do(service, user, ForgetMachines(ROOT))
                if landed:
                    self.forget(user)
            case "restore":
                self.store.trouble = None
                self.mfas[0].declare_restored()
                self.mfas[1]._engine.session.forget()  # restored before processes start
                for person in self.people.values():
                    person.generation += 1
                self.machines = [one for one in self.machines if one.at >= self.now(0)]

    # Binding, by whom and of what kind

    @rule(service=services, user=users, kind=st.sampled_from(Kind), by=st.sampled_from(["root", "owner"]))
    def bind(self, service, user, kind, by) -> None:
        if by == "root":
            self.offer_and_confirm(service, user, kind, ROOT)
            return
        begun = self.begin(service, user, SESSIONS[0], None)
        if isinstance(begun, NotRequired | MustBind | Challenge):
            self.offer_and_confirm(service, user, kind, Owner.first_device(begun.logon, session=SESSIONS[0]))

    def offer_and_confirm(self, service, user, kind, by, session=SESSIONS[0]) -> Bound | None:
        verb = OfferVirtualDevice if kind is Kind.VIRTUAL else OfferSecurityKey
        offer, _ = self.do(service, user, verb(by, account_name=user, session=session, create=True))
        if offer is NOTHING:
            return None
        code, device = "", None
        if kind is Kind.VIRTUAL:
            device = AuthenticatorApp.scan(offer.key_uri)
            code = device.code_at(self.now(service))
            confirm: Verb[Bound] = ConfirmVirtualDevice([code], offer=offer.id, by=by, session=session)
        else:
            device = SoftSecurityKey(attestation=ATTESTATION)
            told = device.create(offer.options, ORIGIN)
            confirm = ConfirmSecurityKey(told, offer=offer.id, by=by, session=session)
        bound, landed = self.do(service, user, confirm)
        person = self.people[user]
        if landed:
            assert person.device is None, "a device bound beside another"
            person.device = device
            person.generation += 1
            person.spent.add(code)
            self.devices.append(device)
        else:
            assert bound is NOTHING
        return None if bound is NOTHING else bound

    # Logging on and stepping up

    @rule(
        data=st.data(),
        service=services,
        user=users,
        operation=operations,
        wait=st.sampled_from([0, 30, 30, 30]),
    )
    def prove(self, data, service, user, operation, wait) -> None:
        """Log on, or step up, as one should; who must bind does."""
        session, remember = data.draw(sessions), data.draw(st.sampled_from([True, True, False]))
        self.clock.advance(wait)
        begun = self.begin(service, user, session, operation)
        if isinstance(begun, MustBind):
            kind = data.draw(st.sampled_from(Kind))
            bound = self.offer_and_confirm(service, user, kind, Enrolment(begun.id, session=session), session)
            assert bound is None or isinstance(bound.proof, Proof)
        elif isinstance(begun, Challenge):
            self.finish(service, user, self.tickets[-1], self.people[user].device, remember=remember)

    @rule(service=services, user=users, session=sessions, operation=operations)
    def begin_and_leave(self, service, user, session, operation) -> None:
        self.begin(service, user, session, operation)

    def begin(self, service, user, session, operation) -> Any:
        verb: Verb[Any] = BeginLogon(session=session, password_mark=self.people[user].mark)
        if operation is not None:
            verb = BeginStepUp(operation, session=session)
        begun, landed = self.do(service, user, verb)
        assert not landed
        assert not isinstance(begun, Remembered)
        self.judge_begin(user, begun)
        if isinstance(begun, Challenge):
            generation = self.people[user].generation
            expires, mark = self.now(service) + 300, self.people[user].mark
            self.tickets.append(Ticket(begun.id, user, session, operation, generation, expires, mark))
        return begun

    def judge_begin(self, user, begun) -> None:
        """Nobody is waived whom the policy does not waive."""
        if not isinstance(begun, NotRequired):
            return
        account = self.account(user)
        assert begun.user == user
        if account is None:
            assert self.rules.get("unknown_users") is UnknownUsers.NOT_REQUIRED
            return
        requirement = self.rules.get("requirement", Requirement.PER_USER)
        assert not account.devices
        assert requirement is not Requirement.EVERYBODY
        assert requirement is Requirement.NOBODY or not account.required

    @precondition(lambda self: self.tickets)
    @rule(
        data=st.data(),
        service=services,
        whose=st.sampled_from(["right", "right", "of before", "of somebody else", "made up"]),
        change=st.sampled_from(["", "", "user", "session", "operation"]),
    )
    def bring_a_ticket(self, data, service, whose, change) -> None:
        """Bring a ticket of some time before with some evidence: as it should be, or as another user, in another
        session, for another operation.
        """
        ticket = data.draw(st.sampled_from(self.tickets[-4:]))
        user = data.draw(users) if change == "user" else ticket.user
        brought = attrs.evolve(
            ticket,
            session=data.draw(sessions) if change == "session" else ticket.session,
            operation=data.draw(operations) if change == "operation" else ticket.operation,
        )
        self.finish(service, user, brought, self.pick(data, user, whose), ticket=ticket)

    def finish(self, service, user, brought, device, *, remember=False, ticket=None) -> None:
        """Bring a ticket, and judge who passes."""
        ticket, person = ticket or brought, self.people[user]
        evidence, mark = self.evidence(device, person.device, ticket.text, self.now(service)), person.mark
        if brought.operation is None:
            label = "Laptop" if remember else None
            verb: Verb[Any] = FinishLogon(
                brought.text, evidence, session=brought.session, remember=label, password_mark=mark
            )
        else:
            verb = FinishStepUp(brought.text, evidence, operation=brought.operation, session=brought.session)
        proof, _ = self.do(service, user, verb)
        if proof is NOTHING:
            return
        spent = str(evidence.code) if isinstance(evidence, TOTPCode) else ticket.text
        assert isinstance(proof, Proof)
        assert proof.user == user == ticket.user
        assert brought == ticket
        assert ticket.generation == person.generation
        assert ticket.mark == mark or ticket.operation is not None
        assert self.now(service) < ticket.expires
        assert device is not None
        assert device is person.device
        assert not {spent, ticket.text} & person.spent
        person.spent |= {spent, ticket.text}
        now = self.now(service)
        if proof.machine is not None:
            assert remember
            self.machines.append(Machine(str(proof.machine), user, mark, now))
            self.ever.append(self.machines[-1])
        if ticket.operation is not None:
            receipt = Ticket(str(proof.receipt), user, ticket.session, ticket.operation, person.generation, now + 300)
            self.receipts.append(receipt)

    def pick(self, data, user, whose) -> Device | None:
        """Return a device to answer with."""
        if whose == "right":
            return self.people[user].device
        if whose == "of before" and self.devices:
            return data.draw(st.sampled_from(self.devices))
        return self.people["bob" if user == "alice" else "alice"].device if whose == "of somebody else" else None

    def evidence(self, device, own, ticket, now) -> Any:
        """Return what a device answers, or a code made up where there is none: never by chance the own app's."""
        if device is None or isinstance(device, AuthenticatorApp):
            code = "000000" if device is None else device.code_at(now)
            if isinstance(own, AuthenticatorApp) and device is not own:
                (code,) = wrong_codes(own, [now], 1, first=int(code))
            return TOTPCode(code)
        options = {
            "challenge": encode(challenge_of(refusals.Ticket(ticket))),
            "rpId": PARTY.id,
            "allowCredentials": [{"type": "public-key", "id": encode(one)} for one in device.credential_ids],
        }
        return Assertion(device.get(options, ORIGIN))

    @precondition(lambda self: self.receipts)
    @rule(
        data=st.data(),
        service=services,
        change=st.sampled_from(["", "", "user", "session", "operation"]),
    )
    def bring_a_receipt(self, data, service, change) -> None:
        """Spend a receipt, or unbind with it: as it should be, or as another user, in another session, otherwise."""
        receipt = data.draw(st.sampled_from(self.receipts[-4:]))
        user = data.draw(users) if change == "user" else receipt.user
        session = data.draw(sessions) if change == "session" else receipt.session
        operation = data.draw(st.sampled_from([DELETE, Operation.UNBIND])) if change == "operation" else None
        operation = operation or receipt.operation
        person = self.people[user]
        generation = person.generation
        if operation is Operation.UNBIND:
            outcome, landed = self.do(service, user, Unbind(by=Owner(receipt.text, session=session)))
            if landed or outcome is not NOTHING:
                assert self.rules.get("self_management") is not SelfManagement.NOT_ALLOWED
                self.ended(user, unbinds=True)
        else:
            outcome, landed = self.do(service, user, SpendReceipt(receipt.text, operation=operation, session=session))
        if landed or outcome is not NOTHING:
            assert (user, session, operation) == (receipt.user, receipt.session, receipt.operation)
            assert receipt.generation == generation
            assert self.now(service) < receipt.expires
            assert receipt.text not in person.spent
            person.spent.add(receipt.text)

    # Machines and passwords

    @precondition(lambda self: self.ever)
    @rule(
        data=st.data(),
        service=services,
        user=st.sampled_from([None, None, "alice", "bob"]),
        wait=st.sampled_from([0, 0, DAY, 7 * DAY - 1, 7 * DAY]),
    )
    def come_back(self, data, service, user, wait) -> None:
        """Come back on a machine that was ever remembered, as its user or as another."""
        self.clock.advance(wait)
        machine = data.draw(st.sampled_from(self.ever[-4:]))
        user = user or machine.user
        person = self.people[user]
        verb = BeginLogon(session=SESSIONS[0], machine=machine.token, password_mark=person.mark)
        begun, landed = self.do(service, user, verb)
        assert not landed
        self.judge_begin(user, begun)
        if isinstance(begun, Remembered):
            remember = self.rules.get("remember")
            assert machine in self.machines, "a machine outlived its cause"
            assert begun.user == user == machine.user
            assert machine.mark == person.mark
            assert remember is not None
            assert self.now(service) < machine.at + remember.lifetime
            assert person.device is not None

    @rule(service=services, user=users, said=st.booleans())
    def change_password(self, service, user, said) -> None:
        """Change the password; the application says so, or forgets to."""
        self.people[user].password += 1
        if said:
            self.change(service, user, PasswordChanged())

    @rule(service=services, user=users)
    def look(self, service, user) -> None:
        view, landed = self.do(service, user, Describe())
        assert not landed
        if view is not NOTHING:
            assert len(view.devices) == (self.people[user].device is not None)

    # What holds after every step

    @invariant()
    def never_two_kinds(self) -> None:
        """Nor a device that nobody bound, nor one that somebody unbound."""
        Life.steps += 1
        kinds = {AuthenticatorApp: [Kind.VIRTUAL], SoftSecurityKey: [Kind.SECURITY_KEY], type(None): []}
        for user, person in self.people.items():
            account = self.account(user)
            devices = () if account is None else account.devices
            assert [device.kind for device in devices] == kinds[type(person.device)]

    @invariant()
    def no_machine_outlives_its_cause(self) -> None:
        for user in self.people:
            account = self.account(user)
            kept = () if account is None else account.machines
            assert not self.forgotten & {machine.digest for machine in kept}

    @invariant()
    def what_only_grows_never_shrinks(self) -> None:
        for user in self.people:
            account = self.account(user)
            for device in () if account is None else account.devices:
                mark = device.last_step if device.kind is Kind.VIRTUAL else device.sign_count
                assert mark >= self.highest.get(device.id, -1)
                self.highest[device.id] = mark

    @invariant()
    def every_list_is_bounded(self) -> None:
        for user in self.people:
            account = self.account(user)
            if account is not None:
                assert len(account.offers) <= 4
                assert len(account.answered) <= 8
                assert len(account.failed) <= 8
                assert len(account.machines) <= 10
                assert len(account.wrong) <= 20


@pytest.mark.requirement("B10", "B12", "B14", "B16", "B17", "B19", "B21", "O7", "S5", "V1", "V14", "V16", "V19", "V37")
def test_the_whole_life():
    """50,000 steps: never two kinds, never a pass without a device or a policy that waives it, never a machine that
    outlives its cause; a code, a ticket and a receipt pass once, for whom and for what they were handed out.
    """
    wanted = rounds(50_000)
    Life.steps, Life.seen = 0, Counter()
    run = settings(
        max_examples=max(wanted // 50, 1),
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    while Life.steps < wanted:
        run_state_machine_as_test(Life, settings=run)
    # It was no life of refusals only.
    assert {"Proof", "Bound", "Challenge"} <= {*Life.seen}
    if all_rounds:
        assert {"NotRequired", "Remembered", "MustBind", "failed: StoreUncertain"} <= {*Life.seen}
