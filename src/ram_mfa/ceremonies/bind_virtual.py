# SPDX-License-Identifier: Apache-2.0
"""Binding of a virtual MFA device: an offered secret, and its confirmation by the app's code.

The secret is shown while its offer is open, to the actor and session that asked (requirement O21); every code that
confirms is consumed (O22). `ram_mfa.rules.device_binding` holds what a security key's bind shares.
"""

from __future__ import annotations

from typing import Any

import attrs

from .._secret import SecretText
from ..account import Account, Offer, OfferedVirtualDevice, VirtualMFADevice, expires_at
from ..context import Context
from ..otp import TOTP, KeyURI, setup_key
from ..refusals import Kind, Reason, Ticket
from ..rules import fields
from ..rules.device_binding import ConfirmDevice, OfferDevice
from ..rules.devices import new_virtual_device
from ..rules.offers import with_failed_offer
from ..rules.tickets import MICROSECONDS, Opened, Purpose
from ..rules.totp_check import match_run
from ..rules.verb import Transition, refused
from ..rules.views import Bound


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
class OfferVirtualDevice(OfferDevice[VirtualDeviceOffer, OfferedVirtualDevice]):
    """Offer a virtual MFA device; nothing is bound yet. `OfferDevice` holds the plan.

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

    kind = Kind.VIRTUAL
    purpose = Purpose.OFFER_VIRTUAL_DEVICE

    def select_offer(self, offer: Offer) -> OfferedVirtualDevice | None:
        """Return an open offer of a virtual device."""
        return offer if isinstance(offer, OfferedVirtualDevice) else None

    def make_offer(self, context: Context, **common: Any) -> OfferedVirtualDevice:
        """Return a new offer with a secret of its own."""
        totp = context.policy.totp
        return OfferedVirtualDevice(
            **common,
            secret=context.draw("secret", totp.algorithm.secret_size),
            algorithm=totp.algorithm,
            digits=totp.digits,
            period=totp.period,
            codes=totp.codes,
        )

    def present(
        self, account: Account, context: Context, offer: OfferedVirtualDevice, ticket: Ticket
    ) -> VirtualDeviceOffer:
        """Return the offer with its secret, as a key URI and to type."""
        del account
        uri = KeyURI(
            "totp",
            context.policy.issuer,
            offer.account_name,
            offer.secret,
            algorithm=offer.algorithm,
            digits=offer.digits,
            period=offer.period,
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
class ConfirmVirtualDevice(ConfirmDevice):
    """Bind the device offered, with the code (or the two consecutive codes) that its app shows.

    `ConfirmDevice` holds the plan. Its step 4: as many codes as the offer asks for match consecutive time steps; a
    wrong confirmation costs one of the offer's ten tries. Every code used is consumed: it does not log on.

    Attributes:
        codes: as typed, in the order in which the app showed them.
        offer: `VirtualDeviceOffer.id`, as the form returned it.
        by: who asks; the same as at the offer.
        session: the same as at the offer.
    """

    kind = Kind.VIRTUAL
    purpose = Purpose.OFFER_VIRTUAL_DEVICE
    codes: tuple[SecretText, ...] = attrs.field(converter=fields.as_codes, repr=False)

    def verify(
        self, account: Account, context: Context, offer: Offer, opened: Opened
    ) -> VirtualMFADevice | Transition[Bound] | Reason:
        """Return the device, its codes consumed; or the refusal, which counts a wrong confirmation."""
        del opened
        if not isinstance(offer, OfferedVirtualDevice):
            return Reason.OFFER_GONE
        totp, window = TOTP(offer.secret, offer.algorithm, offer.digits, offer.period), context.policy.totp
        step = None
        if len(self.codes) == offer.codes:
            step = match_run(totp, self.codes, now=context.now, backward=window.backward, forward=window.forward)
        if step is None:
            after = with_failed_offer(account, offer)
            return refused(after, context, Reason.WRONG_CODE, actor=self.by.label)
        return new_virtual_device(
            context,
            totp,
            name=offer.name,
            bound_by=self.by.label,
            last_step=step,
            accepted=tuple(range(step - offer.codes + 1, step + 1)),
            last_used_at=context.now if self.logs_on else None,
        )
