# SPDX-License-Identifier: Apache-2.0
"""The pages on Flask (https://flask.palletsprojects.com/): a blueprint, and calls in views.

::

    site = MFASite(mfa, load_user=load_user)
    site.init_app(app)
    ...  # in the view that checked name and password:
    return site.logon(name)
    ...  # in a view of a sensitive operation:
    site.require(Operation("server.delete", server))
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

import flask
import jinja2

from ..ceremonies import Operation, Proof
from ..mfa import MFA
from ..web import (
    PATHS,
    AsyncUserLoader,
    Flow,
    LoggedOn,
    Pairs,
    Route,
    SiteSettings,
    UserInfo,
    WebFlows,
    WebRequest,
    WebResponse,
    asset,
    read_fields,
    run,
)
from ..web.rendering import Renderer
from ..web.values import MAX_BODY

T = TypeVar("T")
P = ParamSpec("P")
Session = tuple[str | None, str | None]
_FORM: Final = "application/x-www-form-urlencoded"


class AnswerFirst(Exception):
    """Raised in a view instead of going on: the visitor must prove something or log on first.

    Attributes:
        response: the response that asks for it; the handler that `MFASite.init_app` registers sends it.
    """

    def __init__(self, response: flask.Response) -> None:
        super().__init__("the visitor is asked to prove something first")
        self.response = response


class MFASite:
    """The pages of a site.

    Args:
        mfa: performs the verbs.
        load_user: returns the `ram_mfa.web.UserInfo` of a user id, or None; plain or a coroutine function.
        log_on: logs the user of a `ram_mfa.web.LoggedOn` on, and keeps its session mark with the user. Flask's
            session is cleared before, unless only the mark is new (``renewed``). It may return a response, such as a
            token, in place of the redirect. Left out, user and mark are kept in Flask's session.
        session: returns who is logged on and the session mark, or (None, None); left out together with ``log_on``.
        settings: of the pages.
        language: returns the language tag that the application chose, or None.
        templates: loader of the application's own templates.

    Attributes:
        renderer: of the pages, in whose environment an application may render its own pages too.
    """

    def __init__(
        self,
        mfa: MFA,
        *,
        load_user: AsyncUserLoader,
        log_on: Callable[[LoggedOn], flask.Response | None] | None = None,
        session: Callable[[], Session] | None = None,
        settings: SiteSettings | None = None,
        language: Callable[[], str | None] = lambda: None,
        templates: jinja2.BaseLoader | None = None,
    ) -> None:
        if not isinstance(mfa, MFA):
            raise TypeError("mfa is an MFA: a view of Flask does not await")
        self._mfa = mfa
        self._load_user = load_user
        if (log_on is None) is not (session is None):
            raise TypeError("log_on and session belong together: what one keeps the other returns")
        self._log_on = log_on or _keep
        self._session = session or _kept
        self._language = language
        self._settings = settings or SiteSettings()
        self._flows = WebFlows(self._settings)
        self.renderer: Renderer = Renderer(self._settings, templates)

    def init_app(self, app: flask.Flask, prefix: str = "/mfa") -> None:
        """Add the routes to an application, and the handler of `AnswerFirst`.

        Under Flask-WTF's ``CSRFProtect`` these routes are exempt: they have a protection of their own, and its token
        changes at logon.

        Args:
            app: the application.
            prefix: of the routes' paths.
        """
        blueprint = flask.Blueprint("mfa", __name__)
        for route, path in PATHS.items():
            methods = ["GET"] if route in {Route.STYLE, Route.SCRIPT} else ["GET", "POST"]
            blueprint.add_url_rule(f"/{path}", route.value, self._view(route), methods=methods)
        app.register_blueprint(blueprint, url_prefix=prefix)
        app.register_error_handler(AnswerFirst, _send)

        def exempt() -> None:
            protection: Any = flask.current_app.extensions.get("csrf")
            if protection is not None:
                protection.exempt(blueprint)

        # Before that of CSRFProtect, which may be set up after this
        app.before_request_funcs.setdefault(None, []).insert(0, exempt)

    # What an application calls

    def logon(self, user: str, next: str = "") -> flask.Response:  # noqa: A002 - as in URLs
        """Return the response to a right password; call it after the check of name and password, and never before.

        Args:
            user: the user id.
            next: the path of this site to go to after the logon.
        """
        return self._respond(self._run(self._flows.start_logon(user, self._request(session=(None, None)), next)))

    def require(self, operation: Operation) -> Proof:
        """Return the fresh proof of a sensitive operation; call it in the view, right before the operation.

        Raises:
            AnswerFirst: it is not proved yet; the visitor is asked.
        """
        asked = self._request(fields=_form())
        outcome = self._run(self._flows.require(operation, asked))
        if isinstance(outcome, WebResponse):
            raise AnswerFirst(self._respond(outcome))
        return outcome

    def require_fresh(self, operation: Operation) -> None:
        """Ask for a proof on the GET of a form whose POST has files; `require` in the POST then takes it.

        Raises:
            AnswerFirst: it is not proved yet; the visitor is asked.
        """
        outcome = self._run(self._flows.require_fresh(operation, self._request()))
        if outcome is not None:
            raise AnswerFirst(self._respond(outcome))

    def user(self) -> str | None:
        """Return who is logged on; None for nobody, and where the session ended meanwhile."""
        return self._run(self._flows.check_session(self._request()))

    def login_required(self, view: Callable[P, Any]) -> Callable[P, Any]:
        """Return a view, plain or async, that only who is logged on reaches; others are sent to the logon page."""

        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            if self.user() is None:
                return self._respond(self._run(self._flows.not_logged_on(self._request())))
            return flask.current_app.ensure_sync(view)(*args, **kwargs)

        return guarded

    def log_out(self) -> flask.Response:
        """Return the response to a log-out; Flask's session is cleared."""
        response = self._run(self._flows.log_out(self._request()))
        flask.session.clear()
        return self._respond(response)

    # Requests and responses

    def _view(self, route: Route) -> Callable[[], flask.Response]:
        def view() -> flask.Response:
            if route in {Route.STYLE, Route.SCRIPT}:
                return _asset(route)
            fields = _own_fields() if flask.request.method == "POST" else ()
            asked = self._request(route=route.value, fields=(fields or (), False))
            return self._respond(self._run(self._flows.handle(asked)))

        return view

    def _run(self, flow: Flow[T]) -> T:
        return run(flow, self._mfa, self._load)

    def _load(self, user: str) -> UserInfo | None:
        loaded: UserInfo | None = flask.current_app.ensure_sync(self._load_user)(user)
        return loaded

    def _request(
        self, *, route: str = "", fields: tuple[Pairs, bool] = ((), False), session: Session | None = None
    ) -> WebRequest:
        request = flask.request
        user, mark = self._session() if session is None else session
        query = request.query_string.decode("latin-1")
        path = f"{request.script_root}{request.path}"
        return WebRequest(
            method=request.method,
            route=route,
            url=f"{path}?{query}" if query else path,
            urls={one.value: flask.url_for(f"mfa.{one.value}") for one in Route},
            args=request.args.to_dict(),
            fields=fields[0],
            files=fields[1],
            cookies=request.cookies.to_dict(),
            headers={name.lower(): value for name, value in request.headers.items()},
            language=self._language(),
            user=user,
            session_mark=mark,
        )

    def _respond(self, answer: WebResponse) -> flask.Response:
        response: flask.Response | None = None
        if answer.logged_on is not None:
            if not answer.logged_on.renewed:
                flask.session.clear()
            response = self._log_on(answer.logged_on)
        if response is None:
            response = flask.Response(self.renderer.body(answer), answer.status, content_type=answer.content_type)
            if answer.redirect is not None and not answer.json:
                response.headers["Location"] = answer.redirect
            for name, value in answer.headers:
                response.headers[name] = value
        for name, value in answer.shared_headers:
            response.headers[name] = value
        for cookie in answer.cookies:
            response.headers.add("Set-Cookie", cookie.header)
        return response


def _keep(logged_on: LoggedOn) -> None:
    flask.session.update(mfa_user=logged_on.user, mfa_mark=str(logged_on.session_mark))


def _kept() -> Session:
    return flask.session.get("mfa_user"), flask.session.get("mfa_mark")


def _send(error: AnswerFirst) -> flask.Response:
    return error.response


def _asset(route: Route) -> flask.Response:
    found = asset(route)
    if flask.request.headers.get("If-None-Match") == found.tag:
        return flask.Response(status=304, headers={"ETag": found.tag})
    return flask.Response(found.body, headers=list(found.headers))


def _own_fields() -> Pairs | None:
    """Return the fields of a body of one of our own routes, read no further than it may be long."""
    request = flask.request
    if request.mimetype == _FORM:
        return tuple(request.form.items(multi=True))
    return read_fields(request.content_type or "", request.stream.read(MAX_BODY + 1))


def _form() -> tuple[Pairs, bool]:
    """Return the fields of a form of the application, and whether there is more in the body than a page can repeat."""
    request = flask.request
    form = request.mimetype in {_FORM, "multipart/form-data"}
    more = bool(request.files) or (not form and bool(request.content_length))
    return tuple(request.form.items(multi=True)), more
