# SPDX-License-Identifier: Apache-2.0
"""A walk over all records that writes nothing and finds the key under which each is sealed, and its problems.

Invariant: it may run under traffic. A record that looks inconsistent is read again before it is reported, in case a
concurrent write explains it. States that the design allows (a claim that outlives its user, a move under way) are
counted and are not problems.
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
"""The kinds of record by the first letter of their store keys; the root record comes last."""
_MAX_READS: Final = 8
"""The number of times that an inconsistent record is read while it keeps changing."""


def all_keys(store: Listing) -> Iterator[str]:
    """Yield the keys of all records."""
    for kind in KINDS:
        yield from store.keys(kind)


def count(store: Listing) -> int:
    """Return the number of records."""
    return sum(1 for _ in all_keys(store))


def read_root(store: Store, seal: Seal) -> Root | None:
    """Return the root record, or None if there is none.

    Raises:
        UnreadableRecord: it is not sealed under a key of this ring.
    """
    sealed = store.load(ROOT_KEY)
    return None if sealed is None else unseal_record(ROOT_KEY, seal.for_record(ROOT_KEY), sealed, decode_root)


def count_by_key(store: Opened, seals: Mapping[str, Seal], progress: Callable[[int], None]) -> Counter[tuple[str, str]]:
    """Count all records by kind, and by the id of the key under which each is sealed; "" is for any other key.

    Args:
        store: holds the records.
        seals: for each key id, a seal that seals with that key.
        progress: called after each record with the number of records so far.
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
        progress(number)
    return counts


def _root_under(store: Store, seal: Seal) -> Root | None:
    try:
        return read_root(store, seal)
    except UnreadableRecord:
        return None


@attrs.frozen
class Problem:
    """A record that is not as this library writes it.

    Attributes:
        key: the store key of the record.
        problem: its description, without any of the record's content.
    """

    key: str
    problem: str


@attrs.define
class Examination:
    """An examination of each record: that it unseals and decodes, has the right key, and agrees with related records.

    Attributes:
        store: holds the records.
        seal: with all keys of the ring.
        tenants: the names of the tenants whose users are checked; "" is for users of no tenant.
        scope: the RP ID under which security keys registered through U2F are claimed; None if it is not known.
        counts: the numbers of records read, and of states that are unusual but allowed.
    """

    store: Opened
    seal: Seal
    tenants: Sequence[str] = ("",)
    scope: str | None = None
    counts: Counter[str] = attrs.field(factory=Counter)
    _bound: Seal | None = attrs.field(init=False, default=None)

    def run(self) -> Iterator[Problem | None]:
        """Yield, for each record, its problem or None."""
        for key in all_keys(self.store):
            self.counts[KINDS[key[0]]] += 1
            try:
                problem = self._find_problem(key)
            except UnreadableRecord as error:
                problem = error.problem
                if error.key != key:  # a related record is unreadable, and is reported itself
                    self.counts["not compared, since the other record cannot be read"] += 1
                    problem = ""
            yield Problem(key, problem) if problem else None
        if self.store.load(ROOT_KEY) is None:
            yield Problem(ROOT_KEY, "there is no root record")

    def _find_problem(self, key: str) -> str:
        if key[0] == "u":
            return self._check_account(key)
        if key[0] == "c":
            return self._check_claim(key)
        return self._check_root(key)

    def _read(self, key: str, decode: Callable[[bytes], T]) -> T | None:
        sealed = self.store.load(key)  # not through a view, which would raise HistoryLost after a loss
        if sealed is None:
            return None
        if key[0] == "r":
            return unseal_record(key, self.seal.for_record(key), sealed, decode)
        if self._bound is not None:
            with contextlib.suppress(UnreadableRecord):
                return unseal_record(key, self._bound.for_record(key), sealed, decode)
        root = read_root(self.store, self.seal)  # read again, since a re-sealing may have given the store another id
        self._bound = self.seal if root is None else StoreSeal(self.seal, root)
        return unseal_record(key, self._bound.for_record(key), sealed, decode)

    def _check_root(self, key: str) -> str:
        if key != ROOT_KEY:
            return "a root record under another record's key"
        root = self._read(key, decode_root)
        if root is not None and has_history(self.store) and self.store.incarnation() != root.incarnation:
            self.counts["losses of history that no process has noted yet"] += 1
        return ""

    def _check_account(self, key: str) -> str:
        problem = ""
        for _ in range(_MAX_READS):
            account = self._read(key, decode_account)
            if account is None:
                return ""
            problem = self._find_account_problem(key, account)
            if not problem or self._read(key, decode_account) == account:
                break
        return problem

    def _find_account_problem(self, key: str, account: Account) -> str:
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
                problem = self._find_key_problem(key, tenant, account, device)
                if problem:
                    return problem
        return ""

    def _find_key_problem(self, key: str, tenant: str, account: Account, device: SecurityKey) -> str:
        scope = device.rp_id or self.scope
        if scope is None:
            self.counts["security keys of U2F not compared with their claims: give the policy"] += 1
            return ""
        claim = self._read(claim_key(tenant, Claim(scope, device.credential_id)), decode_claim)
        if claim is None:
            return "a security key without its claim"
        if claim.key == key or (account.moved_to is not None and claim.key == user_key(tenant, account.moved_to)):
            return ""
        holder = self._read(claim.key, decode_account)
        if holder is not None and holder.moved_to == account.user:
            return ""
        return "a security key that another user has claimed"

    def _check_claim(self, key: str) -> str:
        claim = self._read(key, decode_claim)
        if claim is None:
            return ""
        if not (len(claim.key) == len(key) and claim.key.startswith("u")):
            return "a claim without a user"
        if self.store.load(claim.key) is None:
            self.counts["claims of users without a record"] += 1
        return ""
