# SPDX-License-Identifier: Apache-2.0
"""Acknowledged writes that a promotion loses open nothing twice: every interleaving of two logons and a promotion.

The store names its history and compares the name inside each statement. The walk is worth something only if it finds
the double acceptance where the comparison stands anywhere else, and where the rules behind it are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import attrs
import pytest

from ram_mfa import (
    Advice,
    Assertion,
    BeginLogon,
    Challenge,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    FinishLogon,
    HistoryLost,
    MFAPolicy,
    OfferSecurityKey,
    OfferVirtualDevice,
    Proof,
    Refusal,
    StoreUncertain,
    TOTPCode,
)
from ram_mfa._secret import SecretBytes
from ram_mfa.context import Root
from ram_mfa.rules import tickets, totp_check
from ram_mfa.testing import AuthenticatorApp, SoftSecurityKey
from tests.support import all_rounds
from tests.support.explorer import (
    Answer,
    Broken,
    Call,
    Desk,
    IncarnatedWords,
    Process,
    Records,
    World,
    desks,
    explore,
    note,
    replaced,
    settle,
)
from tests.support.service import ORIGIN, PARTY, ROOT, SESSION

POLICY = MFAPolicy.ram(issuer="Example", relying_party=PARTY)
START = 1_700_000_010.0
PERIOD = 30


@attrs.frozen(cache_hash=True)
class Promotable:
    """A store whose engine may be promoted to a copy that lacks the last acknowledged writes.

    Attributes:
        records: what stands in it.
        earlier: what stood in it before each write of this history, the oldest first: what a promotion may go back to.
        incarnation: the name of the present history.
        promotions: how many may still happen.
        ticks: how many times half a minute may still pass.
        lost: how many replies to swaps may still be lost.
        now: what the clock shows.
    """

    records: Records = ()
    earlier: tuple[Records, ...] = ()
    incarnation: str = "1"
    promotions: int = 1
    ticks: int = 0
    lost: int = 0
    now: float = START

    def answers(self, call: Call) -> Iterator[tuple[Answer, World]]:
        """See `World`: what is compared is compared in here, where nothing comes between."""
        if call.word in {"incarnation", "clock"}:
            yield Answer(self.incarnation if call.word == "incarnation" else self.now, now=self.now), self
            return
        pinned = call.beside is None or dict(self.records).get(call.beside[0]) == call.beside[1]
        if (call.view is not None and call.view != self.incarnation) or not pinned:
            yield Answer((self.incarnation,), HistoryLost, self.now), self
            return
        key = call.arguments[0]
        found = dict(self.records).get(key)
        if call.word == "load":
            yield Answer(found, now=self.now), self
            return
        _, old, new = call.arguments
        after = self
        if found == old:
            after = attrs.evolve(self, records=replaced(self.records, key, new), earlier=(*self.earlier, self.records))
        yield Answer(found == old, now=self.now), after
        if self.lost:
            for world in {after, self}:
                yield Answer((), StoreUncertain, self.now), attrs.evolve(world, lost=self.lost - 1)

    def turns(self) -> Iterator[tuple[str, World]]:
        """See `World`: a promotion, which loses any number of the last writes or none; half a minute."""
        if self.promotions:
            name = str(int(self.incarnation) + 1)
            for kept, records in enumerate((*self.earlier, self.records)):
                world = attrs.evolve(
                    self, records=records, earlier=(), incarnation=name, promotions=self.promotions - 1
                )
                yield f"promotion to {name}, {len(self.earlier) - kept} writes lost", world
        if self.ticks:
            yield "half a minute", attrs.evolve(self, now=self.now + PERIOD, ticks=self.ticks - 1)


@attrs.frozen
class Scene:
    """Where the processes start: a user with a phone, another with a key.

    Attributes:
        world: the store.
        phone: alice's.
        key: bob's.
    """

    world: Promotable
    phone: AuthenticatorApp
    key: SoftSecurityKey


@cache
def scene() -> Scene:
    desk = desks(POLICY, store=IncarnatedWords, create=True)(lambda: START)
    _, world = settle(desk.engine.session.open(), Promotable())
    verb = OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True)
    offer, world = settle(desk.perform("alice", verb), world)
    phone = AuthenticatorApp.scan(offer.key_uri)
    code = phone.code_at(START - PERIOD)
    verb = ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=SESSION)
    _, world = settle(desk.perform("alice", verb), world)
    key = SoftSecurityKey(seed=b"bob's")
    verb = OfferSecurityKey(ROOT, account_name="bob", session=SESSION, create=True)
    offer, world = settle(desk.perform("bob", verb), world)
    answer = key.create(offer.options, ORIGIN)
    _, world = settle(desk.perform("bob", ConfirmSecurityKey(answer, offer=offer.id, by=ROOT, session=SESSION)), world)
    return Scene(attrs.evolve(world, earlier=()), phone, key)


# What the processes do


def log_on(code, *, tries=2):
    """Log on with a code; where one is told to start over, do so with the same code."""

    def program(desk: Desk):
        for _ in range(tries):
            asked = yield from desk.perform("alice", BeginLogon(session=SESSION))
            assert isinstance(asked, Challenge)
            outcome = yield from desk.perform("alice", FinishLogon(asked.id, TOTPCode(code), session=SESSION))
            if isinstance(outcome, Proof):
                yield note, ("proof",)
                return
            assert isinstance(outcome, Refusal)
            yield note, (outcome.reason.name,)
            if outcome.advice is not Advice.START_OVER:
                return

    return program


def answer_with(ticket, evidence):
    """Submit one answer of a key, whose ticket was made before anybody was promoted."""

    def program(desk: Desk):
        outcome = yield from desk.perform("bob", FinishLogon(ticket, evidence, session=SESSION))
        yield note, ("proof" if isinstance(outcome, Proof) else outcome.reason.name,)

    return program


@cache
def asserted():
    """Return a ticket of bob's and the key's answer to it."""
    it = scene()
    desk = desks(POLICY, store=IncarnatedWords)(lambda: START)
    settle(desk.engine.session.open(), it.world)
    asked, _ = settle(desk.perform("bob", BeginLogon(session=SESSION)), it.world)
    return asked.id, Assertion(it.key.get(asked.options, ORIGIN))


def once(memory, before, after, notes):
    """What was submitted twice logs on once."""
    proofs = sum(words.count("proof") for words in notes)
    if proofs > 1:
        raise Broken(f"accepted {proofs} times")
    return memory


# Where else the name of the history could be compared


def outside(*, before_loads=False, before_swaps=False):
    """Return what makes a program whose stores compare the name in statements of their own, before loads or swaps."""

    def of(program):
        def unchecked(desk: Desk):
            running = program(desk)
            step = next(running, None)
            while step is not None:
                function, arguments = step
                answer = None
                view = getattr(getattr(function, "__self__", None), "view", None)
                checked = {"load": before_loads, "swap": before_swaps}.get(function.__name__, False)
                try:
                    if view is not None and checked:
                        present = yield desk.store.incarnation, ()
                        if present != view:
                            raise HistoryLost(present)
                    bare = function if view is None else getattr(desk.store, function.__name__)
                    answer = yield bare, arguments
                except HistoryLost as lost:
                    step = _thrown(running, lost)
                else:
                    step = _sent(running, answer)

        return unchecked

    return of


def _sent(running, answer):
    try:
        return running.send(answer)
    except StopIteration:
        return None


def _thrown(running, error):
    try:
        return running.throw(error)
    except StopIteration:
        return None


def walk(programs, *, how=lambda program: program, skews=(0, 0, 0), policy=POLICY, **world):
    """Explore the processes that do these programs, each with its own difference of the clock."""
    processes = [Process("abc"[place], how(program), skews[place]) for place, program in enumerate(programs)]
    start = attrs.evolve(scene().world, **world)
    return explore(processes, start, desks(policy, store=IncarnatedWords), law=once)


def noted(explored):
    """Return what was noted by anybody at any end."""
    return {word for notes in explored.endings for words in notes for word in words}


def holds_everywhere(explored):
    """Check that the law held, and print the figures."""
    assert explored.broken is None, str(explored)
    print(explored)


def code(steps=0):
    """Return the code that alice's phone shows so many steps from the start."""
    return scene().phone.code_at(START + steps * PERIOD)


