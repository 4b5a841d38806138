# SPDX-License-Identifier: Apache-2.0
"""A Flask application with MFA: ``python -m examples.flask_app``, then http://localhost:8000 in a browser.

It needs ``flask-wtf`` and ``ram_mfa[flask]``. Alice has the password ``alice`` and must bind a device; root is an
administrator with the password ``root``. Lines that the same application would not have
without MFA end with ``# MFA``.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect, request
from flask_wtf import csrf as flask_csrf  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

import ram_mfa  # MFA
from examples.passwords import User, check_password
from ram_mfa.integrations.flask import MFASite  # MFA
from ram_mfa.store import Store
from ram_mfa.stores.sqlite import SQLiteStore  # MFA
from ram_mfa.web import UserInfo  # MFA

_LOGON = (
    '<!doctype html><html lang="en"><title>Log on</title><main><h1>Log on</h1><p role="alert">{message}</p>'
    '<form method="post"><input type="hidden" name="csrf_token" value="{token}">'
    '<p><label>User name <input name="name" autocomplete="username"></label></p>'
    '<p><label>Password <input type="password" name="password" autocomplete="current-password"></label></p>'
    "<p><button>Log on</button></p></form></main>"
)
_HOME = (
    '<!doctype html><html lang="en"><title>Servers</title><main><h1>Servers of {user}</h1>\n<ul>{servers}</ul>'
    '<p><a href="/mfa/devices">MFA devices</a></p>{users}<form method="post" action="/log-out">'
    '<input type="hidden" name="csrf_token" value="{token}"><button>Log out</button></form></main>'
)
_SERVER = (
    '<li>{server} <form method="post" action="/servers/{server}/delete">'
    '<input type="hidden" name="csrf_token" value="{token}">'
    '<input name="reason" aria-label="Reason" value="unused"><button>Delete</button></form></li>'
)


def create_app(origin: str, store: Store, *, clock: Callable[[], float] = time.time, create: bool = True) -> Flask:
    """Return the application.

    Args:
        origin: where browsers see it.
        store: of the MFA.
        clock: seconds since the epoch.
        create: whether to make the store's root record where there is none.
    """
    app = Flask(__name__)
    app.config.update(SECRET_KEY=os.urandom(32), SESSION_COOKIE_SECURE=True, WTF_CSRF_SSL_STRICT=False)
    csrf: Any = flask_csrf
    protect, generate_csrf = csrf.CSRFProtect(app), csrf.generate_csrf
    users = {user.name: user for user in (User.new("root", "root", administrator=True), User.new("alice", "alice"))}
    servers = {"i-0815", "i-4711"}
    app.extensions["example"] = {"users": users, "servers": servers}

    rp = ram_mfa.RelyingParty(id=origin.split("/")[2].partition(":")[0], origins=(origin,))  # MFA
    remember, unknown = ram_mfa.RememberMachine(), ram_mfa.UnknownUsers.MUST_BIND  # MFA
    policy = ram_mfa.MFAPolicy.ram(issuer="Cloud", relying_party=rp, remember=remember, unknown_users=unknown)  # MFA
    seal = ram_mfa.AESGCMSeal({"1": os.urandom(32)}, seal_with="1")  # MFA
    mfa = app.extensions["mfa"] = ram_mfa.MFA(store, policy, seal=seal, clock=clock, create=create)  # MFA

    def load_user(name: str) -> UserInfo | None:  # MFA
        user = users.get(name)  # MFA
        return UserInfo(user.hashed, f"{name}@example", user.administrator) if user else None  # MFA

    site = MFASite(mfa, load_user=load_user)  # MFA
    site.init_app(app)  # MFA

    @app.route("/logon", methods=["GET", "POST"])
    def logon() -> Any:
        if request.method == "GET":
            return _LOGON.format(message="", token=generate_csrf())
        name = request.form.get("name", "")
        if not check_password(users, name, request.form.get("password", "")):
            return _LOGON.format(message="Wrong name or password.", token=generate_csrf()), 403
        return site.logon(name, request.args.get("next", ""))  # in place of the session's own

    @app.get("/")
    @site.login_required  # in place of the session's own
    def home() -> str:
        user, token = site.user() or "", generate_csrf()  # in place of the session's own
        rows = "".join(_SERVER.format(server=escape(server), token=token) for server in sorted(servers))
        accounts = "".join(f'<p><a href="/mfa/account?user={escape(name)}">{escape(name)}</a></p>' for name in users)
        shown = accounts if users[user].administrator else ""
        return _HOME.format(user=escape(user), servers=rows, users=shown, token=token)

    @app.post("/servers/<server>/delete")
    @site.login_required  # in place of the session's own
    def delete(server: str) -> Any:
        if server not in servers or not request.form.get("reason"):
            return "No such server", 404
        site.require(ram_mfa.Operation("server.delete", server))  # MFA
        servers.discard(server)
        return redirect("/", 303)

    @app.delete("/servers/<server>")
    def delete_by_script(server: str) -> dict[str, str]:
        site.require(ram_mfa.Operation("server.delete", server))  # likewise
        servers.discard(server)
        return {"deleted": server}

    protect.exempt(delete_by_script)

    @app.post("/log-out")
    def log_out() -> Response:
        return site.log_out()  # in place of the session's own

    return app


def main() -> None:
    """Serve until Ctrl-C, on a store that passes with the program."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app("http://localhost:8000", SQLiteStore(Path(folder) / "mfa.db"))
        print("http://localhost:8000 (alice/alice, root/root); Ctrl-C ends it")
        app.run("127.0.0.1", 8000)


if __name__ == "__main__":
    main()
