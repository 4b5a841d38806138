# SPDX-License-Identifier: Apache-2.0
"""An API with bearer tokens and no cookies, on FastAPI: ``uvicorn --factory examples.token_api:example``.

It needs ``fastapi``, ``uvicorn``, ``itsdangerous`` and ``ram_mfa[starlette]``. A client posts name and password to
``/token``, answers the pages that come back in JSON, and gets its token; it sends the header ``MFA-State`` with each
request, empty at first, and then as it came with the last answer. Lines of MFA's own end with ``# MFA``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from examples.passwords import User, check_password
from ram_mfa import AESGCMSeal, AsyncMFA, MFAPolicy, Operation, RelyingParty, UnknownUsers, in_threads
from ram_mfa.integrations.starlette import MFASite  # MFA
from ram_mfa.store import Store
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.web import LoggedOn, UserInfo  # MFA

LIFETIME = 3_600


def create_app(origin: str, store: Store, *, clock: Callable[[], float] = time.time) -> FastAPI:
    """Return the application.

    Args:
        origin: of the site whose pages ask for security keys.
        store: of the MFA.
        clock: seconds since the epoch.
    """
    app = FastAPI(openapi_url=None)
    tokens = URLSafeTimedSerializer(os.urandom(32).hex())
    users = {"alice": User.new("alice", "alice")}
    servers = {"i-0815", "i-4711"}
    app.state.users, app.state.servers = users, servers

    party = RelyingParty(id=origin.split("/")[2].partition(":")[0], origins=(origin,))  # MFA
    policy = MFAPolicy.ram(issuer="Cloud", relying_party=party, unknown_users=UnknownUsers.MUST_BIND)  # MFA
    seal = AESGCMSeal({"1": os.urandom(32)}, seal_with="1")  # MFA
    mfa = app.state.mfa = AsyncMFA(in_threads(store), policy, seal=seal, clock=clock, create=True)  # MFA

    def load_user(name: str) -> UserInfo | None:  # MFA
        user = users.get(name)  # MFA
        return UserInfo(user.hashed, f"{name}@example", user.administrator) if user else None  # MFA

    def log_on(_request: Request, logged_on: LoggedOn) -> Response:  # MFA
        token = tokens.dumps([logged_on.user, str(logged_on.session_mark)])  # MFA
        return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": LIFETIME})

    def session(request: Request) -> tuple[str | None, str | None]:  # MFA
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            user, mark = tokens.loads(token, max_age=LIFETIME) if scheme.lower() == "bearer" else (None, None)
        except BadSignature:
            return None, None
        return user, mark  # MFA

    site = MFASite(mfa, load_user=load_user, log_on=log_on, session=session)  # MFA
    site.install(app)  # MFA

    @app.post("/token")
    async def token(request: Request, name: Annotated[str, Body()], password: Annotated[str, Body()]) -> Response:
        if not check_password(users, name, password):
            raise HTTPException(403, "wrong name or password")
        return await site.logon(request, name)  # MFA

    @app.get("/servers")
    async def all_servers(request: Request) -> dict[str, Any]:
        user = await site.logged_on(request)  # MFA
        return {"user": user, "servers": sorted(servers)}

    @app.delete("/servers/{server}")
    async def delete(request: Request, server: str) -> dict[str, str]:
        await site.require(request, Operation("server.delete", server))  # MFA
        servers.discard(server)
        return {"deleted": server}

    return app


def example() -> FastAPI:
    """Return the application on a store that passes with the process."""
    return create_app("http://localhost:8000", MemoryStore())
