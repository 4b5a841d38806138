# SPDX-License-Identifier: Apache-2.0
"""Step-up: a fresh proof before a sensitive operation, asked for inside the application's view.

A form is answered by a page that posts to the same URL, with the form's own fields and the answer. A script gets the
page as a problem (RFC 9457), answers it at the step-up route, and repeats its request with the receipt. A GET is
answered by a page whose receipt waits in a cookie.
"""

from __future__ import annotations

from typing import Final

from ..ceremonies import BeginStepUp, FinishStepUp, Operation, Proof, SpendReceipt
from ..ceremonies.receipts import CheckReceipt
from ..errors import MFAError
from ..refusals import Advice, Challenge, Refused
from .asking import PREFIX, TICKET, ask_page, evidence_of
from .flow import Flow, perform
from .forgery import FORM_TOKEN, is_from_here
from .pages import Message
from .settings import Route
from .state import safe_next
from .values import Pairs, WebResponse
from .visit import Visit, origins, status_of

PROBLEM: Final = "urn:ram-mfa:step-up"
"""The problem type of an answer that asks for a step-up."""
RECEIPT_HEADER: Final = "mfa-receipt"
_BEARER: Final = (
    'Bearer error="insufficient_user_authentication", error_description="a fresh multi-factor authentication is needed"'
)
MAX_CARRIED: Final = 65_536
"""Characters of a form's own fields that a step-up page carries."""
_NAME = "mfa_operation"
_SUBJECT = "mfa_subject"
_NEXT = "mfa_next"


def prove(visit: Visit, user: str, operation: Operation) -> Flow[Proof | WebResponse]:
    """Return the proof of an operation, its receipt spent if it came by one, or the response that asks for it.

    Args:
        visit: the request.
        user: who is logged on.
        operation: what is to be done.
    """
    receipt = _presented(visit)
    if receipt is not None:
        try:
            proof = yield from perform(user, SpendReceipt(receipt, operation=operation, session=visit.browser))
        except Refused:
            pass
        except MFAError as error:
            return visit.refuse(error, start_over=False)
        else:
            visit.change(receipt=None)
            return proof
    return (yield from _answered(visit, user, operation))


def earn(visit: Visit, user: str, operation: Operation) -> Flow[str | WebResponse]:
    """Return a receipt of an operation, not spent, or the response that asks for it: the library's verbs spend it."""
    receipt = _presented(visit)
    if receipt is not None:
        try:
            yield from perform(user, CheckReceipt(receipt, operation=operation, session=visit.browser))
        except Refused:
            pass
        except MFAError as error:
            return visit.refuse(error, start_over=False)
        else:
            return receipt
    proved = yield from _answered(visit, user, operation)
    return str(proved.receipt) if isinstance(proved, Proof) else proved


def _presented(visit: Visit) -> str | None:
    """Return the receipt that a request presents, unless it brings an answer of its own.

    A cookie comes with a form of a sibling host too: the one there counts only for a page of this site.
    """
    request = visit.request
    if request.field(TICKET):
        return None
    waiting = visit.state.receipt if is_from_here(request, origins(visit.settings, visit.policy)) else None
    return request.headers.get(RECEIPT_HEADER) or waiting


def _answered(visit: Visit, user: str, operation: Operation) -> Flow[Proof | WebResponse]:
    """Return the proof of the answer in a form, or the response that asks for one."""
    request = visit.request
    evidence, ticket = evidence_of(request), request.field(TICKET)
    message: Message | None = None
    status = 403 if request.wants_json or request.method != "POST" else 200
    try:
        if ticket and evidence is not None:
            try:
                finish = FinishStepUp(ticket, evidence, operation=operation, session=visit.browser)
                return (yield from perform(user, finish))
            except Refused as error:
                refusal = error.refusal
                message, status = visit.refusal_message(refusal), status_of(refusal)
                if refusal.next_challenge is not None:
                    return _ask(visit, refusal.next_challenge, operation, message, status)
                if refusal.advice not in {Advice.WAIT, Advice.START_OVER, Advice.RETYPE}:
                    raise
        challenge = yield from perform(user, BeginStepUp(operation, session=visit.browser))
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    return _ask(visit, challenge, operation, message, status)


