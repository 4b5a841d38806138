# SPDX-License-Identifier: Apache-2.0
"""Load, unseal, decode, decide, encode, seal, swap, and only then tell.

::

    bytes -> unseal -> decode -> verb(account, context) -> Transition -> encode -> seal -> swap landed? -> tell

A code, a challenge or an attempt is spent in the same write that holds its verdict, and nobody learns a verdict before
it is durable (V4, V9; S10). A lost race decides again on the fresh record, with the same entropy and a fresh ``now``,
until a deadline, with jitter. Every error refuses: nothing here turns one into a pass (B19, V37).
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
from .effects import AnyStore, Plan, load, swap
from .forks import lineage
from .records import account_of, claim_key, unsealed, visitors_key
from .store_session import OpenStore, StoreSession

T = TypeVar("T")
_FIRST_PAUSE: Final = 0.001
_MAX_PAUSE: Final = 0.05
_CLAIM_TURNS: Final = 8
"""A claim is never deleted, so who loses the race for one finds it at the next turn."""

Tell = Callable[[Event], Any]
Look = Callable[[Account | None, Context], None]


@attrs.define
class Engine:
    """The loop over one store, for one tenant.

    Attributes:
        opening: the store and its root record.
        policy: in force, read at each perform.
        tenant: whose users these are.
        tell: tells one event to all observers, and never raises.
        pause: waits some seconds.
        deadline: seconds until a perform that keeps losing races gives up.
    """

    opening: StoreSession
    policy: Callable[[], MFAPolicy]
    tenant: str
    tell: Tell
    pause: Callable[[float], Any]
    deadline: float

    def performing(self, user: str, verb: Verb[T], look: Look | None = None) -> Plan[T]:
        """Plan a verb for a user, from load to tell.

        Args:
            user: the user id.
            verb: what is to happen.
            look: is shown each record that the verb is given, and the moment.

        Raises:
            Refused: the outcome is a refusal, and what had to be remembered of it is durable.
            UnreadableRecord, StoreUnavailable, StoreUncertain, StoreContended: nothing was told, nothing passes.
        """
        policy = self.policy()
        administrator = yield from self.proved_administrator(getattr(verb, "by", None), policy)
        key = visitors_key(self.tenant, user)
        entropy, drawn = SecretBytes(os.urandom(32)), lineage()
        end = time.monotonic() + self.deadline
        pause = _FIRST_PAUSE
        step: Transition[T] | None = None
        new: bytes | None = None
        made, half_done = drawn, False
        while True:
            if lineage() != drawn:  # forked: the two sides must not make the same secrets
                entropy, drawn = SecretBytes(os.urandom(32)), lineage()
            try:
                opened = yield from self.opening.ready()
                view, seal = opened.view, opened.seal.for_record(key)
                old = yield from load(view, key)
                yield from self.opening.confirm(opened)
                if step is not None and not step.unfinished and new is not None and old == new:
                    if lineage() != made:
                        raise StoreUncertain  # the other side of a fork may have written it
                    break  # the swap that answered False had landed: every write differs
                account = None if old is None else account_of(key, seal, old, user)
                context = Context(policy, self.opening.now(), entropy, opened.root, user, key, administrator)
                if look is not None:
                    look(account, context)
                step = _decided(verb, account, context)
                if step.account is not account:
                    step = yield from self._claimed(opened, step, account, context)
                if step.account is account:
                    break
                made = lineage()
                new = None if step.account is None else seal.seal(encode_account(step.account))
                if (yield from self._swapped(view, key, old, new, made)):
                    if not step.unfinished:
                        break
                    if half_done:  # what was acknowledged was not there at the next load
                        raise StoreContended
                    half_done = True
                    continue
            except HistoryLost:
                self.opening.forget()
                new = None
            if time.monotonic() >= end:
                raise StoreContended
            yield self.pause, (pause * (0.5 + os.urandom(1)[0] / 256),)
            pause = min(2 * pause, _MAX_PAUSE)
        for event in step.events:
            yield self.tell, (event,)
        if isinstance(step.outcome, Refusal):
            raise Refused(step.outcome)
        return step.outcome

    def _swapped(
        self, view: AnyStore, key: str, old: bytes | None, new: bytes | None, made: tuple[int, int]
    ) -> Plan[bool]:
        """Plan a swap; where its outcome is unknown, a reload that finds ``new`` tells that it landed.

        Landed is not yet durable: a replica may not have it. So the store is asked once more to keep what it has.
        Where the process was forked since ``new`` was made, it may be the other side's write: nothing is concluded.
        """
        try:
            return (yield from swap(view, key, old, new))
        except StoreUncertain:
            try:
                found = yield from load(view, key)
                kept = new is not None and found == new and (yield from swap(view, key, new, new))
            except (StoreUnavailable, HistoryLost) as error:  # which tells nothing of the swap before
                raise StoreUncertain from error
            if not kept or lineage() != made:
                raise
            return True

    def _claimed(
        self, opened: OpenStore, step: Transition[T], account: Account | None, context: Context
    ) -> Plan[Transition[T]]:
        """Plan the claims that a step needs; where another user holds one, the step becomes a refusal."""
        for claim in step.claims:
            if not (yield from self._held(opened, claim, context.key)):
                return refused(account, context, Reason.CREDENTIAL_TAKEN)
        return step

    def _held(self, opened: OpenStore, claim: Claim, key: str) -> Plan[bool]:
        view, place = opened.view, claim_key(self.tenant, claim)
        seal = opened.seal.for_record(place)
        for _ in range(_CLAIM_TURNS):
            found = yield from load(view, place)
            if found is not None:
                return unsealed(place, seal, found, decode_claim).key == key
            if (yield from self._swapped(view, place, None, seal.seal(encode_claim(CredentialClaim(key))), lineage())):
                return True
        raise StoreContended

    def proved_administrator(self, by: Actor | None, policy: MFAPolicy) -> Plan[str | None]:
        """Plan the check of an administrator's own receipt, where the policy asks for one; its user id, or None."""
        if policy.administrator_proof is AdministratorProof.NOT_ASKED or not isinstance(by, Administrator):
            return None
        if by.receipt is None or by.session is None or _user_of(by.receipt) != by.name:
            raise Refused(Refusal(Reason.PROOF_NEEDED))
        check = CheckReceipt(by.receipt, operation=Operation.ADMINISTER, session=by.session)
        yield from self.performing(by.name, check)
        return by.name


def _user_of(receipt: str) -> str | None:
    try:
        return Ticket(receipt).user
    except MalformedMessage:
        return None


def _decided(verb: Verb[T], account: Account | None, context: Context) -> Transition[T]:
    """Return the verb's step, with its events in the outbox where the policy keeps one."""
    moving = account is not None and (account.moved_to is not None or account.reserved_for is not None)
    if moving and not getattr(verb, "moves", False):
        return refused(account, context, Reason.MOVING)
    step = verb(account, context)
    after = step.account
    if not context.policy.outbox or after is None or after is account or not step.events:
        return step
    after = with_events(after, step.events, context)
    return refused(account, context, Reason.OUTBOX_FULL) if after is None else attrs.evolve(step, account=after)
