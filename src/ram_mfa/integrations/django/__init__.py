# SPDX-License-Identifier: Apache-2.0
"""A Django application with a store on connections of its own, its tables, and system checks.

https://docs.djangoproject.com/en/stable/ref/applications/

Add ``"ram_mfa.integrations.django"`` to INSTALLED_APPS, migrate, and pass a ``DjangoStore`` to ``MFA``.
"""

from __future__ import annotations

from .store import DjangoStore

__all__ = ["DjangoStore"]
