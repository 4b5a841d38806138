# SPDX-License-Identifier: Apache-2.0
"""The walks through the Django example, in a process of its own: Django knows one project per process.

``python -m tests.support.django_walks FOLDER`` prints a line of JSON for each walk: its name, and its traceback or "".
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

import pytest

from examples.django_site.__main__ import prepare
from ram_mfa.testing import ManualClock
from ram_mfa.testing.site_kit import ASGITransport, WSGITransport, check_site
from tests.support.site_walks import MISSING, ORIGIN, WALKS, Example, kit_site, walk_codes, walk_step_up

clock = ManualClock()


def fresh(transport):
    """Return the example as at its start."""
    from django.contrib.auth.models import User
    from django.contrib.sessions.models import Session

    from examples.django_site import views
    from ram_mfa import Administrator, ResetMFA
    from ram_mfa.integrations.django.configuration import guard

    Session.objects.all().delete()
    User.objects.all().delete()
    User.objects.create_superuser("root", password="root")
    User.objects.create_user("alice", password="alice")
    views.servers.clear()
    views.servers.update({"i-0815", "i-4711"})
    clock.advance(10_000)

    def change_password(name, password):
        user = User.objects.get(username=name)
        user.set_password(password)
        user.save()

    def pk(name):
        return str(User.objects.get(username=name).pk)

    def reset(name):
        guard().mfa.perform(pk(name), ResetMFA(Administrator("root")))

    return Example(transport, clock, lambda: views.servers, change_password, reset, name_field="username", id_of=pk)


def walk_admin(example):
    """Nobody gets into Django's admin by the password alone."""
    browser = example.browser()
    browser.get("/admin/login/?next=/admin/")
    browser.fill(browser.page.form("password"), username="root", password="root")
    assert browser.page.step == "choose_kind", browser.page.text
    assert "/admin/login" in browser.get("/admin/").url
    example.bound(browser, "root")
    assert browser.get("/admin/").url == "/admin/"
    assert browser.answer.status == 200


def walk_any_login(example):
    """A view of the project's own that calls auth.login leaves nobody pending in the session."""
    from django.contrib.sessions.models import Session

    browser = example.browser()
    example.password(browser, "alice")
    assert browser.page.step == "choose_kind"
    for session in Session.objects.all():
        assert "_auth_user_id" not in session.get_decoded()


def walk_own_password_change(example):
    """The user's own change of password ends the other sessions; the one in which it was changed goes on."""
    from django.contrib.auth import update_session_auth_hash
    from django.contrib.auth.models import User
    from django.http import HttpResponse
    from django.urls import path

    from examples.django_site import urls

    def change(request):
        user = User.objects.get(pk=request.user.pk)
        user.set_password("new")
        user.save()
        update_session_auth_hash(request, user)
        return HttpResponse("changed")

    from django.views.decorators.csrf import csrf_exempt

    urls.urlpatterns.append(path("change", csrf_exempt(change)))
    from django.urls import clear_url_caches

    clear_url_caches()
    browser, other = example.browser(), example.browser()
    phone = example.bound(browser)
    example.password(other, "alice")
    example.answer(other, phone)
    assert browser.submit("/change").text == "changed"
    assert example.user(browser) == "alice"
    assert example.user(other) is None


def walk_deleted_user(example):
    """A deleted user has no record any more: a new one of that id would start anew."""
    from django.contrib.auth.models import User

    from ram_mfa import Describe, Refused
    from ram_mfa.integrations.django.configuration import guard

    browser = example.browser()
    example.bound(browser)
    pk = example.id_of("alice")
    User.objects.get(pk=pk).delete()
    with pytest.raises(Refused) as refused:
        guard().mfa.perform(pk, Describe())
    assert refused.value.refusal.reason.name == "NO_ACCOUNT"
    assert example.user(browser) is None


def walk_inactive_user(example):
    """A user who was made inactive while the second factor was pending is not logged on."""
    from django.contrib.auth.models import User

    browser = example.browser()
    phone = example.bound(browser)
    example.password(browser, "alice")
    User.objects.filter(username="alice").update(is_active=False)
    assert example.answer(browser, phone).status == 409
    assert example.user(browser) is None


