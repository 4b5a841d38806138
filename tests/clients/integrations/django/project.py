# SPDX-License-Identifier: Apache-2.0
"""A Django project of one view, whose page breaks after the code was judged."""

from __future__ import annotations

import tempfile
import urllib.parse
from pathlib import Path

import django
from django.conf import settings
from django.db import connections
from django.http import HttpResponse
from django.urls import path

from ram_mfa import FinishLogon, Refused, TOTPCode
from ram_mfa.integrations.django import DjangoStore

NAME = "tests.clients.integrations.django.project"
SQLITE = "django.db.backends.sqlite3"


def alias(engine, name, **named):
    """Return the settings of an alias, complete, as Django has them after it read them."""
    plain = {"ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
    plain |= {"USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "TIME_ZONE": None, "OPTIONS": {}}
    test = {"CHARSET": None, "COLLATION": None, "MIGRATE": True, "MIRROR": None, "NAME": None}
    return {"ENGINE": engine, "NAME": str(name), **plain, "TEST": test, **named}


def of_url(url, **named):
    """Return the settings of an alias on a private server."""
    parts = urllib.parse.urlsplit(url)
    engine = f"django.db.backends.{parts.scheme.partition('+')[0]}"
    where = {"HOST": parts.hostname, "PORT": str(parts.port), "USER": parts.username}
    return alias(engine, parts.path[1:], **where | named)


def configure():
    """Configure this process's one project; its databases come and go."""
    if settings.configured:
        return
    folder = Path(tempfile.mkdtemp(prefix="ram_mfa-django-"))
    settings.configure(
        SECRET_KEY="of a test",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=NAME,
        INSTALLED_APPS=["ram_mfa.integrations.django"],
        RAM_MFA_DATABASE="mfa",
        DATABASES={
            "default": {"ENGINE": SQLITE, "NAME": str(folder / "default.db"), "ATOMIC_REQUESTS": True},
            "mfa": {"ENGINE": SQLITE, "NAME": str(folder / "mfa.db")},
        },
        LOGGING_CONFIG=None,
    )
    django.setup()


class Maker:
    """Opens stores on an alias, in other processes too."""

    def __init__(self, name, deadline=5.0):
        configure()
        self.name, self.deadline = name, deadline
        self.settings = connections.settings[name]

    def __call__(self):
        configure()
        connections.settings.setdefault(self.name, self.settings)
        return DjangoStore(self.name, deadline=self.deadline)


page = {}
"""What the view works with: the MFA, the alias that the request writes on, the session, and what it saw."""


def log_on(request):
    """Write into the project's database, judge the code, and break."""
    with connections[page["alias"]].cursor() as cursor:
        cursor.execute("INSERT INTO witness (what) VALUES ('a request')")
    try:
        page["mfa"].perform(
            "alice", FinishLogon(request.POST["ask"], TOTPCode(request.POST["code"]), session=page["session"])
        )
    except Refused as refused:
        page["seen"].append(refused.refusal)
    if "break" in request.POST:
        raise RuntimeError("the page breaks after the code was judged")
    return HttpResponse("ok")


urlpatterns = [path("log-on", log_on)]
