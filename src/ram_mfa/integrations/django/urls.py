# SPDX-License-Identifier: Apache-2.0
"""The URLs of the pages: ``path("mfa/", include("ram_mfa.integrations.django.urls"))``."""

from __future__ import annotations

from django.urls import URLPattern, path

from ...web import PATHS
from .views import view_of

app_name = "ram_mfa"
urlpatterns: list[URLPattern] = [path(below, view_of(route), name=route.value) for route, below in PATHS.items()]
