# SPDX-License-Identifier: Apache-2.0
"""Absence never passes, and neither does damage: every way to be admitted, on a store that is not what it was."""

from __future__ import annotations

import itertools
import unicodedata
from types import SimpleNamespace

import attrs
import cbor2
import pytest

from ram_mfa import (
    MFA,
    Administrator,
    Advice,
    AESGCMSeal,
    Assertion,
    BeginLogon,
    BeginStepUp,
    CheckSession,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    FinishLogon,
    FinishStepUp,
    ForgetMachines,
    ImportVirtualDevice,
    KindRule,
    MFAPolicy,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    Owner,
    PasswordChanged,
    Reason,
    Refused,
    RememberMachine,
    RenameDevice,
    Requirement,
    RequireMFA,
    ResetMFA,
    ResumeLogon,
    ResyncVirtualDevice,
    SpendReceipt,
    TOTPCode,
    Unbind,
    UnknownUsers,
    UnreadableRecord,
    UnsafePlaintext,
    Verb,
)
from ram_mfa.codec import CredentialClaim, encode_claim
from ram_mfa.engine.records import ROOT_KEY, user_key
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import AuthenticatorApp, ManualClock, SoftSecurityKey
from tests.support.records import AsStored
from tests.support.service import DELETE, ORIGIN, OTHER_SESSION, PARTY, ROOT, SEAL, SESSION, ScriptedStore, Services

OTHER = Operation("server.delete", "i-4711")
RULES = {
    "devices": DevicePolicy(rule=KindRule.ANY_MIX, max_devices=4),
    "remember": RememberMachine(),
    "relying_party": PARTY,
    "issuer": "Example",
}
MARK = "the hash of a hash"
NEITHER = (Refused, UnreadableRecord)


CLOSED = {Reason.NO_ACCOUNT, Reason.FOREIGN_TICKET, Reason.NOT_AUTHORISED, Reason.SESSION_ENDED}
"""Why a user without a record gets nothing."""


@attrs.frozen
class Way:
    """One thing that a user asks for, right at the moment of the snapshot."""

    user: str
    verb: Verb

    @property
    def key(self) -> str:
        return user_key("", self.user)


@attrs.frozen
class Snapshot:
    """A store, the moment that its clock shows, and what would pass on it then.

    Attributes:
        ways: by name. Each passes once on a copy of the store.
        tickets: by name: the user, the ticket, and the verb that answers it rightly, made from the ticket's text and
            a session.
    """

    records: dict[str, bytes]
    now: float
    ways: dict[str, Way]
    tickets: dict[str, tuple[str, str, object]]
    phone: AuthenticatorApp
    policy: MFAPolicy

    def service(self, *, seal=SEAL, records=None, policy=None, **how):
        """A service opened on a copy of the store."""
        store = ScriptedStore()
        for key, record in (self.records if records is None else records).items():
            store.put(key, record)
        return Services("MFA")(
            store=store, clock=ManualClock(self.now), policy=policy or self.policy, seal=seal, create=False, **how
        )

    def bound(self, seal):
        """A seal as it applies in the store."""
        return AsStored(seal, SimpleNamespace(load=self.records.get), opens=SEAL)

    def record(self, user):
        """The key of a user's record, and the record unsealed."""
        key = user_key("", user)
        return key, bytes(self.bound(SEAL).for_record(key).unseal(self.records[key]))


