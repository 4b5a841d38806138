# SPDX-License-Identifier: Apache-2.0
"""One at a time for each user: a flood on one account makes one call of the store at a time, and holds up nobody."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter

import attrs
import pytest

from ram_mfa import (
    AsyncMFA,
    BeginLogon,
    Describe,
    FinishLogon,
    KnownBrowsers,
    MFAPolicy,
    OpenAccount,
    PasswordChanged,
    Refused,
    ResetMFA,
    StoreContended,
    TOTPCode,
    Unbind,
    UnsafeAdministrator,
    UnsafePlaintext,
)
from ram_mfa.encoding.base64url import encode
from ram_mfa.engine.records import user_key
from ram_mfa.engine.user_queue import MAX_WAITING
from ram_mfa.rules.verb import Verb
from ram_mfa.stores.memory import AsyncMemoryStore
from ram_mfa.testing import ManualClock, enrolled
from tests.support.races import wrong_codes
from tests.support.service import ROOT, SESSION

VICTIM = user_key("", "victim")


class Watched(AsyncMemoryStore):
    """A store that takes a while, and counts who is in it at once.

    Attributes:
        most: {key: how many calls were in the store at once}.
        gate: what each call for the victim's record waits for.
        entered: such a call came to the gate since it was closed.
    """

    def __init__(self):
        super().__init__()
        self.inside, self.most, self.calls = Counter(), Counter(), Counter()
        self.gate, self.entered = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def load(self, key, /):
        return await self.counted(key, super().load(key))

    async def swap(self, key, old, new, /):
        return await self.counted(key, super().swap(key, old, new))

    async def counted(self, key, call):
        self.calls[key] += 1
        self.inside[key] += 1
        self.most[key] = max(self.most[key], self.inside[key])
        await asyncio.sleep(0)
        if key == VICTIM:  # and not the root record, which is read again when its last reading is old
            self.entered.set()
            await self.gate.wait()
        self.inside[key] -= 1
        return await call


def service(store, **changes):
    changes = {"clock": ManualClock(1_700_000_000), "create": True} | changes
    return AsyncMFA(store, MFAPolicy.ram(issuer="Example"), seal=UnsafePlaintext(), **changes)


async def outcome(work):
    try:
        return type(await work).__name__
    except Refused as refused:
        return refused.refusal.reason.name


class TestAFlood:
    @pytest.mark.requirement("V26")
    def test_is_served_one_by_one(self):
        """Two hundred guesses at once: one call at a time; whoever comes after them passes before they are through."""

        async def main():
            store = Watched()
            clock = ManualClock(1_700_000_000)
            mfa, now = service(store, clock=clock, deadline=60), clock.now
            victim, owner = await enrolled(mfa, "victim"), await enrolled(mfa, "alice")
            ticket = (await mfa.perform("victim", BeginLogon(session=SESSION))).id
            guess = FinishLogon(ticket, TOTPCode(*wrong_codes(victim, [now], 1)), session=SESSION)
            store.most.clear()
            flood = [asyncio.ensure_future(outcome(mfa.perform("victim", guess))) for _ in range(200)]
            await asyncio.sleep(0)
            ask = await mfa.perform("alice", BeginLogon(session=SESSION))
            proof = await mfa.perform("alice", FinishLogon(ask.id, TOTPCode(owner.code_at(now)), session=SESSION))
            assert proof.user == "alice"
            assert sum(one.done() for one in flood) < 20
            told = Counter(await asyncio.gather(*flood))
            assert told == {"WRONG_CODE": 5, "THROTTLED": 195}
            assert store.most[VICTIM] == 1
            gc.collect()
            assert not mfa._queues._users

        asyncio.run(main())

    def test_is_one_over_all_objects_of_a_tenant(self):
        """`for_tenant` at each request makes no second lane; a user of another tenant is another user."""

        async def main():
            store = Watched()
            mfa, policy = service(store), MFAPolicy.ram(issuer="Example")
            await mfa.open()
            actions = [
                outcome(mfa.for_tenant(name, policy).perform("victim", OpenAccount(by=ROOT)))
                for name in ("one", "other")
                for _ in range(20)
            ]
            assert Counter(await asyncio.gather(*actions)) == {"AccountView": 2, "ACCOUNT_EXISTS": 38}
            assert store.most[user_key("one", "victim")] == store.most[user_key("other", "victim")] == 1

        asyncio.run(main())


class TestKnownBrowsers:
    @pytest.mark.requirement("V26")
    def test_do_not_wait_for_those_who_know_the_password(self):
        """Three thousand logons with wrong codes wait; whoever holds a browser token passes at once, and also where the
        first of them has not loaded the record yet.
        """

        async def main():
            store = Watched()
            clock = ManualClock(1_700_000_000)
            policy = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers())
            mfa = AsyncMFA(store, policy, seal=UnsafePlaintext(), clock=clock, create=True, deadline=60)
            phone = await enrolled(mfa, "victim")
            ask = await mfa.perform("victim", BeginLogon(SESSION))
            proof = await mfa.perform("victim", FinishLogon(ask.id, TOTPCode(phone.code_at(clock())), session=SESSION))
            cookie = str(proof.browser)
            clock.advance(30)
            ask = await mfa.perform("victim", BeginLogon(SESSION, browser=cookie))
            code = TOTPCode(phone.code_at(clock()))
            guess = FinishLogon(ask.id, TOTPCode(*wrong_codes(phone, [clock()], 1)), session=SESSION)
            gc.collect()
            assert not mfa._queues._users
            flood = [asyncio.ensure_future(outcome_or_full(mfa.perform("victim", guess))) for _ in range(3_000)]
            await asyncio.sleep(0)
            finish = FinishLogon(ask.id, code, session=SESSION, browser=cookie)
            proof = await mfa.perform("victim", finish)
            assert proof.user == "victim"
            assert sum(one.done() and one.result() != "full" for one in flood) < 50
            told = Counter(await asyncio.gather(*flood))
            assert told["full"] == 3_000 - MAX_WAITING - 1
            assert set(told) <= {"full", "WRONG_CODE", "THROTTLED", "SPENT_TICKET"}

        asyncio.run(main())


async def outcome_or_full(work):
    try:
        return await outcome(work)
    except StoreContended:
        return "full"


class TestALane:
    def test_is_first_come_first_served(self):
        async def main():
            store, order = Watched(), []
            mfa = service(store)
            await mfa.perform("victim", OpenAccount(by=ROOT))

            async def look(number):
                await mfa.perform("victim", Describe())
                order.append(number)

            await asyncio.gather(*(look(number) for number in range(50)))
            assert order == [*range(50)]

        asyncio.run(main())

    @pytest.mark.requirement("B19", "S14")
    def test_is_waited_for_until_the_deadline(self):
        """Who waited too long is told so, and never came to the store; who holds the lane goes on."""

        async def main():
            store = Watched()
            mfa = service(store, deadline=0.05)
            await mfa.perform("victim", OpenAccount(by=ROOT))
            store.calls.clear()
            store.entered.clear()
            store.gate.clear()
            first = asyncio.ensure_future(mfa.perform("victim", Describe()))
            await store.entered.wait()
            with pytest.raises(StoreContended):
                await mfa.perform("victim", Describe())
            assert store.calls[VICTIM] == 1
            store.gate.set()
            assert (await first).user == "victim"
            assert (await mfa.perform("victim", Describe())).user == "victim"

        asyncio.run(main())

    @pytest.mark.parametrize("ends", [True, False])
    def test_is_left_before_anything_is_told(self, ends):
        """An observer may perform verbs for the user whose event it is told; one that hangs holds nobody up."""

        async def main():
            seen, told, hangs = [], asyncio.Event(), asyncio.Event()

            async def observer(event):
                seen.append(len((await mfa.perform(event.user, Describe())).devices))
                told.set()
                if not ends:
                    await hangs.wait()

            mfa = service(Watched(), observers=[observer], deadline=5)
            opening = asyncio.ensure_future(mfa.perform("victim", OpenAccount(by=ROOT)))
            await told.wait()
            assert (await mfa.perform("victim", Describe())).user == "victim"
            assert ends or not opening.done()
            hangs.set()
            assert (await opening).user == "victim"
            assert seen == [0]

        asyncio.run(asyncio.wait_for(main(), 60))

    def test_is_left_by_who_is_cancelled(self):
        """One cancelled in the line never comes to the store; one cancelled in the store is seen to its end first."""

        async def main():
            store = Watched()
            mfa = service(store)
            await mfa.perform("victim", OpenAccount(by=ROOT))
            store.calls.clear()
            store.entered.clear()
            store.gate.clear()
            holds, waits, last = (asyncio.ensure_future(mfa.perform("victim", Describe())) for _ in range(3))
            await store.entered.wait()
            holds.cancel()
            waits.cancel()
            await asyncio.wait([holds, waits])
            assert holds.cancelled()
            assert waits.cancelled()
            for _ in range(20):
                await asyncio.sleep(0)
            assert store.calls[VICTIM] == 1
            store.gate.set()
            assert (await last).user == "victim"
            assert store.calls[VICTIM] == 2
            assert store.most[VICTIM] == 1

        asyncio.run(main())

    def test_belongs_to_its_event_loop(self):
        """One object in two threads' loops: each has lanes of its own, and the store's compare-and-swap judges."""
        mfa = service(AsyncMemoryStore())
        asyncio.run(mfa.open())
        seen = []

        def run():
            async def main():
                opening = (outcome(mfa.perform("victim", OpenAccount(by=ROOT))) for _ in range(50))
                return await asyncio.gather(*opening)

            seen.extend(asyncio.run(main()))

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(seen) == {"AccountView": 1, "ACCOUNT_EXISTS": 199}
        gc.collect()
        assert not mfa._queues._users


def made_up(user):
    """Return a well-formed ticket that nobody issued."""
    return encode(b"\x01\x01" + bytes(8) + b"\x7f" * 8 + bytes(16) + b"\x5a" * 32) + encode(user.encode())


def guess_at(mfa, user="victim"):
    """Perform a finish with a made-up ticket; return the task."""
    finish = FinishLogon(made_up(user), TOTPCode("123456"), session=SESSION)
    return asyncio.ensure_future(named(mfa.perform(user, finish)))


async def named(work):
    """Return the reason of a refusal, or the name of the error or of the outcome."""
    try:
        return await outcome(work)
    except StoreContended:
        return "StoreContended"


async def flooded(mfa, store, count):
    """Fill the queue of strangers: one is in the store and stays there, the others wait or are refused at once."""
    store.entered.clear()
    store.gate.clear()
    flood = [guess_at(mfa)]
    await store.entered.wait()
    flood += [guess_at(mfa) for _ in range(count - 1)]
    for _ in range(10):
        await asyncio.sleep(0)
    return flood


async def ended(flood):
    """Cancel what still waits, and see that nothing else came of the flood than refusals."""
    for one in flood:
        one.cancel()
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    assert {one for one in outcomes if isinstance(one, str)} <= {"FOREIGN_TICKET", "StoreContended"}
    assert all(isinstance(one, str | asyncio.CancelledError) for one in outcomes)


class TestMadeUpTickets:
    @pytest.mark.requirement("A6")
    def test_are_bounded(self):
        """Of a thousand at once one is in the store and 256 wait; the others are refused before any work is done."""

        async def main():
            store = Watched()
            mfa = service(store, deadline=60)
            await enrolled(mfa, "victim")
            store.calls.clear()
            flood = await flooded(mfa, store, 1_000)
            assert Counter(one.result() for one in flood if one.done()) == {"StoreContended": 999 - MAX_WAITING}
            assert store.calls[VICTIM] == 1
            store.gate.set()
            assert Counter(await asyncio.gather(*flood)) == {
                "StoreContended": 999 - MAX_WAITING,
                "FOREIGN_TICKET": 1 + MAX_WAITING,
            }
            assert store.most[VICTIM] == 1
            gc.collect()
            assert not mfa._queues._users

        asyncio.run(main())

    @pytest.mark.requirement("A6")
    @pytest.mark.parametrize(
        "verb",
        [Unbind(by=ROOT), Unbind(by=UnsafeAdministrator("script")), ResetMFA(by=ROOT), PasswordChanged()],
        ids=lambda verb: type(verb).__name__,
    )
    def test_hold_up_no_revocation(self, verb):
        """With the queue of strangers full, a revocation enters the store at once and ends before they are served."""

        async def main():
            store = Watched()
            mfa = service(store, deadline=60)
            await enrolled(mfa, "victim")
            flood = await flooded(mfa, store, 1_000)
            store.entered.clear()
            revocation = asyncio.ensure_future(mfa.perform("victim", verb))
            await store.entered.wait()
            assert store.inside[VICTIM] == 2
            store.gate.set()
            await revocation
            assert sum(one.done() and one.result() == "FOREIGN_TICKET" for one in flood) < 20
            await ended(flood)

        asyncio.run(main())

    @pytest.mark.requirement("A6")
    def test_hold_up_no_ticket_that_verifies(self):
        """With the queue of strangers full, a begin and a finish with a genuine ticket pass before they are served."""

        async def main():
            store, clock = Watched(), ManualClock(1_700_000_000)
            mfa = service(store, deadline=60, clock=clock)
            owner = await enrolled(mfa, "victim")
            clock.advance(60)
            flood = [guess_at(mfa) for _ in range(200)]
            await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
            ask = await mfa.perform("victim", BeginLogon(session=SESSION))
            code = TOTPCode(owner.code_at(clock.now))
            proof = await mfa.perform("victim", FinishLogon(ask.id, code, session=SESSION))
            assert proof.user == "victim"
            assert sum(one.done() for one in flood) < 60
            await ended(flood)

        asyncio.run(main())

    @pytest.mark.requirement("A6")
    def test_decide_nothing_by_the_record_last_seen(self):
        """A verb that fails on it is performed in its turn all the same, and raises there, once."""

        @attrs.frozen
        class Odd(Verb[None]):
            calls: list[int]

            def __call__(self, account, moment):
                self.calls.append(len(account.devices))
                raise LookupError

        async def main():
            store = Watched()
            mfa = service(store, deadline=60)
            await enrolled(mfa, "victim")
            flood = [guess_at(mfa) for _ in range(5)]
            await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
            odd = Odd([])
            with pytest.raises(LookupError):
                await mfa.perform("victim", odd)
            assert odd.calls == [1, 1]
            assert set(await asyncio.gather(*flood)) == {"FOREIGN_TICKET"}

        asyncio.run(main())
