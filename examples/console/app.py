# SPDX-License-Identifier: Apache-2.0
"""The console: a small cloud with users and servers, whose MFA is the library's.

It has of its own: names with passwords, servers, and a policy that administrators set. Everything else is the pages of
`ram_mfa.integrations.starlette`, in this console's frame.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Final

import attrs
import jinja2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.passwords import User, check_password
from ram_mfa import (
    AccountView,
    Administrator,
    AESGCMSeal,
    AsyncMFA,
    Describe,
    MFAPolicy,
    OpenAccount,
    Operation,
    Refused,
    RelyingParty,
    RememberMachine,
    Requirement,
    Seal,
    SelfManagement,
    in_threads,
)
from ram_mfa.integrations.starlette import MFASite
from ram_mfa.store import Store
from ram_mfa.web import LoggedOn, SiteSettings, UserInfo
from ram_mfa.web.words import choose, languages

from .words import CHINESE, ENGLISH

FOLDER: Final = Path(__file__).parent
WORDS: Final = {"en": ENGLISH, "zh-Hans": CHINESE}
_OPERATIONS: Final = {
    "en": {"operation.server.delete": "delete the server {subject}", "operation.settings": "change security settings"},
    "zh-Hans": {"operation.server.delete": "删除服务器 {subject}", "operation.settings": "更改安全设置"},
}
_MAX_NAME: Final = 64


class Console:
    """The console.

    Args:
        origin: where browsers see it.
        store, seal: of the MFA.
        users: who may log on at first.
        clock: seconds since the epoch.
    """

    def __init__(
        self, origin: str, store: Store, seal: Seal, users: list[User], *, clock: Callable[[], float] = time.time
    ) -> None:
        party = RelyingParty(id=origin.split("/")[2].partition(":")[0], origins=(origin,), name="Example Cloud")
        self.policy = MFAPolicy.ram(issuer="Example Cloud", relying_party=party, remember=RememberMachine())
        self.mfa = AsyncMFA(in_threads(store), lambda: self.policy, seal=seal, clock=clock, create=True)
        self.origin = origin
        self.users = {user.name: user for user in users}
        self.servers = {"i-0815", "i-4711", "i-1234"}
        loader = jinja2.FileSystemLoader(FOLDER / "templates")
        settings = SiteSettings(base="console.html", words=_OPERATIONS)
        self.site = MFASite(
            self.mfa,
            load_user=self.load_user,
            log_on=self.log_on,
            session=lambda request: (request.session.get("user"), request.session.get("mfa")),
            settings=settings,
            templates=loader,
        )
        names: dict[str, Any] = self.site.renderer.environment.globals
        names["words"] = WORDS
        sessions = Middleware(SessionMiddleware, secret_key=os.urandom(32).hex(), https_only=True)
        handlers = {PermissionError: _forged}
        self.app = Starlette(
            routes=self.routes(), middleware=[sessions], exception_handlers=handlers, lifespan=self.lifespan
        )
        self.site.install(self.app)

    def routes(self) -> list[Route]:
        """Return the console's own routes."""
        return [
            Route("/logon", self.logon, methods=["GET", "POST"]),
            Route("/", self.all_servers),
            Route("/servers/{server}/delete", self.delete, methods=["POST"]),
            Route("/users", self.all_users, methods=["GET", "POST"]),
            Route("/settings", self.security_settings, methods=["GET", "POST"]),
            Route("/report", self.report),
            Route("/log-out", self.log_out, methods=["POST"]),
            Route("/console.css", _stylesheet),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncGenerator[None]:
        """Open the users' records before the first request."""
        await self.open_accounts()
        yield

    async def open_accounts(self) -> None:
        """Open the records of the users that there are: all must bind."""
        for name in self.users:
            await self._open(name, "the console", required=True)

    # What the pages ask the application

    def load_user(self, name: str) -> UserInfo | None:
        """Return the data of a user."""
        user = self.users.get(name)
        return UserInfo(user.hashed, f"{name}@example", user.administrator) if user else None

    def log_on(self, request: Request, logged_on: LoggedOn) -> None:
        """Log an admitted user on."""
        request.session.update(user=logged_on.user, mfa=logged_on.session_mark)

    # The console's own pages

    async def logon(self, request: Request) -> Response:
        """Ask for name and password."""
        if request.method == "GET":
            return self.page(request, "logon", step="")
        form = await self.form(request)
        name = form.get("name", "")
        if not check_password(self.users, name, form.get("password", "")):
            return self.page(request, "logon", step="", message="wrong", status=403)
        return await self.site.logon(request, name)

    async def all_servers(self, request: Request) -> Response:
        """Show the servers."""
        user = await self.site.logged_on(request)
        return self.page(request, "servers", user=user, servers=sorted(self.servers))

    async def delete(self, request: Request) -> Response:
        """Delete a server, after a fresh proof."""
        server = request.path_params["server"]
        await self.form(request)
        if server in self.servers:
            await self.site.require(request, Operation("server.delete", server))
            self.servers.discard(server)
        return RedirectResponse("/", 303)

    async def all_users(self, request: Request) -> Response:
        """Show the users, and create one."""
        user = await self.site.logged_on(request)
        if not self.users[user].administrator:
            return self.page(request, "users", user=user, rows=[], message="not_allowed", status=403)
        message, status = "", 200
        if request.method == "POST":
            form = await self.form(request)
            message, status = await self._create(form, user)
        rows = [await self._row(request, name) for name in sorted(self.users)]
        return self.page(request, "users", user=user, rows=rows, message=message, status=status)

    async def security_settings(self, request: Request) -> Response:
        """Show the security settings, and change them after a fresh proof."""
        user = await self.site.logged_on(request)
        if not self.users[user].administrator:
            return self.page(request, "servers", user=user, servers=[], message="not_allowed", status=403)
        message = ""
        if request.method == "POST":
            form = await self.form(request)
            await self.site.require(request, Operation("settings"))
            allowed = SelfManagement.ALLOWED if form.get("self_management") else SelfManagement.NOT_ALLOWED
            everybody = form.get("requirement") == Requirement.EVERYBODY.name
            self.policy = attrs.evolve(
                self.policy,
                self_management=allowed,
                remember=RememberMachine() if form.get("remember") else None,
                requirement=Requirement.EVERYBODY if everybody else Requirement.PER_USER,
            )
            message = "saved"
        return self.page(
            request,
            "settings",
            user=user,
            message=message,
            self_management=self.policy.may_manage_self().allowed,
            remember=self.policy.remember is not None,
            everybody=self.policy.requirement is Requirement.EVERYBODY,
        )

    async def report(self, request: Request) -> Response:
        """Show the credential report."""
        user = await self.site.logged_on(request)
        if not self.users[user].administrator:
            return self.page(request, "report", user=user, rows=[], message="not_allowed", status=403)
        say = self.words(request).say
        rows: list[dict[str, str]] = []
        async for row in self.mfa.credential_report():
            kinds = ", ".join(
                say(f"kind.{'virtual' if kind.name == 'VIRTUAL' else 'security_key'}") for kind in row.kinds
            )
            rows.append(
                {
                    "user": row.user,
                    "required": "✓" if row.required else "-",
                    "kinds": kinds or "-",
                    "machines": str(row.machines),
                }
            )
        return self.page(request, "report", user=user, rows=sorted(rows, key=lambda one: one["user"]))

    async def log_out(self, request: Request) -> Response:
        """Log out."""
        await self.form(request)
        return await self.site.log_out(request)

    # Parts

    def words(self, request: Request) -> Any:
        """Return the words of the pages in the visitor's language."""
        return choose(languages({}), None, request.headers.get("accept-language", ""))

    def page(
        self, request: Request, name: str, *, step: str = "console", message: str = "", status: int = 200, **parts: Any
    ) -> Response:
        """Return one of the console's own pages."""
        language = self.words(request).language
        own = WORDS.get(language, ENGLISH)
        head = {
            "language": language,
            "title": own[name],
            "site": self.policy.issuer,
            "step": step,
            "style": request.url_for("mfa:style").path,
            "script": request.url_for("mfa:script").path,
        }
        template = self.site.renderer.environment.get_template(f"{name}.html")
        good = message in {"saved", "created"}
        html = template.render(page=head, message=own.get(message, ""), good=good, **parts)
        headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}
        return HTMLResponse(html, status, headers=headers)

    async def form(self, request: Request) -> dict[str, str]:
        """Return the fields of a form of this console.

        Raises:
            PermissionError: it is of another site.
        """
        if request.headers.get("origin") != self.origin:
            raise PermissionError("a form of another site")
        return {name: str(value) for name, value in (await request.form()).items()}

    async def _create(self, form: dict[str, str], by: str) -> tuple[str, int]:
        name, password = form.get("name", ""), form.get("password", "")
        if not (name.isascii() and name.isalnum() and len(name) <= _MAX_NAME) or name in self.users or not password:
            return "exists", 422
        self.users[name] = User.new(name, password)
        await self._open(name, by, required=bool(form.get("required")))
        return "created", 200

    async def _open(self, name: str, by: str, *, required: bool) -> None:
        try:
            await self.mfa.perform(name, OpenAccount(required=required, by=Administrator(by)))
        except Refused:
            return  # a record of an earlier run of the console

    async def _row(self, request: Request, name: str) -> dict[str, Any]:
        own = WORDS.get(self.words(request).language, ENGLISH)
        try:
            view: AccountView | None = await self.mfa.perform(name, Describe())
        except Refused:
            view = None
        state = own["none"]
        if view is not None and view.devices:
            state = ", ".join(device.name for device in view.devices)
        elif view is not None and view.must_bind:
            state = own["must_bind"]
        return {"name": name, "administrator": self.users[name].administrator, "state": state}


def _stylesheet(_request: Request) -> Response:
    return FileResponse(FOLDER / "console.css")


def _forged(_request: Request, _error: Exception) -> Response:
    return HTMLResponse("This form is from another site.", 403)


def console_at(
    origin: str, store: Store, passwords: dict[str, str], *, seal: Seal | None = None, **named: Any
) -> Console:
    """Return the console with users of these passwords; ``root`` administrates.

    Args:
        origin: where browsers see it.
        store: of the MFA.
        passwords: by name.
        seal: of the MFA; one of a passing key where left out.
        named: further arguments of `Console`.
    """
    users = [User.new(name, password, administrator=name == "root") for name, password in passwords.items()]
    seal = seal or AESGCMSeal({"1": os.urandom(32)}, seal_with="1")
    return Console(origin, store, seal, users, **named)
