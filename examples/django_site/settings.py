# SPDX-License-Identifier: Apache-2.0
"""Settings of the project; what MFA needs ends with ``# MFA``."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(os.environ["EXAMPLE_FOLDER"])
DEBUG = False
SECRET_KEY = os.urandom(32).hex()
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "examples.django_site.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "ram_mfa.integrations.django",  # MFA
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ram_mfa.integrations.django.middleware.MFAMiddleware",  # MFA
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "site.db"},
    "mfa": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "mfa.db"},  # MFA
}
RAM_MFA_DATABASE = "mfa"  # MFA
POLICY = "examples.django_site.mfa.policy"  # MFA
RAM_MFA = {"POLICY": POLICY, "KEYS_FILE": FOLDER / "mfa.keys", "EXISTING_USERS": "must_bind"}  # MFA
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/logon"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/logon"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
USE_TZ = True