def taken(*, seal=SEAL) -> Snapshot:
    """Alice has a phone, receipts and a remembered machine; dave a security key; carol must bind; frank need not."""
    policy = MFAPolicy.ram(**RULES)
    service = Services("MFA")(policy=policy, seal=seal)
    clock, perform = service.clock, service.perform
    phone, key = service.phone("alice"), service.key("dave")
    receipts = {}
    for operation in (DELETE, Operation.UNBIND, Operation.RENAME, Operation.RESYNC):
        receipts[operation] = service.receipt("alice", phone, operation)
    clock.advance(30)
    asked = service.ask("alice", mark=MARK)
    verb = FinishLogon(asked.id, service.code(phone), session=SESSION, remember="Laptop", password_mark=MARK)
    proof = perform("alice", verb)
    machine = proof.machine
    clock.advance(30)
    for user, required in (("carol", True), ("frank", False)):
        perform(user, OpenAccount(required=required, by=ROOT))

    code, after = phone.code_at(clock()), phone.code_at(clock() + 30)
    must = perform("carol", BeginLogon(session=SESSION))
    enrolment = must.id
    actor = Enrolment(enrolment, session=SESSION)
    virtual = perform("carol", OfferVirtualDevice(actor, account_name="carol", session=SESSION, create=True))
    offered = AuthenticatorApp.scan(virtual.key_uri).code_at(clock())
    for_a_key = perform("carol", OfferSecurityKey(actor, account_name="carol", session=SESSION, create=True))
    created = SoftSecurityKey().create(for_a_key.options, ORIGIN)
    asked, step_up = service.ask("alice"), service.ask("alice", operation=DELETE).id
    not_required = perform("frank", BeginLogon(session=SESSION))
    by_key = service.ask("dave")
    assertion = Assertion(key.get(by_key.options, ORIGIN))

    def finish(ticket, session):
        return FinishLogon(ticket, TOTPCode(code), session=session)

    def resume(ticket, session):
        return ResumeLogon(ticket, session=session)

    def first_device(ticket, session):
        owner = Owner.first_device(ticket, session=session)
        return OfferVirtualDevice(owner, account_name="frank", session=session)

    def finish_with_key(ticket, session):
        return FinishLogon(ticket, assertion, session=session)

    def finish_step_up(ticket, session):
        return FinishStepUp(ticket, TOTPCode(code), operation=DELETE, session=session)

    def spend(ticket, session):
        return SpendReceipt(ticket, operation=DELETE, session=session)

    def unbind(ticket, session):
        return Unbind(by=Owner(ticket, session=session))

    def offer(ticket, session):
        return OfferVirtualDevice(Enrolment(ticket, session=session), account_name="carol", session=session)

    def confirm(ticket, session):
        actor = Enrolment(enrolment, session=SESSION)
        return ConfirmVirtualDevice([offered], offer=ticket, by=actor, session=session)

    def confirm_by(ticket, session):
        actor = Enrolment(ticket, session=session)
        return ConfirmVirtualDevice([offered], offer=virtual.id, by=actor, session=SESSION)

    def confirm_key(ticket, session):
        return ConfirmSecurityKey(created, offer=ticket, by=Enrolment(enrolment, session=SESSION), session=session)

    tickets = {
        "logon": ("alice", str(asked.id), finish),
        "logon, resumed": ("alice", str(asked.logon), resume),
        "forced bind, resumed": ("carol", str(must.logon), resume),
        "first device": ("frank", str(not_required.logon), first_device),
        "logon with a key": ("dave", str(by_key.id), finish_with_key),
        "step-up": ("alice", str(step_up), finish_step_up),
        "receipt": ("alice", receipts[DELETE], spend),
        "receipt to unbind": ("alice", receipts[Operation.UNBIND], unbind),
        "enrolment, to offer": ("carol", str(enrolment), offer),
        "enrolment, to confirm": ("carol", str(enrolment), confirm_by),
        "offer": ("carol", str(virtual.id), confirm),
        "offer of a key": ("carol", str(for_a_key.id), confirm_key),
    }
    owner = {operation: Owner(receipt, session=SESSION) for operation, receipt in receipts.items()}
    ways = {
        **{name: Way(user, answer(ticket, SESSION)) for name, (user, ticket, answer) in tickets.items()},
        "begin": Way("alice", BeginLogon(session=SESSION)),
        "begin on a remembered machine": Way("alice", BeginLogon(session=SESSION, machine=machine, password_mark=MARK)),
        "begin with a key": Way("dave", BeginLogon(session=SESSION)),
        "begin where one must bind": Way("carol", BeginLogon(session=SESSION)),
        "begin where nothing is required": Way("frank", BeginLogon(session=SESSION)),
        "begin a step-up": Way("alice", BeginStepUp(DELETE, session=SESSION)),
        "describe": Way("alice", Describe()),
        "rename": Way("alice", RenameDevice(name="Phone", by=owner[Operation.RENAME])),
        "resync": Way("alice", ResyncVirtualDevice(codes=[code, after], by=owner[Operation.RESYNC])),
        "check a session": Way("alice", CheckSession(proof.session_mark)),
        "the administrator unbinds": Way("alice", Unbind(by=ROOT)),
        "the administrator resets": Way("alice", ResetMFA(ROOT)),
        "the administrator erases": Way("alice", EraseAccount(ROOT)),
        "the administrator forgets machines": Way("alice", ForgetMachines(ROOT)),
    }
    return Snapshot(service.store.records, clock(), ways, tickets, phone, policy)


