# SPDX-License-Identifier: Apache-2.0
"""A thousand tasks at once, each a step of somebody's logon, on real servers: `AsyncMFA` over a few connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import pytest

from ram_mfa import (
    AsyncMFA,
    BeginLogon,
    Describe,
    FinishLogon,
    MFAPolicy,
    Refused,
    RememberMachine,
    StoreContended,
    TOTPCode,
)
from ram_mfa.testing import ManualClock, enrolled
from tests.stores import test_postgres, test_redis
from tests.support import rounds
from tests.support.races import wrong_codes
from tests.support.service import SEAL, SESSION

TASKS = 1_000
WAYS = 5
"""How many of the tasks are about one user: four with the same right code, one with a wrong one."""
PATIENT = 120.0
STEP = 60.0


class Postgres:
    """The store, and what is known of its connections."""

    connections = 10

    def __init__(self, server):
        self.server = server

    def made(self):
        return test_postgres.Maker(self.server.url(), PATIENT).awaited()

    @contextlib.asynccontextmanager
    async def deployment(self, name, users):
        """A deployment full of users; what it has in use and keeps of its connections at the end is what it may."""
        self.store = await self.made()
        try:
            deployment = Deployment(self.store, name)
            await deployment.enrol(users)
            yield deployment
            assert self.in_use() == 0
            assert 0 < self.kept() <= self.connections
        finally:
            await self.store.close()

    def in_use(self):
        return self.connections - self.store._pool._free._value

    def kept(self):
        return len(self.store._pool._idle)


class Redis(Postgres):
    connections = 20

    def made(self):
        return test_redis.Maker(self.server.proxy.port, PATIENT).awaited()

    def in_use(self):
        return len(self.store._servers._pool._in_use_connections)

    def kept(self):
        return len(self.store._servers._pool._available_connections)


@pytest.fixture(params=["postgresql", "redis_server"])
def engine(request):
    server = request.getfixturevalue(request.param)
    return (Postgres if request.param == "postgresql" else Redis)(server)


class Deployment:
    """Users with a phone each, and services that share one store, as processes would."""

    def __init__(self, store, name):
        self.clock = ManualClock(1_700_000_000)
        policy = MFAPolicy.ram(issuer="Example", remember=RememberMachine())
        self.services = [
            AsyncMFA(store, policy, seal=SEAL, clock=self.clock, create=True, deadline=PATIENT).for_tenant(name, policy)
            for _ in range(WAYS)
        ]
        self.phones = {}

    async def enrol(self, count):
        await self.services[0].open()
        names = [f"user {number}" for number in range(count)]
        phones = await asyncio.gather(*(enrolled(self.services[0], name) for name in names))
        self.phones = dict(zip(names, phones, strict=True))
        self.clock.advance(STEP)

    async def log_on(self, way, user, code=None):
        """Log on through a service from begin to finish, and remember the machine; return the proof, or the reason."""
        mfa = self.services[way]
        ask = await mfa.perform(user, BeginLogon(session=SESSION, password_mark="mark"))
        code = TOTPCode(code or self.phones[user].code_at(self.clock.now))
        verb = FinishLogon(ask.id, code, session=SESSION, remember="Laptop", password_mark="mark")
        try:
            return await mfa.perform(user, verb)
        except Refused as refused:
            return refused.refusal.reason.name

    def guess(self, user):
        (code,) = wrong_codes(self.phones[user], [self.clock.now], 1)
        return self.log_on(WAYS - 1, user, code)


@pytest.mark.requirement("S1", "S14", "O7")
def test_a_thousand_tasks_log_on(engine):
    """Four tasks of each user bring one code, a fifth a wrong one, all at once: one passes, and nothing is lost of what
    each of them wrote; no connection is left in use, and no more of them are kept than the store may have.
    """

    async def main():
        async with engine.deployment("a thousand tasks", rounds(TASKS) // WAYS) as deployment:
            turns = 3
            for _ in range(turns):
                told = await asyncio.gather(
                    *(deployment.log_on(way, user) for user in deployment.phones for way in range(WAYS - 1)),
                    *(deployment.guess(user) for user in deployment.phones),
                )
                passed = Counter(proof.user for proof in told if not isinstance(proof, str))
                assert passed == dict.fromkeys(deployment.phones, 1)
                refused = Counter(one for one in told if isinstance(one, str))
                assert refused == {
                    "REPLAYED_CODE": (WAYS - 2) * len(deployment.phones),
                    "WRONG_CODE": len(deployment.phones),
                }
                deployment.clock.advance(STEP)
            for user in deployment.phones:
                view = await deployment.services[0].perform(user, Describe())
                assert len(view.machines) == turns

    asyncio.run(main())


@pytest.mark.requirement("S14")
def test_everybody_gets_on(engine):
    """A thousand users begin logons again and again: when ten thousand are begun, nobody still waits for a first."""

    async def main():
        tasks = rounds(TASKS)
        async with engine.deployment("everybody", tasks) as deployment:
            turns = Counter()

            async def keep_beginning(user):
                while turns.total() < 10 * tasks:
                    await deployment.services[0].perform(user, BeginLogon(session=SESSION))
                    if turns.total() < 10 * tasks:
                        turns[user] += 1

            await asyncio.gather(*(keep_beginning(user) for user in deployment.phones))
            assert turns.keys() == deployment.phones.keys()

    asyncio.run(main())


@pytest.mark.requirement("S14", "V9")
def test_a_thousand_that_are_cancelled(engine):
    """Half of the tasks are cancelled somewhere on their way: the others pass, and every connection comes back."""

    async def main():
        async with engine.deployment("cancelled", rounds(TASKS)) as deployment:
            tasks = {user: asyncio.ensure_future(deployment.log_on(0, user)) for user in deployment.phones}
            gone = [*tasks][::2]
            for number, user in enumerate(gone):
                if number % 10 == 0:
                    await asyncio.sleep(0.001)
                tasks[user].cancel()
            told = await asyncio.gather(*tasks.values(), return_exceptions=True)
            passed = dict(zip(tasks, told, strict=True))
            assert all(passed[user].user == user for user in tasks if user not in gone)
            deployment.clock.advance(STEP)
            again = await asyncio.gather(*(deployment.log_on(0, user) for user in deployment.phones))
            assert [proof.user for proof in again] == [*deployment.phones]

    asyncio.run(main())


@pytest.mark.requirement("S14", "V16")
def test_a_flood_on_one_account(engine):
    """While a thousand tasks guess at one account without end, everybody else logs on, and the flood never does; it
    has one call at a time in the store, and those that find the account's queue full are refused at once.
    """

    async def main():
        async with engine.deployment("a flood", rounds(400)) as deployment:
            victim, *others = deployment.phones
            over = False

            async def flood():
                told = Counter()
                while not over:
                    try:
                        told[await deployment.guess(victim)] += 1
                    except StoreContended:
                        told["StoreContended"] += 1
                        await asyncio.sleep(0.01)
                return told

            floods = [asyncio.ensure_future(flood()) for _ in range(rounds(TASKS))]
            told = await asyncio.gather(*(deployment.log_on(WAYS - 1, user) for user in others))
            assert [proof.user for proof in told] == others
            over = True
            guesses = sum(await asyncio.gather(*floods), Counter())
            assert set(guesses) <= {"WRONG_CODE", "THROTTLED", "StoreContended"}
            assert guesses["WRONG_CODE"] == 5

    asyncio.run(main())
