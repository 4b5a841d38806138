# SPDX-License-Identifier: Apache-2.0
"""A column of Django's admin that shows each user's MFA, and leads to the page on which it is reset or bound.

::

    class SiteUserAdmin(MFAUserAdmin, UserAdmin): ...


    admin.site.unregister(User)
    admin.site.register(User, SiteUserAdmin)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from ...ceremonies import Describe
from ...errors import MFAError
from ...refusals import Reason, Refused
from ...web.settings import Route
from .configuration import guard

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object


class MFAUserAdmin(_Base):
    """A mixin for the admin of users, named before ``UserAdmin``: one column more, which costs one read a row."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, with that of MFA at the end."""
        return (*super().get_list_display(request), "mfa")

    @admin.display(description="MFA")
    def mfa(self, user: Any) -> SafeString:
        """Return a link to the user's page, named by what is bound."""
        url = f"{reverse(f'ram_mfa:{Route.ACCOUNT.value}')}?user={quote(str(user.pk), safe='')}"
        return format_html('<a href="{}">{}</a>', url, _state_of(str(user.pk)))


def _state_of(user: str) -> str:
    try:
        view = guard().mfa.perform(user, Describe())
    except Refused as error:
        return "-" if error.refusal.reason is Reason.NO_ACCOUNT else "?"
    except MFAError:
        return "?"
    if view.devices:
        return ", ".join(device.name for device in view.devices)
    return gettext("Required") if view.required else "-"
