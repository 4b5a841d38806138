# SPDX-License-Identifier: Apache-2.0
"""Binding of a device: an offer, its confirmation, and the bind itself, as far as both kinds share them.

Nothing is bound without a confirmation of its own offer, by the same actor in the same session; authority is checked
at the offer and at the confirmation (V21, V23). A bind ends every ticket, receipt, offer and remembered machine.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

import attrs

from .._secret import SecretText
from .._validation import is_flag
from ..account import OFFER_TRIES, Account, Device, Offer, SecurityKey
from ..context import Context
from ..events import EventType
from ..refusals import Kind, Reason, Ticket
from . import fields
from .actors import Actor, Enrolment, Owner, Rebinding, actor_digest, is_actor
from .authority import Action, Grant
from .devices import is_device_name, may_bind
from .new_account import new_account
from .offers import find_offer, open_offers, with_offer
from .proofs import make_proof
from .recovery_codes import RecoveryCodeSheet, make_codes
from .session_marks import mark_for
from .tickets import Opened, Purpose, after_clock_set_back, fresh, open_ticket, renewed, sealed_ticket
from .unforgiven import forgive_all
from .verb import ActorVerb, Claim, Transition, refused
from .views import Bound, bound_view

T_co = TypeVar("T_co", covariant=True)
AnyOffer = TypeVar("AnyOffer", bound=Offer)


@attrs.frozen
class OfferDevice(ActorVerb[T_co], Generic[T_co, AnyOffer]):
    """Offer to bind a device; nothing is bound yet.

    The plan, each step marked below; `ActorVerb` has authorised the actor:

    1. the session is not the user id;
    2. a user without a record gets one, where an enrolment or ``create`` allows it;
    3. the policy allows one more device of the kind, and its name is valid;
    4. the same actor in the same session gets the same open offer again, unless ``renew`` asks for a new one;
    5. otherwise a new offer replaces the actor's last.

    Attributes:
        kind: of the device.
        purpose: of the offer's ticket.
        by, account_name, name, session, renew, create: see the subclasses.
    """

    action = Action.BIND
    kind: ClassVar[Kind]
    purpose: ClassVar[Purpose]
    by: Actor = attrs.field(validator=is_actor)
    account_name: str = attrs.field(kw_only=True, validator=fields.is_account_name)
    name: str | None = attrs.field(default=None, kw_only=True, validator=fields.is_optional_text)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)
    renew: bool = attrs.field(default=False, kw_only=True, validator=is_flag)
    create: bool = attrs.field(default=False, kw_only=True, validator=is_flag)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[T_co] | Reason:
        """Return the transition to an open offer."""
        # 1. The session
        if fields.is_user_id(self.session, context):
            return Reason.BAD_SESSION
        return self._offer(account, context, grant)

    def perform_without_record(self, context: Context, grant: Grant) -> Transition[T_co] | Reason:
        """Return the transition to a record with an open offer."""
        # 1. The session
        if fields.is_user_id(self.session, context):
            return Reason.BAD_SESSION
        # 2. The record
        by_enrolment = isinstance(self.by, Enrolment)
        if not by_enrolment and not self.create:
            return Reason.NO_ACCOUNT
        return self._offer(new_account(context, required=True, by_enrolment=by_enrolment), context, grant)

    def _offer(self, account: Account, context: Context, grant: Grant) -> Transition[T_co] | Reason:
        # 3. The policy and the name
        forbidden = may_bind(without_replaced(account, self.by), context.policy, self.kind)
        if forbidden is not None:
            return forbidden
        name = self.kind.value if self.name is None else self.name
        if not is_device_name(name):
            return Reason.BAD_NAME
        # 4. The same offer again
        actor = actor_digest(self.by, self.session)
        offer = None if self.renew else self._find_open_offer(account, context, actor)
        if offer is not None:
            return Transition(account, self._present(account, context, offer))
        # 5. A new offer
        offer = self.make_offer(
            context,
            stamp=fresh(context, self.purpose, lifetime=context.policy.lifetimes.offer),
            actor=actor,
            tries=OFFER_TRIES,
            name=name,
            account_name=self.account_name,
            history=context.root.history,
        )
        event = context.event(EventType.DEVICE_OFFERED, actor=grant.actor, detail=self.kind.value)
        return Transition(with_offer(account, context, offer), self._present(account, context, offer), events=(event,))

    def _find_open_offer(self, account: Account, context: Context, actor: bytes) -> AnyOffer | None:
        for offer in open_offers(account, context):
            mine = self.select_offer(offer)
            if mine is not None and (offer.actor, offer.account_name) == (actor, self.account_name):
                return mine
        return None

    def _present(self, account: Account, context: Context, offer: AnyOffer) -> T_co:
        ticket = sealed_ticket(account, context, offer.stamp, purpose=self.purpose, session=self.session)
        return self.present(account, context, offer, ticket)

    def select_offer(self, offer: Offer) -> AnyOffer | None:
        """Return an open offer if it is of the verb's kind and may be presented again; else None."""
        raise NotImplementedError

    def make_offer(self, context: Context, **common: Any) -> AnyOffer:
        """Return a new offer; ``common`` holds the fields that both kinds have."""
        raise NotImplementedError

    def present(self, account: Account, context: Context, offer: AnyOffer, ticket: Ticket) -> T_co:
        """Return the outcome: an offer with its ticket, as the person or the browser needs it."""
        raise NotImplementedError


