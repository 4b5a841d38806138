# SPDX-License-Identifier: Apache-2.0
"""The pages on Starlette (https://www.starlette.io/), and so on FastAPI: routes, responses, and a call in a view.

::

    site = MFASite(mfa, load_user=load_user, log_on=log_on, session=session)
    site.install(app)
    ...  # in the view that checked name and password:
    return await site.logon(request, name)
    ...  # in a view of a sensitive operation:
    await site.require(request, Operation("server.delete", server))
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import jinja2
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import NoMatchFound
from starlette.routing import Route as StarletteRoute

from ..ceremonies import Operation, Proof
from ..mfa import AsyncMFA
from ..web import (
    PATHS,
    AsyncUserLoader,
    Flow,
    LoggedOn,
    Pairs,
    Route,
    SiteSettings,
    WebFlows,
    WebRequest,
    WebResponse,
    asset,
    read_fields,
    run_async,
)
from ..web.rendering import Renderer
from ..web.values import MAX_BODY

T = TypeVar("T")
Session = tuple[str | None, str | None]
SessionReader = Callable[[Request], Session | Awaitable[Session]]
LogOn = Callable[[Request, LoggedOn], Response | Awaitable[Response | None] | None]
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class AnswerFirst(Exception):
    """Raised in a view instead of going on: the visitor must prove something or log on first.

    Attributes:
        response: the response that asks for it; the handler that `MFASite.install` registers sends it.
    """

    def __init__(self, response: Response) -> None:
        super().__init__("the visitor is asked to prove something first")
        self.response = response


class MFASite:
    """The pages of a site.

    Args:
        mfa: performs the verbs.
        load_user: returns the `ram_mfa.web.UserInfo` of a user id, or None; plain or a coroutine function.
        log_on: logs the user of a `ram_mfa.web.LoggedOn` on, and keeps its session mark with the user. The session of
            Starlette's middleware is cleared before, unless only the mark is new (``renewed``). It may return a
            response, such as a token, in place of the redirect.
        session: returns who is logged on and the session mark, or (None, None).
        settings: of the pages.
        language: returns the language tag that the application chose, or None.
        templates: loader of the application's own templates.

    Attributes:
        renderer: of the pages, in whose environment an application may render its own pages too.
    """

    def __init__(
        self,
        mfa: AsyncMFA,
        *,
        load_user: AsyncUserLoader,
        log_on: LogOn,
        session: SessionReader,
        settings: SiteSettings | None = None,
        language: Callable[[Request], str | None] = lambda _: None,
        templates: jinja2.BaseLoader | None = None,
    ) -> None:
        if not isinstance(mfa, AsyncMFA):
            raise TypeError("mfa is an AsyncMFA; it takes a sync store by in_threads(store)")
        self._mfa = mfa
        self._load = load_user
        self._log_on = log_on
        self._session = session
        self._language = language
        self._settings = settings or SiteSettings()
        self._flows = WebFlows(self._settings)
        self.renderer: Renderer = Renderer(self._settings, templates)
        self._prefix = ""

    def install(self, app: Starlette, prefix: str = "/mfa") -> None:
        """Add the routes to an application, and the handler of `AnswerFirst`.

        Args:
            app: a Starlette or FastAPI application.
            prefix: of the routes' paths.
        """
        self._prefix = prefix
        routes = [
            StarletteRoute(
                f"{prefix}/{path}", self._endpoint(route), name=f"mfa:{route.value}", methods=_METHODS[route]
            )
            for route, path in PATHS.items()
        ]
        app.router.routes[:0] = routes
        app.add_exception_handler(AnswerFirst, _send)

    # What an application calls

    async def logon(self, request: Request, user: str, next: str = "") -> Response:  # noqa: A002 - as in URLs
        """Return the response to a right password; call it after the check of name and password, and never before.

        Args:
            request: the POST with the password.
            user: the user id.
            next: the path of this site to go to after the logon.
        """
        asked = await self._request(request, session=(None, None))
        return await self._respond(request, await self._run(self._flows.start_logon(user, asked, next)))

    async def require(self, request: Request, operation: Operation) -> Proof:
        """Return the fresh proof of a sensitive operation; call it in the view, right before the operation.

        Raises:
            AnswerFirst: it is not proved yet; the visitor is asked.
        """
        asked = await self._request(request, fields=await _form(request))
        outcome = await self._run(self._flows.require(operation, asked))
        if isinstance(outcome, WebResponse):
            raise AnswerFirst(await self._respond(request, outcome))
        return outcome

    async def require_fresh(self, request: Request, operation: Operation) -> None:
        """Ask for a proof on the GET of a form whose POST has files; `require` in the POST then takes it.

        Raises:
            AnswerFirst: it is not proved yet; the visitor is asked.
        """
        outcome = await self._run(self._flows.require_fresh(operation, await self._request(request)))
        if outcome is not None:
            raise AnswerFirst(await self._respond(request, outcome))

    async def user(self, request: Request) -> str | None:
        """Return who is logged on; None for nobody, and where the session ended meanwhile."""
        return await self._run(self._flows.check_session(await self._request(request)))

    async def logged_on(self, request: Request) -> str:
        """Return who is logged on; a dependency for FastAPI.

        Raises:
            AnswerFirst: nobody is; the visitor is sent to the logon page, and a script gets 401.
        """
        user = await self.user(request)
        if user is None:
            response = await self._run(self._flows.not_logged_on(await self._request(request)))
            raise AnswerFirst(await self._respond(request, response))
        return user

    async def log_out(self, request: Request) -> Response:
        """Return the response to a log-out; the session of Starlette's middleware is cleared."""
        response = await self._run(self._flows.log_out(await self._request(request)))
        if "session" in request.scope:
            request.session.clear()
        return await self._respond(request, response)

    # Requests and responses

    def _endpoint(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if route in {Route.STYLE, Route.SCRIPT}:
                return _asset(request, route)
            fields = () if request.method != "POST" else await _own_fields(request)
            asked = await self._request(request, route=route.value, fields=(fields or (), False))
            return await self._respond(request, await self._run(self._flows.handle(asked)))

        return endpoint

    async def _run(self, flow: Flow[T]) -> T:
        return await run_async(flow, self._mfa, self._load)

    async def _request(
        self,
        request: Request,
        *,
        route: str = "",
        fields: tuple[Pairs, bool] = ((), False),
        session: Session | None = None,
    ) -> WebRequest:
        if session is None:
            found = self._session(request)
            session = await found if inspect.isawaitable(found) else found
        user, mark = session
        query = request.url.query
        return WebRequest(
            method=request.method,
            route=route,
            url=f"{request.url.path}?{query}" if query else request.url.path,
            urls={one.value: self._url(request, one) for one in Route},
            args=dict(request.query_params),
            fields=fields[0],
            files=fields[1],
            cookies=request.cookies,
            headers=dict(request.headers),
            language=self._language(request),
            user=user,
            session_mark=mark,
        )

    def _url(self, request: Request, route: Route) -> str:
        try:
            return request.url_for(f"mfa:{route.value}").path
        except NoMatchFound:  # this application is mounted under a name in another one
            return f"{request.scope.get('root_path', '')}{self._prefix}/{PATHS[route]}"

    async def _respond(self, request: Request, answer: WebResponse) -> Response:
        response: Response | None = None
        if answer.logged_on is not None:
            if "session" in request.scope and not answer.logged_on.renewed:
                request.session.clear()
            made = self._log_on(request, answer.logged_on)
            response = await made if inspect.isawaitable(made) else made
        if response is None:
            response = Response(self.renderer.body(answer), answer.status, media_type=answer.content_type)
            if answer.redirect is not None and not answer.json:
                response.headers["Location"] = answer.redirect
            for name, value in answer.headers:
                response.headers[name] = value
        for name, value in answer.shared_headers:
            response.headers[name] = value
        for cookie in answer.cookies:
            response.headers.append("Set-Cookie", cookie.header)
        return response


_METHODS: Final = {route: ["GET"] if route in {Route.STYLE, Route.SCRIPT} else ["GET", "POST"] for route in Route}


async def _send(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AnswerFirst), "the handler is registered for this one"
    return error.response


def _asset(request: Request, route: Route) -> Response:
    found = asset(route)
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers={"ETag": found.tag})
    return Response(found.body, headers=dict(found.headers))


async def _own_fields(request: Request) -> Pairs | None:
    """Return the fields of a body of one of our own routes, read no further than it may be long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return read_fields(request.headers.get("content-type", ""), body)


async def _form(request: Request) -> tuple[Pairs, bool]:
    """Return the fields of a form of the application, and whether there is more in the body than a page can repeat."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        return (), request.headers.get("content-length", "0") != "0"
    form: Any = await request.form()
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return tuple(pairs), any(isinstance(value, UploadFile) and value.size for _, value in form.multi_items())
