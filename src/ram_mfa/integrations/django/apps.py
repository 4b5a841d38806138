# SPDX-License-Identifier: Apache-2.0
"""The application's configuration for Django: its name and its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.core import checks as system

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class RamMFAConfig(AppConfig):
    """The application ``ram_mfa``: its tables, and checks of the database that holds them."""

    name = "ram_mfa.integrations.django"
    label = "ram_mfa"
    verbose_name: _StrOrPromise = "Multi-factor authentication"

    def ready(self) -> None:
        """Register the checks, and the receivers where the project has its logons guarded."""
        from .checks import check_database, check_settings
        from .configuration import is_guarded
        from .site_checks import check_site

        system.register(check_settings)
        system.register(check_database, system.Tags.database)
        system.register(check_site)
        if is_guarded():
            from .receivers import connect

            connect()
