# SPDX-License-Identifier: Apache-2.0
"""Users with a phone each, and one or more services that they log on to, over a store that a test makes fail.

The outcome of an attempt is a text: ``proof``, the name of a reason, or the name of an error.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from ram_mfa import MFA, AsyncMFA, Describe, MFAError, MFAPolicy, Verb
from ram_mfa.store import has_clock
from ram_mfa.testing import AuthenticatorApp, ManualClock

from .races import begin, bind, finish
from .service import PARTY, SEAL

STEP = 30.0
"""Seconds: the time step of the users' codes."""
FAILED = {"StoreUnavailable", "StoreUncertain", "StoreContended"}
"""The outcomes of attempts to which the store gave no answer; none of them is a logon."""


class Deployment:
    """Users with a phone each, and services that they log on to.

    Args:
        opened: a function that opens a store.
        users: the users, who get a phone each; methods that take a user default to the first.
    """

    def __init__(self, opened: Callable[[], Any], users: Sequence[str] = ("alice",)) -> None:
        self.opened = opened
        self.user = users[0]
        self.clock = ManualClock(1_700_000_000)
        self.stores: list[Any] = []
        self.mfa = self.service(create=True)
        self.phones: dict[str, AuthenticatorApp] = {}
        for user in users:
            self.bind(user)
        self.clock.advance(2 * STEP)

    def bind(self, user: str) -> None:
        """Bind a phone to a user."""
        self.phones[user] = AuthenticatorApp.scan(bind(self.mfa, user, self.clock.now))

    def service(self, opened: Callable[[], Any] | None = None, *, create: bool = False) -> Any:
        """Open the service once more, as another process does."""
        store = self._opened(opened or self.opened)
        if has_clock(store):
            store.clock = self._store_clock  # the server's own clock is not the deployment's
        self.stores.append(store)
        policy = MFAPolicy.ram(issuer="Example", relying_party=PARTY)
        return self._over(store, policy=policy, seal=SEAL, clock=self.clock, create=create)

    def _store_clock(self) -> Any:
        return self.clock.now

    def _opened(self, opened: Callable[[], Any]) -> Any:
        return opened()

    def _over(self, store: Any, **named: Any) -> Any:
        return MFA(store, **named)

    def code(self, user: str | None = None, *, back: int = 0) -> str:
        """Return what a user's phone shows now, or showed some steps ago."""
        return self.phones[user or self.user].code_at(self.clock.now - back * STEP)

    def log_on(self, code: str, mfa: Any = None, *, user: str | None = None) -> str:
        """Begin a logon and finish it with a code."""
        mfa, user = mfa or self.mfa, user or self.user
        try:
            ticket = begin(mfa, user)
        except MFAError as error:
            return type(error).__name__
        return finish(mfa, user, ticket, code)

    def last_used(self, user: str) -> float:
        """Return when a user's phone was last used."""
        (device,) = self.mfa.perform(user, Describe()).devices
        return device.last_used_at or 0.0

    def close(self) -> None:
        """Close the stores."""
        for store in self.stores:
            store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncDeployment(Deployment):
    """A deployment whose service is `AsyncMFA` over an asynchronous store, in a loop of its own."""

    def __init__(self, opened: Callable[[], Any], users: Sequence[str] = ("alice",)) -> None:
        self.loop = asyncio.new_event_loop()
        super().__init__(opened, users)

    def _opened(self, opened: Callable[[], Any]) -> Any:
        return self.loop.run_until_complete(opened())

    def _over(self, store: Any, **named: Any) -> Any:
        return AwaitedMFA(AsyncMFA(store, **named), self.loop)

    async def _store_clock(self) -> Any:
        return self.clock.now

    def close(self) -> None:
        """Close the stores and the loop."""
        for store in self.stores:
            self.loop.run_until_complete(store.close())
        self.loop.close()


class AwaitedMFA:
    """An `AsyncMFA`, called by who does not await it."""

    def __init__(self, mfa: AsyncMFA, loop: asyncio.AbstractEventLoop) -> None:
        self.mfa = mfa
        self.loop = loop

    def perform(self, user: str, verb: Verb[Any]) -> Any:
        """Perform a verb."""
        return self.loop.run_until_complete(self.mfa.perform(user, verb))


class Crowd:
    """All users of a deployment, who log on at two services at once, round by round.

    In each round every user submits the code of the step before and the present one to both services. The clock
    moves on where all were answered; where the store failed, the next round submits the same codes.

    Attributes:
        accepted: how often each code was, by user and step.
        acknowledged: the moment of each user's last logon.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.services = [deployment.mfa, deployment.service()]
        self.accepted: Counter[tuple[str, float]] = Counter()
        self.acknowledged: dict[str, float] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(2 * len(deployment.phones))

    def round(self) -> tuple[bool, set[str]]:
        """Have everybody log on; return whether all were answered, and who was let in with the present code."""
        now = self.deployment.clock.now
        at = [(user, mfa) for user in self.deployment.phones for mfa in self.services]
        told = list(self._pool.map(self._log_on, at))
        answered = not FAILED.intersection(itertools.chain.from_iterable(told))
        if answered:
            self.deployment.clock.advance(STEP)
        assert set(self.accepted.values()) <= {1}, [code for code, times in self.accepted.items() if times > 1]
        return answered, {user for user, _ in at if self.acknowledged.get(user) == now}

    def _log_on(self, at: tuple[str, MFA]) -> list[str]:
        user, mfa = at
        outcomes = []
        for back in (1, 0):
            outcome = self.deployment.log_on(self.deployment.code(user, back=back), mfa, user=user)
            outcomes.append(outcome)
            if outcome == "proof":
                with self._lock:
                    self.accepted[user, self.deployment.clock.now // STEP - back] += 1
                    self.acknowledged[user] = self.deployment.clock.now
        return outcomes

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