@attrs.frozen
class ConfirmDevice(ActorVerb[Bound]):
    """Bind the device that was offered.

    The plan, each step marked below; `ActorVerb` has authorised the actor:

    1. the offer's ticket is valid in this session;
    2. the offer is open, and the same actor made it in the same session;
    3. the policy still allows one more device of the kind;
    4. the confirmation is valid: each kind has its own check, which counts a wrong one;
    5. the device is bound; where an enrolment bound it, that is the proof of its logon.

    Attributes:
        kind: of the device.
        purpose: of the offer's ticket.
        offer, by, session: see the subclasses.
    """

    action = Action.BIND
    kind: ClassVar[Kind]
    purpose: ClassVar[Purpose]
    offer: SecretText = attrs.field(converter=fields.as_typed, repr=False, kw_only=True)
    by: Actor = attrs.field(kw_only=True, validator=is_actor)
    session: str = attrs.field(kw_only=True, repr=False, validator=fields.is_session)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[Bound] | Reason:
        """Return the transition to a bound device."""
        # 1. The ticket
        opened = open_ticket(self.offer, account, context, purpose=self.purpose, session=self.session)
        if isinstance(opened, Reason):
            return refused(after_clock_set_back(account, context, opened), context, opened, actor=grant.actor)
        # 2. The offer
        offer = find_offer(account, opened, actor_digest(self.by, self.session))
        if offer is None:
            return Reason.OFFER_GONE
        # 3. The policy
        forbidden = may_bind(without_replaced(account, self.by), context.policy, self.kind)
        if forbidden is not None:
            return forbidden
        # 4. The confirmation
        device = self.verify(account, context, offer, opened)
        if isinstance(device, Transition | Reason):
            return device
        # 5. The bind
        return bind(account, context, device, by=self.by, proved_in=self.session if self.logs_on else None)

    def perform_without_record(self, context: Context, grant: Grant) -> Reason:
        """Refuse: no offer is open."""
        del grant
        opened = open_ticket(self.offer, None, context, purpose=self.purpose, session=self.session)
        return opened if isinstance(opened, Reason) else Reason.OFFER_GONE

    @property
    def logs_on(self) -> bool:
        """Whether the bind is the proof of a logon that had to bind first."""
        return isinstance(self.by, Enrolment | Rebinding)

    def verify(
        self, account: Account, context: Context, offer: Offer, opened: Opened
    ) -> Device | Transition[Bound] | Reason:
        """Return the device to bind; or the transition, or the reason, of a refusal."""
        raise NotImplementedError


def without_replaced(account: Account, by: Actor) -> Account:
    """Return the account without the devices that a bind by this actor replaces."""
    return attrs.evolve(account, devices=()) if isinstance(by, Rebinding) else account


def bind(
    account: Account, context: Context, device: Device, *, by: Actor, proved_in: str | None = None
) -> Transition[Bound]:
    """Return the transition to the account with one more device, under a new epoch and without machines.

    Args:
        account: the account as it is.
        context: policy, time, entropy and the root record.
        device: to be bound; a security key's credential id is claimed.
        by: who binds it.
        proved_in: the session of the logon that the bind proves; None where it proves none.
    """
    left = without_replaced(account, by).devices
    after = attrs.evolve(forgive_all(renewed(account, context)), devices=(*left, device), machines=())
    gone = () if left else account.devices
    events = [
        context.event(EventType.DEVICE_UNBOUND, actor=by.label, device=one.id, detail=one.kind.value) for one in gone
    ]
    events.append(context.event(EventType.DEVICE_BOUND, actor=by.label, device=device.id, detail=device.kind.value))
    sheet: RecoveryCodeSheet | None = None
    if context.policy.recovery_codes is not None and not account.devices and isinstance(by, Owner | Enrolment):
        after, sheet = make_codes(after, context, context.policy.recovery_codes)
        events.append(context.event(EventType.RECOVERY_CODES_MADE, actor=by.label, detail=f"{len(sheet.codes)} made"))
    proof = None if proved_in is None else make_proof(after, context, device, session=proved_in)
    claims: tuple[Claim, ...] = ()
    if isinstance(device, SecurityKey):
        claims = (Claim(context.policy.require_relying_party().id, device.credential_id),)
    view = bound_view(device, context.policy, proof, mark_for(by, after, context), sheet)
    return Transition(after, view, claims=claims, events=tuple(events))
