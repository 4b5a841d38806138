# SPDX-License-Identifier: Apache-2.0
"""What a crowd costs: a thousand tasks at once, and a hostile flood on one account, on PostgreSQL and on Redis.

``python -m benchmarks crowd``. It starts private servers and stops them. First a thousand users log on one after the
other, then all at once, through one `AsyncMFA` over ten connections. Then twenty users log on now and then, with a
pause of 50 ms on average, in turns of a few seconds: left alone, and while tasks guess at one account without end. A
ratio is that of a turn's median to the median of the quiet turn before it. Nothing is judged here.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

from redis import asyncio as aio

from ram_mfa import MFA, AESGCMSeal, AsyncMFA, BeginLogon, FinishLogon, MFAPolicy, Refused, TOTPCode
from ram_mfa.stores.postgres import AsyncPostgresStore, PostgresStore
from ram_mfa.stores.redis import AsyncRedisStore
from ram_mfa.testing import AuthenticatorApp, ManualClock, enrolled
from tests.support.servers import PostgreSQL, Redis

CROWD = 1_000
HONEST = 20
FLOODS = (1, 100, 1_000)
TURN = 3.0
TURNS = 5
PAUSE = 0.05
CONNECTIONS = 10
PATIENT = 120.0
SESSION = "the session of this benchmark"
SEAL = AESGCMSeal({"2026": b"k" * 32}, seal_with="2026")
POLICY = MFAPolicy.ram(issuer="Example Cloud")


class Deployment:
    """A service, its users and their phones."""

    def __init__(self, store: Any) -> None:
        self.clock = ManualClock(1_700_000_000)
        self.mfa = AsyncMFA(store, POLICY, seal=SEAL, clock=self.clock, create=True, deadline=PATIENT)
        self.phones: dict[str, AuthenticatorApp] = {}
        self.over = False
        self.guesses = 0

    async def enrol(self) -> None:
        """Bind a phone for each user."""
        await self.mfa.open()
        names = [f"user {number}" for number in range(CROWD)]
        phones = await asyncio.gather(*(enrolled(self.mfa, name) for name in names))
        self.phones = dict(zip(names, phones, strict=True))
        self.clock.advance(60)

    async def log_on(self, user: str) -> None:
        """Log on from begin to finish; a code that was used shortly before is refused, which costs as much."""
        ask: Any = await self.mfa.perform(user, BeginLogon(session=SESSION))
        code = TOTPCode(self.phones[user].code_at(self.clock.now))
        with contextlib.suppress(Refused):
            await self.mfa.perform(user, FinishLogon(ask.id, code, session=SESSION))

    async def flood(self, victim: str) -> None:
        """Begin and guess without end."""
        while not self.over:
            ask: Any = await self.mfa.perform(victim, BeginLogon(session=SESSION))
            with contextlib.suppress(Refused):
                await self.mfa.perform(victim, FinishLogon(ask.id, TOTPCode("none"), session=SESSION))
            self.guesses += 1

    async def turn(self, floods: int) -> float:
        """Let the honest users log on for a while; return the median of how long they took."""
        victim, *others = [*self.phones][: HONEST + 1]
        took: list[float] = []
        self.over, self.guesses = False, 0

        async def live(user: str) -> None:
            while not self.over:
                await asyncio.sleep(random.uniform(0, 2 * PAUSE))
                begin = time.perf_counter()
                await self.log_on(user)
                took.append(time.perf_counter() - begin)

        tasks = [asyncio.ensure_future(live(user)) for user in others]
        tasks += [asyncio.ensure_future(self.flood(victim)) for _ in range(floods)]
        for _ in range(10):
            await asyncio.sleep(TURN / 10)
            self.clock.advance(60)
        self.over = True
        await asyncio.gather(*tasks)
        return statistics.median(took)


async def measure(name: str, store: Any) -> None:
    """Measure and print one engine's figures."""
    deployment = Deployment(store)
    await deployment.enrol()
    begin = time.perf_counter()
    for user in deployment.phones:
        await deployment.log_on(user)
    alone = time.perf_counter() - begin
    deployment.clock.advance(60)
    begin = time.perf_counter()
    await asyncio.gather(*(deployment.log_on(user) for user in deployment.phones))
    together = time.perf_counter() - begin
    print(f"\n{name}")
    print(f"  {CROWD} logons one after the other {CROWD / alone:8.0f} a second")
    print(f"  {CROWD} logons at once             {CROWD / together:8.0f} a second, {alone / together:.2f} x as many")
    for floods in FLOODS:
        ratios, guesses = [], []
        for _ in range(TURNS):
            quiet = await deployment.turn(0)
            ratios.append(await deployment.turn(floods) / quiet)
            guesses.append(deployment.guesses / TURN)
        print(
            f"  flood of {floods:4} tasks, {statistics.median(guesses):6.0f} guesses a second: others' median "
            f"{statistics.median(ratios):.2f} x quiet (turns: {', '.join(f'{one:.2f}' for one in sorted(ratios))})"
        )
    await store.close()


@contextlib.asynccontextmanager
async def on_redis() -> AsyncIterator[AsyncRedisStore]:
    """A store on a private server."""
    with Redis() as server:
        times = {"socket_timeout": PATIENT, "socket_connect_timeout": PATIENT}
        pool = aio.BlockingConnectionPool(port=server.port, max_connections=CONNECTIONS, timeout=PATIENT, **times)
        yield await AsyncRedisStore.open(aio.Redis.from_pool(pool))


async def main() -> None:
    """Measure on both."""
    with PostgreSQL() as server:
        prepared = PostgresStore(server.url())
        prepared.create_table()
        MFA(prepared, POLICY, seal=SEAL, create=True)
        prepared.close()
        await measure("PostgreSQL", AsyncPostgresStore(server.url(), size=CONNECTIONS, deadline=PATIENT))
    async with on_redis() as store:
        await measure("Redis, appendfsync always", store)


if __name__ == "__main__":
    asyncio.run(main())
