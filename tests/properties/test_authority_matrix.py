# SPDX-License-Identifier: Apache-2.0
"""Who may do what: every action, by every actor in every state of its papers, under every policy, on every account.

The table below says it in words, independently of `ram_mfa.rules.authority`. Each cell is performed through
`MFA.perform` on a store of its own; a cell that the table does not grant is refused for the reason that the table
gives, and leaves every record as it was.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import attrs
import pytest

from ram_mfa import (
    MFA,
    Administrator,
    AdministratorProof,
    AdmitBrowser,
    BeginLogon,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    FinishLogon,
    ForgetMachine,
    ForgetMachines,
    ImportCredential,
    ImportSecurityKey,
    ImportVirtualDevice,
    KindRule,
    KnownBrowsers,
    MakeRecoveryCodes,
    MFAPolicy,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    Reason,
    Rebinding,
    RecoveryCodes,
    Refused,
    RememberMachine,
    RenameDevice,
    Requirement,
    RequireMFA,
    ResetMFA,
    ResyncVirtualDevice,
    RevokeRecoveryCodes,
    SelfManagement,
    SpendReceipt,
    Unbind,
    UnknownUsers,
    Unlock,
    UnreadableRecord,
    UnsafeAdministrator,
)
from ram_mfa._secret import SecretBytes
from ram_mfa.engine.records import user_key
from ram_mfa.recovery_code_set import RecoveryCodeSet
from ram_mfa.rules.actors import Role
from ram_mfa.rules.authority import PERMISSIONS, Action
from ram_mfa.rules.first_factor import first_factor_ticket
from ram_mfa.rules.proofs import make_proof
from ram_mfa.rules.tickets import NOTHING, Purpose, fresh, sealed_ticket
from ram_mfa.testing import AuthenticatorApp, SoftSecurityKey
from tests.support.key_apis import KeyAPI, answer
from tests.support.service import APP_ID, ORIGIN, OTHER_SESSION, PARTY, SEAL, SESSION, Services

WORDS = """
action               |an administrator|an unproved one|the owner, proved|for a first device|enrolling|by recovery code
open an account      |may             |may            |never            |never             |never    |never
bind a device        |may             |may            |may              |may               |may      |may
unbind a device      |may             |may            |may              |never             |never    |never
rename a device      |may             |may            |may              |never             |never    |never
resynchronise        |may             |may            |may              |never             |never    |never
forget machines      |may             |may            |may              |never             |never    |never
admit a browser      |may             |may            |may              |never             |never    |never
forgive wrong codes  |may             |may            |may              |never             |never    |never
reset MFA            |may             |may            |never            |never             |never    |never
import a device      |may             |may            |never            |never             |never    |never
make recovery codes  |never           |never          |may              |never             |never    |never
revoke recovery codes|may             |may            |never            |never             |never    |never
require MFA          |may             |may            |never            |never             |never    |never
erase an account     |may             |may            |never            |never             |never    |never
move an account      |may             |may            |never            |never             |never    |never
discard a record     |may             |may            |never            |never             |never    |never
"""
"""Who may do a action at all. What each must show for it stands in `papers_short`, below."""


def _table():
    head, *rows = ([cell.strip() for cell in line.split("|")] for line in WORDS.strip().splitlines())
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


WHO_MAY = _table()
COLUMNS = {
    "an administrator": Role.ADMINISTRATOR,
    "an unproved one": Role.UNSAFE_ADMINISTRATOR,
    "the owner, proved": Role.OWNER,
    "for a first device": Role.FIRST_DEVICE_OWNER,
    "enrolling": Role.ENROLLING,
    "by recovery code": Role.REBINDING,
}
ROWS = {
    "open an account": Action.OPEN_ACCOUNT,
    "bind a device": Action.BIND,
    "unbind a device": Action.UNBIND,
    "rename a device": Action.RENAME,
    "resynchronise": Action.RESYNC,
    "forget machines": Action.MACHINES,
    "admit a browser": Action.ADMIT_BROWSER,
    "forgive wrong codes": Action.UNLOCK,
    "reset MFA": Action.RESET,
    "import a device": Action.IMPORT,
    "make recovery codes": Action.MAKE_RECOVERY_CODES,
    "revoke recovery codes": Action.REVOKE_RECOVERY_CODES,
    "require MFA": Action.REQUIRE,
    "erase an account": Action.ERASE,
    "move an account": Action.MOVE,
    "discard a record": Action.DISCARD,
}
OPERATIONS = {
    "bind a device": Operation.BIND,
    "unbind a device": Operation.UNBIND,
    "rename a device": Operation.RENAME,
    "resynchronise": Operation.RESYNC,
    "forget machines": Operation.MACHINES,
    "admit a browser": Operation.ADMIT_BROWSER,
    "forgive wrong codes": Operation.UNLOCK,
    "make recovery codes": Operation.RECOVERY,
}

# The verbs that do the actions
VERBS = {
    "open": "open an account",
    "offer a virtual device": "bind a device",
    "confirm a virtual device": "bind a device",
    "offer a security key": "bind a device",
    "confirm a security key": "bind a device",
    "unbind": "unbind a device",
    "rename": "rename a device",
    "resynchronise": "resynchronise",
    "forget one machine": "forget machines",
    "forget all machines": "forget machines",
    "admit": "admit a browser",
    "unlock": "forgive wrong codes",
    "reset": "reset MFA",
    "import a virtual device": "import a device",
    "import a security key": "import a device",
    "import a credential": "import a device",
    "make codes": "make recovery codes",
    "revoke codes": "revoke recovery codes",
    "require": "require MFA",
    "erase": "erase an account",
    "move": "move an account",
    "discard": "discard a record",
}

# The states of the account
STATES = ("no record", "not required", "required", "virtual device", "security key", "disabled", "unreadable")

# What the actors have in hand: the column of the table, and the state of their papers
ADMINISTRATORS = ("no receipt", "a receipt", "a receipt of an operation", "somebody else's receipt", "unproved")
OWNERS = (
    "a receipt for the action",
    "a receipt for another action",
    "the receipt of a logon",
    "another user's receipt",
    "another session's receipt",
    "a spent receipt",
    "a receipt of before a change",
    "an expired receipt",
    "a forged receipt",
    "nothing",
)
FIRST_DEVICE = (
    "a fresh ticket",
    "a ticket just before its end",
    "an expired ticket",
    "a ticket of tomorrow",
    "another session's ticket",
    "another user's ticket",
    "an enrolment's ticket",
    "a forged ticket",
)
ENROLLING = ("a ticket", "another session's ticket", "another user's ticket", "a logon's ticket", "a forged ticket")
ACTORS = (
    *((("an unproved one" if papers == "unproved" else "an administrator"), papers) for papers in ADMINISTRATORS),
    *(("the owner, proved", papers) for papers in OWNERS),
    *(("for a first device", papers) for papers in FIRST_DEVICE),
    *(("enrolling", papers) for papers in ENROLLING),
    *(("by recovery code", papers) for papers in ENROLLING),
)

POLICIES = tuple(
    {
        "self_management": self_management,
        "administrator_proof": proof,
        "requirement": requirement,
        "unknown_users": unknown_users,
    }
    for self_management in SelfManagement
    for proof in AdministratorProof
    for requirement, unknown_users in (
        (Requirement.PER_USER, UnknownUsers.REFUSE),
        (Requirement.PER_USER, UnknownUsers.MUST_BIND),
        (Requirement.EVERYBODY, UnknownUsers.REFUSE),
        (Requirement.NOBODY, UnknownUsers.REFUSE),
    )
)


CELLS = len(VERBS) * len(ACTORS) * len(POLICIES)
"""On each state of the account."""
BOUND = {"virtual device", "security key", "disabled"}
HELPER = UnsafeAdministrator("helper")
NEW_KEY = SoftSecurityKey()
KEPT = bytes(SoftSecurityKey(seed=b"kept").register(bytes(32), bytes(32)))
KEY_URI = "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

# What must come out


def papers_short(action, column, papers, policy, state):
    """Return why the actor's papers fall short of the action, in the order in which they are looked at; else None."""
    if column == "an administrator" and policy["administrator_proof"] is AdministratorProof.ASKED:
        if papers in {"no receipt", "somebody else's receipt"}:
            return Reason.PROOF_NEEDED
        if papers == "a receipt of an operation":
            return Reason.BAD_RECEIPT
    if state == "unreadable" and action != "discard a record":
        return UnreadableRecord
    if WHO_MAY[action][column] == "never":
        return Reason.NOT_AUTHORISED
    bound = state in BOUND
    if column in {"the owner, proved", "for a first device"}:
        if policy["self_management"] is SelfManagement.NOT_ALLOWED:
            return Reason.NOT_AUTHORISED
        if state == "no record":
            return Reason.NO_ACCOUNT
    if column == "the owner, proved":
        if papers == "nothing":
            return Reason.PROOF_NEEDED
        if papers != "a receipt for the action" or not bound:
            return Reason.BAD_RECEIPT
    if column in {"for a first device", "enrolling"} and bound:
        return Reason.PROOF_NEEDED
    if column == "for a first device" and papers not in {"a fresh ticket", "a ticket just before its end"}:
        reasons = {"an expired ticket": Reason.EXPIRED_TICKET, "a ticket of tomorrow": Reason.FUTURE_TICKET}
        return reasons.get(papers, Reason.FOREIGN_TICKET)
    if column == "by recovery code":
        if state == "no record":
            return Reason.NO_ACCOUNT
        return None if papers == "a ticket" else Reason.FOREIGN_TICKET
    if column == "enrolling":
        must = (
            policy["unknown_users"] is UnknownUsers.MUST_BIND
            if state == "no record"
            else policy["requirement"] is Requirement.EVERYBODY
            or (policy["requirement"] is Requirement.PER_USER and state == "required")
        )
        if not must:
            return Reason.NOT_AUTHORISED
        if papers != "a ticket":
            return Reason.FOREIGN_TICKET
    return None


