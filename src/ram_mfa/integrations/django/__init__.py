# SPDX-License-Identifier: Apache-2.0
"""A Django application: a store on connections of its own, its table, and system checks.

https://docs.djangoproject.com/en/stable/ref/applications/

Put ``"ram_mfa.integrations.django"`` into INSTALLED_APPS, migrate, and give ``MFA`` a ``DjangoStore``.
"""

from __future__ import annotations

from .store import DjangoStore

__all__ = ["DjangoStore"]
