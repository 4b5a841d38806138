# SPDX-License-Identifier: Apache-2.0
"""The flows of a site: what an adapter runs for a request.

::

    flows = WebFlows(SiteSettings(home="/console", logon_url="/logon"))
    response = run(flows.start_logon("alice", request, next="/console"), mfa, load_user)

A flow never raises for what a visitor sent: a broken form, a ticket of another browser and a store that is down are
responses.
"""

from __future__ import annotations

import attrs

from ..ceremonies import Operation, Proof
from ..errors import MFAError
from . import accounts, devices, logon, sessions, step_up
from .flow import Flow, load_user
from .forgery import is_from_here
from .settings import Route, SiteSettings
from .values import WebRequest, WebResponse
from .visit import Visit, origins, visit

_PENDING = {Route.LOGON, Route.ENROL}


@attrs.frozen
class WebFlows:
    """The flows of one site.

    Attributes:
        settings: of its pages.
    """

    settings: SiteSettings = attrs.field(factory=SiteSettings)

    def start_logon(self, user: str, request: WebRequest, next: str = "") -> Flow[WebResponse]:  # noqa: A002
        """Return the response to a right password: to be called after the application checked it, and never before.

        Args:
            user: the user id whose password was right.
            request: the POST with the password.
            next: where to go after the logon, a path of this site; anything else is replaced by the site's home.
        """
        return (yield from logon.start_logon((yield from visit(request, self.settings)), user, next))

    def handle(self, request: WebRequest) -> Flow[WebResponse]:
        """Return the response to a request for one of this package's routes."""
        at = yield from visit(request, self.settings)
        if request.method not in {"GET", "HEAD", "POST"}:
            return at.respond(
                at.message_page(at.message("message.bad_request")), 405, headers=(("Allow", "GET, POST"),)
            )
        if not is_from_here(request, origins(self.settings, at.policy)):
            return at.say("message.foreign_form", 403)
        route = next((one for one in Route if one.value == request.route), None)
        post = request.method == "POST"
        if route is Route.LOGON:
            return (yield from (logon.answer(at) if post else logon.resume(at)))
        if route is Route.ENROL:
            return (yield from (logon.confirm_enrolment(at) if post else logon.enrol(at)))
        return (yield from self._of_user(at, route, post=post))

    def require(self, operation: Operation, request: WebRequest) -> Flow[Proof | WebResponse]:
        """Return the proof of a sensitive operation, or the response that asks for it.

        To be called inside the view, after the input was validated and right before the operation: the application goes
        on only with a `Proof`, and sends any `WebResponse` back.
        """
        at = yield from visit(request, self.settings)
        user = yield from self._user(at)
        if isinstance(user, WebResponse):
            return user
        return (yield from step_up.prove(at, user, operation))

    def require_fresh(self, operation: Operation, request: WebRequest) -> Flow[WebResponse | None]:
        """Return None where the operation was proved already and waits to be done, or the response that asks for it.

        For the GET of a form whose POST cannot be repeated by a page, such as one with files; `require` in the POST
        then spends the receipt.
        """
        at = yield from visit(request, self.settings)
        user = yield from self._user(at)
        if isinstance(user, WebResponse):
            return user
        return (yield from step_up.check_fresh(at, user, operation))

    def check_session(self, request: WebRequest) -> Flow[str | None]:
        """Return who is logged on, or None where nobody is, or where the session has ended meanwhile."""
        return (yield from sessions.check_session(request))

    def log_out(self, request: WebRequest) -> Flow[WebResponse]:
        """Return the response to a log-out; the application ends its own session with it."""
        return sessions.log_out((yield from visit(request, self.settings)))

    def not_logged_on(self, request: WebRequest) -> Flow[WebResponse]:
        """Return the response to who is not logged on: to the logon page, with the way back; 401 as JSON."""
        return _not_logged_on((yield from visit(request, self.settings)))

    def _user(self, at: Visit) -> Flow[str | WebResponse]:
        """Return who is logged on, or the response to who is not."""
        try:
            user = yield from sessions.check_session(at.request)
        except MFAError as error:
            return at.refuse(error, start_over=False)
        return _not_logged_on(at) if user is None else user

    def _of_user(self, at: Visit, route: Route | None, *, post: bool) -> Flow[WebResponse]:
        """Return the response of a route that needs somebody logged on."""
        user = yield from self._user(at)
        if isinstance(user, WebResponse):
            return user
        if route is Route.STEP_UP:
            if not post:
                return at.see(self.settings.home)
            return (yield from step_up.answer(at, user))
        if route not in {Route.DEVICES, Route.BIND, Route.ACCOUNT, Route.ACCOUNT_BIND}:
            return at.say("message.not_found", 404, start_over=False)
        if post and not at.has_form_token(user):
            return at.say("message.foreign_form", 403, start_over=False)
        if route is Route.DEVICES:
            return (yield from (devices.change(at, user) if post else devices.show(at, user)))
        if route is Route.BIND:
            return (yield from (devices.confirm_bind(at, user) if post else devices.offer(at, user)))
        info = yield from load_user(user)
        if info is None or not info.administrator:
            return at.say("message.not_allowed", 403, start_over=False)
        if route is Route.ACCOUNT:
            return (yield from (accounts.change(at, user) if post else accounts.show(at, user)))
        return (yield from (accounts.confirm_bind(at, user) if post else accounts.offer(at, user)))


def _not_logged_on(at: Visit) -> WebResponse:
    if at.request.wants_json:
        return at.say("message.not_logged_on", 401)
    return at.see(at.settings.logon_url)
