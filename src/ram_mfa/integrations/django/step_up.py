# SPDX-License-Identifier: Apache-2.0
"""Step-up in a view of the project: a call, or a decorator where the URL names the subject."""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from ...ceremonies import Operation, Proof
from ...web import WebResponse
from .configuration import guard
from .http import AnswerFirst, django_response, form_fields, perform_flow, web_request

View = TypeVar("View", bound=Callable[..., Any])


def mfa_require(request: HttpRequest, name: str, subject: str | None = None) -> Proof:
    """Return the fresh proof of a sensitive operation; call it in the view, right before the operation.

    Args:
        request: of the view.
        name: of the `ram_mfa.Operation`.
        subject: of it.

    Raises:
        AnswerFirst: it is not proved yet; the middleware asks the visitor.
    """
    asked = web_request(request, fields=form_fields(request))
    outcome = perform_flow(guard().flows.require(Operation(name, subject), asked))
    if isinstance(outcome, WebResponse):
        raise AnswerFirst(django_response(request, outcome))
    return outcome


def mfa_require_fresh(request: HttpRequest, name: str, subject: str | None = None) -> None:
    """Ask for a proof on the GET of a form whose POST has files; `mfa_require` in the POST then takes it.

    Args:
        request: of the view.
        name: of the `ram_mfa.Operation`.
        subject: of it.

    Raises:
        AnswerFirst: it is not proved yet; the middleware asks the visitor.
    """
    outcome = perform_flow(guard().flows.require_fresh(Operation(name, subject), web_request(request)))
    if outcome is not None:
        raise AnswerFirst(django_response(request, outcome))


async def amfa_require(request: HttpRequest, name: str, subject: str | None = None) -> Proof:
    """Return what `mfa_require` returns, in an async view."""
    return await sync_to_async(mfa_require)(request, name, subject)


def mfa_for(name: str, subject: str | None = None) -> Callable[[View], View]:
    """Return a decorator of a view, plain or async, that is a sensitive operation.

    Args:
        name: of the operation.
        subject: the name of the URL's argument that it is done to; None where there is none.
    """

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                await amfa_require(request, name, _subject(kwargs))
                return await view(request, *args, **kwargs)

            return guarded_async  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            mfa_require(request, name, _subject(kwargs))
            return view(request, *args, **kwargs)

        return guarded  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    def _subject(kwargs: dict[str, Any]) -> str | None:
        return None if subject is None else str(kwargs[subject])

    return decorate