def check_fresh(visit: Visit, user: str, operation: Operation) -> Flow[WebResponse | None]:
    """Return None where a receipt for the operation waits in the cookie, unspent; else the response that asks."""
    if visit.state.receipt is not None:
        check = CheckReceipt(visit.state.receipt, operation=operation, session=visit.browser)
        try:
            yield from perform(user, check)
        except Refused:
            pass
        except MFAError as error:
            return visit.refuse(error, start_over=False)
        else:
            return None
    try:
        challenge = yield from perform(user, BeginStepUp(operation, session=visit.browser))
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    return _ask(visit, challenge, operation, None, 403, away=True)


def answer(visit: Visit, user: str) -> Flow[WebResponse]:
    """Return the response to an answer at the step-up route: a receipt, in JSON or in the cookie of a browser."""
    request = visit.request
    try:
        operation = Operation(request.field(_NAME), request.field(_SUBJECT) or None)
    except (TypeError, ValueError):
        return visit.say("message.bad_request", 400, start_over=False)
    evidence, ticket = evidence_of(request), request.field(TICKET)
    if evidence is None or not ticket:
        return visit.say("message.bad_request", 400, start_over=False)
    try:
        finish = FinishStepUp(ticket, evidence, operation=operation, session=visit.browser)
        proof = yield from perform(user, finish)
    except Refused as error:
        refusal = error.refusal
        if refusal.next_challenge is None:
            return visit.refuse(error, start_over=False)
        message = visit.refusal_message(refusal)
        return _ask(visit, refusal.next_challenge, operation, message, status_of(refusal), away=True)
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    if request.wants_json:
        page = visit.page("proved", about=visit.operation(operation), receipt=str(proof.receipt))
        return visit.respond(page)
    visit.change(receipt=str(proof.receipt))
    return visit.see(safe_next(request.field(_NEXT)) or visit.settings.home)


def _ask(
    visit: Visit,
    challenge: Challenge,
    operation: Operation,
    message: Message | None,
    status: int,
    *,
    away: bool = False,
) -> WebResponse:
    """Return the page of a step-up: posted to the request's own URL, or to the step-up route where that cannot be."""
    request = visit.request
    about = visit.operation(operation)
    away = away or request.wants_json or request.method != "POST"
    if not away:
        carried = _carried(request.fields)
        if request.files or carried is None:
            return visit.say("message.too_large", 413, start_over=False)
        # A path with two slashes would be another host's: "" posts to the page's own URL all the same
        action = safe_next(request.url)
        page = ask_page(visit, challenge, step="step_up", action=action, message=message, hidden=carried, about=about)
        return visit.respond(page, status)
    target = request.field(_NEXT) if request.route == Route.STEP_UP else request.url
    named: Pairs = ((_NAME, operation.name), (_SUBJECT, operation.subject or ""))
    if not request.wants_json:
        named = (*named, (_NEXT, safe_next(target)))
    if message is None and request.wants_json:
        message = visit.message("message.step_up_required")
    page = ask_page(
        visit,
        challenge,
        step="step_up",
        action=visit.url(Route.STEP_UP),
        message=message,
        hidden=named,
        about=about,
        problem=PROBLEM if request.wants_json and status == 403 else "",
    )
    if page.problem and request.headers.get("authorization", "")[:7].lower() == "bearer ":
        # RFC 9470 section 3: the token is right, and not enough
        return visit.respond(page, 401, headers=(("WWW-Authenticate", _BEARER),))
    return visit.respond(page, status)


def _carried(fields: Pairs) -> Pairs | None:
    """Return the application's own fields, in their order; None where they are too large to carry."""
    own = tuple(pair for pair in fields if not pair[0].startswith(PREFIX) or pair[0] == FORM_TOKEN)
    return own if sum(len(name) + len(value) for name, value in own) <= MAX_CARRIED else None
