# SPDX-License-Identifier: Apache-2.0
"""The pages and their script in Chromium, on the Flask example: what only a real browser shows."""

from __future__ import annotations

import contextlib
import io
import itertools
import threading
import time
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import AuthenticatorApp, ManualClock
from tests.support import chromium, require_module

NO_MODERN_JSON = """
delete PublicKeyCredential.parseCreationOptionsFromJSON;
delete PublicKeyCredential.parseRequestOptionsFromJSON;
delete PublicKeyCredential.prototype.toJSON;
"""


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    require_module("flask_wtf", "flask-wtf")
    require_module("segno", "segno")
    with chromium.browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


class Site:
    """The example, with a delay of its answers that a test may set, and a log of what was posted."""

    def __init__(self):
        self.clock, self.delay, self.posts, self.app, self.origin = ManualClock(), 0.0, [], None, ""

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            self.posts.append(environ["PATH_INFO"])
            time.sleep(self.delay)
        return self.app(environ, start_response)

    @contextlib.contextmanager
    def served(self):
        from examples.flask_app import create_app

        server = make_server("127.0.0.1", 0, self, Server, Quiet)
        self.origin = f"http://localhost:{server.server_port}"
        self.app = create_app(self.origin, MemoryStore(), clock=self.clock)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.fixture
def site():
    with Site().served() as served:
        yield served


@pytest.fixture
def person(browser, site):
    browser.context.clear_cookies()
    with browser.page(site.origin) as page:
        yield Person(page, site)


class Person:
    """A person at the browser."""

    def __init__(self, page, site):
        self.tab, self.plug, self.devtools, self.site, self.phone = page.tab, page.plug, page.devtools, site, None
        self.faults = []
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("console", self.listen)

    def listen(self, said):
        """Note an error that the browser writes down, but for the icon that an example does not have."""
        if said.type == "error" and "favicon" not in said.location["url"]:
            self.faults.append(said.text)

    def password(self, name="alice"):
        self.tab.goto(f"{self.site.origin}/logon")
        self.tab.fill("[name=name]", name)
        self.tab.fill("[name=password]", name)
        self.press("Log on")

    def press(self, button):
        self.tab.get_by_role("button", name=button, exact=True).first.click()

    def shows(self, heading):
        self.tab.get_by_role("heading", name=heading, level=1, exact=True).wait_for()

    def scan(self):
        """Scan the QR code off the screen."""
        pillow, zxing = require_module("PIL.Image", "pillow"), require_module("zxingcpp", "zxing-cpp")
        picture = pillow.open(io.BytesIO(self.tab.locator(".mfa-qr svg").screenshot()))
        [found] = zxing.read_barcodes(picture)
        self.phone = AuthenticatorApp.scan(found.text)

    def type_code(self, button="Confirm"):
        self.tab.get_by_label("Verification code").fill(self.phone.code_at(self.site.clock()))
        self.press(button)
        self.site.clock.advance(60)

    def bind(self, name="alice"):
        self.password(name)
        self.press("Virtual MFA device")
        self.shows("Bind a virtual MFA device")
        self.scan()
        self.type_code("Confirm bind")
        self.shows(f"Servers of {name}")


def axe():
    """The script of axe-core, which judges how accessible a page is."""
    package = require_module("axe_playwright_python", "axe-playwright-python")
    return Path(package.__file__).with_name("axe.min.js").read_text(encoding="utf-8")


class TestAccessibility:
    def test_no_page_has_a_violation(self, person):
        """axe-core finds nothing on any page, light and dark, on 320 pixels and on a desktop, and none is too wide."""
        script, found = axe(), []

        def look(name):
            for scheme, width in itertools.product(("light", "dark"), (320, 1200)):
                person.tab.emulate_media(color_scheme=scheme)
                person.tab.set_viewport_size({"width": width, "height": 800})
                person.tab.evaluate(script)
                result = person.tab.evaluate("axe.run()")
                assert result["passes"], "axe looked at nothing"
                found.extend((name, scheme, width, one["id"]) for one in result["violations"])
                if person.tab.evaluate("document.documentElement.scrollWidth") > width:
                    found.append((name, scheme, width, "too wide"))

        person.password()
        look("choose a kind")
        person.press("U2F security key")
        person.shows("Bind a U2F security key")
        look("bind a key")
        person.tab.go_back()
        person.press("Virtual MFA device")
        person.shows("Bind a virtual MFA device")
        look("bind a virtual device")
        person.scan()
        person.type_code("Confirm bind")
        person.shows("Servers of alice")
        person.password()
        person.shows("Multi-factor authentication")
        person.tab.fill("[name=mfa_code]", "000000")
        person.press("Confirm")
        person.tab.get_by_role("alert").wait_for()
        look("ask")
        person.tab.check("[name=mfa_remember]")
        person.type_code()
        person.shows("Servers of alice")
        person.tab.goto(f"{person.site.origin}/mfa/devices")
        look("devices")
        person.tab.goto(f"{person.site.origin}/")
        person.press("Delete")
        person.shows("Confirm it is you")
        look("step up")
        person.tab.goto(f"{person.site.origin}/mfa/account?user=root")
        look("message")
        person.tab.context.clear_cookies()
        person.bind("root")
        person.tab.goto(f"{person.site.origin}/mfa/account?user=alice")
        look("account")
        person.press("Unbind everything")
        person.shows("Are you sure?")
        look("confirm")
        assert found == []

    def test_by_keyboard_alone(self, person):
        """A bind and a logon go by the keyboard alone."""
        keyboard = person.tab.keyboard
        person.tab.goto(f"{person.site.origin}/logon")
        person.tab.focus("[name=name]")
        for text in ("alice", "alice"):
            keyboard.type(text)
            keyboard.press("Tab")
        keyboard.press("Enter")
        person.shows("Enable MFA device")
        keyboard.press("Tab")
        keyboard.press("Enter")
        person.shows("Bind a virtual MFA device")
        person.scan()
        keyboard.type(person.phone.code_at(person.site.clock()))
        keyboard.press("Enter")
        person.shows("Servers of alice")