def nothing_to_do(verb, state):
    """Return why there is nothing to do the action to, where the actor may; else None, and it is done."""
    bound = state in BOUND
    match verb:
        case "open":
            return None if state == "no record" else Reason.ACCOUNT_EXISTS
        case "unbind" | "rename" | "resynchronise" if not bound:
            return Reason.NO_ACCOUNT if state == "no record" else Reason.NO_DEVICE
        case "resynchronise" if state == "security key":
            return Reason.UNKNOWN_DEVICE
        case "resynchronise" if state == "disabled":
            return Reason.DEVICE_DISABLED
        case "forget one machine" if state not in {"virtual device", "security key"}:
            return Reason.NO_ACCOUNT if state == "no record" else Reason.NOTHING_TO_DO
        case "reset" | "erase" | "move" | "admit" | "forget all machines" if state == "no record":
            return Reason.NO_ACCOUNT
        case "unlock":
            return Reason.NO_ACCOUNT if state == "no record" else Reason.NOTHING_TO_DO
        case "revoke codes" if state not in BOUND:
            return Reason.NO_ACCOUNT if state == "no record" else Reason.NOTHING_TO_DO
        case "discard" if state != "unreadable":
            return Reason.NOTHING_TO_DO
        case _:
            return None


# The world in which it is tried


