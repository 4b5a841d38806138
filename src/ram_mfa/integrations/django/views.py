# SPDX-License-Identifier: Apache-2.0
"""The views of the pages. They are exempt from Django's own CSRF check, whose token changes at logon; they have one."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ...web import Route, asset
from .configuration import guard
from .http import django_response, own_fields, perform_flow, web_request


def view_of(route: Route) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view of a route."""

    def view(request: HttpRequest) -> HttpResponse:
        if route in {Route.STYLE, Route.SCRIPT}:
            return _asset(request, route)
        fields = own_fields(request) if request.method == "POST" else ()
        asked = web_request(request, route=route.value, fields=(fields or (), False))
        return django_response(request, perform_flow(guard().flows.handle(asked)))

    return csrf_exempt(login_not_required(view))


def _asset(request: HttpRequest, route: Route) -> HttpResponse:
    found = asset(route)
    same = request.headers.get("If-None-Match") == found.tag
    response = HttpResponse(status=304) if same else HttpResponse(found.body)
    for name, value in found.headers:
        response[name] = value
    return response
