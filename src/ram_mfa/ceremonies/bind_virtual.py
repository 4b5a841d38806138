# SPDX-License-Identifier: Apache-2.0
"""Binding of a virtual MFA device: an offered secret, and its confirmation by the app's code.

The secret is shown while its offer is open, to the actor and session that asked (requirement O21); every code that
confirms is consumed (O22); authority is checked at the offer and at the confirmation (V21, V23).
"""

from __future__ import annotations

import attrs

from .._secret import SecretText
from .._validation import is_flag
from ..account import OFFER_TRIES, Account, Offer, VirtualMFADevice, expires_at
from ..context import Context
from ..encoding import base64url
from ..events import Event, EventType
from ..otp import TOTP, KeyURI, setup_key
from ..refusals import Kind, Reason, Ticket
from ..rules import fields
from ..rules.account_changes import (
    check_name,
    find_offer,
    may_bind,
    new_account,
    open_offers,
    with_bound,
    with_failed_offer,
    with_offer,
)
from ..rules.actors import Actor, Enrolment, actor_digest, is_actor
from ..rules.authority import Action, authorise
from ..rules.proofs import make_proof
from ..rules.session_marks import mark_for
from ..rules.tickets import MICROSECONDS, Purpose, after_clock_set_back, fresh, open_ticket, sealed_ticket
from ..rules.totp_check import match_run
from ..rules.verb import Transition, Verb, refused
from ..rules.views import Bound, bound_view


@attrs.frozen
class VirtualDeviceOffer:
    """The data that an authenticator app needs to hold the device; nothing is bound yet.

    Attributes:
        id: the ticket that `ConfirmVirtualDevice` takes.
        key_uri: the otpauth URI, for the QR code.
        setup_key: the secret in groups of four, to type.
        account_name: the account name, to type with it.
        codes: how many consecutive codes confirm the bind.
        expires_at: seconds since the epoch.
    """

    id: Ticket
    key_uri: SecretText = attrs.field(repr=False)
    setup_key: SecretText = attrs.field(repr=False)
    account_name: str
    codes: int
    expires_at: float