APART = {"skews": (60, 0, 0)}
"""Two hosts whose clocks differ by a minute, which is what the policy takes for the most."""
WALKS = {
    "two": ([0] * 2, {}),
    "two, and a reply is lost": ([0] * 2, {"lost": 1}),
    "two whose clocks differ, while half a minute passes": ([2] * 2, APART | {"ticks": 1}),
}
if all_rounds:
    WALKS |= {
        "two, and two replies are lost": ([0] * 2, {"lost": 2}),
        "two, and two promotions": ([0] * 2, {"promotions": 2}),
        "two, while a minute passes": ([1] * 2, {"ticks": 2}),
        "two whose clocks differ, while a minute passes": ([3] * 2, APART | {"ticks": 2}),
        "three": ([0] * 3, {}),
    }


@pytest.mark.requirement("S12", "O7", "V4")
class TestOneCode:
    """Two submit one code; the promotion loses any number of acknowledged writes, the acceptance among them."""

    @pytest.mark.parametrize("name", WALKS)
    def test_every_interleaving(self, name):
        """It logs on once, on whichever side of the promotion; who comes after it begins anew, and is refused."""
        steps, how = WALKS[name]
        explored = walk([log_on(code(step)) for step in steps], **how)
        holds_everywhere(explored)
        assert {"proof", "FOREIGN_TICKET", "REPLAYED_CODE"} <= noted(explored)


