# SPDX-License-Identifier: Apache-2.0
"""Logon after the password: the second factor, or the bind that must come first.

Every page is a GET that resumes the logon from the first-factor ticket in the browser's cookie, so that a reload, Back,
a second tab and another worker show the same. A success redirects; a refusal is shown on its own POST.

Invariant: only the password's own POST (`start_logon`) may end without a second factor.
"""

from __future__ import annotations

from typing import Any

from .._secret import SecretText
from ..ceremonies import (
    Admission,
    BeginLogon,
    Enrolment,
    FinishLogon,
    MustBind,
    NotRequired,
    Proof,
    Remembered,
    ResumeLogon,
    add_to_machine_cookie,
)
from ..errors import MalformedMessage, MFAError
from ..machine_labels import machine_label
from ..mfa import new_session
from ..refusals import Advice, Challenge, Refused, Ticket
from .asking import ACTION, KIND, REMEMBER, TICKET, ask_page, evidence_of
from .flow import Flow, load_user, perform
from .offers import confirm, message_of, offer_page
from .pages import KIND_NAMES, Message, Page, kind_of
from .settings import Route
from .state import safe_next
from .values import LoggedOn, UserInfo, WebResponse
from .visit import Visit, sorted_kinds, status_of


def start_logon(visit: Visit, user: str, following: str) -> Flow[WebResponse]:
    """Return the response to a right password.

    Args:
        visit: the request with the password.
        user: the user id; the application has checked name and password.
        following: where to go after the logon.
    """
    info = yield from load_user(user)
    if info is None:
        raise ValueError("load_user does not know the user whose password was checked")
    browser = new_session()
    visit.change(browser=browser, logon=None, next="", receipt=None)
    begin = BeginLogon(session=browser, machine=visit.state.machines, password_mark=info.password_mark)
    try:
        outcome = yield from perform(user, begin)
    except MFAError as error:
        return visit.refuse(error)
    if isinstance(outcome, NotRequired | Remembered):
        # The ticket stays for the binding of a first device
        ticket = outcome.logon if isinstance(outcome, NotRequired) else None
        return logged_on(visit, outcome, following, browser=browser, ticket=ticket)
    visit.change(logon=str(outcome.logon), next=safe_next(following))
    if visit.request.wants_json:
        return (yield from _resumed(visit, user, info))
    return visit.see(visit.url(Route.LOGON))


def logged_on(
    visit: Visit, admission: Admission, following: str, *, browser: str | None = None, ticket: str | None = None
) -> WebResponse:
    """Return the response that logs an admitted user on, under a new browser string."""
    machines = visit.state.machines
    if isinstance(admission, Proof) and admission.machine is not None:
        machines = str(add_to_machine_cookie(machines, admission.machine))
    visit.change(browser=browser or new_session(), logon=ticket, next="", machines=machines, receipt=None)
    proof = admission if isinstance(admission, Proof) else None
    assert admission.session_mark is not None, "an admission begins a session"
    admitted = LoggedOn(admission.user, SecretText(admission.session_mark), proof)
    return visit.see(safe_next(following) or visit.settings.home, logged_on=admitted)


def resume(visit: Visit) -> Flow[WebResponse]:
    """Return the page of the pending logon: which kind to bind, or the second factor."""
    pending = yield from _pending(visit)
    if isinstance(pending, WebResponse):
        return pending
    user, info = pending
    return (yield from _resumed(visit, user, info))


def answer(visit: Visit) -> Flow[WebResponse]:
    """Return the response to a second factor."""
    pending = yield from _pending(visit)
    if isinstance(pending, WebResponse):
        return pending
    user, info = pending
    evidence = evidence_of(visit.request)
    ticket = visit.request.field(TICKET)
    if evidence is None or not ticket:
        return visit.say("message.bad_request", 400)
    remember = None
    if visit.request.field(REMEMBER) and not visit.request.token_client:
        remember = machine_label(visit.request.headers.get("user-agent", ""))
    finish = FinishLogon(ticket, evidence, session=visit.browser, remember=remember, password_mark=info.password_mark)
    try:
        proof = yield from perform(user, finish)
    except Refused as error:
        refusal = error.refusal
        message, status = visit.refusal_message(refusal), status_of(refusal)
        if refusal.next_challenge is not None:
            return visit.respond(_ask(visit, refusal.next_challenge, message), status)
        return (yield from _resumed(visit, user, info, message=message, status=status))
    except MFAError as error:
        return visit.refuse(error)
    return logged_on(visit, proof, visit.state.next)


def enrol(visit: Visit) -> Flow[WebResponse]:
    """Return the page that offers a device of the chosen kind to a user who must bind one."""
    pending = yield from _pending(visit)
    if isinstance(pending, WebResponse):
        return pending
    user, info = pending
    kind = kind_of(visit.request.args.get("kind", ""))
    if kind is None or visit.request.speculative or visit.request.method != "GET":
        return (yield from _resumed(visit, user, info))
    return (yield from _enrolling(visit, user, info, KIND_NAMES[kind]))


