# SPDX-License-Identifier: Apache-2.0
"""The administrator's page of one user: what is bound, and each change that an administrator may make.

The user id stands in the query, where every id can stand. What cannot be undone is confirmed on a page of its own.
Where the policy asks for it, the administrator proves themselves first, on their own account.
"""

from __future__ import annotations

from urllib.parse import quote

from ..ceremonies import (
    AccountView,
    Administrator,
    Describe,
    ForgetMachines,
    Operation,
    RenameDevice,
    RequireMFA,
    ResetMFA,
    ResyncVirtualDevice,
    Unbind,
    Verb,
)
from ..errors import MFAError
from ..policy import AdministratorProof
from ..refusals import Kind, Reason, Refused
from .asking import ACTION, KIND
from .devices import CODES, DO, NAME, TARGET, bindable, done_message
from .flow import Flow, load_user, perform
from .offers import confirm, message_of, offer_page
from .pages import KIND_NAMES, Message, kind_of
from .settings import Route
from .step_up import earn
from .values import UserInfo, WebRequest, WebResponse
from .visit import Visit, status_of

USER = "user"
_SURE = "sure"
_DONE = {
    "require": "required",
    "not_require": "not_required",
    "unbind": "unbound",
    "reset": "reset",
    "rename": "renamed",
    "resync": "resynced",
    "forget_all": "forgotten",
}
_CONFIRMED = {"unbind": "text.sure_unbind", "reset": "text.sure_reset", "forget_all": "text.sure_forget"}


def show(visit: Visit, administrator: str, *, message: Message | None = None, status: int = 200) -> Flow[WebResponse]:
    """Return the page of a user's MFA."""
    user, info = yield from _subject(visit)
    if info is None:
        return visit.say("message.no_such_user", 404, start_over=False)
    try:
        view: AccountView | None = yield from perform(user, Describe())
    except Refused as error:
        if error.refusal.reason is not Reason.NO_ACCOUNT:
            return visit.refuse(error, start_over=False)
        view = None
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    page = visit.page(
        "account",
        title=visit.words.say("title.account", user=user),
        action=visit.url(Route.ACCOUNT),
        message=message or done_message(visit),
        hidden=(visit.form_token(Route.ACCOUNT, administrator), (USER, user)),
        about=user,
        account=view,
        manage=True,
        bindable=_bindable(visit, view),
        links=((visit.words.say("link.home"), visit.settings.home),),
    )
    return visit.respond(page, status)


def change(visit: Visit, administrator: str) -> Flow[WebResponse]:
    """Return the response to a change that an administrator asks for."""
    request = visit.request
    user, info = yield from _subject(visit)
    if info is None:
        return visit.say("message.no_such_user", 404, start_over=False)
    action = request.field(DO)
    if action == "bind":
        return (yield from _begin_bind(visit, administrator, user))
    if action not in _DONE:
        return visit.say("message.bad_request", 400, start_over=False)
    if action in _CONFIRMED and not request.field(_SURE) and not request.wants_json:
        return (yield from _sure(visit, user, action))
    by = yield from _actor(visit, administrator)
    if isinstance(by, WebResponse):
        return by
    try:
        yield from perform(user, _verb(request, action, by))
    except Refused as error:
        message = visit.refusal_message(error.refusal)
        return (yield from show(visit, administrator, message=message, status=status_of(error.refusal)))
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    return visit.see(_url(visit, Route.ACCOUNT, user, done=_DONE[action]))


def offer(visit: Visit, administrator: str, *, message: Message | None = None, status: int = 200) -> Flow[WebResponse]:
    """Return the page on which an administrator binds a device for a user."""
    request = visit.request
    user, info = yield from _subject(visit)
    if info is None:
        return visit.say("message.no_such_user", 404, start_over=False)
    kind = kind_of(request.args.get("kind", "") if request.method != "POST" else request.field(KIND))
    if kind is None or request.speculative or request.method == "HEAD":
        return visit.see(_url(visit, Route.ACCOUNT, user))
    by = yield from _actor(visit, administrator)
    if isinstance(by, WebResponse):
        return by
    try:
        page = yield from offer_page(
            visit,
            user,
            kind,
            by,
            account_name=info.account_name,
            action=visit.url(Route.ACCOUNT_BIND),
            renew=request.field(ACTION) == "renew",
            message=message,
            about=user,
            hidden=(visit.form_token(Route.ACCOUNT_BIND, administrator), (USER, user)),
            links=((visit.words.say("link.back"), _url(visit, Route.ACCOUNT, user)),),
        )
    except Refused as error:
        shown = visit.refusal_message(error.refusal)
        return (yield from show(visit, administrator, message=shown, status=status_of(error.refusal)))
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    return visit.respond(page, status)


