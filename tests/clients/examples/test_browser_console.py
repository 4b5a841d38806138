# SPDX-License-Identifier: Apache-2.0
"""The console of examples/console, walked over ASGI, and looked at in Chromium."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest

from tests.support import require_module

require_module("starlette", "starlette")
require_module("itsdangerous", "itsdangerous")

from examples.console.app import console_at  # noqa: E402 - where it is installed
from examples.console.words import CHINESE, ENGLISH  # noqa: E402
from examples.passwords import User  # noqa: E402
from ram_mfa.stores.memory import MemoryStore  # noqa: E402
from ram_mfa.testing import AuthenticatorApp, ManualClock  # noqa: E402
from ram_mfa.testing.site_kit import ASGITransport, Browser, HTTPTransport, Site, check_site  # noqa: E402
from tests.support.site_walks import quick_hash  # noqa: E402

ORIGIN = "https://localhost"
TOP = Path(__file__).parents[3]
NAMES = ("root", "alice")


@attrs.define
class Visited:
    """The console, and those who visit it; a person's password is the name."""

    console: object
    transport: object
    clock: ManualClock
    phones: dict = attrs.field(factory=dict)

    def enter(self, name, **more):
        browser = Browser(self.transport, ORIGIN, **more)
        browser.get("/logon")
        browser.fill(browser.page.form("password"), name=name, password=name)
        if browser.page.step == "choose_kind":
            browser.fill(browser.page.form("kind", "virtual"))
            self.phones[name] = AuthenticatorApp.typed(*browser.page.codes)
        self.answer(browser, name)
        return browser

    def answer(self, browser, name):
        browser.fill(browser.page.form("mfa_code"), mfa_code=self.phones[name].code_at(self.clock()))
        self.clock.advance(60)


@pytest.fixture
def visited():
    clock = ManualClock()
    console = console_at(ORIGIN, MemoryStore(), {name: name for name in NAMES}, clock=clock)
    transport = ASGITransport(console.app, ORIGIN)
    transport.run(console.open_accounts())
    yield Visited(console, transport, clock)
    transport.close()


def create(browser, name, **fields):
    browser.get("/users")
    form = browser.page.form("required") if "required" in fields else browser.page.form("password")
    return browser.fill(form, name=name, password=name, **fields)


class TestConsole:
    def test_administrator_creates_a_user_who_must_bind(self, visited):
        """A user who is created with MFA required must bind at the first logon; one without is just logged on."""
        root = visited.enter("root")
        root.get("/users")
        root.fill(root.page.form("password"), name="dora", password="dora", tick="required")
        assert "The user was created." in root.page.text
        assert "Must bind at the next logon" in root.page.text
        create(root, "emil")
        dora = visited.enter("dora")
        assert "Servers" in dora.page.text
        emil = Browser(visited.transport, ORIGIN)
        emil.get("/logon")
        emil.fill(emil.page.form("password"), name="emil", password="emil")
        assert "i-0815" in emil.page.text
        assert create(root, "emil").status == 422

    def test_sensitive_operation(self, visited):
        """Deleting a server asks for a fresh code, in the console's own frame and words."""
        alice = visited.enter("alice")
        form = next(one for one in alice.page.forms if "i-0815" in one.action)
        alice.fill(form)
        assert alice.page.step == "step_up"
        assert "delete the server i-0815" in alice.page.text
        assert "Credential report" in alice.page.text
        visited.answer(alice, "alice")
        assert visited.console.servers == {"i-4711", "i-1234"}

    def test_security_settings(self, visited):
        """An administrator changes the policy after a fresh code, and the pages follow."""
        root, alice = visited.enter("root"), visited.enter("alice")
        alice.get("/mfa/devices")
        assert any(form.has("do", "unbind") for form in alice.page.forms)
        root.get("/settings")
        root.fill(root.page.form("requirement") if root.page.forms[-1].has("requirement") else root.page.forms[-1])
        assert root.page.step == "step_up"
        visited.answer(root, "root")
        assert "The settings were saved." in root.page.text
        alice.get("/mfa/devices")
        assert not any(form.has("do", "unbind") for form in alice.page.forms)

    def test_lost_device(self, visited):
        """An administrator unbinds a lost device; the user's session ends, and the user binds anew."""
        root, alice = visited.enter("root"), visited.enter("alice")
        root.get("/mfa/account?user=alice")
        root.fill(root.page.form("do", "unbind"))
        assert root.page.step == "confirm"
        root.fill(next(form for form in root.page.forms if form.has("sure")))
        assert alice.get("/").url == "/logon"
        again = visited.enter("alice")
        assert "Servers" in again.page.text

    def test_report_and_those_who_may_see_it(self, visited):
        """The credential report names every user; whoever is no administrator sees neither it nor the users."""
        root, alice = visited.enter("root"), visited.enter("alice")
        root.get("/report")
        assert "alice" in root.page.text
        assert "Virtual MFA device" in root.page.text
        for url in ("/report", "/users", "/settings"):
            assert alice.get(url).status == 403
            assert "Only administrators" in alice.page.text

    def test_forms_of_other_sites(self, visited):
        """A form of another site changes nothing."""
        root = visited.enter("root")
        for url in ("/users", "/settings", "/log-out", "/servers/i-0815/delete"):
            assert (
                root.submit(url, {"name": "x", "password": "x"}, headers={"origin": "https://evil.example"}).status
                == 403
            )

    def test_chinese(self, visited):
        """A browser that prefers Chinese gets the console and its pages in Chinese."""
        alice = visited.enter("alice", language="zh-CN")
        assert alice.page.language == "zh-Hans"
        assert "服务器" in alice.page.text
        alice.get("/mfa/devices")
        assert "安全设置" in alice.page.text