@pytest.fixture(scope="module")
def snapshot():
    return taken()


def refuses(service, way, *errors):
    """Perform it, and check that it is refused, or the record is not readable, and that nothing is written."""
    with service.unchanged(), pytest.raises(errors or NEITHER) as error:
        service.perform(way.user, way.verb)
    return error.value


class TestIntact:
    def test_all_of_it_passes(self, snapshot):
        """The control: on an intact copy of the store each of these ways is open, so that what follows means it."""
        for way in snapshot.ways.values():
            snapshot.service().perform(way.user, way.verb)


@pytest.mark.requirement("B19", "V17", "V37")
class TestNoRoot:
    def test_deleted(self, snapshot):
        """Without its root record a store refuses everything: to a service that opens it, by name."""
        records = {key: record for key, record in snapshot.records.items() if key != ROOT_KEY}
        service = snapshot.service(records=records)
        for way in snapshot.ways.values():
            assert refuses(service, way, Refused).refusal.reason is Reason.NO_ROOT
        with pytest.raises(Refused):
            service.mfa.open()

    @pytest.mark.parametrize("unknown_users", list(UnknownUsers))
    @pytest.mark.parametrize("requirement", list(Requirement))
    def test_wrong_file(self, snapshot, tmp_path, unknown_users, requirement):
        """A new file, where the old one was meant, admits nobody, whatever the policy says of users without a record;
        nor does it open accounts.
        """
        if (requirement, unknown_users) == (Requirement.NOBODY, UnknownUsers.MUST_BIND):
            requirement = Requirement.PER_USER  # the other two cannot be built together
        policy = attrs.evolve(snapshot.policy, unknown_users=unknown_users, requirement=requirement)
        store = SQLiteStore(tmp_path / "another.db")
        mfa = MFA(store, policy, seal=SEAL, clock=ManualClock(snapshot.now))
        opening = [OpenAccount(by=ROOT), RequireMFA(by=ROOT), PasswordChanged()]
        for way in [*snapshot.ways.values(), *(Way("grace", verb) for verb in opening)]:
            with pytest.raises(Refused) as refused:
                mfa.perform(way.user, way.verb)
            assert refused.value.refusal.reason is Reason.NO_ROOT
        assert [key for kind in "urc" for key in store.keys(kind)] == []
        store.close()

    @pytest.mark.parametrize("unknown_users", list(UnknownUsers))
    def test_emptied_under_an_open_service(self, snapshot, unknown_users):
        """A table that is emptied while a service has it open does not make everybody a user without a record."""
        policy = attrs.evolve(snapshot.policy, unknown_users=unknown_users)
        service = snapshot.service(policy=policy)
        service.mfa.open()
        for key in snapshot.records:
            service.store.put(key, None)
        for way in snapshot.ways.values():
            assert refuses(service, way, Refused).refusal.reason is Reason.NO_ROOT

    def test_every_bit_of_it(self, snapshot):
        """A root record with one bit flipped, or cut short, does not open."""
        sealed = snapshot.records[ROOT_KEY]
        begin = snapshot.ways["begin"]
        for damaged in itertools.chain(flips(sealed), cuts(sealed)):
            service = snapshot.service(records={**snapshot.records, ROOT_KEY: damaged})
            refuses(service, begin, UnreadableRecord)

    def test_another_service(self, snapshot):
        """Under the root record of another service, with the same ring, no record of this one is read at all."""
        other = Services("MFA")()
        service = snapshot.service(records={**snapshot.records, ROOT_KEY: other.store.records[ROOT_KEY]})
        for user, ticket, answer in snapshot.tickets.values():
            refuses(service, Way(user, answer(ticket, SESSION)), UnreadableRecord)

    def test_a_record_of_another_kind(self, snapshot):
        """A user's record, or a newer root record, in the root record's place does not open."""
        key, record = snapshot.record("alice")
        row = cbor2.loads(SEAL.for_record(ROOT_KEY).unseal(snapshot.records[ROOT_KEY]))
        at_the_root = SEAL.for_record(ROOT_KEY)
        for planted in (
            snapshot.records[key],
            at_the_root.seal(record),
            at_the_root.seal(cbor2.dumps([row[0] + 1, *row[1:]])),
            b"",
        ):
            service = snapshot.service(records={**snapshot.records, ROOT_KEY: planted})
            for way in snapshot.ways.values():
                refuses(service, way, UnreadableRecord)