class TestCodes:
    def test_qr_code_binds_and_logs_on(self, person):
        """The QR code is read off the screen, the bind logs on, and so does the next code; the field has the focus."""
        person.bind()
        person.password()
        person.shows("Multi-factor authentication")
        assert person.tab.evaluate("document.activeElement.name") == "mfa_code"
        person.type_code()
        person.shows("Servers of alice")
        assert person.faults == []

    def test_double_click_sends_once(self, person):
        """A double click sends a form once, also where the server takes its time, and logs on."""
        person.bind()
        person.password()
        person.shows("Multi-factor authentication")
        person.site.posts.clear()
        person.site.delay = 0.5
        person.tab.get_by_label("Verification code").fill(person.phone.code_at(person.site.clock()))
        person.tab.get_by_role("button", name="Confirm", exact=True).dblclick()
        person.shows("Servers of alice")
        assert person.site.posts == ["/mfa/logon"]

    def test_goes_on_after_back(self, person):
        """After Back the form can be sent again."""
        person.bind()
        person.password()
        person.shows("Multi-factor authentication")
        person.tab.get_by_label("Verification code").fill("000000")
        person.press("Confirm")
        person.tab.get_by_role("alert").wait_for()
        person.tab.go_back()
        person.tab.reload()
        person.type_code()
        person.shows("Servers of alice")

    def test_without_javascript(self, person):
        """Without JavaScript codes work, and a key says that it needs it."""
        person.devtools.send("Emulation.setScriptExecutionDisabled", {"value": True})
        person.password()
        person.press("U2F security key")
        person.shows("Bind a U2F security key")
        assert "needs JavaScript" in person.tab.inner_text("main")
        person.tab.get_by_role("link", name="Choose another kind of device").click()
        person.press("Virtual MFA device")
        person.shows("Bind a virtual MFA device")
        person.scan()
        person.type_code("Confirm bind")
        person.shows("Servers of alice")

    def test_script_answers_a_step_up(self, person):
        """`mfaFetch` shows a dialog, takes a wrong code and then a right one, and repeats the request."""
        person.bind()
        person.tab.goto(f"{person.site.origin}/mfa/devices")
        person.tab.evaluate(
            """() => { window.answer = import("/mfa/ram-mfa.js").then(script =>
                script.mfaFetch("/servers/i-0815", {method: "DELETE"})).then(response => response.status) }"""
        )
        dialog = person.tab.get_by_role("dialog")
        dialog.get_by_label("Verification code").fill("000000")
        dialog.get_by_role("button", name="Confirm").click()
        dialog.get_by_text("The verification code is wrong").wait_for()
        dialog.get_by_label("Verification code").fill(person.phone.code_at(person.site.clock()))
        dialog.get_by_role("button", name="Confirm").click()
        assert person.tab.evaluate("window.answer") == 200
        assert person.site.app.extensions["example"]["servers"] == {"i-4711"}


class TestKeys:
    @pytest.mark.parametrize("script", ["", NO_MODERN_JSON], ids=["modern", "without-parse-and-toJSON"])
    @pytest.mark.parametrize("protocol", ["u2f", "ctap2"])
    def test_binds_logs_on_and_steps_up(self, person, protocol, script):
        """A security key is bound, logs on and confirms an operation, in browsers with and without the JSON methods."""
        if script:
            person.tab.add_init_script(script)
        person.plug(protocol)
        person.password()
        person.press("U2F security key")
        person.shows("Bind a U2F security key")
        person.press("Use the security key")
        person.shows("Servers of alice")
        person.password()
        person.shows("Multi-factor authentication")
        person.press("Use the security key")
        person.shows("Servers of alice")
        person.press("Delete")
        person.shows("Confirm it is you")
        person.press("Use the security key")
        person.tab.wait_for_url(f"{person.site.origin}/")
        assert person.site.app.extensions["example"]["servers"] == {"i-4711"}
        assert person.faults == []

    @pytest.mark.parametrize(
        ("error", "sentence"),
        [
            ("NotAllowedError", "cancelled or took too long"),
            ("InvalidStateError", "bound already"),
            ("SecurityError", "own address"),
            ("UnknownError", "did not answer"),
        ],
    )
    def test_says_what_went_wrong(self, person, error, sentence):
        """Each error of the browser has its sentence, and the button works again."""
        person.plug("ctap2")
        person.password()
        person.press("U2F security key")
        person.shows("Bind a U2F security key")
        person.tab.evaluate(
            """error => { const create = navigator.credentials.create.bind(navigator.credentials);
                navigator.credentials.create = async () => {
                    navigator.credentials.create = create; throw new DOMException("no", error); } }""",
            error,
        )
        person.press("Use the security key")
        person.tab.get_by_text(sentence).wait_for()
        person.press("Use the security key")
        person.shows("Servers of alice")
