# SPDX-License-Identifier: Apache-2.0
"""``manage.py ram_mfa_setup``: make the root record, without which nobody logs on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from ...configuration import make_guard


class Command(BaseCommand):
    """Makes the store's root record where there is none; run again, it changes nothing."""

    help = "Makes the root record of the MFA, once, after the first migration."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it."""
        del args
        make_guard(create=True)
        if options["verbosity"]:
            self.stdout.write("The root record is there.")
