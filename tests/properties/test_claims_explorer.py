# SPDX-License-Identifier: Apache-2.0
"""A credential id belongs to one user permanently: every interleaving of two and three processes, with crashes.

The walk is over the real verbs and the engine's own plans. It is worth something only if it finds what it looks for:
the same walk finds the double bind in each of the protocols that were not chosen.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import (
    ConfirmSecurityKey,
    DevicePolicy,
    EraseAccount,
    ImportSecurityKey,
    MFAPolicy,
    OfferSecurityKey,
    Reason,
    Refusal,
    ResetMFA,
    StoreContended,
    Unbind,
)
from ram_mfa.account import Account
from ram_mfa.ceremonies import Claim
from ram_mfa.codec import CredentialClaim, decode_account, decode_claim, encode_claim
from ram_mfa.encoding.base64url import encode
from ram_mfa.engine import moves as moves_of_accounts
from ram_mfa.engine.binding import STORE_ID
from ram_mfa.engine.loop import Engine
from ram_mfa.engine.records import ROOT_KEY, claim_key, user_key
from ram_mfa.rules.verb import refused
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import SoftSecurityKey
from tests.support import all_rounds
from tests.support.explorer import SEAL, Broken, Call, Memory, Process, desks, explore, note, settle
from tests.support.service import APP_ID, ORIGIN, PARTY, ROOT, SESSION

POLICY = MFAPolicy.ram(issuer="Example", relying_party=PARTY, devices=DevicePolicy(max_devices=2))
USERS = ("alice", "bob", "carol", "alicia")
KEYS = {user: user_key("", user) for user in USERS}
OWNERS = {key: user for user, key in KEYS.items()}


# The world in which the processes meet: three users with an offer each, and one credential that answers all three


@attrs.frozen
class Scene:
    """Where processes start.

    Attributes:
        world: the store.
        offers, answers: by user; each answer is of a key that makes the same credential every time.
        credential: the id of that credential.
        kept: the same registration as another library keeps it.
    """

    world: Memory
    offers: dict
    answers: dict
    credential: bytes
    kept: dict


@cache
def scene() -> Scene:
    desk = desks(POLICY, create=True)(lambda: Memory(()).now)
    _, world = settle(desk.engine.session.open(), Memory(()))
    offers, answers = {}, {}
    for user in USERS[:3]:
        verb = OfferSecurityKey(ROOT, account_name=user, session=SESSION, create=True)
        offers[user], world = settle(desk.perform(user, verb), world)
        key = SoftSecurityKey(seed=b"makes one credential again and again")
        answers[user] = key.create(offers[user].options, ORIGIN)
    (handle,) = key.credential_ids
    kept = {"keyHandle": encode(handle), "publicKey": encode(key.memory.credentials[handle].key_pair.point())}
    return Scene(world, offers, answers, handle, kept)


def bound(user, world):
    """Return the world in which the credential is bound to a user already."""
    desk = desks(POLICY)(lambda: world.now)
    settle(desk.engine.session.open(), world)
    _, after = settle(desk.perform(user, confirming(user)), world)
    assert holds(after, user)
    return after


def confirming(user):
    it = scene()
    return ConfirmSecurityKey(it.answers[user], offer=it.offers[user].id, by=ROOT, session=SESSION)


# What processes do


def confirm(user):
    """Confirm the user's offer with the one credential."""
    return lambda desk: desk.action(user, confirming(user), f"{user} bound")


def bring(user):
    """Import the one credential for a user: what an administrator may do at any time."""
    return lambda desk: desk.action(
        user, ImportSecurityKey(scene().kept, app_id=APP_ID, by=ROOT, create=True), f"{user} bound"
    )


def unbind(user):
    """Take the user's device away."""
    return taking(user, Unbind(by=ROOT))


def taking(user, verb):
    def program(desk):
        yield note, (f"{user} unbinding",)
        return (yield from desk.action(user, verb, f"{user} unbound"))

    return program


def then(*programs):
    """Do one after the other, whatever comes of it."""

    def program(desk):
        for one in programs:
            yield from one(desk)

    return program


def move(old, new):
    """Move an account to another user id."""

    def program(desk):
        yield note, (f"{old} unbinding",)
        yield from moves_of_accounts.move(desk.engine, old, new, ROOT)
        yield note, (f"{new} bound",)

    return program


def reseal(world):
    """Write all records of that world again, as after a change of keys: what they say stays, their bytes change."""

    def program(desk):
        for key, _ in world.records:
            sealed = yield desk.store.load, (key,)
            if sealed is not None:
                yield desk.store.swap, (key, sealed, resealed(key, sealed))

    return program


