# SPDX-License-Identifier: Apache-2.0
"""A fresh service for each test: a store that the test may interfere with, a manual clock, and either driver.

The fixture ``services`` of tests/conftest.py runs a test over both drivers, so that what it shows of `MFA` holds for
`AsyncMFA` over the same store in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

import attrs

from ram_mfa import (
    MFA,
    Administrator,
    AESGCMSeal,
    AsyncMFA,
    BeginLogon,
    BeginStepUp,
    Challenge,
    Event,
    EventType,
    Evidence,
    FinishLogon,
    FinishStepUp,
    HistoryLost,
    MFAPolicy,
    Operation,
    Owner,
    Refusal,
    Refused,
    RelyingParty,
    TOTPCode,
    Verb,
    in_threads,
)
from ram_mfa._secret import SecretBytes
from ram_mfa.account import Account
from ram_mfa.codec import decode_account, decode_root, encode_account
from ram_mfa.context import Context, Root
from ram_mfa.engine.records import ROOT_KEY, user_key
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import AuthenticatorApp, ManualClock, SoftSecurityKey, enrolled, enrolled_key

from .records import AsStored

T = TypeVar("T")

ORIGIN = "https://console.example.com"
APP_ID = "https://console.example.com/app-id.json"
PARTY = RelyingParty(id="example.com", origins=[ORIGIN], app_id=APP_ID)
SEAL = AESGCMSeal({"2026": b"k" * 32}, seal_with="2026")
ROOT = Administrator("root")
DELETE = Operation("server.delete", "i-0815")
SESSION = "the session of one browser"
OTHER_SESSION = "the session of another browser"


def finish(
    ask: Challenge, evidence: Evidence, *, operation: Operation | None = None, session: str = SESSION, **how: Any
) -> FinishLogon | FinishStepUp:
    """Return the verb that finishes what a challenge began."""
    if operation is None:
        return FinishLogon(ask.id, evidence, session=session, **how)
    return FinishStepUp(ask.id, evidence, operation=operation, session=session)


class ScriptedStore(MemoryStore):
    """A store in memory that a test can interfere with; its views make their comparisons in each statement.

    Attributes:
        calls: (operation, key) of every load and swap, in order.
        interfere: called in place of each load and swap with the operation, the function that really does it, and
            the arguments; None leaves the store alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []
        self.interfere: Callable[..., Any] | None = None

    history = ""

    def incarnation(self) -> str:
        return self.history

    def at(self, incarnation: str, /, *, beside: tuple[str, bytes] | None = None) -> _View:
        return _View(self, incarnation, beside)

    def load(self, key, /):
        return self._call("load", super().load, key)

    def swap(self, key, old, new, /):
        return self._call("swap", super().swap, key, old, new)

    def _call(self, operation, really, key, *arguments):
        self.calls.append((operation, key))
        if self.interfere is None:
            return really(key, *arguments)
        return self.interfere(operation, really, key, *arguments)

    @property
    def swaps(self) -> int:
        """How often a swap was called."""
        return sum(operation == "swap" for operation, _ in self.calls)

    @property
    def records(self) -> dict[str, bytes]:
        """The records in the store, by key."""
        return dict(self._records)

    def put(self, key: str, record: bytes | None) -> None:
        """Write a record past the service, as an attacker with database access would; None deletes it."""
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = record


