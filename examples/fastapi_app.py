# SPDX-License-Identifier: Apache-2.0
"""A FastAPI application with MFA: ``python -m examples.fastapi_app``, then http://localhost:8000 in a browser.

It needs ``fastapi``, ``uvicorn``, ``itsdangerous``, ``python-multipart`` and ``ram_mfa[starlette]``. Alice has the
password ``alice`` and must bind a device; root is an administrator with the password ``root``. Lines that the same
application would not have without MFA end with ``# MFA``.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.middleware.sessions import SessionMiddleware

import ram_mfa  # MFA
from examples.passwords import User, check_password
from ram_mfa.integrations.starlette import MFASite  # MFA
from ram_mfa.store import Store  # MFA
from ram_mfa.stores.sqlite import SQLiteStore  # MFA
from ram_mfa.web import LoggedOn, UserInfo  # MFA

_LOGON = (
    '<!doctype html><html lang="en"><title>Log on</title><main><h1>Log on</h1><p role="alert">{message}</p>'
    '<form method="post"><p><label>User name <input name="name" autocomplete="username"></label></p>'
    '<p><label>Password <input type="password" name="password" autocomplete="current-password"></label></p>'
    "<p><button>Log on</button></p></form></main>"
)
_HOME = (
    '<!doctype html><html lang="en"><title>Servers</title><main><h1>Servers of {user}</h1>\n<ul>{servers}</ul>'
    '<p><a href="/mfa/devices">MFA devices</a></p>{users}'
    '<form method="post" action="/log-out"><button>Log out</button></form></main>'
)
_SERVER = (
    '<li>{server} <form method="post" action="/servers/{server}/delete">'
    '<input name="reason" aria-label="Reason" value="unused"><button>Delete</button></form></li>'
)


def create_app(
    origin: str,
    store: Store,
    *,
    clock: Callable[[], float] = time.time,
    create: bool = True,
    secret: bytes | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        origin: where browsers see it.
        store: of the MFA.
        clock: seconds since the epoch.
        create: whether to make the store's root record where there is none.
        secret: 32 bytes that all workers share; made up where left out.
    """
    app = FastAPI(openapi_url=None)
    secret = secret or os.urandom(32)
    app.add_middleware(SessionMiddleware, secret_key=secret.hex(), https_only=True)
    users = {user.name: user for user in (User.new("root", "root", administrator=True), User.new("alice", "alice"))}
    servers = {"i-0815", "i-4711"}
    app.state.users, app.state.servers = users, servers

    rp = ram_mfa.RelyingParty(id=origin.split("/")[2].partition(":")[0], origins=(origin,))  # MFA
    remember, unknown = ram_mfa.RememberMachine(), ram_mfa.UnknownUsers.MUST_BIND  # MFA
    policy = ram_mfa.MFAPolicy.ram(issuer="Cloud", relying_party=rp, remember=remember, unknown_users=unknown)  # MFA
    seal = ram_mfa.AESGCMSeal({"1": secret}, seal_with="1")  # MFA
    mfa = ram_mfa.AsyncMFA(ram_mfa.in_threads(store), policy, seal=seal, clock=clock, create=create)  # MFA
    app.state.mfa = mfa

    def load_user(name: str) -> UserInfo | None:  # MFA
        user = users.get(name)  # MFA
        return UserInfo(user.hashed, f"{name}@example", user.administrator) if user else None  # MFA

    def log_on(request: Request, logged_on: LoggedOn) -> None:  # MFA
        request.session.update(user=logged_on.user, mfa=logged_on.session_mark)  # in place of the session's own

    def session(request: Request) -> tuple[str | None, str | None]:  # MFA
        return request.session.get("user"), request.session.get("mfa")  # MFA

    site = MFASite(mfa, load_user=load_user, log_on=log_on, session=session)  # MFA
    site.install(app)  # MFA

    @app.get("/logon")
    async def ask() -> HTMLResponse:
        return HTMLResponse(_LOGON.format(message=""))

    @app.post("/logon")
    async def logon(request: Request, name: Annotated[str, Form()], password: Annotated[str, Form()]) -> Response:
        if not check_password(users, name, password):
            return HTMLResponse(_LOGON.format(message="Wrong name or password."), 403)
        return await site.logon(request, name, request.query_params.get("next", ""))  # in place of the session's own

    @app.get("/")
    async def home(request: Request) -> Response:
        user = await site.user(request)  # in place of the session's own
        if user is None:
            return RedirectResponse("/logon", 303)
        rows = "".join(_SERVER.format(server=escape(server)) for server in sorted(servers))
        accounts = "".join(f'<p><a href="/mfa/account?user={escape(name)}">{escape(name)}</a></p>' for name in users)
        shown = accounts if users[user].administrator else ""
        return HTMLResponse(_HOME.format(user=escape(user), servers=rows, users=shown))

    @app.post("/servers/{server}/delete")
    async def delete(request: Request, server: str, reason: Annotated[str, Form()]) -> Response:
        await site.logged_on(request)  # in place of the session's own
        if server not in servers or not reason:
            return HTMLResponse("No such server", 404)
        await site.require(request, ram_mfa.Operation("server.delete", server))  # MFA
        servers.discard(server)
        return RedirectResponse("/", 303)

    @app.delete("/servers/{server}")
    async def delete_by_script(request: Request, server: str) -> dict[str, str]:
        await site.require(request, ram_mfa.Operation("server.delete", server))  # likewise
        servers.discard(server)
        return {"deleted": server}

    @app.post("/log-out")
    async def log_out(request: Request) -> Response:
        return await site.log_out(request)  # in place of the session's own

    return app


def main() -> None:
    """Serve until Ctrl-C, on a store that passes with the program."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app("http://localhost:8000", SQLiteStore(Path(folder) / "mfa.db"))
        print("http://localhost:8000 (alice/alice, root/root); Ctrl-C ends it")
        uvicorn.run(app, host="127.0.0.1", port=8000, log_level="warning")


if __name__ == "__main__":
    main()
