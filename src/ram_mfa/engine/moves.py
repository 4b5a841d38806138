# SPDX-License-Identifier: Apache-2.0
"""The order in which an account is moved to another user id by the verbs of `ram_mfa.ceremonies.change_user_id`.

A move that is repeated after a crash, or made twice at once, continues from the records as they are.

The claims are moved between `Commit` and `Arrive`. After `Commit` the move cannot be undone, and before `Arrive` the
account belongs to neither user id, so it never holds a device whose claim belongs to another user.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from ..account import Account, SecurityKey
from ..ceremonies.change_user_id import (
    Arrive,
    Cancel,
    Commit,
    Depart,
    Leave,
    Look,
    Release,
    Reserve,
    may_still_arrive,
)
from ..codec import CredentialClaim, decode_claim, encode_claim
from ..errors import StoreContended, UnreadableRecord
from ..refusals import Reason, Refusal, Refused
from ..rules.actors import Actor
from ..rules.verb import Claim
from ..sealing import RecordSeal
from .effects import AnyStore, Effects, load, swap
from .loop import Engine
from .records import claim_key, unseal_record, untrusted_user_key, user_key

_MAX_TURNS: Final = 64
_MAX_MOVES: Final = 8


def move(engine: Engine, old: str, new: str, by: Actor) -> Effects[None]:
    """Move an account to another user id.

    Raises:
        Refused: the actor is not allowed to, there is no such account, or the new user id has a record or is not valid.
        UnreadableRecord: a claim cannot be read and stays as it is; the account is moved nonetheless.
        StoreContended: other moves of either user id kept interfering.
    """
    if old == new:
        raise Refused(Refusal(Reason.NOTHING_TO_DO))
    untrusted_user_key(engine.tenant, new)  # refuses an invalid user id before any record changes
    for _ in range(_MAX_MOVES):
        departed = yield from _depart(engine, old, new, by)
        if departed is not None:
            arrive = Arrive(departed, by.label)
            try:
                yield from engine.session.retry_on_loss(partial(_move_claims, engine, departed, old, new))
            except UnreadableRecord:
                yield from engine.perform_verb(new, arrive)  # or the user could not log on until the claim is repaired
                raise
            yield from engine.perform_verb(new, arrive)
            yield from engine.perform_verb(old, Leave(departed.reservation))
            return
    raise StoreContended


def _depart(engine: Engine, old: str, new: str, by: Actor) -> Effects[Account | None]:
    """Bring the old record to departed and return it; None where another move interfered, and this one must start over.

    Raises:
        Refused: there is no record, or the new user id is taken and the record stays.
    """
    try:
        leaving = yield from engine.perform_verb(old, Depart(new, by=by))
    except Refused as refused:
        if refused.refusal.reason is Reason.NO_ACCOUNT:
            yield from _release_if_over(engine, new)
        raise
    if leaving.reservation is not None:
        return leaving
    place = yield from engine.perform_verb(new, Reserve(leaving))
    if place.reservation is None or place.reserved_for != old or place.epoch != leaving.epoch:
        if (yield from _release_if_over(engine, new)):
            return None
        if (yield from engine.perform_verb(old, Cancel(leaving))):
            taken = place.reserved_for is None
            raise Refused(Refusal(Reason.ACCOUNT_EXISTS if taken else Reason.MOVING))
        return None
    departed = yield from engine.perform_verb(old, Commit(leaving, place.reservation))
    if departed is not None and departed.moved_to == new and departed.reservation == place.reservation:
        return departed
    yield from _release_if_over(engine, new)
    return None


def _release_if_over(engine: Engine, user: str) -> Effects[bool]:
    """Release a place that was reserved by a move that is over; return whether it was such a place."""
    place = yield from engine.perform_verb(user, Look())
    if place is None or place.reserved_for is None:
        return False
    source = yield from engine.perform_verb(place.reserved_for, Look())
    if may_still_arrive(source, place):
        return False
    yield from engine.perform_verb(user, Release(place.reservation))
    return True


def _move_claims(engine: Engine, account: Account, old: str, new: str) -> Effects[None]:
    party = engine.policy().relying_party
    open_store = yield from engine.session.open()
    before, after = user_key(engine.tenant, old), user_key(engine.tenant, new)
    under_way = partial(_is_under_way, engine, account)
    for device in account.devices:
        if isinstance(device, SecurityKey) and party is not None:
            key = claim_key(engine.tenant, Claim(party.id, device.credential_id))
            yield from _move_claim(
                open_store.view, key, open_store.seal.for_record(key), under_way, before=before, after=after
            )


def _is_under_way(engine: Engine, departed: Account) -> Effects[bool]:
    source = yield from engine.perform_verb(departed.user, Look())
    return source is not None and source.moved_to is not None and source.reservation == departed.reservation


def _move_claim(
    view: AnyStore, key: str, seal: RecordSeal, under_way: Callable[[], Effects[bool]], *, before: str, after: str
) -> Effects[None]:
    """Give one claim to the new user id; a claim left behind would let the next user of the old id bind the same key.

    ``under_way`` is called after the claim was read, since the account may meanwhile have been moved there and back.
    """
    for _ in range(_MAX_TURNS):
        sealed = yield from load(view, key)
        if sealed is None or unseal_record(key, seal, sealed, decode_claim).key != before:
            return
        if not (yield from under_way()):
            return
        if (yield from swap(view, key, sealed, seal.seal(encode_claim(CredentialClaim(after))))):
            return
    raise StoreContended
