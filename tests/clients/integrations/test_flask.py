# SPDX-License-Identifier: Apache-2.0
"""The pages on Flask, under Flask-WTF: the example application, walked over WSGI."""

from __future__ import annotations

import pytest

from tests.support import require_module

require_module("flask_wtf", "flask-wtf")

from examples.flask_app import create_app  # noqa: E402 - where it is installed
from examples.passwords import User  # noqa: E402
from ram_mfa import Administrator, ResetMFA  # noqa: E402
from ram_mfa.stores.memory import MemoryStore  # noqa: E402
from ram_mfa.testing import ManualClock  # noqa: E402
from ram_mfa.testing.site_kit import WSGITransport, check_site  # noqa: E402
from tests.support.site_walks import MISSING, ORIGIN, WALKS, Example, kit_site, quick_hash  # noqa: E402


@pytest.fixture
def app(clock):
    return create_app(ORIGIN, MemoryStore(), clock=clock)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def example(app, clock):
    kept = app.extensions["example"]

    def change_password(name, password):
        kept["users"][name] = User.new(name, password, administrator=name == "root")

    def reset(name):
        app.extensions["mfa"].perform(name, ResetMFA(Administrator("root")))

    return Example(WSGITransport(app, ORIGIN), clock, lambda: kept["servers"], change_password, reset)


class TestFlask:
    @pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
    def test_walk(self, example, walk):
        """The walk goes as it must."""
        walk(example)

    def test_second_submit_after_the_logon_is_no_error_of_flask_wtf(self, example):
        """A form that was rendered before the logon is answered by the pages themselves, though the token changed."""
        browser = example.browser()
        phone = example.bound(browser)
        example.password(browser, "alice")
        form = browser.page.form("mfa_code")
        browser.fill(form, mfa_code=phone.code_at(example.clock()))
        assert browser.fill(form, mfa_code=phone.code_at(example.clock())).status == 409

    def test_application_forms_stay_protected(self, example):
        """The application's own forms still need the token of Flask-WTF."""
        browser = example.browser()
        example.bound(browser)
        assert browser.submit("/servers/i-0815/delete", {"reason": "unused"}).status == 400
        assert browser.submit("/log-out", {}).status == 400

    def test_keeps_every_promise_of_the_kit(self, example, monkeypatch):
        """The kit for authors of adapters finds no promise broken."""
        monkeypatch.setattr("examples.passwords._hash", quick_hash)
        example.change_password("root", "root")
        report = check_site(kit_site(example, example.change_password))
        assert report.broken == (), str(report)
        assert report.not_tried == MISSING, str(report)