# The laws


def opened(sealed) -> bytes:
    """Return a user's record or a claim unsealed: behind the store's id it lies in plain text."""
    return SEAL.for_record("").unseal(sealed[1 + STORE_ID :])


def resealed(key, sealed) -> bytes:
    """Return the same record with other bytes."""
    if key == ROOT_KEY:
        return SEAL.for_record(key).seal(SEAL.for_record(key).unseal(sealed))
    return sealed[: 1 + STORE_ID] + SEAL.for_record(key).seal(opened(sealed))


@lru_cache(maxsize=4_096)
def account_of(sealed) -> Account:
    return decode_account(opened(sealed))


def holds(world, user) -> bool:
    """Return whether a user's usable record holds the one credential."""
    sealed = world.find(KEYS[user])
    if sealed is None:
        return False
    account = account_of(sealed)
    return account.moved_to is None and any(device.credential_id == scene().credential for device in account.devices)


def owner(world) -> str | None:
    """Return to whom the claim says that the credential belongs."""
    sealed = world.find(claim_key("", Claim(PARTY.id, scene().credential)))
    return None if sealed is None else OWNERS[decode_claim(opened(sealed)).key]


def never_two(ever, before, after, notes):
    """Never, in no state, is the credential bound to two users."""
    holders = [user for user in USERS if holds(after, user)]
    if len(holders) > 1:
        raise Broken(f"bound to {' and to '.join(holders)}")
    return ever


def nobody_steals(ever, before, after, notes):
    """Whoever it was bound to once, it is bound to nobody else later."""
    ever |= {user for user in USERS if holds(after, user)}
    if len(ever) > 1:
        raise Broken(f"bound to {' and then to '.join(sorted(ever))}")
    return ever


def claims_stand(ever, before, after, notes):
    """A claim once made never changes its owner and never goes away."""
    if owner(before) is not None and owner(after) != owner(before):
        raise Broken(f"{owner(before)}'s claim is {owner(after)}'s")
    return ever


def bound_stays(ever, before, after, notes):
    """Who was told that the key is bound has it bound, until somebody unbinds it."""
    said = {word for words in notes for word in words}
    for user in USERS:
        if f"{user} bound" in said and f"{user} unbinding" not in said and not holds(after, user):
            raise Broken(f"{user} was told that it is bound, and it is not")
    return ever


def claims_follow(ever, before, after, notes):
    """The claim is its holder's, in a move too."""
    for user in USERS:
        if holds(after, user) and owner(after) != user:
            raise Broken(f"bound to {user}, and whoever comes as {owner(after)} owns the claim")
    return ever


def all_of(*laws):
    def law(ever, before, after, notes):
        for one in laws:
            ever = one(ever, before, after, notes)
        return ever

    return law


LAWS = all_of(never_two, nobody_steals, claims_stand, bound_stays)


def walk(programs, *, engine=Engine, law=LAWS, world=None, lost=0, crashes=True):
    """Explore the processes that do these programs."""
    processes = [Process(name, program) for name, program in programs.items()]
    world = attrs.evolve(scene().world if world is None else world, lost=lost)
    return explore(processes, world, desks(POLICY, engine=engine), law=law, memory=frozenset(), crashes=crashes)


SCENARIOS = {
    "two users confirm": {"a": confirm("alice"), "b": confirm("bob")},
    "three users confirm": {"a": confirm("alice"), "b": confirm("bob"), "c": confirm("carol")},
    "two windows of one user, and another user": {"a": confirm("alice"), "a2": confirm("alice"), "b": confirm("bob")},
    "a confirmation, and two imports": {"a": confirm("alice"), "b": bring("bob"), "c": bring("carol")},
    "bound, unbound and bound again, and two others": {
        "a": then(confirm("alice"), unbind("alice"), bring("alice")),
        "b": then(confirm("bob"), bring("bob")),
        "c": bring("carol"),
    },
    "two who bind, unbind and bind": {
        "a": then(confirm("alice"), unbind("alice"), bring("alice")),
        "b": then(confirm("bob"), unbind("bob"), bring("bob")),
        "a2": bring("alice"),
    },
    "a reset, and another user": {
        "a": then(confirm("alice"), taking("alice", ResetMFA(ROOT))),
        "b": then(confirm("bob"), confirm("bob")),
        "a2": bring("alice"),
    },
    "an erasure, and another user": {
        "a": then(confirm("alice"), taking("alice", EraseAccount(ROOT))),
        "b": then(confirm("bob"), bring("bob")),
        "a2": bring("alice"),
    },
}


