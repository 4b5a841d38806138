# SPDX-License-Identifier: Apache-2.0
"""Binding a virtual MFA device: offer a secret, and bind it once the app's code confirms it.

The secret is shown while its offer is open, to the actor and session that asked (requirement O21); every code that
confirms is consumed (O22); authority is checked at both ends (V21, V23).
"""

from __future__ import annotations

import attrs

from .. import _base64url
from .._secret import SecretText
from .._validation import is_flag
from ..account import OFFER_TRIES, Account, Offer, VirtualMFADevice, expires_at
from ..events import Event, What
from ..moment import Moment
from ..otp import TOTP, KeyURI, setup_key
from ..words import Kind, Reason
from . import _fields
from .actors import Actor, Enrolment, actor_digest, is_actor
from .authority import Deed, authorise
from .changes import (
    find_offer,
    good_name,
    may_bind,
    new_account,
    open_offers,
    with_bound,
    with_failed_offer,
    with_offer,
)
from .codes import match_run
from .outcomes import VirtualDeviceOffer
from .proofs import proof_of
from .tickets import MICROSECONDS, Purpose, after_clock_set_back, fresh, open_ticket, sealed_ticket
from .transition import Step, Verb, refused
from .views import Bound, bound_view


@attrs.frozen
class OfferVirtualDevice(Verb[VirtualDeviceOffer]):
    """Offer a virtual MFA device; nothing is bound yet.

    The same actor in the same session gets the same open offer again, unless ``renew`` asks for a new one.

    Attributes:
        by: who asks.
        account_name: what the app shows beside the issuer, such as ``alice@example``; 1 to 128 printable characters,
            no colon, no blank at an end.
        name: the device's name, 1 to 64 printable characters; the kind's own where there is none.
        session: the application's session string; only the same may confirm.
        renew: whether an open offer is replaced.
        create: whether an administrator's offer makes a record for a user without one, with MFA required; otherwise
            such a user is refused. An `Enrolment` needs no leave.
    """

    by: Actor = attrs.field(validator=is_actor)
    account_name: str = attrs.field(kw_only=True, validator=_fields.is_account_name)
    name: str | None = attrs.field(default=None, kw_only=True, validator=_fields.is_optional_text)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)
    renew: bool = attrs.field(default=False, kw_only=True, validator=is_flag)
    create: bool = attrs.field(default=False, kw_only=True, validator=is_flag)

    def __call__(self, account: Account | None, moment: Moment) -> Step[VirtualDeviceOffer]:
        """Return the step to an open offer."""
        actor = self.by.label
        grant = authorise(account, moment, self.by, Deed.BIND)
        if isinstance(grant, Reason):
            return refused(account, moment, grant, actor=actor)
        if _fields.is_user_id(self.session, moment):
            return refused(account, moment, Reason.BAD_SESSION, actor=actor)
        current = account
        if current is None:
            by_enrolment = isinstance(self.by, Enrolment)
            if not by_enrolment and not self.create:
                return refused(account, moment, Reason.NO_ACCOUNT, actor=actor)
            current = new_account(moment, required=True, by_enrolment=by_enrolment)
        forbidden = may_bind(current, moment, Kind.VIRTUAL)
        if forbidden is not None:
            return refused(account, moment, forbidden, actor=actor)
        name = good_name(self.name, Kind.VIRTUAL)
        if name is None:
            return refused(account, moment, Reason.BAD_NAME, actor=actor)

        digest = actor_digest(self.by, self.session)
        offer = None if self.renew else self._open_one(current, moment, digest)
        if offer is not None:
            return Step(account, self._told(current, moment, offer))
        offer = self._new_one(moment, digest, name)
        event = Event(What.DEVICE_OFFERED, moment.user, moment.now, actor, None, Kind.VIRTUAL.value)
        return Step(with_offer(current, moment, offer), self._told(current, moment, offer), events=(event,))

    def _open_one(self, account: Account, moment: Moment, digest: bytes) -> Offer | None:
        for offer in open_offers(account, moment):
            if (offer.kind, offer.actor, offer.account_name) == (Kind.VIRTUAL, digest, self.account_name):
                return offer
        return None

    def _new_one(self, moment: Moment, digest: bytes, name: str) -> Offer:
        totp = moment.policy.totp
        return Offer(
            stamp=fresh(moment, Purpose.OFFER_VIRTUAL_DEVICE, lifetime=moment.policy.lifetimes.offer),
            kind=Kind.VIRTUAL,
            actor=digest,
            tries=OFFER_TRIES,
            name=name,
            account_name=self.account_name,
            secret=moment.draw("secret", totp.algorithm.secret_size),
            algorithm=totp.algorithm,
            digits=totp.digits,
            period=totp.period,
            codes=totp.codes,
            history=moment.root.history,
            claimed=b"",
        )

    def _told(self, account: Account, moment: Moment, offer: Offer) -> VirtualDeviceOffer:
        uri = KeyURI(
            "totp",
            moment.policy.issuer,
            offer.account_name,
            offer.secret,
            algorithm=offer.algorithm,
            digits=offer.digits,
            period=offer.period,
        )
        ticket = sealed_ticket(
            account,
            moment,
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

    codes: tuple[SecretText, ...] = attrs.field(converter=_fields.as_codes, repr=False)
    offer: str = attrs.field(converter=_fields.as_typed, repr=False, kw_only=True)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)
    session: str = attrs.field(kw_only=True, repr=False, validator=_fields.is_session)

    def __call__(self, account: Account | None, moment: Moment) -> Step[Bound]:
        """Return the step to a bound device."""
        actor = self.by.label
        grant = authorise(account, moment, self.by, Deed.BIND)
        if isinstance(grant, Reason):
            return refused(account, moment, grant, actor=actor)
        opened = open_ticket(self.offer, account, moment, purpose=Purpose.OFFER_VIRTUAL_DEVICE, session=self.session)
        if isinstance(opened, Reason):
            return refused(after_clock_set_back(account, moment, opened), moment, opened, actor=actor)
        offer = None if account is None else find_offer(account, opened, actor_digest(self.by, self.session))
        if account is None or offer is None or offer.kind is not Kind.VIRTUAL:
            return refused(account, moment, Reason.OFFER_GONE, actor=actor)
        forbidden = may_bind(account, moment, Kind.VIRTUAL)
        if forbidden is not None:
            return refused(account, moment, forbidden, actor=actor)

        step = self._matched(offer, moment)
        if step is None:
            return refused(with_failed_offer(account, offer), moment, Reason.WRONG_CODE, actor=actor)
        by_enrolment = isinstance(self.by, Enrolment)
        device = VirtualMFADevice(
            id=_base64url.encode(moment.draw("device", 16)),
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
            bound_at=moment.now,
            bound_by=actor,
            last_used_at=moment.now if by_enrolment else None,
            history=moment.root.history,
        )
        bound, event = with_bound(account, moment, device, actor)
        proof = proof_of(bound, moment, device, session=self.session) if by_enrolment else None
        return Step(bound, bound_view(device, moment.policy, proof), events=(event,))

    def _matched(self, offer: Offer, moment: Moment) -> int | None:
        if len(self.codes) != offer.codes:
            return None
        totp = TOTP(offer.secret, offer.algorithm, offer.digits, offer.period)
        window = moment.policy.totp
        return match_run(totp, self.codes, now=moment.now, backward=window.backward, forward=window.forward)
