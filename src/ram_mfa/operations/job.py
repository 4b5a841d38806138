# SPDX-License-Identifier: Apache-2.0
"""The inputs of a command: its arguments, the open store, seal, policy and output."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from ..engine.observers import Observer
from ..mfa import MFA
from ..policy import MFAPolicy, RelyingParty
from ..sealing import Seal
from .consistency_check import count
from .secret_files import Usage
from .store_urls import Opened
from .terminal import Terminal

_ANY_PARTY: Final = RelyingParty(id="localhost", origins=("http://localhost",))


@attrs.frozen
class Job:
    """The inputs of a command.

    Attributes:
        arguments: the parsed arguments.
        store: the open store.
        seal: under the whole ring.
        seals: one that seals with each key of the ring, the present key's first.
        policy: as given, or None for RAM's own rules.
        terminal: the output.
    """

    arguments: Namespace
    store: Opened
    seal: Seal
    seals: Mapping[str, Seal]
    policy: MFAPolicy | None
    terminal: Terminal

    def mfa(self, *, create: bool = False, observers: Iterable[Observer] = ()) -> MFA:
        """Return an MFA on this store; without a given policy, under RAM's own rules and with security keys usable."""
        deadline = self.arguments.deadline
        return MFA(self.store, self._policy(), seal=self.seal, deadline=deadline, create=create, observers=observers)

    def tenant_mfa(self, *, observers: Iterable[Observer] = ()) -> MFA:
        """Return an MFA for the tenant that the arguments name, if any.

        Raises:
            Usage: no tenant can have that name.
        """
        mfa, tenant = self.mfa(observers=observers), self.arguments.tenant
        if not tenant:
            return mfa
        try:
            return mfa.for_tenant(tenant, self._policy())
        except ValueError:
            raise Usage("--tenant: no tenant can have that name") from None

    def _policy(self) -> MFAPolicy:
        return self.policy or MFAPolicy.ram(issuer="ram_mfa", relying_party=_ANY_PARTY)

    def total(self) -> int | None:
        """Return the number of records where a terminal shows progress; else None, which saves a walk over the keys."""
        terminal = self.terminal
        return count(self.store) if terminal.err.isatty() and not terminal.quiet else None
