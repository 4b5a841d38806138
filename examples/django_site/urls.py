# SPDX-License-Identifier: Apache-2.0
"""The URLs of the project."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from .views import delete, home, script

urlpatterns = [
    path("mfa/", include("ram_mfa.integrations.django.urls")),  # MFA
    path("admin/", admin.site.urls),
    path("logon", LoginView.as_view()),
    path("log-out", LogoutView.as_view()),
    path("", home),
    path("servers/<str:server>/delete", delete),
    path("servers/<str:server>", script),
]