FEATURES = {"remember": RememberMachine(), "recovery_codes": RecoveryCodes(count=1), "known_browsers": KnownBrowsers()}


def rules(**choices):
    """A policy of this matrix: kinds and numbers stand in nobody's way."""
    mix = DevicePolicy(rule=KindRule.ANY_MIX, max_devices=8)
    return MFAPolicy.ram(issuer="Example", relying_party=PARTY, devices=mix, **FEATURES, **choices)


LIBERAL = rules(requirement=Requirement.EVERYBODY, unknown_users=UnknownUsers.MUST_BIND)


@attrs.define
class World:
    """A store with alice in one state, and everything that an actor may have in hand.

    Attributes:
        service: with the store and the clock.
        alice: her phone or her key; None where she has none.
        machine: the id of her remembered machine, or of none.
        actors: {(column, papers, action): actor}.
        offers: {kind of device: what an administrator was offered for her}.
        records: the store's content, put back before each cell.
    """

    service: Any
    alice: AuthenticatorApp | SoftSecurityKey | None
    machine: str
    actors: dict
    offers: dict
    records: dict


def make_world(services, state):
    """Bring alice into the state, bob and root to a device each, and mint what each may show."""
    service = services(policy=LIBERAL)
    service.key("root")
    service.key("bob")
    alice, machine, offers = None, "A" * 16, {}
    match state:
        case "virtual device" | "disabled":
            alice = service.phone("alice")
        case "security key":
            alice = service.key("alice")
        case "required" | "not required" | "unreadable":
            service.perform("alice", OpenAccount(required=state == "required", by=HELPER))
    before = {
        action: minted(service, operation, number=100 + n) for n, (action, operation) in enumerate(OPERATIONS.items())
    }
    if state != "no record":
        service.perform("alice", PasswordChanged())
        for kind, verb in (("virtual", OfferVirtualDevice), ("key", OfferSecurityKey)):
            offers[kind] = service.perform("alice", verb(HELPER, account_name="alice", session=SESSION))
    if state in {"virtual device", "security key"}:
        asked = service.ask("alice", mark="mark")
        evidence = answer(KeyAPI.WEBAUTHN, alice, asked) if state == "security key" else service.code(alice)
        verb = FinishLogon(asked.id, evidence, session=SESSION, remember="Laptop", password_mark="mark")
        service.perform("alice", verb)
        machine = service.account("alice").machines[0].id
        service.clock.advance(60)
    if state == "disabled":
        (device,) = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(device, failures=100, disabled_at=service.clock()),))
    if state in BOUND:
        service.plant("alice", recovery=RecoveryCodeSet(bytes(16), service.clock(), service.root.history, ()))
    actors = mint(service, state, before)
    if state == "unreadable":
        service.store.put(user_key("", "alice"), b"nothing that the library ever wrote")
    return World(service, alice, machine, actors, offers, service.store.records)


