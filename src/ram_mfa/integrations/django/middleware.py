# SPDX-License-Identifier: Apache-2.0
"""The middleware: whoever logs on with a password goes to the second factor, and an ended session has no user.

It stands after Django's AuthenticationMiddleware.
"""

from __future__ import annotations

import contextvars
from typing import Any, Final, cast
from urllib.parse import urlsplit

from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from ...errors import MFAError
from ...web.visit import visit
from .configuration import guard
from .http import AnswerFirst, admit, django_response, perform_flow, web_request, with_state

PENDING: Final = "_ram_mfa_pending"
"""The attribute of a request with the id of a user whose password was right."""
ENDED: Final = "_ram_mfa_ended"
"""The attribute of a request in which somebody logged out."""

present_request: contextvars.ContextVar[HttpRequest | None] = contextvars.ContextVar("ram_mfa_request", default=None)
"""The request being answered, for the receivers of models' signals."""


class MFAMiddleware(MiddlewareMixin):
    """Asks for the second factor after any view that logs somebody on, the admin's too."""

    def process_request(self, request: HttpRequest) -> None:
        """Let nobody be logged on by a session that has ended meanwhile."""
        present_request.set(request)
        if not hasattr(request, "user"):
            return
        found = request.user
        request.user = cast("Any", SimpleLazyObject(lambda: _checked(request, found)))
        request.auser = _async_user(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Send who typed a right password to the second factor."""
        present_request.set(None)
        user = getattr(request, PENDING, None)
        if user is not None:
            delattr(request, PENDING)
            return _second_factor(request, response, user)
        if getattr(request, ENDED, False):
            return with_state(response, perform_flow(guard().flows.log_out(web_request(request, anonymous=True))))
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Send what a view raised instead of going on; where the records cannot be read, 503."""
        if isinstance(error, AnswerFirst):
            return error.response
        if isinstance(error, MFAError):
            at = perform_flow(visit(web_request(request, anonymous=True), guard().flows.settings))
            return django_response(request, at.refuse(error, start_over=False))
        return None


def _checked(request: HttpRequest, user: Any) -> Any:
    """Return the user, or nobody where the session has ended."""
    if not user.is_authenticated:
        return user
    if perform_flow(guard().flows.check_session(web_request(request))) == str(user.pk):
        return user
    request.session.flush()
    return AnonymousUser()


def _async_user(request: HttpRequest) -> Any:
    from asgiref.sync import sync_to_async

    @sync_to_async
    def read() -> Any:
        user: Any = request.user
        return user if user.is_authenticated else AnonymousUser()

    return read


def take_back(request: HttpRequest, user: Any) -> None:
    """Take a logon by the password alone out of the session again, and note whose it was."""
    for key in (auth.SESSION_KEY, auth.BACKEND_SESSION_KEY, auth.HASH_SESSION_KEY):
        request.session.pop(key, None)
    request.user = AnonymousUser()
    setattr(request, PENDING, str(user.pk))


def _second_factor(request: HttpRequest, response: HttpResponse, user: str) -> HttpResponse:
    asked = web_request(request, anonymous=True)
    answer = perform_flow(guard().flows.start_logon(user, asked, _path(request, response.get("Location", ""))))
    if answer.logged_on is None or answer.json:
        return django_response(request, answer)
    # Admitted at once: what the view answered stands
    admit(request, answer.logged_on)
    return with_state(response, answer)


def _path(request: HttpRequest, location: str) -> str:
    """Return the path that a redirect of the view leads to, where that is on this host."""
    parts = urlsplit(location)
    if parts.netloc and parts.netloc != request.get_host():
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