@attrs.frozen
class OfferVirtualDevice(Verb[VirtualDeviceOffer]):
    """Offer a virtual MFA device; nothing is bound yet.

    The same actor in the same session gets the same open offer again, unless ``renew`` asks for a new one.

    Attributes:
        by: who asks.
        account_name: what the app shows next to the issuer, such as ``alice@example``; 1 to 128 printable characters,
            no colon, no blank at an end.
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

    def __call__(self, account: Account | None, context: Context) -> Transition[VirtualDeviceOffer]:
        """Return the transition to an open offer."""
        actor = self.by.label
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
        forbidden = may_bind(current, context, Kind.VIRTUAL)
        if forbidden is not None:
            return refused(account, context, forbidden, actor=actor)
        name = check_name(self.name, Kind.VIRTUAL)
        if name is None:
            return refused(account, context, Reason.BAD_NAME, actor=actor)

        digest = actor_digest(self.by, self.session)
        offer = None if self.renew else self._find_open_offer(current, context, digest)
        if offer is not None:
            return Transition(account, self._present(current, context, offer))
        offer = self._make_offer(context, digest, name)
        event = Event(EventType.DEVICE_OFFERED, context.user, context.now, actor, None, Kind.VIRTUAL.value)
        return Transition(with_offer(current, context, offer), self._present(current, context, offer), events=(event,))

    def _find_open_offer(self, account: Account, context: Context, digest: bytes) -> Offer | None:
        for offer in open_offers(account, context):
            if (offer.kind, offer.actor, offer.account_name) == (Kind.VIRTUAL, digest, self.account_name):
                return offer
        return None

    def _make_offer(self, context: Context, digest: bytes, name: str) -> Offer:
        totp = context.policy.totp
        return Offer(
            stamp=fresh(context, Purpose.OFFER_VIRTUAL_DEVICE, lifetime=context.policy.lifetimes.offer),
            kind=Kind.VIRTUAL,
            actor=digest,
            tries=OFFER_TRIES,
            name=name,
            account_name=self.account_name,
            secret=context.draw("secret", totp.algorithm.secret_size),
            algorithm=totp.algorithm,
            digits=totp.digits,
            period=totp.period,
            codes=totp.codes,
            history=context.root.history,
            claimed=b"",
        )

    def _present(self, account: Account, context: Context, offer: Offer) -> VirtualDeviceOffer:
        uri = KeyURI(
            "totp",
            context.policy.issuer,
            offer.account_name,
            offer.secret,
            algorithm=offer.algorithm,
            digits=offer.digits,
            period=offer.period,
        )
        ticket = sealed_ticket(
            account,
            context,
            offer.stamp,
            purpose=Purpose.OFFER_VIRTUAL_DEVICE,
            session=self.session,
        )
        return VirtualDeviceOffer(
            id=ticket,
            key_uri=SecretText(uri),
            setup_key=SecretText(setup_key(offer.secret)),
            account_name=offer.account_name,
            codes=offer.codes,
            expires_at=expires_at(offer.stamp) / MICROSECONDS,
        )


@attrs.frozen
class ConfirmVirtualDevice(Verb[Bound]):
    """Bind the device offered, with the code (or the two consecutive codes) that its app shows.

    A wrong confirmation costs one of the offer's ten tries. Every code used is consumed: it does not log on.

    Attributes:
        codes: as typed, in the order in which the app showed them.
        offer: `VirtualDeviceOffer.id`, as it came back in the form.
        by: who asks; the same as at the offer.
        session: the same as at the offer.
    """

    codes: tuple[SecretText, ...] = attrs.field(converter=fields.as_codes, repr=False)
    offer: str = attrs.field(converter=fields.as_typed, repr=False, kw_only=True)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)

    def __call__(self, account: Account | None, context: Context) -> Transition[Bound]:
        """Return the transition to a bound device."""
        actor = self.by.label
        grant = authorise(account, context, self.by, Action.BIND)
        if isinstance(grant, Reason):
            return refused(account, context, grant, actor=actor)
        opened = open_ticket(self.offer, account, context, purpose=Purpose.OFFER_VIRTUAL_DEVICE, session=self.session)
        if isinstance(opened, Reason):
            return refused(after_clock_set_back(account, context, opened), context, opened, actor=actor)
        offer = None if account is None else find_offer(account, opened, actor_digest(self.by, self.session))
        if account is None or offer is None or offer.kind is not Kind.VIRTUAL:
            return refused(account, context, Reason.OFFER_GONE, actor=actor)
        forbidden = may_bind(account, context, Kind.VIRTUAL)
        if forbidden is not None:
            return refused(account, context, forbidden, actor=actor)

        step = self._match(offer, context)
        if step is None:
            return refused(with_failed_offer(account, offer), context, Reason.WRONG_CODE, actor=actor)
        by_enrolment = isinstance(self.by, Enrolment)
        device = VirtualMFADevice(
            id=base64url.encode(context.draw("device", 16)),
            name=offer.name,
            secret=offer.secret,
            algorithm=offer.algorithm,
            digits=offer.digits,
            period=offer.period,
            last_step=step,
            accepted=tuple(range(step - offer.codes + 1, step + 1)),
            floor=-1,
            drift=0,
            failures=0,
            closed_until=0,
            disabled_at=None,
            bound_at=context.now,
            bound_by=actor,
            last_used_at=context.now if by_enrolment else None,
            history=context.root.history,
        )
        bound, event = with_bound(account, context, device, actor)
        proof = make_proof(bound, context, device, session=self.session) if by_enrolment else None
        view = bound_view(device, context.policy, proof, mark_for(self.by, bound, context))
        return Transition(bound, view, events=(event,))

    def _match(self, offer: Offer, context: Context) -> int | None:
        if len(self.codes) != offer.codes:
            return None
        totp = TOTP(offer.secret, offer.algorithm, offer.digits, offer.period)
        window = context.policy.totp
        return match_run(totp, self.codes, now=context.now, backward=window.backward, forward=window.forward)