class TestKit:
    def test_keeps_every_promise(self, visited, monkeypatch):
        """The kit for authors of adapters finds no promise of the console broken."""
        monkeypatch.setattr("examples.passwords._hash", quick_hash)
        console, transport, asked = visited.console, visited.transport, set()

        def create_user(name, password, *, administrator=False):
            console.users[name] = User.new(name, password, administrator=administrator)
            transport.run(console._open(name, "a test", required=True))

        def change_password(name, password):
            console.users[name] = User.new(name, password)

        def password(browser, name, typed, following):
            browser.get("/logon")
            browser.fill(browser.page.form("password"), name=name, password=typed)

        def logged_on(browser):
            browser.get("/")
            return browser.page.text.partition("Log out (")[2].partition(")")[0] or None

        def sensitive(browser, subject):
            asked.add(subject)
            console.servers.add(subject)
            browser.post(f"/servers/{subject}/delete")

        create_user("root", "root", administrator=True)
        report = check_site(
            Site(
                transport=transport,
                origin=ORIGIN,
                create_user=create_user,
                password=password,
                logged_on=logged_on,
                log_out=lambda browser: browser.post("/log-out"),
                sensitive=sensitive,
                done=lambda: asked - console.servers,
                administrator=("root", "root"),
                change_password=change_password,
                clock=visited.clock,
            )
        )
        assert report.broken == (), str(report)
        lacking = {"fetch", "carried", "deny", "worker"}
        rows = {row.name: row.detail for row in report.rows if row.name in report.not_tried}
        assert all(detail.rpartition(" ")[2] in lacking for detail in rows.values()), rows


class TestProgram:
    def test_serves_and_prints_passwords(self, tmp_path):
        """The program prints an address and four passwords, with which the users log on; the store is kept."""
        require_module("uvicorn", "uvicorn")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        url = f"sqlite:///{tmp_path / 'mfa.db'}"
        command = [sys.executable, "-m", "examples.console", "--port", str(port), "--store", url]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOP), os.environ.get("PYTHONPATH", "")])}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
        try:
            assert child.stdout.readline().startswith(f"http://localhost:{port}")
            passwords = dict(child.stdout.readline().split()[:2] for _ in range(4))
            assert set(passwords) == {"root", "alice", "bob", "carol"}
            end = time.monotonic() + 60
            while True:
                with socket.socket() as asking:
                    if not asking.connect_ex(("127.0.0.1", port)):
                        break
                assert time.monotonic() < end, "the console does not answer"
                time.sleep(0.05)
            browser = Browser(HTTPTransport(f"127.0.0.1:{port}", f"localhost:{port}"), f"http://localhost:{port}")
            browser.get("/logon")
            browser.fill(browser.page.form("password"), name="alice", password=passwords["alice"])
            assert browser.page.step == "choose_kind"
        finally:
            child.terminate()
            child.wait(60)
            child.stdout.close()
        assert (tmp_path / "mfa.db").stat().st_size

    def test_walk_in_the_terminal(self, tmp_path):
        """With --auto the walk in a terminal runs without a person, and ends well."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOP), os.environ.get("PYTHONPATH", "")])}
        command = [sys.executable, "-m", "examples.console", "--auto"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")


class TestWords:
    def test_are_complete_and_used(self):
        """Both languages have every word, and every word of a template is there."""
        assert set(ENGLISH) == set(CHINESE)
        folder = TOP / "examples" / "console" / "templates"
        used = {word for file in folder.glob("*.html") for word in re.findall(r"\bt\.(\w+)", file.read_text("utf-8"))}
        assert used <= set(ENGLISH)
