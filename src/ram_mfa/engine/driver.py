# SPDX-License-Identifier: Apache-2.0
"""The set-up of the loop that `ram_mfa.MFA` and `ram_mfa.AsyncMFA` share, for all users and for those of a tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from .._validation import is_a
from .._warning import warn_caller
from ..events import Event
from ..policy import MFAPolicy
from ..sealing import Seal, UnsafePlaintext, UnsafePlaintextWarning
from ..store import has_history
from .effects import AnyStore
from .loop import Engine
from .store_session import Clock, StoreSession

Policy = MFAPolicy | Callable[[], MFAPolicy]


def _source(policy: Policy) -> Callable[[], MFAPolicy]:
    if isinstance(policy, MFAPolicy):
        return lambda: policy
    if not callable(policy):
        raise TypeError("policy is an MFAPolicy, or a callable that returns one")

    def read() -> MFAPolicy:
        found = policy()
        if not is_a(found, MFAPolicy):
            raise TypeError(f"the policy callable returned no MFAPolicy but {type(found).__name__}")
        return found

    return read


class Driver:
    """What both drivers hold: the loop, set up over a store."""

    _engine: Engine

    def _set_up(
        self,
        store: AnyStore,
        policy: Policy,
        *,
        seal: Seal,
        clock: Clock,
        tell: Callable[[Event], Any],
        pause: Callable[[float], Any],
        deadline: float,
        create: bool,
    ) -> None:
        if not hasattr(store, "load") or not hasattr(store, "swap"):
            raise TypeError("a store has load and swap")
        has_history(store)  # TypeError where it has one of the two methods only
        if not hasattr(seal, "for_record"):
            raise TypeError("a seal has for_record: see AESGCMSeal")
        if type(create) is not bool:
            raise TypeError("create is True or False")
        if isinstance(deadline, bool) or not 0 < deadline <= 600:
            raise ValueError("deadline is a number of seconds, up to 600")
        if isinstance(seal, UnsafePlaintext) and getattr(store, "durable", True) is not False:
            warn_caller(
                "UnsafePlaintext on a durable store: every secret lies readable in it; use AESGCMSeal",
                UnsafePlaintextWarning,
            )
        source = _source(policy)
        opening = StoreSession(store, seal, clock, pause, lambda: source().clock_skew, create=create)
        self._engine = Engine(opening, source, "", tell, pause, deadline)

    def _for_tenant(self, name: str, policy: Policy) -> Self:
        if not isinstance(name, str) or not 1 <= len(name.encode()) <= 200:
            raise ValueError("the name of a tenant is 1 to 200 bytes of UTF-8")
        other = object.__new__(type(self))
        engine = self._engine
        other._engine = Engine(engine.opening, _source(policy), name, engine.tell, engine.pause, engine.deadline)
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} tenant {self._engine.tenant!r}>"
