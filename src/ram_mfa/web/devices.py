# SPDX-License-Identifier: Apache-2.0
"""The owner's pages: devices and remembered machines, each change after a step-up of its own."""

from __future__ import annotations

from ..ceremonies import (
    AccountView,
    Actor,
    Describe,
    ForgetMachine,
    ForgetMachines,
    Operation,
    Owner,
    RenameDevice,
    ResyncVirtualDevice,
    Unbind,
)
from ..errors import MFAError
from ..policy import MFAPolicy
from ..refusals import Advice, Kind, Refused
from .asking import ACTION, KIND
from .flow import Flow, load_user, perform
from .offers import confirm, message_of, offer_page
from .pages import KIND_NAMES, Message, kind_of
from .sessions import first_factor, renewed_mark
from .settings import Route
from .step_up import earn
from .values import LoggedOn, UserInfo, WebResponse
from .visit import Visit, status_of

_OPERATIONS = {
    "bind": Operation.BIND,
    "unbind": Operation.UNBIND,
    "rename": Operation.RENAME,
    "resync": Operation.RESYNC,
    "forget": Operation.MACHINES,
    "forget_all": Operation.MACHINES,
}
DONE = {
    "unbind": "unbound",
    "rename": "renamed",
    "resync": "resynced",
    "forget": "forgotten",
    "forget_all": "forgotten",
}
"""The message, by its id, of each change; it is in the URL of the page after it."""
TARGET = "target"
"""The field with the id of a device or machine. It is not one of a step-up's, so a step-up page carries it."""
NAME = "name"
CODES = ("code1", "code2")
DO = "do"


def show(visit: Visit, user: str, *, message: Message | None = None, status: int = 200) -> Flow[WebResponse]:
    """Return the page of the owner's devices and machines."""
    try:
        view = yield from perform(user, Describe(visit.state.machines))
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    page = visit.page(
        "devices",
        action=visit.url(Route.DEVICES),
        message=message or done_message(visit),
        hidden=(visit.form_token(Route.DEVICES, user),),
        account=view,
        manage=visit.policy.may_manage_self().allowed,
        bindable=bindable(visit.policy, view),
        links=((visit.words.say("link.home"), visit.settings.home),),
    )
    return visit.respond(page, status)


def change(visit: Visit, user: str) -> Flow[WebResponse]:
    """Return the response to a change that the owner asks for: a step-up, and then the change."""
    request = visit.request
    action, target = request.field(DO), request.field(TARGET) or None
    if action not in _OPERATIONS:
        return visit.say("message.bad_request", 400, start_over=False)
    if action == "bind":
        return (yield from _begin_bind(visit, user))
    receipt = yield from earn(visit, user, _OPERATIONS[action])
    if isinstance(receipt, WebResponse):
        return receipt
    by = Owner(receipt, session=visit.browser)
    logged_on: LoggedOn | None = None
    try:
        if action == "unbind":
            unbound = yield from perform(user, Unbind(target, by=by))
            logged_on = renewed_mark(user, unbound.session_mark)
        elif action == "rename":
            yield from perform(user, RenameDevice(target, name=request.field(NAME), by=by))
        elif action == "resync":
            codes = [request.field(name) for name in CODES]
            yield from perform(user, ResyncVirtualDevice(target, codes=codes, by=by))
        elif action == "forget":
            yield from perform(user, ForgetMachine(target or "", by=by))
        else:
            yield from perform(user, ForgetMachines(by))
    except Refused as error:
        message = visit.refusal_message(error.refusal)
        return (yield from show(visit, user, message=message, status=status_of(error.refusal)))
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    visit.change(receipt=None)
    return visit.see(f"{visit.url(Route.DEVICES)}?done={DONE[action]}", logged_on=logged_on)