@pytest.mark.requirement("B19", "V10", "V17")
class TestNoAccount:
    @pytest.mark.parametrize(
        "user",
        [
            *("Alice", "ALICE", "alice ", " alice", "alice\n", "alice\0", "alice\u200b", "\ufeffalice", "alic\u0435"),
            *("al\u0131ce", "\uff41lice", "alice\u0301", "nobody", "u", "root", "alice@example.com", "alice/../dave"),
        ],
    )
    def test_misspelt(self, snapshot, user):
        """A user id that is not exactly a user's is a user without a record, and gets nothing of the other's."""
        service = snapshot.service()
        for name, way in snapshot.ways.items():
            refusal = refuses(service, Way(user, way.verb), Refused).refusal
            assert refusal.reason in CLOSED, name

    def test_normal_forms(self, snapshot):
        """Two ways to write one accented letter are two users: whoever folds names does so before."""
        service = snapshot.service()
        composed, apart = (unicodedata.normalize(form, "jos\u00e9") for form in ("NFC", "NFD"))
        service.perform(composed, OpenAccount(required=False, by=ROOT))
        assert service.perform(composed, BeginLogon(session=SESSION)).user == composed
        refuses(service, Way(apart, BeginLogon(session=SESSION)), Refused)

    def test_deleted(self, snapshot):
        """A user whose record is gone is refused on every way, and no ticket or receipt of before opens anything."""
        for way in snapshot.ways.values():
            records = {key: record for key, record in snapshot.records.items() if key != way.key}
            refuses(snapshot.service(records=records), way, Refused)
            service = snapshot.service()
            service.mfa.open()
            service.store.put(way.key, None)
            refuses(service, way, Refused)

    def test_a_tenant_apart(self, snapshot):
        """Another tenant's user of the same name is another user."""
        service = snapshot.service()
        tenant = service.mfa.for_tenant("another", snapshot.policy)
        for way in snapshot.ways.values():
            with service.unchanged(), pytest.raises(Refused):
                tenant.perform(way.user, way.verb)


def flips(sealed):
    """The bytes with one bit flipped, for every bit."""
    for place, bit in itertools.product(range(len(sealed)), range(8)):
        yield sealed[:place] + bytes([sealed[place] ^ 1 << bit]) + sealed[place + 1 :]


def cuts(sealed):
    """The bytes cut short, at every length, and with bytes behind them."""
    yield from (sealed[:size] for size in range(len(sealed)))
    yield from (sealed + more for more in (b"\0", bytes(16), bytes(128), sealed))


