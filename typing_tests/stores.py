# SPDX-License-Identifier: Apache-2.0
"""What a plugin author and an application may put together: stores, drivers, seals, policies."""

from __future__ import annotations

from ram_mfa import MFA, AESGCMSeal, AsyncMFA, Event, MFAPolicy, Seal, UnsafePlaintext, in_threads
from ram_mfa.integrations.django import DjangoStore
from ram_mfa.store import AsyncStore, Incarnated, Listing, Store
from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from ram_mfa.stores.sqlite import SQLiteStore

POLICY = MFAPolicy.ram(issuer="Example Cloud")
SEAL: Seal = AESGCMSeal({"2026": bytes(32)}, seal_with="2026")
PLAIN: Seal = UnsafePlaintext()


class Mine:
    """A plugin author's store, which inherits from nothing."""

    def load(self, key: str, /) -> bytes | None:
        return None

    def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return False


class Half:
    def load(self, key: str, /) -> bytes | None:
        return None


class Talks(Mine):
    """Answers a swap with a number of rows."""

    def swap(  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        self, key: str, old: bytes | None, new: bytes | None, /
    ) -> str:
        return "1 row"


class MineAwaited:
    async def load(self, key: str, /) -> bytes | None:
        return None

    async def swap(self, key: str, old: bytes | None, new: bytes | None, /) -> bool:
        return False


def stores() -> None:
    for store in (MemoryStore(), SQLiteStore("mfa.db"), DjangoStore("mfa", deadline=2.0)):
        one: Store = store
        lists: Listing = store
        MFA(one, POLICY, seal=SEAL)
        del lists
    knows: Incarnated = DjangoStore()
    del knows
    MFA(Mine(), POLICY, seal=SEAL)
    MFA(Half(), POLICY, seal=SEAL)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    MFA(Talks(), POLICY, seal=SEAL)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def awaited_stores() -> None:
    store: AsyncStore = AsyncMemoryStore()
    AsyncMFA(store, POLICY, seal=SEAL)
    AsyncMFA(MineAwaited(), POLICY, seal=SEAL)
    AsyncMFA(in_threads(Mine()), POLICY, seal=SEAL)


def each_driver_takes_its_own() -> None:
    MFA(MineAwaited(), POLICY, seal=SEAL)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    AsyncMFA(Mine(), POLICY, seal=SEAL)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def policies() -> None:
    MFA(Mine(), lambda: POLICY, seal=SEAL)
    MFA(Mine(), "ram", seal=SEAL)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    MFA(Mine(), POLICY)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


async def told(event: Event) -> None:
    del event


def only_the_awaited_driver_awaits_observers() -> None:
    AsyncMFA(MineAwaited(), POLICY, seal=SEAL, observers=(told, print))
    MFA(Mine(), POLICY, seal=SEAL, observers=(print,))