def minted(service, operation, *, number, user="alice", age=0.0):
    """Return the receipt of a step-up (of a logon, without an operation) that the user's device earned; bob's, where
    the user has none.
    """
    has_device = user_key("", user) in service.store.records and service.account(user).devices
    user = user if has_device else "bob"
    account, device = service.account(user), service.account(user).devices[0]
    moment = service.context(user, now=service.clock() - age, entropy=SecretBytes(number.to_bytes(32, "big")))
    return str(make_proof(account, moment, device, session=SESSION, operation=operation).receipt)


def first_factor(service, *, user="alice", session=SESSION, age=0.0):
    """Return the ticket of a password that was right so many seconds from now."""
    account = service.account(user) if user_key("", user) in service.store.records else None
    moment = service.context(user, now=service.clock() + age)
    return str(first_factor_ticket(account, moment, session=session, mark=NOTHING))


def rebind_ticket(service, *, user="alice", session=SESSION):
    """Return the ticket that a recovery code of the user earned."""
    account = service.account(user) if user_key("", user) in service.store.records else None
    context = service.context(user)
    stamp = fresh(context, Purpose.REBIND, lifetime=600)
    return str(sealed_ticket(account, context, stamp, purpose=Purpose.REBIND, session=session))


def mint(service, state, before):
    """Return {(column, papers, action): actor}."""
    right, spent, expired, another = {}, {}, {}, {}
    for n, (action, operation) in enumerate(OPERATIONS.items()):
        right[action] = minted(service, operation, number=200 + n)
        expired[action] = minted(service, operation, number=300 + n, age=300)
        another[action] = minted(service, operation, number=400 + n, user="bob")
        spent[action] = minted(service, operation, number=500 + n)
        owner = "alice" if state in BOUND else "bob"
        service.perform(owner, SpendReceipt(spent[action], operation=operation, session=SESSION))
    next_deed = dict(zip(OPERATIONS, [*list(OPERATIONS)[1:], next(iter(OPERATIONS))], strict=True))
    logon = minted(service, None, number=600)
    root = minted(service, Operation.ADMINISTER, number=700, user="root")
    root_bind = minted(service, Operation.BIND, number=701, user="root")
    bob = minted(service, Operation.ADMINISTER, number=702, user="bob")

    def ticket(user, session=SESSION):
        return str(service.perform(user, BeginLogon(session=session)).id)

    mine = "carol" if state in BOUND else "alice"
    tickets = {
        "a ticket": ticket(mine),
        "another session's ticket": ticket(mine, OTHER_SESSION),
        "another user's ticket": ticket("carol"),
        "a logon's ticket": ticket("bob"),
        "a forged ticket": ticket(mine)[:50] + "A" * 38 + ticket(mine)[88:],
    }
    rebinds = {
        "a ticket": rebind_ticket(service),
        "another session's ticket": rebind_ticket(service, session=OTHER_SESSION),
        "another user's ticket": rebind_ticket(service, user="bob"),
        "a logon's ticket": tickets["a logon's ticket"],
        "a forged ticket": tickets["a forged ticket"],
    }
    passwords = {"a fresh ticket": 0, "a ticket just before its end": -599, "an expired ticket": -600}
    first_factors = {
        **{name: first_factor(service, age=age) for name, age in (passwords | {"a ticket of tomorrow": 61}).items()},
        "another session's ticket": first_factor(service, session=OTHER_SESSION),
        "another user's ticket": first_factor(service, user="carol"),
        "an enrolment's ticket": tickets["a ticket"],
        "a forged ticket": tickets["a forged ticket"],
    }
    actors = {}
    for action in WHO_MAY:
        other = right.get(next_deed.get(action), logon)
        papers = {
            ("an administrator", "no receipt"): Administrator("root"),
            ("an administrator", "a receipt"): Administrator("root", root, SESSION),
            ("an administrator", "a receipt of an operation"): Administrator("root", root_bind, SESSION),
            ("an administrator", "somebody else's receipt"): Administrator("root", bob, SESSION),
            ("an unproved one", "unproved"): UnsafeAdministrator("script"),
            ("the owner, proved", "a receipt for the action"): Owner(right.get(action, logon), session=SESSION),
            ("the owner, proved", "a receipt for another action"): Owner(other, session=SESSION),
            ("the owner, proved", "the receipt of a logon"): Owner(logon, session=SESSION),
            ("the owner, proved", "another user's receipt"): Owner(another.get(action, bob), session=SESSION),
            ("the owner, proved", "another session's receipt"): Owner(right.get(action, logon), session=OTHER_SESSION),
            ("the owner, proved", "a spent receipt"): Owner(spent.get(action, logon), session=SESSION),
            ("the owner, proved", "a receipt of before a change"): Owner(before.get(action, logon), session=SESSION),
            ("the owner, proved", "an expired receipt"): Owner(expired.get(action, logon), session=SESSION),
            ("the owner, proved", "a forged receipt"): Owner(logon[:50] + "A" * 38 + logon[88:], session=SESSION),
            ("the owner, proved", "nothing"): Owner(None, session=SESSION),
            **{
                ("for a first device", name): Owner.first_device(text, session=SESSION)
                for name, text in first_factors.items()
            },
            **{("enrolling", name): Enrolment(text, session=SESSION) for name, text in tickets.items()},
            **{("by recovery code", name): Rebinding(text, session=SESSION) for name, text in rebinds.items()},
        }
        assert tuple(papers) == ACTORS
        actors |= {(*column_and_papers, action): actor for column_and_papers, actor in papers.items()}
    return actors