@pytest.mark.requirement("O20", "B19", "V37")
class TestDamage:
    def test_every_bit(self, snapshot):
        """A record with one bit flipped, whichever it is, is unreadable on every way: every bit on one of them, and
        every thirteenth on each.
        """
        service = snapshot.service()
        for name, way in snapshot.ways.items():
            sealed = snapshot.records[way.key]
            every = 1 if name == "logon" else 13
            for damaged in itertools.islice(flips(sealed), None, None, every):
                service.store.put(way.key, damaged)
                refuses(service, way, UnreadableRecord)
            service.store.put(way.key, sealed)

    def test_every_length(self, snapshot):
        """A record cut short, or with more behind it, is unreadable."""
        service = snapshot.service()
        way = snapshot.ways["logon"]
        for damaged in cuts(snapshot.records[way.key]):
            service.store.put(way.key, damaged)
            refuses(service, way, UnreadableRecord)

    def test_moved(self, snapshot):
        """Another user's record in the place of one's own is unreadable: a seal is of one place."""
        for way in snapshot.ways.values():
            for other in snapshot.records.keys() - {way.key}:
                service = snapshot.service(records={**snapshot.records, way.key: snapshot.records[other]})
                refuses(service, way, UnreadableRecord)

    def test_sealed_for_the_place_but_not_the_user(self, snapshot):
        """A record that was sealed under the key of another user, by whoever holds the ring, names its user inside."""
        _, dave = snapshot.record("dave")
        for way in snapshot.ways.values():
            if way.user != "dave":
                planted = snapshot.bound(SEAL).for_record(way.key).seal(dave)
                service = snapshot.service(records={**snapshot.records, way.key: planted})
                refuses(service, way, UnreadableRecord)

    def test_moved_without_a_seal(self):
        """Records that are not sealed at all name their user too."""
        seal = UnsafePlaintext()
        plain = taken(seal=seal)
        for way in plain.ways.values():
            plain.service(seal=seal).perform(way.user, way.verb)
            for other in plain.records.keys() - {way.key}:
                service = plain.service(seal=seal, records={**plain.records, way.key: plain.records[other]})
                refuses(service, way, UnreadableRecord)

    @pytest.mark.parametrize(
        "ring",
        [
            AESGCMSeal({"2027": b"k" * 32}, seal_with="2027"),
            AESGCMSeal({"2026": b"K" * 32}, seal_with="2026"),
            AESGCMSeal({"2027": b"k" * 32, "2026": b"K" * 32}, seal_with="2027"),
            UnsafePlaintext(),
        ],
        ids=["unknown key id", "another key of that id", "the key under another id", "no seal"],
    )
    def test_another_ring(self, snapshot, ring):
        """What a ring without that key sealed, or no ring at all, is unreadable: as a record, and as the whole store.
        Keys are never tried in turn.
        """
        for way in snapshot.ways.values():
            _, record = snapshot.record(way.user)
            planted = snapshot.bound(ring).for_record(way.key).seal(record)
            service = snapshot.service(records={**snapshot.records, way.key: planted})
            refuses(service, way, UnreadableRecord)
            refuses(snapshot.service(seal=ring), way, UnreadableRecord)

    @pytest.mark.requirement("S15")
    def test_another_version(self, snapshot):
        """A record of a newer version, older than the first, or of none is refused and never guessed; so is a seal of
        another version.
        """
        for way in snapshot.ways.values():
            key, record = snapshot.record(way.user)
            version, *row = cbor2.loads(record)
            seal = snapshot.bound(SEAL).for_record(key)
            planted = [seal.seal(cbor2.dumps([other, *row])) for other in (version + 1, 0, -1, 255, "1", None)]
            planted += [seal.seal(cbor2.dumps([version, *row, None])), seal.seal(cbor2.dumps([version, *row[:-1]]))]
            planted += [bytes([other]) + snapshot.records[key][1:] for other in (0, 1, 3, 255)]
            for sealed in planted:
                service = snapshot.service(records={**snapshot.records, key: sealed})
                refuses(service, way, UnreadableRecord)

    def test_no_account_at_all(self, snapshot):
        """What is sealed rightly and is no account of any version is unreadable."""
        for way in snapshot.ways.values():
            seal = snapshot.bound(SEAL).for_record(way.key)
            for record in (
                b"",
                b"\xf6",
                cbor2.dumps([]),
                cbor2.dumps({}),
                encode_claim(CredentialClaim(way.key)),
                bytes(500),
            ):
                service = snapshot.service(records={**snapshot.records, way.key: seal.seal(record)})
                refuses(service, way, UnreadableRecord)


