# SPDX-License-Identifier: Apache-2.0
"""The console of examples/web in Chromium, from the password to the lost device."""

from __future__ import annotations

import contextlib
import io
import itertools
import threading
import urllib.error
import urllib.parse
import urllib.request
from wsgiref.simple_server import make_server

import pytest

from examples.web.__main__ import Quiet, Server, site_at
from ram_mfa.testing import AuthenticatorApp, ManualClock
from tests.support import chromium, require_module

WEEK = 7 * 24 * 3600


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    require_module("segno", "segno")
    with chromium.browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@contextlib.contextmanager
def serving(file, clock):
    """The console on a free port of this machine."""
    server = make_server("127.0.0.1", 0, None, Server, Quiet)
    origin = f"http://localhost:{server.server_port}"
    server.set_app(site_at(origin, file, clock=clock))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield origin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def origin(tmp_path, clock):
    with serving(tmp_path / "mfa.db", clock) as at:
        yield at


@pytest.fixture
def page(browser, origin):
    browser.context.clear_cookies()
    with browser.page(origin) as opened:
        yield Console(opened)


class Console:
    """The pages as a person sees them."""

    def __init__(self, opened):
        self.tab, self.plug = opened.tab, opened.plug
        self.origin = opened.origin

    @property
    def title(self):
        return self.tab.inner_text("h1")

    @property
    def message(self):
        return self.tab.inner_text("[role=alert]")

    @property
    def user(self):
        return self.tab.inner_text("#user")

    def password(self, name):
        """Type the name and the password, which are the same."""
        self.tab.fill("[name=name]", name)
        self.tab.fill("[name=password]", name)
        self.press("Log on")

    def press(self, button):
        self.tab.get_by_role("button", name=button, exact=True).click()
        self.tab.wait_for_load_state()

    def code(self, code, button="Confirm"):
        self.tab.fill("[name=code]", code)
        self.press(button)

    def use_key(self, button, then):
        """Press the button, and wait until the key has answered and the page has this title."""
        self.press(button)
        self.tab.get_by_role("heading", name=then, level=1, exact=True).wait_for()

    def choose(self, kind):
        self.tab.check(f"[value={kind}]")
        self.press("Next")

    def scanned(self):
        """Scan the QR code off the screen."""
        pillow, zxing = require_module("PIL.Image", "pillow"), require_module("zxingcpp", "zxing-cpp")
        picture = pillow.open(io.BytesIO(self.tab.locator("svg").screenshot()))
        return AuthenticatorApp.scan(zxing.read_barcode(picture).text)

    def typed(self):
        """Type the setup key into an app."""
        return AuthenticatorApp.typed("alice", self.tab.inner_text("#setup-key"))


class TestVirtualDevice:
    @pytest.mark.requirement("B11", "V23")
    @pytest.mark.parametrize("app", [Console.scanned, Console.typed])
    def test_forced_at_logon(self, page, clock, app):
        """A user of whom MFA is required binds an app at logon, and is logged on by that."""
        page.password("alice")
        assert page.title == "Enable MFA"
        page.choose("VIRTUAL")
        phone = app(page)
        page.code("nonsense", "Confirm bind")
        assert page.message == "Try again."
        page.code(phone.code_at(clock() - 30), "Confirm bind")
        assert (page.title, page.user) == ("Console", "alice")
        assert "virtual MFA device, bound by owner at logon" in page.tab.inner_text("ul >> nth=0")

    @pytest.mark.requirement("O7", "O22", "B18")
    def test_logon_and_remember(self, page, clock):
        """A code passes once; a remembered machine skips the code for seven days, and never for an operation."""
        page.password("alice")
        page.choose("VIRTUAL")
        phone = page.typed()
        used = phone.code_at(clock())
        page.code(used, "Confirm bind")

        page.press("Log off")
        page.password("alice")
        page.code(used)
        assert (page.title, page.message) == ("Log on", "Try again.")
        clock.advance(30)
        page.tab.check("[name=remember]")
        page.code(phone.code_at(clock()))
        assert page.user == "alice"
        assert "A browser (this one)" in page.tab.inner_text("body")

        clock.advance(WEEK - 1)
        page.press("Log off")
        page.password("alice")
        assert page.user == "alice"
        page.press("Delete i-0815")
        page.code(phone.code_at(clock()))
        assert page.message == "i-0815 was deleted by alice."

        clock.advance(1)
        page.press("Log off")
        page.password("alice")
        assert page.tab.locator("[name=code]").is_visible()

    @pytest.mark.requirement("O14")
    def test_wrong_codes(self, page):
        """The fifth wrong code closes the gate, and the page says for how long."""
        page.password("alice")
        page.choose("VIRTUAL")
        page.code(page.typed().code_at(1_700_000_000), "Confirm bind")
        page.press("Log off")
        page.password("alice")
        for _ in range(5):
            page.code("wrong")
        assert page.message == "Try again, in 30 seconds."
        page.code("wrong")
        assert page.message == "Come back later, in 30 seconds."


