# SPDX-License-Identifier: Apache-2.0
"""A walk over all records that writes nothing: under which key each is sealed, and what is wrong with it.

The room's rule: it reads under traffic. What is found wrong because another write came in between is read again
before it is told; what the design allows (a claim outlives its user, a move is under way) is counted and is not wrong.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import attrs

from ..account import Account, SecurityKey
from ..codec import decode_account, decode_claim, decode_root
from ..context import Root
from ..engine.binding import StoreSeal
from ..engine.records import ROOT_KEY, claim_key, unseal_record, user_key
from ..errors import UnreadableRecord
from ..rules.verb import Claim
from ..sealing import Seal
from ..store import Listing, Store, has_history
from .store_urls import Opened

T = TypeVar("T")

KINDS: Final = {"u": "users", "c": "claims", "r": "root records"}
"""The kinds of record, as a store key begins; the root record comes last, as it does when records are sealed anew."""
_LOOKS: Final = 8
"""How often a record is read again that seems wrong and keeps changing."""


def all_keys(store: Listing) -> Iterator[str]:
    """Name the keys of all records."""
    for kind in KINDS:
        yield from store.keys(kind)


def count(store: Listing) -> int:
    """Return how many records there are."""
    return sum(1 for _ in all_keys(store))


def read_root(store: Store, seal: Seal) -> Root | None:
    """Return the root record, or None where there is none.

    Raises:
        UnreadableRecord: it is not sealed under a key of this ring.
    """
    found = store.load(ROOT_KEY)
    return None if found is None else unseal_record(ROOT_KEY, seal.for_record(ROOT_KEY), found, decode_root)


def sealed_with(store: Opened, seals: Mapping[str, Seal], seen: Callable[[int], None]) -> Counter[tuple[str, str]]:
    """Count all records by kind, and by the id of the key that each is sealed under; "" stands for none of these.

    Args:
        store: where they are.
        seals: for each key id, a seal that seals with it.
        seen: told after each record how many it was.
    """
    counts: Counter[tuple[str, str]] = Counter()
    root = next((root for root in (_root_under(store, seal) for seal in seals.values()) if root is not None), None)
    bound = {name: seal if root is None else StoreSeal(seal, root) for name, seal in seals.items()}
    for number, key in enumerate(all_keys(store), start=1):
        sealed = store.load(key)
        if sealed is not None:
            ring = seals if key == ROOT_KEY else bound
            under = next((name for name, seal in ring.items() if seal.for_record(key).is_current(sealed)), "")
            counts[key[0], under] += 1
        seen(number)
    return counts


def _root_under(store: Store, seal: Seal) -> Root | None:
    try:
        return read_root(store, seal)
    except UnreadableRecord:
        return None


@attrs.frozen
class Wrong:
    """Something that is not as this library leaves it.

    Attributes:
        key: the store key of the record.
        problem: what is wrong, without any of its content.
    """

    key: str
    problem: str


@attrs.define
class Examination:
    """Looks at each record: whether it unseals and decodes, stands in its place, and agrees with what belongs to it.

    Attributes:
        store: where they are.
        seal: with all keys of the ring.
        tenants: whose users these may be; "" is who has no tenant.
        scope: the RP ID under which keys are claimed that were registered through U2F; None where it is not known.
        counts: of what was looked at, and of what is unusual and not wrong.
    """

    store: Opened
    seal: Seal
    tenants: Sequence[str] = ("",)
    scope: str | None = None
    counts: Counter[str] = attrs.field(factory=Counter)
    _bound: Seal | None = attrs.field(init=False, default=None)

    def run(self) -> Iterator[Wrong | None]:
        """Yield, for each record, what is wrong with it, or None."""
        for key in all_keys(self.store):
            self.counts[KINDS[key[0]]] += 1
            try:
                problem = self._problem(key)
            except UnreadableRecord as error:
                problem = error.problem
                if error.key != key:  # another record was looked at for this one, and comes in its own turn
                    self.counts["not compared, since the other record cannot be read"] += 1
                    problem = ""
            yield Wrong(key, problem) if problem else None
        if self.store.load(ROOT_KEY) is None:
            yield Wrong(ROOT_KEY, "there is no root record")

    def _problem(self, key: str) -> str:
        if key[0] == "u":
            return self._account(key)
        if key[0] == "c":
            return self._claim(key)
        return self._root(key)

    def _read(self, key: str, decode: Callable[[bytes], T]) -> T | None:
        sealed = self.store.load(key)  # no view: where history was lost, nothing is to be written
        if sealed is None:
            return None
        if key[0] == "r":
            return unseal_record(key, self.seal.for_record(key), sealed, decode)
        if self._bound is not None:
            with contextlib.suppress(UnreadableRecord):
                return unseal_record(key, self._bound.for_record(key), sealed, decode)
        root = read_root(self.store, self.seal)  # again: a re-sealing may have given the store another id
        self._bound = self.seal if root is None else StoreSeal(self.seal, root)
        return unseal_record(key, self._bound.for_record(key), sealed, decode)

    def _root(self, key: str) -> str:
        if key != ROOT_KEY:
            return "a root record in another place than its own"
        root = self._read(key, decode_root)
        if root is not None and has_history(self.store) and self.store.incarnation() != root.incarnation:
            self.counts["losses of history that no process has met yet"] += 1
        return ""

    def _account(self, key: str) -> str:
        problem = ""
        for _ in range(_LOOKS):
            account = self._read(key, decode_account)
            if account is None:
                return ""
            problem = self._account_problem(key, account)
            if not problem or self._read(key, decode_account) == account:
                break
        return problem

    def _account_problem(self, key: str, account: Account) -> str:
        tenant = next((name for name in self.tenants if user_key(name, account.user) == key), None)
        if tenant is None:
            self.counts["users of tenants that were not named"] += 1
            return ""
        if account.reserved_for is not None:
            self.counts["places reserved by moves"] += 1
        if account.moved_to is not None:
            self.counts["moves under way"] += 1
        for device in account.devices:
            if isinstance(device, SecurityKey):
                problem = self._key_problem(key, tenant, account, device)
                if problem:
                    return problem
        return ""

    def _key_problem(self, key: str, tenant: str, account: Account, device: SecurityKey) -> str:
        scope = device.rp_id or self.scope
        if scope is None:
            self.counts["security keys of U2F not compared with their claims: give the policy"] += 1
            return ""
        held = self._read(claim_key(tenant, Claim(scope, device.credential_id)), decode_claim)
        if held is None:
            return "a security key without its claim"
        if held.key == key or (account.moved_to is not None and held.key == user_key(tenant, account.moved_to)):
            return ""
        holder = self._read(held.key, decode_account)
        if holder is not None and holder.moved_to == account.user:
            return ""
        return "a security key that another user has claimed"

    def _claim(self, key: str) -> str:
        held = self._read(key, decode_claim)
        if held is None:
            return ""
        if not (len(held.key) == len(key) and held.key.startswith("u")):
            return "a claim of nobody"
        if self.store.load(held.key) is None:
            self.counts["claims of users without a record"] += 1
        return ""