def confirm_bind(visit: Visit, administrator: str) -> Flow[WebResponse]:
    """Return the response to the confirmation of a device by an administrator."""
    user, info = yield from _subject(visit)
    if info is None:
        return visit.say("message.no_such_user", 404, start_over=False)
    if visit.request.field(ACTION) == "renew":
        return (yield from offer(visit, administrator, message=visit.message("message.renewed", good=True)))
    by = yield from _actor(visit, administrator)
    if isinstance(by, WebResponse):
        return by
    try:
        yield from confirm(visit, user, by)
    except MFAError as error:
        message = message_of(visit, error)
        if message is None or not isinstance(error, Refused):
            return visit.refuse(error, start_over=False)
        return (yield from offer(visit, administrator, message=message, status=status_of(error.refusal)))
    return visit.see(_url(visit, Route.ACCOUNT, user, done="bound"))


def _begin_bind(visit: Visit, administrator: str, user: str) -> Flow[WebResponse]:
    kind = kind_of(visit.request.field("kind"))
    if kind is None:
        return visit.say("message.bad_request", 400, start_over=False)
    by = yield from _actor(visit, administrator)
    if isinstance(by, WebResponse):
        return by
    try:
        yield from perform(user, Describe())
    except Refused as error:
        if error.refusal.reason is not Reason.NO_ACCOUNT:
            return visit.refuse(error, start_over=False)
        try:
            yield from perform(user, RequireMFA(required=True, by=by))
        except MFAError as failure:
            return visit.refuse(failure, start_over=False)
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    return visit.see(_url(visit, Route.ACCOUNT_BIND, user, kind=KIND_NAMES[kind]))


def _subject(visit: Visit) -> Flow[tuple[str, UserInfo | None]]:
    """Return whose page it is, and the application's data of that user."""
    request = visit.request
    user = request.field(USER) if request.method == "POST" else request.args.get(USER, "")
    return user, (yield from load_user(user)) if user else None


def _actor(visit: Visit, administrator: str) -> Flow[Administrator | WebResponse]:
    """Return the administrator, proved on their own account where the policy asks for it, or the step-up's page."""
    if visit.policy.administrator_proof is AdministratorProof.NOT_ASKED:
        return Administrator(administrator)
    receipt = yield from earn(visit, administrator, Operation.ADMINISTER)
    if isinstance(receipt, WebResponse):
        return receipt
    visit.change(receipt=receipt)
    return Administrator(administrator, receipt=receipt, session=visit.browser)


def _sure(visit: Visit, user: str, action: str) -> Flow[WebResponse]:
    """Return the page that asks once more before what cannot be undone."""
    request = visit.request
    target = request.field(TARGET)
    try:
        view = yield from perform(user, Describe())
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    name = next((device.name for device in view.devices if device.id == target), "")
    page = visit.page(
        "confirm",
        action=visit.url(Route.ACCOUNT),
        hidden=(*request.fields, (_SURE, "yes")),
        about=visit.words.say(_CONFIRMED[action], user=user, device=name),
        links=((visit.words.say("link.back"), _url(visit, Route.ACCOUNT, user)),),
    )
    return visit.respond(page)


def _verb(request: WebRequest, action: str, by: Administrator) -> Verb[object]:
    target = request.field(TARGET) or None
    match action:
        case "require":
            return RequireMFA(required=True, by=by)
        case "not_require":
            return RequireMFA(required=False, by=by)
        case "unbind":
            return Unbind(target, by=by)
        case "reset":
            return ResetMFA(by)
        case "rename":
            return RenameDevice(target, name=request.field(NAME), by=by)
        case "resync":
            return ResyncVirtualDevice(target, codes=[request.field(name) for name in CODES], by=by)
        case _:
            return ForgetMachines(by)


def _bindable(visit: Visit, view: AccountView | None) -> tuple[Kind, ...]:
    return visit.policy.kinds() if view is None else bindable(visit.policy, view)


def _url(visit: Visit, route: Route, user: str, **args: str) -> str:
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in {USER: user, **args}.items())
    return f"{visit.url(route)}?{query}"
