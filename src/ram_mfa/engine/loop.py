# SPDX-License-Identifier: Apache-2.0
"""The loop that performs a verb: load, unseal, decode, decide, encode, seal, swap, and only then report.

::

    bytes -> unseal -> decode -> verb(account, context) -> Transition -> encode -> seal -> swap applied? -> report

A code, a challenge or an attempt is spent in the same write that holds its result, and no result is reported before it
is durable (V4, V9; S10). After a lost race the verb decides again on the current record, with the same entropy and a
new ``now``; the pauses between attempts are random, and the attempts end at a deadline. Every error refuses: none is
turned into a success (B19, V37).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from .._secret import SecretBytes
from ..account import Account
from ..ceremonies.delivery import with_events
from ..ceremonies.receipts import CheckReceipt
from ..codec import CredentialClaim, decode_claim, encode_account, encode_claim
from ..context import Context
from ..errors import HistoryLost, MalformedMessage, StoreContended, StoreUnavailable, StoreUncertain
from ..events import Event
from ..policy import AdministratorProof, MFAPolicy
from ..refusals import Reason, Refusal, Refused, Ticket
from ..rules.actors import Actor, Administrator
from ..rules.operation import Operation
from ..rules.verb import Claim, Transition, Verb, refused
from .effects import AnyStore, Effects, load, swap
from .forks import lineage
from .records import claim_key, unseal_account, unseal_record, untrusted_user_key
from .store_session import OpenStore, StoreSession

T = TypeVar("T")
_FIRST_PAUSE: Final = 0.001
_MAX_PAUSE: Final = 0.05
_MAX_CLAIM_TURNS: Final = 8
"""A claim is never deleted, so the loser of a race for one finds it at the next turn."""

Notify = Callable[[Event], Any]
Observe = Callable[[Account | None, Context], None]


@attrs.define
class Engine:
    """The loop over one store, for one tenant.

    Attributes:
        session: the store and its root record.
        policy: returns the policy in force; called at each perform.
        tenant: the name of the tenant whose users these are; empty for those of no tenant.
        notify: reports one event to all observers, and never raises.
        pause: waits some seconds.
        deadline: seconds until a perform that keeps losing races gives up.
    """

    session: StoreSession
    policy: Callable[[], MFAPolicy]
    tenant: str
    notify: Notify
    pause: Callable[[float], Any]
    deadline: float

    def perform_verb(self, user: str, verb: Verb[T], observe: Observe | None = None) -> Effects[T]:
        """Perform a verb for a user, from the load to the report of its events.

        Args:
            user: the user id.
            verb: the verb to perform.
            observe: called with each record and context that the verb is given.

        Raises:
            Refused: the outcome is a refusal, and its effects on the record are durable.
            UnreadableRecord, StoreUnavailable, StoreUncertain, StoreContended: no outcome, and no event was reported.
        """
        policy = self.policy()
        administrator = yield from self.check_administrator(verb.requested_by, policy)
        key = untrusted_user_key(self.tenant, user)
        entropy, drawn = SecretBytes(os.urandom(32)), lineage()
        end = time.monotonic() + self.deadline
        pause = _FIRST_PAUSE
        transition: Transition[T] | None = None
        new: bytes | None = None
        sealed_in, half_done = drawn, False
        while True:
            if lineage() != drawn:  # forked: parent and child must not make the same secrets
                entropy, drawn = SecretBytes(os.urandom(32)), lineage()
            try:
                open_store = yield from self.session.open()
                view, seal = open_store.view, open_store.seal.for_record(key)
                old = yield from load(view, key)
                yield from self.session.confirm_root(open_store)
                if transition is not None and not transition.unfinished and new is not None and old == new:
                    if lineage() != sealed_in:
                        raise StoreUncertain  # the other side of a fork may have written it
                    break  # the swap that returned False was applied after all: no two writes have the same bytes
                account = None if old is None else unseal_account(key, seal, old, user)
                context = Context(policy, self.session.now(), entropy, open_store.root, user, key, administrator)
                if observe is not None:
                    observe(account, context)
                transition = _decide(verb, account, context)
                if transition.account is not account:
                    transition = yield from self._make_claims(open_store, transition, account, context)
                if transition.account is account:
                    break
                sealed_in = lineage()
                new = None if transition.account is None else seal.seal(encode_account(transition.account))
                if (yield from self._swap(view, key, old, new, sealed_in)):
                    if not transition.unfinished:
                        break
                    if half_done:  # the store acknowledged the first half, and the next load did not find it
                        raise StoreContended
                    half_done = True
                    continue
            except HistoryLost:
                self.session.forget()
                new = None
            if time.monotonic() >= end:
                raise StoreContended
            yield self.pause, (pause * (0.5 + os.urandom(1)[0] / 256),)
            pause = min(2 * pause, _MAX_PAUSE)
        for event in transition.events:
            yield self.notify, (event,)
        if isinstance(transition.outcome, Refusal):
            raise Refused(transition.outcome)
        return transition.outcome

    def _swap(
        self, view: AnyStore, key: str, old: bytes | None, new: bytes | None, sealed_in: tuple[int, int]
    ) -> Effects[bool]:
        """Swap a record. Where the outcome is unknown, reload it: a record equal to ``new`` shows that it was applied.

        That is not yet durable, since a replica may lack the write, so ``new`` is swapped for itself to have the store
        acknowledge it. If the process was forked after ``new`` was sealed, the other side may have written the record,
        and the outcome stays unknown.
        """
        try:
            return (yield from swap(view, key, old, new))
        except StoreUncertain:
            try:
                sealed = yield from load(view, key)
                applied = new is not None and sealed == new and (yield from swap(view, key, new, new))
            except (StoreUnavailable, HistoryLost) as error:  # neither shows whether the first swap was applied
                raise StoreUncertain from error
            if not applied or lineage() != sealed_in:
                raise
            return True

    def _make_claims(
        self, open_store: OpenStore, transition: Transition[T], account: Account | None, context: Context
    ) -> Effects[Transition[T]]:
        """Make the claims that a transition needs; return a refusal instead where another user holds one."""
        for claim in transition.claims:
            if not (yield from self._hold_claim(open_store, claim, context.key)):
                return refused(account, context, Reason.CREDENTIAL_TAKEN)
        return transition

    def _hold_claim(self, open_store: OpenStore, claim: Claim, user_key: str) -> Effects[bool]:
        """Make a claim for a user unless somebody has it; return whether the user holds it."""
        view, key = open_store.view, claim_key(self.tenant, claim)
        seal = open_store.seal.for_record(key)
        for _ in range(_MAX_CLAIM_TURNS):
            sealed = yield from load(view, key)
            if sealed is not None:
                return unseal_record(key, seal, sealed, decode_claim).key == user_key
            new = seal.seal(encode_claim(CredentialClaim(user_key)))
            if (yield from self._swap(view, key, None, new, lineage())):
                return True
        raise StoreContended

    def check_administrator(self, by: Actor | None, policy: MFAPolicy) -> Effects[str | None]:
        """Check an administrator's own receipt where the policy asks for one; return the administrator's user id.

        Returns:
            None where no receipt is needed.

        Raises:
            Refused: the receipt is missing, of another user, or not valid.
        """
        if policy.administrator_proof is AdministratorProof.NOT_ASKED or not isinstance(by, Administrator):
            return None
        if by.receipt is None or by.session is None or _user_of(by.receipt) != by.name:
            raise Refused(Refusal(Reason.PROOF_NEEDED))
        check = CheckReceipt(by.receipt, operation=Operation.ADMINISTER, session=by.session)
        yield from self.perform_verb(by.name, check)
        return by.name


def _user_of(receipt: str) -> str | None:
    try:
        return Ticket(receipt).user
    except MalformedMessage:
        return None


def _decide(verb: Verb[T], account: Account | None, context: Context) -> Transition[T]:
    """Return the verb's transition, with its events in the outbox where the policy keeps one."""
    is_moving = account is not None and (account.moved_to is not None or account.reserved_for is not None)
    if is_moving and not verb.while_moving:
        return refused(account, context, Reason.MOVING)
    transition = verb(account, context)
    after = transition.account
    if not context.policy.outbox or after is None or after is account or not transition.events:
        return transition
    after = with_events(after, transition.events, context)
    return refused(account, context, Reason.OUTBOX_FULL) if after is None else attrs.evolve(transition, account=after)