@attrs.frozen
class Attempts:
    """Tries the verbs of the matrix on alice; each returns, or lets its refusal out."""

    mfa: MFA
    world: World

    def __call__(self, verb, by):
        match verb:
            case "open":
                self.perform(OpenAccount(by=by))
            case "offer a virtual device":
                self.perform(OfferVirtualDevice(by, account_name="alice", session=SESSION, create=True))
            case "confirm a virtual device":
                offer = self.offered(
                    OfferVirtualDevice(by, account_name="alice", session=SESSION, create=True), "virtual"
                )
                codes = () if offer is None else self.codes_of(AuthenticatorApp.scan(offer.key_uri), 1)
                ticket = "" if offer is None else offer.id
                self.perform(ConfirmVirtualDevice(codes, offer=ticket, by=by, session=SESSION))
            case "offer a security key":
                self.perform(OfferSecurityKey(by, account_name="alice", session=SESSION, create=True))
            case "confirm a security key":
                offer = self.offered(OfferSecurityKey(by, account_name="alice", session=SESSION, create=True), "key")
                told = {} if offer is None else NEW_KEY.create(offer.options, ORIGIN)
                ticket = "" if offer is None else offer.id
                self.perform(ConfirmSecurityKey(told, offer=ticket, by=by, session=SESSION))
            case "unbind":
                self.perform(Unbind(by=by))
            case "rename":
                self.perform(RenameDevice(name="Another name", by=by))
            case "resynchronise":
                codes = ("", "")
                if isinstance(self.world.alice, AuthenticatorApp):
                    codes = self.codes_of(self.world.alice, 2)
                self.perform(ResyncVirtualDevice(codes=codes, by=by))
            case "forget one machine":
                self.perform(ForgetMachine(self.world.machine, by=by))
            case "forget all machines":
                self.perform(ForgetMachines(by=by))
            case "admit":
                self.perform(AdmitBrowser(by=by))
            case "unlock":
                self.perform(Unlock(by=by))
            case "reset":
                self.perform(ResetMFA(by=by))
            case "import a virtual device":
                self.perform(ImportVirtualDevice(KEY_URI, last_step=None, by=by, create=True))
            case "import a security key":
                self.perform(ImportSecurityKey(KEPT, app_id=APP_ID, by=by, create=True))
            case "import a credential":
                credential = ImportCredential(b"an id", public_key=KEPT[1:66], rp_id=PARTY.id, by=by, create=True)
                self.perform(credential)
            case "make codes":
                self.perform(MakeRecoveryCodes(by=by))
            case "revoke codes":
                self.perform(RevokeRecoveryCodes(by=by))
            case "require":
                self.perform(RequireMFA(required=True, by=by))
            case "erase":
                self.perform(EraseAccount(by=by))
            case "move":
                self.mfa.move("alice", "alicia", by)
            case "discard":
                self.mfa.discard("alice", by)

    def perform(self, verb):
        return self.mfa.perform("alice", verb)

    def offered(self, verb, kind):
        """Return what the actor is offered; where the actor gets no offer, what an administrator was offered."""
        try:
            return self.perform(verb)
        except (Refused, UnreadableRecord):
            return self.world.offers.get(kind)

    def codes_of(self, phone, count):
        return phone.codes_at(self.world.service.clock(), count)