def noted(explored):
    """Return what was noted by anybody at any end."""
    return {word for notes in explored.endings for words in notes for word in words}


def holds_everywhere(explored):
    """Check that no law broke, and print the figures."""
    assert explored.broken is None, str(explored)
    print(explored)


@pytest.mark.requirement("S7", "B21")
@pytest.mark.standard("WebAuthn Level 3 #sctn-registering-a-new-credential", "ram_mfa.engine.loop.Engine.perform_verb")
class TestTheProtocol:
    @pytest.mark.parametrize("name", SCENARIOS)
    def test_every_interleaving(self, name):
        """One credential is bound to one user at the most, in every state and ever after; what was told stays true."""
        explored = walk(SCENARIOS[name])
        holds_everywhere(explored)
        assert {"CREDENTIAL_TAKEN", "alice bound", "bob bound"} <= noted(explored)

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_replies_lost_too(self, name):
        """The same where the reply to a swap may be lost, whether or not it landed."""
        simple = set(SCENARIOS[name]) == {"a", "b"} or name.endswith("confirm")
        if simple or all_rounds:
            explored = walk(SCENARIOS[name], lost=2 if simple and all_rounds else 1)
            holds_everywhere(explored)
            assert "StoreUncertain" in noted(explored)
        else:
            holds_everywhere(walk(dict(list(SCENARIOS[name].items())[:2]), lost=1))

    def test_somebody_gets_it(self):
        """Where nobody crashes, of those who want it exactly one has it: nobody is locked out by a lost race."""
        processes = [Process(user, confirm(user)) for user in USERS[:3]]
        explored = explore(processes, scene().world, desks(POLICY), law=LAWS, memory=frozenset(), crashes=False)
        holds_everywhere(explored)
        for ending in explored.endings:
            assert sorted("taken" if "TAKEN" in word else "bound" for (word,) in ending) == ["bound", "taken", "taken"]

    def test_a_crash_reserves_it(self):
        """A claim that a crash left behind can be used by its user alone, and by that user it can."""
        left = set()

        def law(ever, before, after, notes):
            if owner(after) == "alice" and not holds(after, "alice"):
                left.add(after)

        walk({"a": confirm("alice")}, law=law)
        assert left
        for world in left:
            assert {("CREDENTIAL_TAKEN",)} == _told(confirm("bob"), world) == _told(bring("carol"), world)
            assert {("alice bound",)} == _told(confirm("alice"), world) == _told(bring("alice"), world)


def _told(program, world):
    processes = [Process("one", program)]
    explored = explore(processes, world, desks(POLICY), law=LAWS, memory=frozenset(), crashes=False)
    holds_everywhere(explored)
    return {notes for (notes,) in explored.endings}


@pytest.mark.requirement("S7")
class TestMoves:
    """An account that moves to another user id takes its claims along."""

    def moves(self):
        world = bound("alice", scene().world)
        return world, {
            "while others bind": {"m": move("alice", "alicia"), "b": bring("bob"), "a": bring("alice")},
            "twice at once": {"m": move("alice", "alicia"), "m2": move("alice", "alicia"), "a": bring("alice")},
            "begun again": {"m": move("alice", "alicia"), "m2": then(move("alice", "alicia"), bring("alice"))},
            "during a re-sealing": {"m": move("alice", "alicia"), "r": reseal(world), "a": bring("alice")},
        }

    @pytest.mark.parametrize("name", ["while others bind", "twice at once", "begun again", "during a re-sealing"])
    def test_every_interleaving(self, name):
        """Whoever comes as the old user id, or as anybody else, never has what the moved account has."""
        world, moves = self.moves()
        explored = walk(moves[name], world=world, law=all_of(never_two, claims_follow), lost=1 if all_rounds else 0)
        holds_everywhere(explored)
        assert "alicia bound" in noted(explored)

    @pytest.mark.requirement("A20")
    def test_erased_meanwhile(self):
        """Two move the account while the new user id is erased: it is never there twice, and never comes back."""
        world, _ = self.moves()

        def erase(desk):
            yield from desk.action("alicia", EraseAccount(by=ROOT), "erased")

        def stays_erased(ever, before, after, notes):
            never_two(ever, before, after, notes)
            if any("erased" in words for words in notes) and holds(after, "alicia"):
                raise Broken("an erased account came back")
            return ever

        programs = {"m": move("alice", "alicia"), "m2": move("alice", "alicia"), "e": erase}
        explored = walk(programs, world=world, law=stays_erased, crashes=all_rounds)
        holds_everywhere(explored)
        assert {"alicia bound", "erased"} <= noted(explored)

    def test_a_claim_left_behind_is_found(self, monkeypatch):
        """A mover that does not look whether its swap of a claim landed lets the next alice bind alicia's key."""

        def careless(view, place, seal, under_way, *, before, after):
            found = yield view.load, (place,)
            if found is not None and decode_claim(seal.unseal(found)).key == before:
                yield view.swap, (place, found, seal.seal(encode_claim(CredentialClaim(after))))

        world, moves = self.moves()
        monkeypatch.setattr(moves_of_accounts, "_move_claim", careless)
        explored = walk(moves["during a re-sealing"], world=world, law=never_two)
        assert explored.broken == "bound to alice and to alicia", str(explored)
        print(explored)

    def test_a_claim_that_never_stays(self, services):
        """Where a claim changes at every look, the move gives up and says so; begun again, it comes to its end."""
        service = services()
        service.key("alice")

        def interfere(word, really, key, *arguments):
            return False if word == "swap" and key.startswith("c") else really(key, *arguments)

        service.store.interfere = interfere
        with pytest.raises(StoreContended):
            service.run(service.mfa.move("alice", "alicia", ROOT))
        service.store.interfere = None
        service.run(service.mfa.move("alice", "alicia", ROOT))
        assert len(service.account("alicia").devices) == 1


