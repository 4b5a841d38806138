# SPDX-License-Identifier: Apache-2.0
"""The set-up of the loop that `ram_mfa.MFA` and `ram_mfa.AsyncMFA` share, for all users and for those of a tenant."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

import attrs

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


def _policy_reader(policy: Policy) -> Callable[[], MFAPolicy]:
    if isinstance(policy, MFAPolicy):
        return lambda: policy
    if not callable(policy):
        raise TypeError("policy is an MFAPolicy, or a callable that returns one")

    def read() -> MFAPolicy:
        present = policy()
        if not is_a(present, MFAPolicy):
            raise TypeError(f"the policy callable returned no MFAPolicy but {type(present).__name__}")
        return present

    return read


class Driver:
    """The base of both drivers: the loop, set up over a store."""

    _engine: Engine

    def _set_up(
        self,
        store: AnyStore,
        policy: Policy,
        *,
        seal: Seal,
        clock: Clock,
        notify: Callable[[Event], Any],
        pause: Callable[[float], Any],
        deadline: float,
        create: bool,
    ) -> None:
        if not hasattr(store, "load") or not hasattr(store, "swap"):
            raise TypeError("a store has load and swap")
        has_history(store)  # TypeError where it has only one of the two methods
        if not hasattr(seal, "for_record"):
            raise TypeError("a seal has for_record: see AESGCMSeal")
        if type(create) is not bool:
            raise TypeError("create is True or False")
        if isinstance(deadline, bool) or not 0 < deadline <= 600:
            raise ValueError("deadline is a number of seconds, up to 600")
        if isinstance(seal, UnsafePlaintext) and getattr(store, "durable", True) is not False:
            warn_caller(
                "UnsafePlaintext on a durable store leaves every secret readable in it; use AESGCMSeal",
                UnsafePlaintextWarning,
            )
        read = _policy_reader(policy)
        session = StoreSession(store, seal, clock, pause, lambda: read().clock_skew, create=create)
        self._engine = Engine(session, read, "", notify, pause, deadline)

    @property
    def policy(self) -> MFAPolicy:
        """The policy in force now."""
        return self._engine.policy()

    def for_tenant(self, name: str, policy: Policy) -> Self:
        """Return the same store's MFA for the users of a tenant, under the tenant's own policy.

        Args:
            name: of the tenant, 1 to 200 bytes of UTF-8.
            policy: as for the MFA itself.

        Raises:
            TypeError, ValueError: the name or the policy is not usable.
        """
        if not isinstance(name, str) or not 1 <= len(name.encode()) <= 200:
            raise ValueError("the name of a tenant is 1 to 200 bytes of UTF-8")
        other = copy.copy(self)
        other._engine = attrs.evolve(self._engine, policy=_policy_reader(policy), tenant=name)  # noqa: SLF001 (its own)
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} tenant {self._engine.tenant!r}>"
