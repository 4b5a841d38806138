# SPDX-License-Identifier: Apache-2.0
"""The views of the project: a list of servers, and two ways to delete one."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from ram_mfa.integrations.django.step_up import mfa_for, mfa_require  # MFA

servers = {"i-0815", "i-4711"}


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the servers."""
    users = get_user_model().objects.all()
    return render(request, "home.html", {"servers": sorted(servers), "users": users})


@login_required
@require_POST
def delete(request: HttpRequest, server: str) -> HttpResponse:
    """Delete a server, asked for by a form."""
    if server not in servers or not request.POST.get("reason"):
        return HttpResponse("No such server", status=404)
    mfa_require(request, "server.delete", server)  # MFA
    servers.discard(server)
    return redirect("/")


@csrf_exempt
@require_http_methods(["DELETE"])
@mfa_for("server.delete", "server")  # likewise
def script(_request: HttpRequest, server: str) -> HttpResponse:
    """Delete a server, asked for by a script."""
    servers.discard(server)
    return JsonResponse({"deleted": server})