def offer(visit: Visit, user: str, *, message: Message | None = None, status: int = 200) -> Flow[WebResponse]:
    """Return the page that offers its owner a device."""
    request = visit.request
    name = request.args.get("kind", "") if request.method != "POST" else request.field(KIND)
    kind, info = kind_of(name), (yield from load_user(user))
    if kind is None or info is None or request.speculative or request.method == "HEAD":
        return visit.see(visit.url(Route.DEVICES))
    by = _binder(visit, user, info)
    if by is None:
        return visit.see(visit.url(Route.DEVICES))
    try:
        page = yield from offer_page(
            visit,
            user,
            kind,
            by,
            account_name=info.account_name,
            action=visit.url(Route.BIND),
            renew=request.field(ACTION) == "renew",
            message=message,
            hidden=(visit.form_token(Route.BIND, user),),
            links=((visit.words.say("link.back"), visit.url(Route.DEVICES)),),
        )
    except Refused as error:
        refusal = error.refusal
        if visit.state.receipt is None and refusal.advice in {Advice.START_OVER, Advice.PROVE_AGAIN}:
            return visit.say("message.password_again", 403)
        return (yield from show(visit, user, message=visit.refusal_message(refusal), status=status_of(refusal)))
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    return visit.respond(page, status)


def confirm_bind(visit: Visit, user: str) -> Flow[WebResponse]:
    """Return the response to the confirmation of a device by its owner."""
    info = yield from load_user(user)
    by = None if info is None else _binder(visit, user, info)
    if by is None:
        return visit.see(visit.url(Route.DEVICES))
    if visit.request.field(ACTION) == "renew":
        return (yield from offer(visit, user, message=visit.message("message.renewed", good=True)))
    try:
        bound = yield from confirm(visit, user, by)
    except MFAError as error:
        message = message_of(visit, error)
        if message is None or not isinstance(error, Refused):
            return visit.refuse(error, start_over=False)
        return (yield from offer(visit, user, message=message, status=status_of(error.refusal)))
    visit.change(receipt=None, logon=None, next="")
    url = f"{visit.url(Route.DEVICES)}?done=bound"
    return visit.see(url, logged_on=renewed_mark(user, bound.session_mark))


def done_message(visit: Visit) -> Message | None:
    """Return the message of the change that led to this page, or None."""
    key = visit.request.args.get("done", "")
    known = {*DONE.values(), "bound", "required", "not_required", "reset"}
    return visit.message(f"message.{key}", good=True) if key in known else None


def bindable(policy: MFAPolicy, view: AccountView) -> tuple[Kind, ...]:
    """Return the kinds of which one more device may be bound."""
    bound = tuple(device.kind for device in view.devices)
    return tuple(kind for kind in Kind if policy.may_bind(kind, bound=bound).allowed)


def _begin_bind(visit: Visit, user: str) -> Flow[WebResponse]:
    """Return the redirect to an offer, once the owner has earned a receipt or the password is fresh."""
    kind = kind_of(visit.request.field("kind"))
    if kind is None:
        return visit.say("message.bad_request", 400, start_over=False)
    try:
        view = yield from perform(user, Describe())
    except MFAError as error:
        return visit.refuse(error, start_over=False)
    if view.devices:
        receipt = yield from earn(visit, user, Operation.BIND)
        if isinstance(receipt, WebResponse):
            return receipt
        visit.change(receipt=receipt)
    elif first_factor(visit, user) is None:
        return visit.say("message.password_again", 403)
    return visit.see(f"{visit.url(Route.BIND)}?kind={KIND_NAMES[kind]}")


def _binder(visit: Visit, user: str, info: UserInfo) -> Actor | None:
    """Return the owner by the receipt of a step-up, or by a fresh password; None where there is neither."""
    if visit.state.receipt is not None:
        return Owner(visit.state.receipt, session=visit.browser)
    ticket = first_factor(visit, user)
    if ticket is None:
        return None
    return Owner.first_device(ticket, session=visit.browser, password_mark=info.password_mark)
