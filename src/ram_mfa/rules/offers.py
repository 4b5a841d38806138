# SPDX-License-Identifier: Apache-2.0
"""Offers kept in a record: finding, adding, and counting their wrong confirmations."""

from __future__ import annotations

from typing import Final

import attrs

from ..account import MAX_OFFERS, Account, Offer, OfferedSecurityKey, expires_at, issued_at
from ..context import Context
from .tickets import MICROSECONDS, Opened

OFFER_TRIES: Final = 10
"""Wrong confirmations that remove an offer."""


def open_offers(account: Account, context: Context) -> tuple[Offer, ...]:
    """Return the offers that may still be confirmed: not expired, not issued in the future, and of this history."""
    now, latest = context.now * MICROSECONDS, (context.now + context.policy.clock_skew) * MICROSECONDS
    return tuple(
        offer
        for offer in account.offers
        if expires_at(offer.stamp) > now and issued_at(offer.stamp) <= latest and offer.history == context.root.history
    )


def with_offer(account: Account, context: Context, offer: Offer) -> Account:
    """Return the account with one more open offer; it replaces the actor's last; of five, the oldest is dropped."""
    others = tuple(one for one in open_offers(account, context) if (one.kind, one.actor) != (offer.kind, offer.actor))
    return attrs.evolve(account, offers=(*others, offer)[-MAX_OFFERS:])


def find_offer(account: Account, opened: Opened, actor: bytes) -> Offer | None:
    """Return the open offer of a ticket, if the same actor in the same session made it."""
    return next((one for one in account.offers if one.stamp == opened.stamp and one.actor == actor), None)


def with_claimed_offer(account: Account, offer: OfferedSecurityKey, claimed: bytes) -> Account:
    """Return the account whose offer records the credential it claims; it can then bind no other."""
    marked = attrs.evolve(offer, claimed=claimed)
    return attrs.evolve(account, offers=tuple([marked if one is offer else one for one in account.offers]))


def with_failed_offer(account: Account, offer: Offer) -> Account:
    """Return the account with one more wrong confirmation recorded; the last try removes the offer."""
    left = attrs.evolve(offer, tries=offer.tries - 1)
    offers = tuple(left if one is offer else one for one in account.offers)
    return attrs.evolve(account, offers=tuple(one for one in offers if one.tries > 0))
