# SPDX-License-Identifier: Apache-2.0
"""A visitor of the pages without a framework: a browser's cookies, an application's session, and forms to fill in."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, urlsplit

import attrs

from ram_mfa import MFA, AESGCMSeal, MFAPolicy, RelyingParty, RememberMachine
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import ManualClock
from ram_mfa.web import PATHS, Page, SiteSettings, UserInfo, WebFlows, WebRequest, WebResponse, run

ORIGIN = "https://console.example"
URLS = {route.value: f"/mfa/{path}" for route, path in PATHS.items()}
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"


@attrs.define
class Site:
    """An application with users; each user's password mark changes with the password."""

    mfa: MFA
    clock: ManualClock
    flows: WebFlows
    users: dict[str, UserInfo]

    def load(self, user: str) -> UserInfo | None:
        return self.users.get(user)


def site_of(store=None, settings=None, users=(), **choices) -> Site:
    clock = ManualClock()
    party = RelyingParty(id="console.example", origins=(ORIGIN,))
    choices = {"relying_party": party, "remember": RememberMachine(), **choices}
    policy = MFAPolicy.ram(issuer="Example Cloud", **choices)
    seal = AESGCMSeal({"1": os.urandom(32)}, seal_with="1")
    mfa = MFA(store or MemoryStore(), policy, seal=seal, clock=clock, create=True)
    flows = WebFlows(settings or SiteSettings(home="/console", logon_url="/logon"))
    known = {name: UserInfo(f"hash of {name}", f"{name}@example") for name in ("alice", "bob", *users)}
    known["root"] = UserInfo("hash of root", "root@example", administrator=True)
    return Site(mfa, clock, flows, known)


@attrs.define
class Visitor:
    """One browser, and what the application's session holds of it."""

    site: Site
    cookies: dict[str, str] = attrs.field(factory=dict)
    headers: dict[str, str] = attrs.field(factory=lambda: {"user-agent": CHROME, "accept": "text/html"})
    user: str | None = None
    mark: str | None = None
    last: WebResponse | None = None

    def request(self, method, route="", *, url="", fields=(), args=None, headers=None, **more) -> WebRequest:
        sent = dict(self.headers)
        if method == "POST":
            sent["origin"] = ORIGIN
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value is not None}
        return WebRequest(
            method=method,
            route=route,
            url=url or URLS.get(route, "/"),
            urls=URLS,
            args=args or {},
            fields=tuple(fields.items() if isinstance(fields, dict) else fields),
            cookies=dict(self.cookies),
            headers=sent,
            user=self.user,
            session_mark=self.mark,
            **more,
        )

    def run(self, flow) -> WebResponse:
        response = run(flow, self.site.mfa, self.site.load)
        if isinstance(response, WebResponse):
            self.last = response
            for cookie in response.cookies:
                if cookie.max_age == 0:
                    self.cookies.pop(cookie.name, None)
                else:
                    self.cookies[cookie.name] = cookie.value
            if response.logged_on is not None:
                self.user, self.mark = response.logged_on.user, response.logged_on.session_mark
        return response

    def password(self, user, following="", **more) -> WebResponse:
        """Type a right password, and go where the answer leads."""
        response = self.run(self.site.flows.start_logon(user, self.request("POST", **more), following))
        return self.follow(response)

    def follow(self, response) -> WebResponse:
        while response.redirect is not None and urlsplit(response.redirect).path in URLS.values() and not response.json:
            response = self.go(response.redirect)
        return response

    def go(self, url, **more) -> WebResponse:
        parts = urlsplit(url)
        [route] = [name for name, path in URLS.items() if path == parts.path]
        return self.get(route, dict(parse_qsl(parts.query)), **more)

    def get(self, route, args=None, **more) -> WebResponse:
        return self.run(self.site.flows.handle(self.request("GET", route, args=args, **more)))

    def post(self, route, fields, **more) -> WebResponse:
        return self.run(self.site.flows.handle(self.request("POST", route, fields=fields, **more)))

    def send(self, page: Page, fields, **more) -> WebResponse:
        """Send a page's form, with fields filled in, and go where the answer leads."""
        [route] = [name for name, path in URLS.items() if path == page.action]
        return self.follow(self.post(route, [*page.hidden, *dict(fields).items()], **more))

    def require(self, operation, *, method="POST", url="/servers/1/delete", fields=(), **more):
        request = self.request(method, url=url, fields=fields, **more)
        return self.run(self.site.flows.require(operation, request))