def walk_old_session(example):
    """A session of before the pages were taken up, without a mark, is nobody's."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user = User.objects.get(username="alice")
    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session.save()
    browser = example.browser(cookies={settings.SESSION_COOKIE_NAME: session.session_key})
    assert example.user(browser) is None


def walk_checks(example):
    """The system checks find nothing wrong with the example, and each fault."""
    from django.conf import settings
    from django.test import override_settings

    from ram_mfa.integrations.django.site_checks import MIDDLEWARE, check_site

    def ids():
        return [one.id for one in check_site()]

    del example
    assert ids() == []
    without = [one for one in settings.MIDDLEWARE if one != MIDDLEWARE]
    with override_settings(MIDDLEWARE=without):
        assert ids() == ["ram_mfa.E021"]
    with override_settings(MIDDLEWARE=[MIDDLEWARE, *without]):
        assert ids() == ["ram_mfa.E022"]
    with override_settings(RAM_MFA={**settings.RAM_MFA, "EXISTING_USERS": "perhaps"}):
        assert ids() == ["ram_mfa.E020"]
    with override_settings(RAM_MFA={"POLICY": settings.RAM_MFA["POLICY"], "KEYS": "x"}):
        assert set(ids()) == {"ram_mfa.E020"}
    with override_settings(RAM_MFA=None):
        assert ids() == ["ram_mfa.E020"]
    with override_settings(SESSION_COOKIE_SECURE=False):
        assert ids() == ["ram_mfa.W020"]


def walk_test_client(example):
    """MFAClient logs a user on for a test, and a plain client does not get past the second factor."""
    from django.contrib.auth.models import User
    from django.test import Client

    from ram_mfa.integrations.django.testing import MFAClient

    del example
    alice = User.objects.get(username="alice")
    client = MFAClient(SERVER_NAME="localhost")
    client.force_login(alice)
    assert client.get("/", secure=True).status_code == 200
    plain = Client(SERVER_NAME="localhost")
    plain.force_login(alice)
    assert plain.get("/", secure=True).status_code == 302


def walk_kit(example):
    """The kit for authors of adapters finds no promise broken."""
    from django.contrib.auth.models import User

    def user_id(name):
        found = User.objects.filter(username=name).first()
        return str(found.pk) if found else name

    example.id_of = user_id
    report = check_site(kit_site(example, lambda name, password: User.objects.create_user(name, password=password)))
    assert report.broken == (), str(report)
    assert report.not_tried == MISSING, str(report)


def walk_fresh_records(example):
    """A test of the project finds a root record, also in a database that never had one, and no records."""
    import unittest

    from django.contrib.auth.models import User

    from ram_mfa import Describe, Refused
    from ram_mfa.engine.records import ROOT_KEY
    from ram_mfa.integrations.django import DjangoStore, testing
    from ram_mfa.integrations.django.configuration import guard

    store = DjangoStore()
    store.swap(ROOT_KEY, store.load(ROOT_KEY), None)
    testing._roots.clear()
    guard.cache_clear()
    pk = example.id_of("alice")

    class Fresh(testing.FreshRecords):
        def test(self):
            with pytest.raises(Refused) as refused:
                guard().mfa.perform(pk, Describe())
            assert refused.value.refusal.reason.name == "NO_ACCOUNT"
            client = testing.MFAClient(SERVER_NAME="localhost")
            client.force_login(User.objects.get(pk=pk))
            assert client.get("/", secure=True).status_code == 200

    result = unittest.TestResult()
    Fresh("test").run(result)
    assert result.wasSuccessful(), result.errors + result.failures


def walk_admin_column(example):
    """The admin of users shows what is bound, and leads to the page on which it is reset."""
    from django.contrib import admin
    from django.contrib.auth.admin import UserAdmin
    from django.contrib.auth.models import User
    from django.urls import clear_url_caches, path

    from examples.django_site import urls
    from ram_mfa.integrations.django.user_admin import MFAUserAdmin

    class SiteUserAdmin(MFAUserAdmin, UserAdmin):
        pass

    admin.site.unregister(User)
    admin.site.register(User, SiteUserAdmin)
    urls.urlpatterns.insert(0, path("admin/", admin.site.urls))  # as a project has it, which registers at its start
    clear_url_caches()
    root = example.browser()
    example.bound(root, "root")
    root.get("/admin/auth/user/")
    assert root.answer.status == 200
    links = {url: text for text, url in root.page.links if url.startswith("/mfa/account")}
    pk = example.id_of("alice")
    assert links[f"/mfa/account?user={pk}"] == "Required", root.page.links
    assert "Virtual MFA device" in links.values()
    root.get(f"/mfa/account?user={pk}")
    assert root.page.step == "account"


OWN = [
    walk_admin_column,
    walk_fresh_records,
    walk_kit,
    walk_admin,
    walk_any_login,
    walk_own_password_change,
    walk_deleted_user,
    walk_inactive_user,
    walk_old_session,
    walk_checks,
    walk_test_client,
]


def main():
    prepare(Path(sys.argv[1]), ORIGIN)
    from django.conf import settings
    from django.contrib.auth import hashers
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application

    settings.RAM_MFA["CLOCK"] = clock
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the walks make many users
    hashers.get_hashers.cache_clear()
    hashers.get_hashers_by_algorithm.cache_clear()
    from ram_mfa.integrations.django.configuration import guard

    guard.cache_clear()
    plain = WSGITransport(get_wsgi_application(), ORIGIN)
    walks = [(walk.__name__, walk, plain) for walk in (*WALKS, *OWN)]
    awaited = ASGITransport(get_asgi_application(), ORIGIN)
    walks += [(f"{walk.__name__}_awaited", walk, awaited) for walk in (walk_codes, walk_step_up)]
    for name, walk, transport in walks:
        trouble = ""
        try:
            walk(fresh(transport))
        except Exception:  # noqa: BLE001 - whatever it is, the next walk is tried too
            trouble = traceback.format_exc()
        print(json.dumps([name, trouble]), flush=True)
    awaited.close()


if __name__ == "__main__":
    main()
