# SPDX-License-Identifier: Apache-2.0
"""Requests and responses of Django as those of the pages, and the logon of who was admitted."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeVar

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, RequestContext
from django.urls import reverse

from ...web import Flow, LoggedOn, Pairs, Route, WebRequest, WebResponse, lay_out, read_fields, run
from ...web.settings import BASE
from .configuration import guard, load_user

T = TypeVar("T")
MARK: Final = "ram_mfa_mark"
"""The key of the session mark in Django's session."""
BACKEND: Final = "ram_mfa_backend"
"""The key of the backend that checked the password, while the second factor is pending: it admits nobody."""
_FORM: Final = "application/x-www-form-urlencoded"

_admitting: contextvars.ContextVar[bool] = contextvars.ContextVar("ram_mfa_admitting", default=False)


class AnswerFirst(Exception):
    """Raised in a view instead of going on: the visitor must prove something or log on first.

    Attributes:
        response: the response that asks for it; the middleware sends it.
    """

    def __init__(self, response: HttpResponse) -> None:
        super().__init__("the visitor is asked to prove something first")
        self.response = response


def is_admitting() -> bool:
    """Return whether the logon that Django signals now is the one after the second factor."""
    return _admitting.get()


@contextmanager
def admitting() -> Generator[None]:
    """Let Django log somebody on who was admitted, or whom a test wants logged on."""
    token = _admitting.set(True)
    try:
        yield
    finally:
        _admitting.reset(token)


def perform_flow(flow: Flow[T]) -> T:
    """Return the result of a flow."""
    return run(flow, guard().mfa, load_user)


def web_request(
    request: HttpRequest, *, route: str = "", fields: tuple[Pairs, bool] = ((), False), anonymous: bool = False
) -> WebRequest:
    """Return a request as the flows take it.

    Args:
        request: of Django.
        route: of the pages; "" for a view of the project.
        fields: of its body, and whether there is more in it than a page can repeat.
        anonymous: whether nobody counts as logged on.
    """
    session = request.session
    known = not anonymous and auth.SESSION_KEY in session
    return WebRequest(
        method=request.method or "",
        route=route,
        url=request.get_full_path(),
        urls={one.value: reverse(f"ram_mfa:{one.value}") for one in Route},
        args={name: str(value) for name, value in request.GET.items()},
        fields=fields[0],
        files=fields[1],
        cookies=request.COOKIES,
        headers={name.lower(): value for name, value in request.headers.items()},
        language=getattr(request, "LANGUAGE_CODE", None),
        user=session[auth.SESSION_KEY] if known else None,
        session_mark=session.get(MARK) if known else None,
    )


def own_fields(request: HttpRequest) -> Pairs | None:
    """Return the fields of a body of one of the pages' own routes."""
    if request.content_type == _FORM:
        return _pairs(request)
    return read_fields(request.META.get("CONTENT_TYPE", ""), request.body)


def form_fields(request: HttpRequest) -> tuple[Pairs, bool]:
    """Return the fields of a form of the project, and whether there is more in the body than a page can repeat."""
    form = request.content_type in {_FORM, "multipart/form-data"}
    more = bool(request.FILES) or (not form and request.META.get("CONTENT_LENGTH") not in {None, "", "0"})
    return _pairs(request), more


def _pairs(request: HttpRequest) -> Pairs:
    return tuple((str(name), str(value)) for name, values in request.POST.lists() for value in values)


def django_response(request: HttpRequest, answer: WebResponse) -> HttpResponse:
    """Return a response of Django's, with who is to be logged on logged on."""
    if answer.logged_on is not None:
        admit(request, answer.logged_on)
    page = "" if answer.json or answer.page is None else _render(request, answer)
    body = json.dumps(answer.json_body()) if answer.json else page
    response = HttpResponse(body, content_type=answer.content_type, status=answer.status)
    if answer.redirect is not None and not answer.json:
        response["Location"] = answer.redirect
    for name, value in answer.headers:
        response[name] = value
    return with_state(response, answer)


def with_state(response: HttpResponse, answer: WebResponse) -> HttpResponse:
    """Return a response, which may be a view's of the project, with the cookies of another; it is not stored."""
    for name, value in answer.shared_headers:
        response[name] = value
    for cookie in answer.cookies:
        response.set_cookie(
            cookie.name, cookie.value, max_age=cookie.max_age, secure=True, httponly=True, samesite="Lax"
        )
    return response


def admit(request: HttpRequest, logged_on: LoggedOn) -> None:
    """Log an admitted user on, with the backend that checked the password, or store the new mark of who is."""
    if not logged_on.renewed:
        kept = request.session.pop(BACKEND, None)
        backend = kept if kept in settings.AUTHENTICATION_BACKENDS else settings.AUTHENTICATION_BACKENDS[0]
        model: Any = auth.get_user_model()
        user = model._default_manager.get(pk=logged_on.user)  # noqa: SLF001 - as Django's own backends do
        with admitting():
            auth.login(request, user, backend=backend)
    request.session[MARK] = str(logged_on.session_mark)


def _render(request: HttpRequest, answer: WebResponse) -> str:
    assert answer.page is not None, "there is a page to render"
    base = guard().flows.settings.base
    found = {"page": lay_out(answer.page), "base": base}
    template = _engine(base).get_template("ram_mfa/page.html")
    return str(template.render(Context(found) if base == BASE else RequestContext(request, found)))


@cache
def _engine(base: str) -> Engine:
    """Return the engine of the pages: with the project's templates, where the base is one of those."""
    own = str(files("ram_mfa.web").joinpath("templates"))
    if base == BASE:
        return Engine(dirs=[own])
    [project, *_] = [
        one for one in settings.TEMPLATES if one["BACKEND"] == "django.template.backends.django.DjangoTemplates"
    ]
    options = {name: value for name, value in project.get("OPTIONS", {}).items() if name == "context_processors"}
    return Engine(dirs=[*project.get("DIRS", []), own], app_dirs=project.get("APP_DIRS", False), **options)