def expected(verb, column, papers, policy, state):
    """What a cell must come to: None where it is done, else why not."""
    short = papers_short(VERBS[verb], column, papers, policy, state)
    return short if short is not None else nothing_to_do(verb, state)


def came_to(attempts, verb, by):
    """What a cell comes to, in the same words."""
    try:
        attempts(verb, by)
    except Refused as refused:
        return refused.refusal.reason
    except UnreadableRecord:
        return UnreadableRecord
    return None


@pytest.fixture(scope="module")
def services():
    made = Services("MFA")
    yield made
    made.close()


class TestTable:
    @pytest.mark.requirement("B4")
    def test_the_code_has_the_same_table(self):
        """The actions and actors of the code's own table are those that the words name: no more, and no fewer."""
        granted = {
            (ROWS[action], COLUMNS[column])
            for action, cells in WHO_MAY.items()
            for column, word in cells.items()
            if word == "may"
        }
        assert {(action, role) for action, roles in PERMISSIONS.items() for role in roles} == granted
        assert set(ROWS.values()) == set(Action)
        assert set(COLUMNS.values()) == set(Role)


@pytest.mark.requirement("B2", "B4", "B6", "B11", "B12", "B14", "V21", "V22")
class TestEveryCell:
    """Verb x actor and papers x policy x state of the account."""

    @pytest.mark.parametrize("state", STATES)
    def test_of_accounts(self, services, state):
        """Each verb, by each actor, under each policy: done where the table grants it, refused for its reason where
        it does not, and a refused one leaves every record as it was.
        """
        world = make_world(services, state)
        store = world.service.store
        wrong, tried = [], Counter()
        for policy in POLICIES:
            mfa = MFA(store, rules(**policy), seal=SEAL, clock=world.service.clock)
            attempts = Attempts(mfa, world)
            for verb, (column, papers) in itertools.product(VERBS, ACTORS):
                store._records.clear()
                store._records.update(world.records)
                told = came_to(attempts, verb, world.actors[column, papers, VERBS[verb]])
                must = expected(verb, column, papers, policy, state)
                cell = f"{verb}, by {column} with {papers}, on {state}, under {policy}"
                if told is not must:
                    wrong.append(f"{cell}: {told}, not {must}")
                changed = store.records != world.records
                if must is not None and changed:
                    wrong.append(f"{cell}: changed a record")
                silent = verb == "admit" or (verb == "require" and state != "not required")
                if must is None and not changed and not silent:
                    wrong.append(f"{cell}: changed nothing")
                tried[must is None] += 1
        assert not wrong, f"{len(wrong)} of {tried.total()} cells are wrong, such as {wrong[:5]}"
        assert tried.total() == CELLS
        assert min(tried[True], tried[False]) > 50

    def test_the_number_of_cells(self):
        """22 verbs, 33 actors, 16 policies, and 7 states of the account."""
        assert CELLS * len(STATES) == 81_312
