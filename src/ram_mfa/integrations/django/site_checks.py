# SPDX-License-Identifier: Apache-2.0
"""System checks of a project whose logons the pages guard: the setting, the middleware, the URLs, the cookies."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.urls import NoReverseMatch, reverse

from .configuration import is_guarded, problems

MIDDLEWARE = "ram_mfa.integrations.django.middleware.MFAMiddleware"
_BEFORE = "django.contrib.auth.middleware.AuthenticationMiddleware"


def check_site(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Look at the settings of the pages, where there are any."""
    del app_configs
    order = list(settings.MIDDLEWARE)
    if not is_guarded():
        if MIDDLEWARE not in order:
            return []
        return [Error("MFAMiddleware needs the setting RAM_MFA.", obj="RAM_MFA", id="ram_mfa.E020")]
    messages: list[CheckMessage] = [Error(one, obj="RAM_MFA", id="ram_mfa.E020") for one in problems()]
    if MIDDLEWARE not in order:
        problem = "Nobody is asked for a second factor without MFAMiddleware."
        messages.append(Error(problem, hint=f"Add {MIDDLEWARE!r}.", obj="MIDDLEWARE", id="ram_mfa.E021"))
    elif _BEFORE not in order[: order.index(MIDDLEWARE)]:
        problem = "MFAMiddleware stands before AuthenticationMiddleware."
        messages.append(Error(problem, hint="Put it after.", obj="MIDDLEWARE", id="ram_mfa.E022"))
    try:
        reverse("ram_mfa:logon")
    except NoReverseMatch:
        hint = 'Add path("mfa/", include("ram_mfa.integrations.django.urls")).'
        messages.append(Error("The pages have no URLs.", hint=hint, obj="ROOT_URLCONF", id="ram_mfa.E023"))
    if not settings.SESSION_COOKIE_SECURE:
        problem = "The session's cookie travels without HTTPS too, and whoever reads it is logged on."
        messages.append(
            Caution(problem, hint="SESSION_COOKIE_SECURE = True", obj="SESSION_COOKIE_SECURE", id="ram_mfa.W020")
        )
    return messages