def confirm_enrolment(visit: Visit) -> Flow[WebResponse]:
    """Return the response to the confirmation of a device at logon: that logs on too."""
    pending = yield from _pending(visit)
    if isinstance(pending, WebResponse):
        return pending
    user, info = pending
    request = visit.request
    kind = kind_of(request.field(KIND))
    if kind is None or not request.field(TICKET):
        return visit.say("message.bad_request", 400)
    if request.field(ACTION) == "renew":
        message = visit.message("message.renewed", good=True)
        return (yield from _enrolling(visit, user, info, KIND_NAMES[kind], message=message, renew=True))
    try:
        bound = yield from confirm(visit, user, Enrolment(request.field(TICKET), session=visit.browser))
    except MFAError as error:
        message_again = message_of(visit, error)
        if message_again is None or not isinstance(error, Refused):
            return visit.refuse(error)
        status = status_of(error.refusal)
        return (yield from _enrolling(visit, user, info, KIND_NAMES[kind], message=message_again, status=status))
    assert bound.proof is not None, "an enrolment proves the device that it binds"
    return logged_on(visit, bound.proof, visit.state.next)


def _pending(visit: Visit) -> Flow[tuple[str, UserInfo] | WebResponse]:
    """Return whose logon is pending in this browser, or the response where none is."""
    try:
        user = Ticket(visit.state.logon).user if visit.state.logon and visit.before.browser else None
    except MalformedMessage:
        user = None
    info = None if user is None else (yield from load_user(user))
    if user is not None and info is not None:
        return user, info
    if visit.request.user is not None and not visit.request.wants_json and visit.request.method == "GET":
        return visit.see(visit.settings.home)
    return visit.say("message.start_over", 409)


def _resumed(
    visit: Visit, user: str, info: UserInfo, *, message: Message | None = None, status: int = 200
) -> Flow[WebResponse]:
    """Return the page at which the pending logon stands."""
    ticket = visit.state.logon or ""
    resuming = ResumeLogon(ticket, session=visit.browser, password_mark=info.password_mark)
    try:
        outcome = yield from perform(user, resuming)
    except Refused as error:
        if error.refusal.advice is Advice.START_OVER:
            visit.change(logon=None, next="")
            return visit.say("message.start_over", 409)
        return visit.refuse(error)
    except MFAError as error:
        return visit.refuse(error)
    if isinstance(outcome, Challenge):
        if message is None and outcome.retry_after:
            wait = visit.words.wait(outcome.retry_after)
            text = visit.words.say("reason.throttled", wait=wait)
            message = Message("throttled", text, retry_after=outcome.retry_after)
        return visit.respond(_ask(visit, outcome, message), status)
    return visit.respond(_choose(visit, outcome, message), status)


def _ask(visit: Visit, challenge: Challenge, message: Message | None) -> Page:
    away = (visit.words.say("link.start_over"), visit.settings.logon_url)
    return ask_page(visit, challenge, step="ask", action=visit.url(Route.LOGON), message=message, links=(away,))


def _choose(visit: Visit, must: MustBind, message: Message | None) -> Page:
    away = (visit.words.say("link.start_over"), visit.settings.logon_url)
    kinds = sorted_kinds(must.kinds)
    return visit.page("choose_kind", action=visit.url(Route.ENROL), kinds=kinds, message=message, links=(away,))


def _enrolling(
    visit: Visit,
    user: str,
    info: UserInfo,
    kind_name: str,
    *,
    message: Message | None = None,
    status: int = 200,
    renew: bool = False,
) -> Flow[WebResponse]:
    """Return the page that offers a device at logon; a user who need not bind any more gets the second factor."""
    resuming = ResumeLogon(visit.state.logon or "", session=visit.browser, password_mark=info.password_mark)
    kind = kind_of(kind_name)
    try:
        must = yield from perform(user, resuming)
        if not isinstance(must, MustBind):  # bound meanwhile, in another tab or by an administrator
            return visit.respond(_ask(visit, must, None), status)
        if kind is None or kind not in must.kinds:
            return visit.respond(_choose(visit, must, message), status)
        parts: dict[str, Any] = {"hidden": ((TICKET, str(must.id)),), "message": message}
        links = [(visit.words.say("link.start_over"), visit.settings.logon_url)]
        if len(must.kinds) > 1:
            links.insert(0, (visit.words.say("link.other_kind"), visit.url(Route.LOGON)))
        page = yield from offer_page(
            visit,
            user,
            kind,
            Enrolment(must.id, session=visit.browser),
            account_name=info.account_name,
            action=visit.url(Route.ENROL),
            renew=renew,
            links=tuple(links),
            **parts,
        )
    except MFAError as error:
        return visit.refuse(error)
    return visit.respond(page, status)
