# SPDX-License-Identifier: Apache-2.0
"""The order in which an account is moved to another user id: see `ram_mfa.ceremonies.change_user_id` for its steps.

Begun again after a crash, or by two at once, it goes on with what it finds.

The claims go between `Commit` and `Arrive`: from `Commit` on nothing brings the old record back, and until `Arrive`
nobody has the account, so that it never has a device whose claim is another user's.
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
from .effects import AnyStore, Plan, load, swap
from .loop import Engine
from .records import claim_key, unsealed, user_key, visitors_key

_TURNS: Final = 64
_MOVES: Final = 8


def moving(engine: Engine, old: str, new: str, by: Actor) -> Plan[None]:
    """Plan to move an account to another user id.

    Raises:
        Refused: the actor may not, there is no such account, the new user id has a record of its own, or cannot be one.
        UnreadableRecord: of a claim, which stays as it is; the account is moved nonetheless.
        StoreContended: others kept moving either of them.
    """
    if old == new:
        raise Refused(Refusal(Reason.NOTHING_TO_DO))
    visitors_key(engine.tenant, new)  # a user id that cannot be one is refused before anything leaves
    for _ in range(_MOVES):
        departed = yield from _departed(engine, old, new, by)
        if departed is not None:
            arrive = Arrive(departed, by.label)
            try:
                yield from engine.opening.afresh(partial(_move_claims, engine, departed, old, new))
            except UnreadableRecord:
                yield from engine.performing(new, arrive)  # or its user could not log on until the claim is mended
                raise
            yield from engine.performing(new, arrive)
            yield from engine.performing(old, Leave(departed.reservation))
            return
    raise StoreContended


def _departed(engine: Engine, old: str, new: str, by: Actor) -> Plan[Account | None]:
    """Plan the record that departed for its place; None where others came in between, and all is to be looked at anew.

    Raises:
        Refused: there is none, or its place is taken; it then stays.
    """
    try:
        leaving = yield from engine.performing(old, Depart(new, by=by))
    except Refused as refused:
        if refused.refusal.reason is Reason.NO_ACCOUNT:
            yield from _release_if_over(engine, new)
        raise
    if leaving.reservation is not None:
        return leaving
    place = yield from engine.performing(new, Reserve(leaving))
    if place.reservation is None or place.reserved_for != old or place.epoch != leaving.epoch:
        if (yield from _release_if_over(engine, new)):
            return None
        if (yield from engine.performing(old, Cancel(leaving))):
            taken = place.reserved_for is None
            raise Refused(Refusal(Reason.ACCOUNT_EXISTS if taken else Reason.MOVING))
        return None
    departed = yield from engine.performing(old, Commit(leaving, place.reservation))
    if departed is not None and departed.moved_to == new and departed.reservation == place.reservation:
        return departed
    yield from _release_if_over(engine, new)
    return None


def _release_if_over(engine: Engine, user: str) -> Plan[bool]:
    """Plan to give a place free that was reserved by a move that is over; return whether it was such a place."""
    place = yield from engine.performing(user, Look())
    if place is None or place.reserved_for is None:
        return False
    source = yield from engine.performing(place.reserved_for, Look())
    if may_still_arrive(source, place):
        return False
    yield from engine.performing(user, Release(place.reservation))
    return True


def _move_claims(engine: Engine, account: Account, old: str, new: str) -> Plan[None]:
    party = engine.policy().relying_party
    opened = yield from engine.opening.ready()
    before, after = user_key(engine.tenant, old), user_key(engine.tenant, new)
    under_way = partial(_is_under_way, engine, account)
    for device in account.devices:
        if isinstance(device, SecurityKey) and party is not None:
            place = claim_key(engine.tenant, Claim(party.id, device.credential_id))
            yield from _claim_moved(
                opened.view, place, opened.seal.for_record(place), under_way, before=before, after=after
            )


def _is_under_way(engine: Engine, departed: Account) -> Plan[bool]:
    source = yield from engine.performing(departed.user, Look())
    return source is not None and source.moved_to is not None and source.reservation == departed.reservation


def _claim_moved(
    view: AnyStore, place: str, seal: RecordSeal, under_way: Callable[[], Plan[bool]], *, before: str, after: str
) -> Plan[None]:
    """Plan one claim's new owner; a claim left behind would let the next user of the old id bind the same key.

    Whether the move is under way is asked after the claim was read: the account may have been moved there and back.
    """
    for _ in range(_TURNS):
        found = yield from load(view, place)
        if found is None or unsealed(place, seal, found, decode_claim).key != before or not (yield from under_way()):
            return
        if (yield from swap(view, place, found, seal.seal(encode_claim(CredentialClaim(after))))):
            return
    raise StoreContended