class TestSecurityKey:
    def test_bind_log_on_and_operate(self, page):
        """The key binds at a forced logon, logs on, and deletes a server; without it nothing passes."""
        key = page.plug("u2f")
        page.password("alice")
        page.choose("SECURITY_KEY")
        page.use_key("Bind the key", "Console")
        assert page.user == "alice"
        page.press("Log off")
        page.password("alice")
        page.use_key("Use the key", "Console")
        page.press("Delete i-4711")
        page.use_key("Use the key", "Console")
        assert page.message == "i-4711 was deleted by alice."
        page.press("Log off")
        key.unplug()
        page.plug("u2f")
        page.password("alice")
        page.press("Use the key")
        page.tab.get_by_text("No key answered.").wait_for()


class TestAdministrator:
    @pytest.mark.requirement("B5", "B17")
    def test_lost_device(self, page, clock):
        """An administrator takes a lost device away; the user must bind anew, and a remembered machine is forgotten."""
        page.password("alice")
        page.choose("VIRTUAL")
        phone = page.typed()
        page.code(phone.code_at(clock() - 30), "Confirm bind")
        page.press("Log off")
        page.password("alice")
        page.tab.check("[name=remember]")
        page.code(phone.code_at(clock()))
        alices = page.tab.context.cookies()

        page.press("Log off")
        page.password("root")
        page.tab.click("text=Users")
        page.press("Unbind all of alice")
        assert "alice binds a new device" in page.message
        page.tab.context.add_cookies(alices)
        page.tab.goto(page.origin)
        assert page.title == "Log on"
        page.password("alice")
        assert page.title == "Enable MFA"

    def test_not_for_everybody(self, page, clock):
        """Who is no administrator sees no administrator's page, and unbinds nothing."""
        page.password("alice")
        page.choose("VIRTUAL")
        page.code(page.typed().code_at(clock()), "Confirm bind")
        page.tab.goto(f"{page.origin}/users")
        assert page.title == "Console"
        page.tab.evaluate("""() => {
            const form = document.querySelector("form[action='/logoff']");
            form.action = "/unbind";
            form.insertAdjacentHTML("beforeend", "<input name=user value=alice>");
        }""")
        page.press("Log off")
        assert page.user == "alice"


class TestWithoutABrowser:
    def post(self, origin, path, form, **headers):
        request = urllib.request.Request(origin + path, urllib.parse.urlencode(form).encode(), headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), error.headers

    def test_another_sites_form(self, origin):
        """A form that another site, or none, sent is not looked at."""
        form = {"name": "alice", "password": "alice"}
        for headers in {}, {"Origin": "https://evil.example"}, {"Origin": "null"}:
            status, _, answered = self.post(origin, "/password", form, **headers)
            assert (status, answered["Set-Cookie"]) == (403, None)

    def test_cookies(self, origin):
        """Cookies are for this host alone, and no script reads them."""
        form = {"name": "alice", "password": "alice"}
        _, _, answered = self.post(origin, "/password", form, Origin=origin)
        name, *attributes = answered["Set-Cookie"].split("; ")
        assert name.startswith("__Host-browser=")
        assert attributes == ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"]

    def test_wrong_password(self, origin):
        """A wrong password, or no such user, is one answer."""
        for name, password in itertools.product(("alice", "nobody", ""), ("", "Alice", "alice ")):
            status, text, _ = self.post(origin, "/password", {"name": name, "password": password}, Origin=origin)
            assert (status, "Wrong name or password." in text) == (403, True)

    def test_hostile_forms(self, origin):
        """What a form brings is refused, escaped, or ignored; it breaks nothing."""
        paths = "/logon", "/enable", "/bind", "/server", "/unbind", "/logoff", "/nowhere"
        tickets = b"", b"x", b"A" * 88, b"A" * 88 + b"YWxpY2U", b"\xff<script>", b"A" * 70_000
        for path, ticket in itertools.product(paths, tickets):
            form = {"ticket": ticket, "code": "1", "server": "<script>", "user": "<script>"}
            status, text, _ = self.post(origin, path, form, Origin=origin)
            assert status in {200, 400, 403, 404}
            assert "<script>" not in text


def test_the_picture_is_the_key(page):
    """The QR code on the page holds what the page says in words."""
    page.password("alice")
    page.choose("VIRTUAL")
    scanned, typed = page.scanned(), page.typed()
    assert (scanned.issuer, scanned.account) == ("Example Cloud", "alice@example")
    assert scanned.code_at(0) == typed.code_at(0)