# Protocols that were not chosen, each with the interleaving that breaks it


class ScanThenBind(Engine):
    """Looks through all users for the credential, and binds where it finds none."""

    def _make_claims(self, opened, step, account, moment):
        view = opened.view
        for claim in step.claims:
            for key in KEYS.values():
                sealed = yield view.load, (key,)
                if sealed is not None and key != moment.key:
                    devices = account_of(sealed).devices
                    if any(device.credential_id == claim.credential_id for device in devices):
                        return refused(account, moment, Reason.CREDENTIAL_TAKEN)
        return step


class UnbindDeletesTheClaim(Engine):
    """Gives a credential free once it is unbound."""

    def perform_verb(self, user, verb):
        outcome = yield from super().perform_verb(user, verb)
        if isinstance(verb, Unbind):
            place = claim_key("", Claim(PARTY.id, scene().credential))
            view = (yield from self.session.open()).view
            sealed = yield view.load, (place,)
            if sealed is not None and decode_claim(opened(sealed)).key == KEYS[user]:
                yield view.swap, (place, sealed, None)
        return outcome


class ClaimsAfterBinding(Engine):
    """Binds first, and takes the claim then; who loses it unbinds again."""

    def _make_claims(self, opened, step, account, moment):
        self.claims = [*getattr(self, "claims", []), *((opened, claim, moment.key) for claim in step.claims)]
        return step
        yield

    def perform_verb(self, user, verb):
        outcome = yield from super().perform_verb(user, verb)
        for store, claim, key in getattr(self, "claims", []):
            if not (yield from self._hold_claim(store, claim, key)):
                self.claims = []
                yield from super().perform_verb(user, Unbind(encode(claim.credential_id), by=ROOT))
                return Refusal(Reason.CREDENTIAL_TAKEN)
        return outcome


class TakesOver(Engine):
    """Takes a claim whose owner has not bound the credential: a crash must have left it behind."""

    def _hold_claim(self, opened, claim, key):
        view, place = opened.view, claim_key("", claim)
        seal = opened.seal.for_record(place)
        while True:
            found = yield view.load, (place,)
            if found is not None:
                holder = decode_claim(seal.unseal(found)).key
                if holder == key:
                    return True
                sealed = yield view.load, (holder,)
                bound_there = sealed is not None and any(
                    device.credential_id == claim.credential_id for device in account_of(sealed).devices
                )
                if bound_there:
                    return False
            if (yield view.swap, (place, found, seal.seal(encode_claim(CredentialClaim(key))))):
                return True


class WritesOver(Engine):
    """Looks at the claim, and then writes it whatever has become of it."""

    def _hold_claim(self, opened, claim, key):
        view, place = opened.view, claim_key("", claim)
        seal = opened.seal.for_record(place)
        found = yield view.load, (place,)
        if found is not None and decode_claim(seal.unseal(found)).key != key:
            return False
        while not (yield view.swap, (place, found, seal.seal(encode_claim(CredentialClaim(key))))):
            found = yield view.load, (place,)
        return True


