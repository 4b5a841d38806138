# SPDX-License-Identifier: Apache-2.0
"""What a flood of made-up tickets at one name costs the revocations of that user, on PostgreSQL.

``python -m benchmarks flood``. It starts a private server and stops it. In turns, quiet and flooded, an administrator
unbinds the user's phone (``Unbind``), resets the account (``ResetMFA``), and the user's password changes
(``PasswordChanged``), through one `AsyncMFA` over ten connections, while 10,000 requests a second arrive with a
well-formed ticket for that user that nobody issued. Each verb's row shows the medians of its quiet and flooded times
and the ratio; the last lines say what became of the flood and how much memory the process took more. The flood runs in
the same process and event loop as the verbs, so that its own cost is in the figures. Nothing is judged here.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import statistics
import time
from collections import Counter, defaultdict
from typing import Any

from ram_mfa import (
    MFA,
    Administrator,
    AESGCMSeal,
    AsyncMFA,
    BeginLogon,
    FinishLogon,
    MFAPolicy,
    PasswordChanged,
    Refused,
    ResetMFA,
    StoreContended,
    TOTPCode,
    Unbind,
    new_session,
)
from ram_mfa.encoding.base64url import encode
from ram_mfa.stores.postgres import AsyncPostgresStore, PostgresStore
from ram_mfa.testing import ManualClock, enrolled
from tests.support.servers import PostgreSQL

RATE = 10_000
TICK = 0.001
TURNS = 20
PAUSE = 0.02
CONNECTIONS = 10
VICTIM = "victim"
SEAL = AESGCMSeal({"2026": b"k" * 32}, seal_with="2026")
POLICY = MFAPolicy.ram(issuer="Example Cloud")
ROOT = Administrator("root")
CLOCK = ManualClock(1_700_000_000)
"""It stands, so that no phone is enrolled between two time steps."""


def memory() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024


class Flood:
    """Requests with made-up tickets, at a rate that does not wait for answers."""

    def __init__(self, mfa: AsyncMFA) -> None:
        self.mfa = mfa
        self.session = new_session()
        self.outcomes: Counter[str] = Counter()
        self.over = False
        self.seconds = 0.0
        self.unanswered = 0
        head = b"\x01\x01" + bytes(8) + b"\x7f" * 8 + bytes(16) + b"\x5a" * 32
        self.ticket = encode(head) + encode(VICTIM.encode())

    async def one(self) -> None:
        try:
            await self.mfa.perform(VICTIM, FinishLogon(self.ticket, TOTPCode("123456"), session=self.session))
        except Refused as refused:
            self.outcomes[refused.refusal.reason.name] += 1
        except StoreContended:
            self.outcomes["StoreContended"] += 1

    async def run(self) -> None:
        """Send requests until it is over, and wait for the last answers."""
        tasks: set[asyncio.Task[None]] = set()
        begin = time.monotonic()
        sent = 0
        while not self.over:
            due = int((time.monotonic() - begin) * RATE)
            for _ in range(due - sent):
                task = asyncio.ensure_future(self.one())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            sent = due
            self.unanswered = max(self.unanswered, len(tasks))
            await asyncio.sleep(TICK)
        self.seconds += time.monotonic() - begin
        if tasks:
            await asyncio.wait(tasks)


async def timed(took: list[float], work: Any) -> None:
    begin = time.perf_counter()
    await work
    took.append(time.perf_counter() - begin)


async def turn(mfa: AsyncMFA, took: dict[str, list[float]]) -> None:
    """Time each revocation once, the record being made ready in between."""
    for name in ("Unbind", "ResetMFA", "PasswordChanged"):
        await enrolled(mfa, VICTIM, by=ROOT)
        await asyncio.sleep(PAUSE)
        verb = {"Unbind": Unbind(by=ROOT), "ResetMFA": ResetMFA(by=ROOT), "PasswordChanged": PasswordChanged()}[name]
        await timed(took[name], mfa.perform(VICTIM, verb))
        await mfa.perform(VICTIM, ResetMFA(by=ROOT))


async def measure(store: AsyncPostgresStore) -> None:
    mfa = AsyncMFA(store, POLICY, seal=SEAL, clock=CLOCK)
    quiet: dict[str, list[float]] = defaultdict(list)
    flooded: dict[str, list[float]] = defaultdict(list)
    await turn(mfa, defaultdict(list))
    gc.collect()
    before = memory()
    flood = Flood(mfa)
    for _ in range(TURNS):
        await turn(mfa, quiet)
        flood.over = False
        running = asyncio.ensure_future(flood.run())
        await asyncio.sleep(0.1)
        await turn(mfa, flooded)
        flood.over = True
        await running
    print(f"{'verb':20} {'quiet, ms':>10} {'flooded, ms':>12} {'ratio':>6}")
    for name, times in quiet.items():
        one, other = statistics.median(times), statistics.median(flooded[name])
        print(f"{name:20} {one * 1e3:10.2f} {other * 1e3:12.2f} {other / one:6.2f}")
    sent = sum(flood.outcomes.values())
    print(f"\n{sent} requests in {flood.seconds:.1f} s, {sent / flood.seconds:.0f} a second: {dict(flood.outcomes)}")
    print(f"at most {flood.unanswered} unanswered at once; {(memory() - before) / 1e6:.1f} MB more memory")
    ask: Any = await mfa.perform(VICTIM, BeginLogon(session=flood.session))
    print(f"and afterwards: {type(ask).__name__}")
    await store.close()


async def main() -> None:
    with PostgreSQL() as server:
        prepared = PostgresStore(server.url())
        prepared.create_table()
        MFA(prepared, POLICY, seal=SEAL, clock=CLOCK, create=True)
        prepared.close()
        await measure(AsyncPostgresStore(server.url(), size=CONNECTIONS))


if __name__ == "__main__":
    asyncio.run(main())