class StoreWithHistory(ScriptedStore):
    """A scripted store whose engine names its history.

    Attributes:
        history: the current name; setting another one simulates a promotion or a restore.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history = "1"


class StoreWithoutViews(ScriptedStore):
    """A scripted store without views, for which the loop reads the root record itself."""

    incarnation = at = None  # type: ignore[assignment]


class _View:
    """A view that compares the name of the history and the pinned record."""

    def __init__(self, store: ScriptedStore, incarnation: str, beside: tuple[str, bytes] | None) -> None:
        self._store, self._incarnation, self._beside = store, incarnation, beside

    def _check(self) -> None:
        if self._store.history != self._incarnation:
            raise HistoryLost(self._store.history)
        if self._beside is not None and self._store.records.get(self._beside[0]) != self._beside[1]:
            raise HistoryLost(self._store.history)

    def load(self, key, /):
        self._check()
        return self._store.load(key)

    def swap(self, key, old, new, /):
        self._check()
        return self._store.swap(key, old, new)


class RecordReader:
    """Loads from a scripted store without running its script."""

    def __init__(self, store: ScriptedStore) -> None:
        self.load = store.records.get


@attrs.define
class Service:
    """One service: its store, its clock, its driver, and the events that its observer received.

    Attributes:
        mfa: the driver.
        store: the store of its records.
        clock: the clock of every host of it.
        observed: the events that its observer received, in order.
        seal: the seal of its records.
    """

    mfa: MFA | AsyncMFA
    store: ScriptedStore
    clock: ManualClock
    observed: list[Event]
    seal: Any
    _runner: asyncio.Runner

    def run(self, result: Any) -> Any:
        """Return a result, awaited where the driver is."""
        if isinstance(result, AsyncIterator):
            return self._runner.run(_all(result))
        if inspect.isawaitable(result):
            return self._runner.run(_one(result))
        return list(result) if isinstance(result, Iterator) else result

    def perform(self, user: str, verb: Verb[T]) -> T:
        """Perform a verb."""
        result: T = self.run(self.mfa.perform(user, verb))
        return result

    def refusal(self, user: str, verb: Verb[Any]) -> Refusal:
        """Perform a verb that must be refused, and return its refusal."""
        try:
            outcome = self.perform(user, verb)
        except Refused as refused:
            return refused.refusal
        raise AssertionError(f"not refused: {outcome!r}")

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """Check that nothing is written within the block."""
        before, swaps = self.store.records, self.store.swaps
        yield
        assert self.store.records == before
        assert self.store.swaps == swaps

    # People

    def phone(self, user: str, **how: Any) -> AuthenticatorApp:
        """Bind a virtual device by an administrator, and return the phone."""
        phone: AuthenticatorApp = self.run(enrolled(self.mfa, user, **how))
        return phone

    def key(self, user: str, **how: Any) -> SoftSecurityKey:
        """Bind a security key by an administrator, and return it."""
        key: SoftSecurityKey = self.run(enrolled_key(self.mfa, user, **how))
        return key

    def ask(
        self, user: str, *, operation: Operation | None = None, session: str = SESSION, mark: str | None = None
    ) -> Challenge:
        """Begin a logon, with or without a password mark, or a step-up, and return its challenge."""
        if operation is None:
            asked = self.perform(user, BeginLogon(session=session, password_mark=mark))
        else:
            asked = self.perform(user, BeginStepUp(operation, session=session))
        assert isinstance(asked, Challenge)
        return asked

    def code(self, phone: AuthenticatorApp, *, steps: int = 0) -> TOTPCode:
        """Return the code that a phone shows now, or the given number of time steps from now."""
        return TOTPCode(phone.code_at(self.clock() + steps * phone.period))

    def wrong(self, phone: AuthenticatorApp) -> TOTPCode:
        """Return a code that the phone shows in none of the 30 time steps before and after now."""
        near = {phone.code_at(max(self.clock() + step * phone.period, 0)) for step in range(-30, 31)}
        return TOTPCode(next(code for code in map("{:06}".format, range(100)) if code not in near))

    def receipt(self, user: str, phone: AuthenticatorApp, operation: Operation, *, session: str = SESSION) -> str:
        """Step up with the code of the next time step, and return the receipt."""
        self.clock.advance(phone.period)
        asked = self.ask(user, operation=operation, session=session)
        proof = self.perform(user, finish(asked, self.code(phone), operation=operation, session=session))
        return str(proof.receipt)

    def owner(self, user: str, phone: AuthenticatorApp, operation: Operation, *, session: str = SESSION) -> Owner:
        """Return the owner with a fresh receipt for an operation."""
        return Owner(self.receipt(user, phone, operation, session=session), session=session)

    def first_device(self, user: str, *, session: str = SESSION, mark: str | None = None) -> Owner:
        """Return the owner of an account without a device, whose password was right just now."""
        begun = self.perform(user, BeginLogon(session=session, password_mark=mark))
        return Owner.first_device(begun.logon, session=session)

    # Records

    def account(self, user: str, *, tenant: str = "") -> Account:
        """Return the account as it stands in the store."""
        key = user_key(tenant, user)
        return decode_account(
            AsStored(self.seal, RecordReader(self.store)).for_record(key).unseal(self.store.records[key])
        )

    def plant(self, user: str, **changes: Any) -> Account:
        """Write the user's account with some attributes changed, for states that would take days to reach."""
        account, key = attrs.evolve(self.account(user), **changes), user_key("", user)
        self.store.put(key, AsStored(self.seal, RecordReader(self.store)).for_record(key).seal(encode_account(account)))
        return account

    @property
    def root(self) -> Root:
        """The root record as it stands in the store."""
        return decode_root(self.seal.for_record(ROOT_KEY).unseal(self.store.records[ROOT_KEY]))

    def context(self, user: str, **changes: Any) -> Context:
        """Return a context in which a verb can be called as the pure function it is."""
        policy = self.mfa._engine.policy()
        context = Context(policy, self.clock(), SecretBytes(b"e" * 32), self.root, user, user_key("", user))
        return attrs.evolve(context, **changes)

    def events(self, *kinds: EventType) -> list[Event]:
        """Return the observed events of these types."""
        return [event for event in self.observed if event.type in kinds]


class Services:
    """Makes services over one driver, and closes its event loop at the end."""

    def __init__(self, driver: str) -> None:
        self.driver = driver
        self._runner = asyncio.Runner()

    def __call__(
        self,
        *,
        store: ScriptedStore | None = None,
        clock: Callable[[], Any] | None = None,
        policy: MFAPolicy | Callable[[], MFAPolicy] | None = None,
        seal: Any = SEAL,
        observers: tuple[Callable[[Event], Any], ...] = (),
        deadline: float = 5.0,
        create: bool = True,
        **rules: Any,
    ) -> Service:
        """Return a service; ``rules`` are attributes of `MFAPolicy`, in place of a whole ``policy``."""
        store = ScriptedStore() if store is None else store
        clock = ManualClock() if clock is None else clock
        if policy is None:
            policy = MFAPolicy.ram(issuer="Example", **{"relying_party": PARTY, **rules})
        observed: list[Event] = []
        how: dict[str, Any] = {
            "seal": seal,
            "clock": clock,
            "observers": (observed.append, *observers),
            "deadline": deadline,
            "create": create,
        }
        if self.driver == "MFA":
            mfa: MFA | AsyncMFA = MFA(store, policy, **how)
        else:
            mfa = AsyncMFA(in_threads(store), policy, **how)
            if create:
                self._runner.run(mfa.open())
        return Service(mfa, store, clock, observed, seal, self._runner)

    def close(self) -> None:
        self._runner.close()


async def _one(awaitable: Any) -> Any:
    return await awaitable


async def _all(rows: AsyncIterator[Any]) -> list[Any]:
    return [row async for row in rows]
