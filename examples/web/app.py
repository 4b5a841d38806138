# SPDX-License-Identifier: Apache-2.0
"""A small console with MFA: password, forced binding, code or key, a remembered machine, a sensitive operation.

What the application owes is here: it checks the password first (and should slow guesses at it down), keeps a session
string for one browser, logs on ``outcome.user`` and nobody else, and hands tickets out and takes them back in forms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final, assert_never

from ram_mfa import (
    MFA,
    Administrator,
    Admission,
    Advice,
    Assertion,
    BeginLogon,
    BeginStepUp,
    Challenge,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    Enrolment,
    Event,
    EventType,
    Evidence,
    FinishLogon,
    FinishStepUp,
    Kind,
    MalformedMessage,
    MFAError,
    MFAPolicy,
    MustBind,
    NotRequired,
    OfferSecurityKey,
    OfferVirtualDevice,
    Operation,
    Proof,
    Reason,
    Refusal,
    Refused,
    RelyingParty,
    Remembered,
    RememberMachine,
    ResetMFA,
    Seal,
    Ticket,
    TOTPCode,
    add_to_machine_cookie,
)
from ram_mfa.store import Store

from . import pages
from .http import BROWSER_COOKIE, HEADERS, MACHINES_COOKIE, Request, Response, see
from .people import NOBODY, Browser, Browsers, User

SECURITY_CHANGES: Final = {EventType.DEVICE_UNBOUND, EventType.MFA_RESET, EventType.DEVICE_DISABLED}


class Site:
    """The console, as a WSGI application.

    Args:
        origin: where browsers see it, such as ``http://localhost:8000``.
        store, seal, clock: of the MFA.
        users: who may log on.
    """

    def __init__(
        self, origin: str, store: Store, seal: Seal, users: Iterable[User], *, clock: Callable[[], float] = time.time
    ) -> None:
        party = RelyingParty(id=origin.split("/")[2].partition(":")[0], origins=(origin,), name="Example Cloud")
        policy = MFAPolicy.ram(issuer="Example Cloud", relying_party=party, remember=RememberMachine())
        self.mfa = MFA(store, policy, seal=seal, clock=clock, observers=(self._told,), create=True)
        self.origin = origin
        self.users = {user.name: user for user in users}
        self.servers = ["i-0815", "i-4711"]
        self.browsers = Browsers()

    def _told(self, event: Event) -> None:
        """End a user's sessions where a device went."""
        if event.type in SECURITY_CHANGES:
            self.browsers.log_off(event.user)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Answer a request."""
        response = self._answered(Request.read(environ))
        headers = [*HEADERS, ("Content-Type", f"{response.kind}; charset=utf-8"), *response.headers]
        start_response(f"{response.status.value} {response.status.phrase}", headers)
        return [response.body.encode()]

    def _answered(self, request: Request) -> Response:
        if request.method == "GET" and request.path in _FILES:
            kind, text = _FILES[request.path]
            return Response(text, kind=kind)
        if request.method != "GET" and request.origin != self.origin:  # another site's form
            return Response(pages.logon("This form is from another site."), HTTPStatus.FORBIDDEN)
        handler = _HANDLERS.get((request.method, request.path))
        if handler is None:
            return Response(pages.page("No such page"), HTTPStatus.NOT_FOUND)
        browser = self.browsers.get(request.cookies.get(BROWSER_COOKIE)) or Browser()
        try:
            return handler(self, request, browser)
        except Refused as refused:
            return Response(pages.logon(told(refused.refusal)), HTTPStatus.FORBIDDEN)
        except MalformedMessage:  # what came back is no ticket
            return Response(pages.logon("Start over."), HTTPStatus.BAD_REQUEST)
        except MFAError:  # the store, the seal: nothing passes
            return Response(pages.logon("Come back later."), HTTPStatus.SERVICE_UNAVAILABLE)

    # Logon

    def password(self, request: Request, browser: Browser) -> Response:
        """Take name and password, and begin the second step."""
        user = self.users.get(request.form.get("name", ""))
        right = (user or NOBODY).has(request.form.get("password", ""))
        if user is None or not right:
            return Response(pages.logon("Wrong name or password."), HTTPStatus.FORBIDDEN)
        browser.user = None
        machine = request.cookies.get(MACHINES_COOKIE)
        begin = BeginLogon(session=browser.session, machine=machine, password_mark=user.password_mark)
        outcome = self.mfa.perform(user.name, begin)
        match outcome:
            case NotRequired() | Remembered():
                return self.logged_on(request, browser, outcome)
            case MustBind():
                return self.kept(request, browser, Response(pages.enable_mfa(outcome)))
            case Challenge():
                return self.kept(request, browser, Response(pages.second_step("Log on", "/logon", outcome, {})))
            case _ as unreachable:
                assert_never(unreachable)

    def kept(self, request: Request, browser: Browser, response: Response) -> Response:
        """Keep what is known of a browser, under a new cookie."""
        cookie = self.browsers.keep(browser, instead_of=request.cookies.get(BROWSER_COOKIE))
        return response.with_cookie(BROWSER_COOKIE, cookie)

    def logon(self, request: Request, browser: Browser) -> Response:
        """Take a code or a key's answer, and log on."""
        ticket = Ticket(request.form.get("ticket", ""))
        user = self.users.get(ticket.user)
        if user is None:
            raise Refused(Refusal(Reason.FOREIGN_TICKET))
        finish = FinishLogon(
            ticket,
            evidence(request),
            session=browser.session,
            remember="A browser" if request.form.get("remember") else None,
            password_mark=user.password_mark,
        )
        try:
            proof = self.mfa.perform(user.name, finish)
        except Refused as refused:
            return self.asked_again(refused.refusal, "Log on", "/logon", {})
        return self.logged_on(request, browser, proof)

    def logged_on(self, request: Request, browser: Browser, admission: Admission) -> Response:
        """Log the admitted user on, under a new cookie; remember the machine where the proof says so."""
        browser.user = admission.user
        response = self.kept(request, browser, see("/"))
        if isinstance(admission, Proof) and admission.machine is not None:
            jar = add_to_machine_cookie(request.cookies.get(MACHINES_COOKIE), admission.machine)
            response = response.with_cookie(MACHINES_COOKIE, jar, seconds=7 * 24 * 3600)
        return response

    def asked_again(self, refusal: Refusal, title: str, action: str, hidden: dict[str, str]) -> Response:
        """Ask again, where the refusal brings a fresh challenge."""
        if refusal.next_challenge is None:
            raise Refused(refusal)
        page = pages.second_step(title, action, refusal.next_challenge, hidden, message=told(refusal))
        return Response(page, HTTPStatus.FORBIDDEN)

    # Forced binding

    def enable(self, request: Request, browser: Browser, message: str = "") -> Response:
        """Offer a device of the kind chosen; asked again, the same offer."""
        ticket = Ticket(request.form.get("ticket", ""))
        by, name = Enrolment(ticket, session=browser.session), f"{ticket.user}@example"
        if request.form.get("kind") == Kind.SECURITY_KEY.name:
            key = self.mfa.perform(ticket.user, OfferSecurityKey(by, account_name=name, session=browser.session))
            return Response(pages.bind_security_key(key, ticket, message))
        virtual = self.mfa.perform(ticket.user, OfferVirtualDevice(by, account_name=name, session=browser.session))
        return Response(pages.bind_virtual_device(virtual, ticket, message))

    def bind(self, request: Request, browser: Browser) -> Response:
        """Bind the device that was offered; that logs on too."""
        form, ticket, session = request.form, Ticket(request.form.get("ticket", "")), browser.session
        by, offer = Enrolment(ticket, session=session), form.get("offer", "")
        confirm: ConfirmSecurityKey | ConfirmVirtualDevice
        if form.get("kind") == Kind.SECURITY_KEY.name:
            confirm = ConfirmSecurityKey(form.get("answer"), offer=offer, by=by, session=session)
        else:
            confirm = ConfirmVirtualDevice([form.get("code", "")], offer=offer, by=by, session=session)
        try:
            bound = self.mfa.perform(ticket.user, confirm)
        except Refused as refused:
            if refused.refusal.advice is not Advice.RETYPE:
                raise
            return self.enable(request, browser, told(refused.refusal))
        if bound.proof is None:  # it is there: an enrolment bound the device
            return see("/")
        return self.logged_on(request, browser, bound.proof)

    # Logged on

    def home(self, request: Request, browser: Browser, message: str = "") -> Response:
        """Show the console, or ask who is there."""
        user = self.users.get(browser.user or "")
        if user is None:
            return Response(pages.logon())
        view = self.mfa.perform(user.name, Describe(machine=request.cookies.get(MACHINES_COOKIE)))
        return Response(pages.home(view, self.servers, administrator=user.administrator, message=message))

    def logoff(self, request: Request, browser: Browser) -> Response:
        """Log off, under a new cookie."""
        browser.user = None
        return self.kept(request, browser, see("/"))

    def server(self, request: Request, browser: Browser) -> Response:
        """Delete a server: ask again first, and say for what."""
        server = request.form.get("server", "")
        if browser.user is None or server not in self.servers:
            return see("/")
        operation, title = Operation("server.delete", server), f"Delete {server}"
        if "ticket" not in request.form:
            ask = self.mfa.perform(browser.user, BeginStepUp(operation, session=browser.session))
            return Response(pages.second_step(title, "/server", ask, {"server": server}))
        ticket = request.form["ticket"]
        finish = FinishStepUp(ticket, evidence(request), operation=operation, session=browser.session)
        try:
            proof = self.mfa.perform(browser.user, finish)
        except Refused as refused:
            return self.asked_again(refused.refusal, title, "/server", {"server": server})
        self.servers.remove(server)
        return self.home(request, browser, f"{server} was deleted by {proof.user}.")

    # Administration

    def all_users(self, request: Request, browser: Browser, message: str = "") -> Response:
        """Show an administrator who has which device."""
        del request
        if self.administrator(browser) is None:
            return see("/")
        return Response(pages.users([self.mfa.perform(name, Describe()) for name in self.users], message))

    def unbind(self, request: Request, browser: Browser) -> Response:
        """Take a user's devices away: lost, uninstalled, or of the wrong kind."""
        by, name = self.administrator(browser), request.form.get("user", "")
        if by is None or name not in self.users:
            return see("/")
        self.mfa.perform(name, ResetMFA(by=by))
        return self.all_users(request, browser, f"{name} binds a new device at the next logon.")

    def administrator(self, browser: Browser) -> Administrator | None:
        """Return the administrator who is logged on, or None."""
        user = self.users.get(browser.user or "")
        return Administrator(user.name) if user is not None and user.administrator else None


def evidence(request: Request) -> Evidence:
    """Return what the form brought: a security key's answer, or a code."""
    if "answer" in request.form:
        return Assertion(request.form["answer"])
    return TOTPCode(request.form.get("code", ""))


def told(refusal: Refusal) -> str:
    """Return a refusal as a person may hear it: the advice and the wait, never the reason."""
    text = refusal.advice.value.capitalize()
    return f"{text}, in {refusal.retry_after:.0f} seconds." if refusal.retry_after else f"{text}."


_FILES: Final = {"/style.css": ("text/css", pages.STYLE), "/browser.js": ("text/javascript", pages.SCRIPT)}

Handler = Callable[[Site, Request, Browser], Response]
_HANDLERS: Final[dict[tuple[str, str], Handler]] = {
    ("GET", "/"): Site.home,
    ("GET", "/users"): Site.all_users,
    ("POST", "/password"): Site.password,
    ("POST", "/logon"): Site.logon,
    ("POST", "/enable"): Site.enable,
    ("POST", "/bind"): Site.bind,
    ("POST", "/server"): Site.server,
    ("POST", "/unbind"): Site.unbind,
    ("POST", "/logoff"): Site.logoff,
}