TWO = SCENARIOS["two users confirm"]
FREED = {"u": unbind("alice"), "a": bring("alice"), "b": confirm("bob")}


@pytest.mark.requirement("S7")
class TestItFinds:
    """What the walk is worth: the double bind is found wherever it can happen."""

    @pytest.mark.parametrize(
        ("engine", "programs", "start"),
        [
            (ScanThenBind, TWO, None),
            (UnbindDeletesTheClaim, FREED, "alice"),
            (ClaimsAfterBinding, TWO, None),
            (TakesOver, TWO, None),
            (WritesOver, TWO, None),
        ],
        ids=lambda value: value.__name__ if isinstance(value, type) else "",
    )
    def test_the_double_bind(self, engine, programs, start):
        """Each of these protocols binds one credential to two users, which the protocol that was chosen does not."""
        world = scene().world if start is None else bound(start, scene().world)
        explored = walk(programs, engine=engine, law=never_two, world=world)
        assert explored.broken == "bound to alice and to bob", str(explored)
        print(f"{engine.__name__}: {explored}")
        holds_everywhere(walk(programs, world=world))

    @pytest.mark.parametrize(
        "engine", [UnbindDeletesTheClaim, TakesOver, WritesOver], ids=lambda engine: engine.__name__
    )
    def test_the_claim_that_does_not_stand(self, engine):
        """And the law on claims sees each of those whose claims do not stand."""
        explored = walk(FREED, engine=engine, law=claims_stand, world=bound("alice", scene().world))
        if engine is not UnbindDeletesTheClaim:
            explored = walk(TWO, engine=engine, law=claims_stand)
        assert explored.broken is not None

    def test_the_theft(self):
        """A key that was unbound is another user's afterwards, where unbinding frees it."""
        explored = walk(
            {"a": unbind("alice"), "b": confirm("bob")},
            engine=UnbindDeletesTheClaim,
            law=nobody_steals,
            world=bound("alice", scene().world),
        )
        assert explored.broken == "bound to alice and then to bob", str(explored)

    def test_the_lie(self):
        """A user is told that the key is bound before the record says so, where somebody tells before the swap."""

        class TellsFirst(Engine):
            def _swap(self, view, key, old, new, made):
                return True
                yield

        explored = walk({"a": bring("alice"), "b": bring("bob")}, engine=TellsFirst, law=bound_stays)
        assert "was told that it is bound, and it is not" in str(explored.broken)


class TestTheExplorer:
    """The walk itself: it walks all that there is, and its world is the store that the engine is written for."""

    @pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (4, 4)])
    def test_it_counts(self, first, second):
        """Of two processes of so many steps each there are as many interleavings as the binomial says."""

        def loads(count):
            def program(desk):
                for number in range(count):
                    yield desk.store.load, (f"k{number}",)

            return program

        processes = [Process("a", loads(first)), Process("b", loads(second))]
        explored = explore(processes, scene().world, desks(POLICY), law=lambda *_: None, memory=None, crashes=False)
        assert explored.interleavings == math.comb(first + second, first)
        assert explored.states == (first + 1) * (second + 1)

    def test_it_crashes_at_every_yield(self):
        """A process of four steps ends in four crashes or in its end."""

        def program(desk):
            for number in range(4):
                yield note, (number,)
                yield desk.store.load, ("k",)
            yield note, ("end",)

        explored = explore([Process("a", program)], scene().world, desks(POLICY), law=lambda *_: None)
        assert explored.endings == {((0,),), ((0, 1),), ((0, 1, 2),), ((0, 1, 2, 3),), ((0, 1, 2, 3, "end"),)}
        assert explored.interleavings == 5

    def test_it_says_the_same_twice(self):
        """Nothing is drawn: two walks are one walk."""
        assert walk(TWO) == walk(TWO)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from("ab"),
                st.none() | st.sampled_from([b"1", b"2"]),
                st.none() | st.sampled_from([b"1", b"2"]),
            ),
            max_size=12,
        )
    )
    def test_its_world_is_a_store(self, swaps):
        """Loads and swaps come to what they come to on the store in memory."""
        store, world = MemoryStore(), Memory(())
        for key, old, new in swaps:
            ((answer, world),) = world.answers(Call("swap", None, (key, old, new)))
            assert answer.value == store.swap(key, old, new)
            for name in "ab":
                ((answer, world),) = world.answers(Call("load", None, (name,)))
                assert answer.value == store.load(name)
