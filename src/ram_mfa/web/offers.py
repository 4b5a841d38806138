# SPDX-License-Identifier: Apache-2.0
"""Pages on which a device is bound, for each of the three who may: a user at logon, an owner, an administrator."""

from __future__ import annotations

from typing import Any

from ..ceremonies import (
    Actor,
    Bound,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    OfferSecurityKey,
    OfferVirtualDevice,
)
from ..refusals import Kind, Reason, Refused
from .asking import ANSWER, CODE, CODE2, KIND, OFFER
from .flow import Flow, perform
from .pages import KIND_NAMES, KeyRequest, Message, Page, Setup, kind_of
from .values import WebRequest
from .visit import Visit

_SHOWN_AGAIN = {
    Reason.WRONG_CODE,
    Reason.REPLAYED_CODE,
    Reason.BAD_REGISTRATION,
    Reason.WRONG_ANSWER,
    Reason.WRONG_EVIDENCE,
    Reason.OFFER_GONE,
    Reason.EXPIRED_TICKET,
    Reason.FOREIGN_TICKET,
    Reason.SPENT_TICKET,
    Reason.CREDENTIAL_TAKEN,
}
"""Refusals of a confirmation after which the offer, or a new one, is shown with a message."""


def offer_page(
    visit: Visit,
    user: str,
    kind: Kind,
    by: Actor,
    *,
    account_name: str,
    action: str,
    renew: bool = False,
    **parts: Any,
) -> Flow[Page]:
    """Return the page that offers a device of a kind; loaded again, it shows the same open offer.

    It is a GET, which another site can cause: it makes no record for a user without one.

    Args:
        visit: the request.
        user: whose device it becomes.
        kind: of the device.
        by: who binds it.
        account_name: what the app or the browser shows.
        action: where the confirmation is posted to.
        renew: whether an open offer is replaced.
        parts: further parts of the page; ``hidden`` is added to.
    """
    hidden = ((KIND, KIND_NAMES[kind]), *parts.pop("hidden", ()))
    name = visit.words.say(f"kind.{KIND_NAMES[kind]}")
    if kind is Kind.SECURITY_KEY:
        offer_key = OfferSecurityKey(by, account_name=account_name, name=name, session=visit.browser, renew=renew)
        key = yield from perform(user, offer_key)
        request = KeyRequest("create", key.options)
        hidden = ((OFFER, str(key.id)), *hidden)
        return visit.page("bind_key", action=action, kinds=(kind,), key=request, hidden=hidden, **parts)
    offer_virtual = OfferVirtualDevice(by, account_name=account_name, name=name, session=visit.browser, renew=renew)
    offer = yield from perform(user, offer_virtual)
    from ..qr import svg  # of the extra, which only a page with a QR code needs

    setup = Setup(
        svg(offer.key_uri, label=visit.words.say("label.qr")),
        str(offer.key_uri),
        str(offer.setup_key),
        offer.account_name,
    )
    return visit.page(
        "bind_virtual",
        action=action,
        kinds=(kind,),
        codes=offer.codes,
        setup=setup,
        hidden=((OFFER, str(offer.id)), *hidden),
        **parts,
    )


def confirm(visit: Visit, user: str, by: Actor) -> Flow[Bound]:
    """Bind the device that a form confirms.

    Raises:
        Refused: it is not confirmed.
    """
    request = visit.request
    offer = request.field(OFFER)
    if kind_of(request.field(KIND)) is Kind.SECURITY_KEY:
        confirm_key = ConfirmSecurityKey(request.field(ANSWER), offer=offer, by=by, session=visit.browser)
        return (yield from perform(user, confirm_key))
    confirm_virtual = ConfirmVirtualDevice(_codes(request), offer=offer, by=by, session=visit.browser)
    return (yield from perform(user, confirm_virtual))


def message_of(visit: Visit, error: Exception) -> Message | None:
    """Return the message under which an offer is shown again after a refused confirmation; None where it is not."""
    if isinstance(error, Refused) and error.refusal.reason in _SHOWN_AGAIN:
        return visit.refusal_message(error.refusal)
    return None


def _codes(request: WebRequest) -> list[str]:
    return [value for name in (CODE, CODE2) for key, value in request.fields if key == name][:2]
