# SPDX-License-Identifier: Apache-2.0
"""Binding of a security key: an offered challenge, and the signed registration that answers it.

The offer's ticket is the challenge (its MAC); a credential id belongs to one user permanently: the transition returns a
claim, which the engine settles. `ram_mfa.rules.device_binding` holds what a virtual device's bind shares.
"""

from __future__ import annotations

import hashlib
from typing import Any

import attrs

from ..account import Account, Offer, OfferedSecurityKey, SecurityKey, expires_at
from ..context import Context
from ..refusals import Kind, Reason, Refusal, Ticket
from ..rules.device_binding import ConfirmDevice, OfferDevice
from ..rules.offers import with_claimed_offer, with_failed_offer
from ..rules.security_key_check import check_registration
from ..rules.security_key_options import register_request, registration_options, under_another_app_id
from ..rules.tickets import MICROSECONDS, Opened, Purpose, challenge_of
from ..rules.verb import Transition, refused
from ..rules.views import Bound


@attrs.frozen
class SecurityKeyOffer:
    """The request with which a browser or a legacy client registers a security key; nothing is bound yet.

    Attributes:
        id: the ticket that `ConfirmSecurityKey` takes.
        options: WebAuthn creation options, bare and JSON-ready, for ``parseCreationOptionsFromJSON``.
        u2f: the U2F JavaScript API's register request, where the relying party has an AppID; else None.
        expires_at: seconds since the epoch.
    """

    id: Ticket
    options: dict[str, Any] = attrs.field(repr=False)
    u2f: dict[str, Any] | None = attrs.field(repr=False)
    expires_at: float


@attrs.frozen
class OfferSecurityKey(OfferDevice[SecurityKeyOffer, OfferedSecurityKey]):
    """Offer to bind a security key; nothing is bound yet. `OfferDevice` holds the plan.

    The same actor in the same session gets the same open offer again, unless ``renew`` asks for a new one.

    Attributes:
        by: who asks.
        account_name: what the browser shows, such as ``alice@example``; 1 to 128 printable characters, no colon, no
            blank at an end: the same rule as for a virtual device.
        name: the device's name, 1 to 64 printable characters; the kind's own where there is none.
        session: the application's session string; only the same may confirm.
        renew: whether an open offer is replaced.
        create: whether an administrator's offer makes a record for a user without one, with MFA required; otherwise
            such a user is refused. An `Enrolment` does not need it.
    """

    kind = Kind.SECURITY_KEY
    purpose = Purpose.OFFER_SECURITY_KEY

    def select_offer(self, offer: Offer) -> OfferedSecurityKey | None:
        """Return an open offer of a security key, unless it is reserved for a credential."""
        return offer if isinstance(offer, OfferedSecurityKey) and not offer.claimed else None

    def make_offer(self, context: Context, **common: Any) -> OfferedSecurityKey:
        """Return a new offer, reserved for no credential."""
        del context
        return OfferedSecurityKey(**common, claimed=b"")

    def present(
        self, account: Account, context: Context, offer: OfferedSecurityKey, ticket: Ticket
    ) -> SecurityKeyOffer:
        """Return the offer with the requests that a browser or a legacy client hands to the key."""
        policy, challenge = context.policy, challenge_of(ticket)
        party = policy.require_relying_party()
        return SecurityKeyOffer(
            id=ticket,
            options=registration_options(account, policy, party, challenge, account_name=offer.account_name),
            u2f=register_request(account, policy, party, challenge),
            expires_at=expires_at(offer.stamp) / MICROSECONDS,
        )


@attrs.frozen
class ConfirmSecurityKey(ConfirmDevice):
    """Bind the security key whose registration answers the offer.

    `ConfirmDevice` holds the plan. Its step 4, each part marked below:

    a. the registration is valid; an invalid one costs one of the offer's ten tries;
    b. it is of the account's AppID, if of any, and its credential is not bound here already;
    c. the offer is reserved for its credential, in a write before the claim, which is permanent: one offer can claim
       only one credential id, and another credential needs another offer.

    Attributes:
        response: the JSON of the browser's ``PublicKeyCredential``, or of a U2F register response; text or dict.
        offer: `SecurityKeyOffer.id`, as the form returned it.
        by: who asks; the same as at the offer.
        session: the same as at the offer.
    """

    kind = Kind.SECURITY_KEY
    purpose = Purpose.OFFER_SECURITY_KEY
    response: Any = attrs.field(repr=False)

    def verify(
        self, account: Account, context: Context, offer: Offer, opened: Opened
    ) -> SecurityKey | Transition[Bound] | Reason:
        """Return the key; or the refusal, which counts an invalid registration; or the reservation of the offer."""
        if not isinstance(offer, OfferedSecurityKey):
            return Reason.OFFER_GONE
        # 4a. The registration
        party = context.policy.require_relying_party()
        new = check_registration(self.response, context, party, opened.challenge)
        if isinstance(new, Refusal):
            return refused(with_failed_offer(account, offer), context, new, actor=self.by.label)
        # 4b. The AppID and the credential
        if under_another_app_id(account, new.app_id):
            return Reason.OTHER_APP_ID
        key = new.bound(
            context, name=offer.name, bound_by=self.by.label, last_used_at=context.now if self.logs_on else None
        )
        if account.device(key.id) is not None:
            return Reason.CREDENTIAL_TAKEN
        # 4c. The reservation
        digest = hashlib.sha256(key.credential_id).digest()
        if not offer.claimed:
            return Transition(with_claimed_offer(account, offer, digest), Refusal(Reason.OFFER_GONE), unfinished=True)
        return key if offer.claimed == digest else Reason.OFFER_GONE
