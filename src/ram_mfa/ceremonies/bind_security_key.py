# SPDX-License-Identifier: Apache-2.0
"""Binding of a security key: an offered challenge, and the signed registration that answers it.

The offer's ticket is the challenge (its MAC); a credential id belongs to one user permanently: the transition returns a
claim, which the engine settles. Authority is checked at the offer and at the confirmation (V21, V23).
"""

from __future__ import annotations

import hashlib
from typing import Any

import attrs

from .._secret import SecretBytes
from .._validation import is_flag
from ..account import OFFER_TRIES, Account, Offer, SecurityKey, expires_at
from ..context import Context
from ..events import Event, EventType
from ..otp import Algorithm
from ..policy import RelyingParty
from ..refusals import Kind, Reason, Refusal, Ticket
from ..rules import fields
from ..rules.account_changes import (
    check_name,
    find_offer,
    may_bind,
    new_account,
    open_offers,
    with_bound,
    with_claimed_offer,
    with_failed_offer,
    with_offer,
)
from ..rules.actors import Actor, Enrolment, actor_digest, is_actor
from ..rules.authority import Action, authorise
from ..rules.proofs import make_proof
from ..rules.security_key_check import NewKey, check_registration
from ..rules.security_key_options import register_request, registration_options, under_another_app_id
from ..rules.session_marks import mark_for
from ..rules.tickets import MICROSECONDS, Purpose, after_clock_set_back, challenge_of, fresh, open_ticket, sealed_ticket
from ..rules.verb import Claim, Transition, Verb, refused
from ..rules.views import Bound, bound_view


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
class OfferSecurityKey(Verb[SecurityKeyOffer]):
    """Offer to bind a security key; nothing is bound yet.

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

    by: Actor = attrs.field(validator=is_actor)
    account_name: str = attrs.field(kw_only=True, validator=fields.is_account_name)
    name: str | None = attrs.field(default=None, kw_only=True, validator=fields.is_optional_text)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)
    renew: bool = attrs.field(default=False, kw_only=True, validator=is_flag)
    create: bool = attrs.field(default=False, kw_only=True, validator=is_flag)

    def __call__(self, account: Account | None, context: Context) -> Transition[SecurityKeyOffer]:
        """Return the transition to an open offer."""
        actor, party = self.by.label, context.policy.relying_party
        grant = authorise(account, context, self.by, Action.BIND)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        if fields.is_user_id(self.session, context):
            return refused(account, context, Reason.BAD_SESSION, actor=actor)
        current = account
        if current is None:
            by_enrolment = isinstance(self.by, Enrolment)
            if not by_enrolment and not self.create:
                return refused(account, context, Reason.NO_ACCOUNT, actor=actor)
            current = new_account(context, required=True, by_enrolment=by_enrolment)
        forbidden = may_bind(current, context, Kind.SECURITY_KEY)
        if party is None or forbidden is not None:
            return refused(account, context, forbidden or Reason.KIND_NOT_ALLOWED, actor=actor)
        name = check_name(self.name, Kind.SECURITY_KEY)
        if name is None:
            return refused(account, context, Reason.BAD_NAME, actor=actor)

        digest = actor_digest(self.by, self.session)
        offer = None if self.renew else self._find_open_offer(current, context, digest)
        if offer is not None:
            return Transition(account, self._present(current, context, party, offer))
        offer = self._make_offer(context, digest, name)
        event = Event(EventType.DEVICE_OFFERED, context.user, context.now, actor, None, Kind.SECURITY_KEY.value)
        return Transition(
            with_offer(current, context, offer), self._present(current, context, party, offer), events=(event,)
        )

    def _find_open_offer(self, account: Account, context: Context, digest: bytes) -> Offer | None:
        for offer in open_offers(account, context):
            same = (offer.kind, offer.actor, offer.account_name) == (Kind.SECURITY_KEY, digest, self.account_name)
            if same and not offer.claimed:
                return offer
        return None

    def _make_offer(self, context: Context, digest: bytes, name: str) -> Offer:
        return Offer(
            stamp=fresh(context, Purpose.OFFER_SECURITY_KEY, lifetime=context.policy.lifetimes.offer),
            kind=Kind.SECURITY_KEY,
            actor=digest,
            tries=OFFER_TRIES,
            name=name,
            account_name=self.account_name,
            secret=SecretBytes(),
            algorithm=Algorithm.SHA1,
            digits=0,
            period=0,
            codes=0,
            history=context.root.history,
            claimed=b"",
        )

    def _present(self, account: Account, context: Context, party: RelyingParty, offer: Offer) -> SecurityKeyOffer:
        ticket = sealed_ticket(
            account,
            context,
            offer.stamp,
            purpose=Purpose.OFFER_SECURITY_KEY,
            session=self.session,
        )
        challenge = challenge_of(ticket)
        return SecurityKeyOffer(
            id=ticket,
            options=registration_options(account, context.policy, party, challenge, account_name=offer.account_name),
            u2f=register_request(account, party, challenge),
            expires_at=expires_at(offer.stamp) / MICROSECONDS,
        )


@attrs.frozen
class ConfirmSecurityKey(Verb[Bound]):
    """Bind the security key whose registration answers the offer.

    An invalid registration costs one of the offer's ten tries. A valid one reserves the offer for its credential, in a
    write before the claim: another credential needs another offer.

    Attributes:
        response: the JSON of the browser's ``PublicKeyCredential``, or of a U2F register response; text or dict.
        offer: `SecurityKeyOffer.id`, as it came back in the form.
        by: who asks; the same as at the offer.
        session: the same as at the offer.
    """

    response: Any = attrs.field(repr=False)
    offer: str = attrs.field(converter=fields.as_typed, repr=False, kw_only=True)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)

    def __call__(self, account: Account | None, context: Context) -> Transition[Bound]:
        """Return the transition to a bound key, with the claim on its credential id."""
        actor, party = self.by.label, context.policy.relying_party
        grant = authorise(account, context, self.by, Action.BIND)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        opened = open_ticket(self.offer, account, context, purpose=Purpose.OFFER_SECURITY_KEY, session=self.session)
        if isinstance(opened, Reason):
            return refused(after_clock_set_back(account, context, opened), context, opened, actor=actor)
        offer = None if account is None else find_offer(account, opened, actor_digest(self.by, self.session))
        if account is None or offer is None:
            return refused(account, context, Reason.OFFER_GONE, actor=actor)
        forbidden = may_bind(account, context, Kind.SECURITY_KEY)
        if party is None or forbidden is not None:
            return refused(account, context, forbidden or Reason.KIND_NOT_ALLOWED, actor=actor)

        new = check_registration(self.response, context, party, opened.challenge)
        if isinstance(new, Refusal):
            return refused(with_failed_offer(account, offer), context, new, actor=actor)
        by_enrolment = isinstance(self.by, Enrolment)
        key = _bound_key(new, context, name=offer.name, actor=actor, used=by_enrolment)
        if under_another_app_id(account, key.app_id):
            return refused(account, context, Reason.OTHER_APP_ID, actor=actor)
        if account.device(key.id) is not None:
            return refused(account, context, Reason.CREDENTIAL_TAKEN, actor=actor)
        digest = hashlib.sha256(key.credential_id).digest()
        if not offer.claimed:
            # Written before the claim, which is permanent, so that one offer can claim only one credential id.
            return Transition(with_claimed_offer(account, offer, digest), Refusal(Reason.OFFER_GONE), unfinished=True)
        if offer.claimed != digest:
            return refused(account, context, Reason.OFFER_GONE, actor=actor)
        bound, event = with_bound(account, context, key, actor)
        proof = make_proof(bound, context, key, session=self.session) if by_enrolment else None
        claim = Claim(party.id, key.credential_id)
        view = bound_view(key, context.policy, proof, mark_for(self.by, bound, context))
        return Transition(bound, view, claims=(claim,), events=(event,))


def _bound_key(new: NewKey, context: Context, *, name: str, actor: str, used: bool) -> SecurityKey:
    return SecurityKey(
        credential_id=new.credential_id,
        name=name,
        public_key=new.public_key,
        sign_count=new.sign_count,
        rp_id=new.rp_id,
        app_id=new.app_id,
        transports=new.transports,
        backup_eligible=new.backup_eligible,
        attestation=new.attestation.verdict.value,
        models=new.attestation.models,
        cloned_at=None,
        bound_at=context.now,
        bound_by=actor,
        last_used_at=context.now if used else None,
    )