def advice_for(name):
    return Advice.PROVE_AGAIN if "receipt" in name else Advice.START_OVER


def bound_and_unbound(service, user):
    before = {device.id for device in service.perform(user, Describe()).devices}
    service.phone(user, name="another")
    (new,) = [device.id for device in service.perform(user, Describe()).devices if device.id not in before]
    service.perform(user, Unbind(new, by=ROOT))


def moved_away_and_back(service, user):
    service.mfa.move(user, "elsewhere", ROOT)
    service.mfa.move("elsewhere", user, ROOT)


TICKETS = [
    *("logon", "logon with a key", "step-up", "receipt", "receipt to unbind"),
    *("enrolment, to offer", "enrolment, to confirm", "offer", "offer of a key"),
    *("logon, resumed", "forced bind, resumed", "first device"),
]


@pytest.mark.parametrize("name", TICKETS)
@pytest.mark.requirement("V14", "V26", "B12", "V22")
class TestTickets:
    """A ticket that is not the one asked for: the person starts over (or proves again), and nothing is written."""

    def _refused(self, service, name, user, verb):
        with service.unchanged():
            refusal = service.refusal(user, verb)
        assert refusal.advice is advice_for(name), refusal
        assert refusal.next_challenge is None
        return refusal

    def test_every_kind_is_here(self, snapshot, name):
        assert set(TICKETS) == set(snapshot.tickets)
        user, ticket, answer = snapshot.tickets[name]
        snapshot.service().perform(user, answer(ticket, SESSION))

    def test_another_session(self, snapshot, name):
        user, ticket, answer = snapshot.tickets[name]
        for session in (OTHER_SESSION, SESSION + " ", SESSION.upper()):
            self._refused(snapshot.service(), name, user, answer(ticket, session))

    def test_another_user(self, snapshot, name):
        """Another user of the same standing, on whom everything else is right, is not who the ticket is for."""
        user, ticket, answer = snapshot.tickets[name]
        for other in ("alice", "dave", "carol", "frank"):
            if other != user:
                service = snapshot.service()
                verb = answer(ticket, SESSION)
                refused = (Reason.PROOF_NEEDED, Reason.NOT_AUTHORISED)  # to bind, where a device is, takes another way
                with service.unchanged():
                    refusal = service.refusal(other, verb)
                assert refusal.advice is advice_for(name) or refusal.reason in refused

    def test_another_purpose(self, snapshot, name):
        """Each kind of ticket in the place of each other: none opens what it was not made for."""
        user, _, answer = snapshot.tickets[name]
        right = snapshot.tickets[name][1]
        for other, (_, ticket, _) in snapshot.tickets.items():
            if ticket != right:
                assert other != name
                self._refused(snapshot.service(), name, user, answer(ticket, SESSION))

    def test_another_operation(self, snapshot, name):
        """The operation is named at both ends, subject and all."""
        _, ticket, answer = snapshot.tickets[name]
        for operation in (
            OTHER,
            Operation(DELETE.name),
            Operation(DELETE.name, ""),
            Operation(f"{DELETE.name}i", "-0815"),
        ):
            verb = answer(ticket, SESSION)
            if isinstance(verb, FinishStepUp | SpendReceipt):
                self._refused(snapshot.service(), name, "alice", attrs.evolve(verb, operation=operation))

    def test_expired(self, snapshot, name):
        """Up to the very moment that it names it lives, and from then on it is dead."""
        user, ticket, answer = snapshot.tickets[name]
        lifetime = 600 if name.startswith(("enrolment", "offer", "first")) or name.endswith("resumed") else 300
        service = snapshot.service()
        service.clock.advance(lifetime)
        self._refused(service, name, user, answer(ticket, SESSION))
        service.clock.advance(365 * 86_400)
        self._refused(service, name, user, answer(ticket, SESSION))

    def test_answered(self, snapshot, name):
        """Once it was answered rightly it answers nothing any more, although the evidence is fresh."""
        user, ticket, answer = snapshot.tickets[name]
        service = snapshot.service()
        service.perform(user, answer(ticket, SESSION))
        if name in {"enrolment, to offer", "logon, resumed", "forced bind, resumed", "first device"}:
            return  # an enrolment is answered by its bind, which is another row here; a first factor lives on
        verb = answer(ticket, SESSION)
        if isinstance(verb, FinishLogon | FinishStepUp) and isinstance(verb.evidence, TOTPCode):
            service.clock.advance(30)
            verb = attrs.evolve(verb, evidence=service.code(snapshot.phone))
        with service.unchanged():
            refusal = service.refusal(user, verb)
        bound = name.startswith(("offer", "enrolment"))  # a device is bound now: the enrolment has ended too
        assert refusal.advice is (Advice.PROVE_AGAIN if bound else advice_for(name))

    def test_altered(self, snapshot, name):
        """One character changed, left out or put in, whichever it is; and the whole cut, doubled or spaced."""
        user, ticket, answer = snapshot.tickets[name]
        service = snapshot.service()
        altered = set()
        for place, character in enumerate(ticket):
            for other in ("A", "B", "_", character.swapcase(), "=", "\u00e9", " "):
                if other != character:
                    altered.add(ticket[:place] + other + ticket[place + 1 :])
            altered |= {ticket[:place] + ticket[place + 1 :], ticket[:place] + "A" + ticket[place:], ticket[:place]}
        altered -= {ticket}
        altered |= {ticket * 2, ticket + "=", ticket + "\n", " " + ticket, ticket.upper(), "", "A" * len(ticket)}
        altered |= {ticket + "A" * 5_000, ticket[:88], ticket[88:], "\ud800" * 95}
        for text in sorted(altered):
            self._refused(service, name, user, answer(text, SESSION))
        service.perform(user, answer(ticket, SESSION))

    def test_no_text(self, snapshot, name):
        """What is no text at all, as a form's parser may hand over, is no ticket either."""
        user, ticket, answer = snapshot.tickets[name]
        for odd in (None, 1, b"bytes", [ticket], {"ticket": ticket}):
            if not name.startswith(("enrolment", "receipt to")):  # actors are made by the application itself
                self._refused(snapshot.service(), name, user, answer(odd, SESSION))

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda service, user: service.phone(user, name="another"), id="a bind"),
            pytest.param(lambda service, user: service.key(user, name="another"), id="a bind of a key"),
            pytest.param(
                lambda service, user: service.perform(
                    user,
                    ImportVirtualDevice(
                        "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example",
                        last_step=None,
                        by=ROOT,
                        create=True,
                    ),
                ),
                id="an import",
            ),
            pytest.param(bound_and_unbound, id="a bind and its unbind"),
            pytest.param(lambda service, user: service.perform(user, PasswordChanged()), id="a new password"),
            pytest.param(lambda service, user: service.perform(user, ResetMFA(ROOT)), id="a reset"),
            pytest.param(
                lambda service, user: (
                    service.perform(user, EraseAccount(ROOT)),
                    service.perform(user, OpenAccount(by=Administrator("another"))),
                ),
                id="an erasure and a new account",
            ),
            pytest.param(moved_away_and_back, id="a move and one back"),
        ],
    )
    def test_older_than_a_change(self, snapshot, name, change):
        """Any change of devices or password kills it, also where everything looks as before."""
        user, ticket, answer = snapshot.tickets[name]
        service = snapshot.service()
        change(service, user)
        service.clock.advance(30)
        verb = answer(ticket, SESSION)
        if isinstance(verb, FinishLogon | FinishStepUp) and isinstance(verb.evidence, TOTPCode):
            verb = attrs.evolve(verb, evidence=service.code(snapshot.phone))
        with service.unchanged():
            refusal = service.refusal(user, verb)
        if user in {"carol", "frank"} and not name.endswith("resumed") and service.perform(user, Describe()).devices:
            assert refusal.advice is Advice.PROVE_AGAIN  # now that a device is bound, the enrolment has ended too
        else:
            assert refusal.advice is advice_for(name)
