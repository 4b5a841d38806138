# SPDX-License-Identifier: Apache-2.0
"""A small site on Flask for the kit of framework authors, whose parts a sabotage may replace."""

from __future__ import annotations

import contextlib
import os
from html import escape

from flask import Flask, redirect, request, session

from ram_mfa import MFA, Administrator, AESGCMSeal, MFAPolicy, OpenAccount, Operation, RelyingParty, RememberMachine
from ram_mfa.errors import StoreUnavailable
from ram_mfa.integrations.flask import MFASite
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import ManualClock
from ram_mfa.testing.site_kit import Site, WSGITransport
from ram_mfa.web import SiteSettings, UserInfo

ORIGIN = "https://localhost"
CARRIED = (("tag", "b"), ("tag", "a"), ("empty", ""))


class Store(MemoryStore):
    """A store that can be down."""

    down = False

    def load(self, key):
        if self.down:
            raise StoreUnavailable
        return super().load(key)


class Parts:
    """The application's own code, each part to be replaced by a careless one."""

    def __init__(self, **choices):
        self.users = {"root": "root"}
        self.done = []
        self.clock = ManualClock()
        self.store = Store()
        party = RelyingParty(id="localhost", origins=(ORIGIN,))
        choices = {"relying_party": party, "remember": RememberMachine(), **choices}
        policy = MFAPolicy.ram(issuer="Cloud", **choices)
        seal = AESGCMSeal({"1": os.urandom(32)}, seal_with="1")
        self.mfa = MFA(self.store, policy, seal=seal, clock=self.clock, create=True)
        self.by = Administrator("the site")
        self.mfa.perform("root", OpenAccount(required=True, by=self.by))

    def create_user(self, name, password):
        self.users[name] = password
        self.mfa.perform(name, OpenAccount(required=True, by=self.by))

    def load_user(self, name):
        password = self.users.get(name)
        return UserInfo(f"mark of {password}", f"{name}@example", name == "root") if password else None

    def log_on(self, logged_on):
        session.update(user=logged_on.user, mfa=logged_on.session_mark)

    def session(self):
        return session.get("user"), session.get("mfa")

    def wrong(self, _name):
        return "Wrong name or password.", 403

    def after_password(self, site, name, following):
        return site.logon(name, following)

    def user(self, site):
        return site.user()

    def require(self, site, subject):
        site.require(Operation("thing.do", subject))

    def log_out(self, site):
        return site.log_out()

    def settings(self):
        return SiteSettings(logon_url="/logon")

    def finish(self, app):
        """Change the application before it serves."""


def app_of(parts):
    app = Flask("kit")
    app.config.update(SECRET_KEY=b"of two workers", SESSION_COOKIE_SECURE=True)
    site = MFASite(
        parts.mfa,
        load_user=parts.load_user,
        log_on=parts.log_on,
        session=parts.session,
        settings=parts.settings(),
    )
    site.init_app(app)

    @app.route("/logon", methods=["GET", "POST"])
    def logon():
        if request.method == "GET":
            return '<form method="post"><input name="name"><input name="password"></form>'
        name = request.form.get("name", "")
        if parts.users.get(name) != request.form.get("password"):
            return parts.wrong(name)
        return parts.after_password(site, name, request.args.get("next", ""))

    @app.get("/")
    def home():
        user = parts.user(site)
        return f"<p>logged on: {escape(user)}</p>" if user else redirect("/logon")

    @app.post("/do/<subject>")
    def do(subject):
        if parts.user(site) is None:
            return redirect("/logon", 303)
        parts.require(site, subject)
        parts.done.append(subject)
        return "done"

    @app.delete("/things/<subject>")
    def do_by_script(subject):
        parts.require(site, subject)
        parts.done.append(subject)
        return {"done": subject}

    @app.post("/log-out")
    def log_out():
        return parts.log_out(site)

    parts.finish(app)
    return app


def site_of(parts=None, worker=None):
    """Return the site for the kit."""
    parts = parts or Parts()

    def password(browser, name, password, following):
        browser.get("/logon")
        url = f"/logon?next={following}" if following else "/logon"
        browser.post(url, {"name": name, "password": password})

    def logged_on(browser):
        browser.get("/")
        return browser.page.text.partition("logged on: ")[2].strip() or None

    def change_password(name, password):
        parts.users[name] = password

    def sensitive(browser, subject):
        browser.post(f"/do/{subject}", [*CARRIED, ("subject", subject)])

    def fetch(browser, subject, headers):
        headers = {name.replace("-", "_"): value for name, value in headers.items()}
        return browser.fetch("DELETE", f"/things/{subject}", **headers)

    @contextlib.contextmanager
    def deny():
        parts.store.down = True
        try:
            yield
        finally:
            parts.store.down = False

    return Site(
        transport=WSGITransport(app_of(parts), ORIGIN),
        origin=ORIGIN,
        create_user=parts.create_user,
        password=password,
        logged_on=logged_on,
        log_out=lambda browser: browser.post("/log-out"),
        sensitive=sensitive,
        done=lambda: parts.done,
        administrator=("root", "root"),
        change_password=change_password,
        fetch=fetch,
        carried=CARRIED,
        clock=parts.clock,
        deny=deny,
        worker=WSGITransport(app_of(worker or parts), ORIGIN),
    )