@pytest.mark.requirement("S8", "S12", "V26")
class TestOneAnswerOfAKey:
    """Several submit one answer of a security key; its count is among what is lost."""

    @pytest.mark.parametrize(("submitters", "promotions"), [(2, 1), (2, 2), (3, 1)])
    def test_every_interleaving(self, submitters, promotions):
        """It logs on once: its ticket is one of the history that was lost."""
        explored = walk([answer_with(*asserted())] * submitters, promotions=promotions)
        holds_everywhere(explored)
        assert noted(explored) == {"proof", "SPENT_TICKET", "FOREIGN_TICKET"}


@pytest.mark.requirement("S12")
class TestItFinds:
    """What the walk is worth: the double acceptance is found wherever it can happen."""

    @pytest.mark.parametrize(
        "how",
        [
            outside(before_loads=True),
            outside(before_swaps=True),
            outside(before_loads=True, before_swaps=True),
            outside(),
        ],
        ids=["before the load only", "between load and swap", "before each of the two", "nowhere"],
    )
    @pytest.mark.parametrize("what", ["code", "key"])
    def test_the_name_compared_outside_of_the_statement(self, how, what):
        """Wherever else the name of the history is compared, one code and one answer of a key log on twice."""
        programs = [log_on(code())] * 2 if what == "code" else [answer_with(*asserted())] * 2
        explored = walk(programs, how=how)
        assert explored.broken == "accepted 2 times", str(explored)
        print(explored)

    def test_codes_of_the_lost_moments(self, monkeypatch):
        """Tickets that die with the history are not enough: a code of its last moments would log on again."""
        monkeypatch.setattr(totp_check, "lost_step", lambda *_, **__: -1)
        explored = walk([log_on(code())] * 2)
        assert explored.broken == "accepted 2 times", str(explored)
        print(explored)

    def test_tickets_of_the_lost_moments(self, monkeypatch):
        """Codes that are refused are not enough: an answer of a key would log on again, were its ticket alive."""
        real = tickets._mac

        def timeless(account, moment, **how):
            root = attrs.evolve(moment.root, history=bytes(16), ticket_key=SecretBytes(bytes(32)))
            return real(account, attrs.evolve(moment, root=root), **how)

        monkeypatch.setattr(tickets, "_mac", timeless)
        asserted.cache_clear()
        try:
            explored = walk([answer_with(*asserted())] * 2)
        finally:
            asserted.cache_clear()
        assert explored.broken == "accepted 2 times", str(explored)
        print(explored)

    def test_a_promotion_that_nobody_writes_down(self, monkeypatch):
        """A new name alone is not enough: the moment of the loss must stand in the root record."""
        monkeypatch.setattr(Root, "after_loss", lambda root, **how: attrs.evolve(root, incarnation=how["incarnation"]))
        explored = walk([log_on(code())] * 2)
        assert explored.broken == "accepted 2 times", str(explored)

    def test_no_margin_for_clocks(self):
        """The margin matters: without it, a code that was accepted on a clock that is ahead logs on again."""
        steps, how = WALKS["two whose clocks differ, while half a minute passes"]
        explored = walk([log_on(code(step)) for step in steps], policy=attrs.evolve(POLICY, clock_skew=0), **how)
        assert explored.broken == "accepted 2 times", str(explored)
        print(explored)


class TestTheWorld:
    def test_a_promotion_goes_back(self):
        """A promotion goes back to any moment of the present history, and statements of the old one land no more."""
        world = scene().world
        (_, landed), *_ = world.answers(Call("swap", "1", ("k", None, b"new")))
        turned = dict(landed.turns())
        assert set(turned) == {"promotion to 2, 0 writes lost", "promotion to 2, 1 writes lost"}
        back = turned["promotion to 2, 1 writes lost"]
        assert back.records == world.records
        ((answer, after),) = back.answers(Call("swap", "1", ("k", None, b"new")))
        assert (answer.raised, answer.value, after) == (HistoryLost, ("2",), back)
        ((answer, after),) = back.answers(Call("swap", "2", ("k", None, b"new")))
        assert answer.value is True
