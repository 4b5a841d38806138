# SPDX-License-Identifier: Apache-2.0
"""Attacks on the routes of the pages, each named for what an attacker tries."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from ram_mfa import Administrator, OpenAccount, Operation
from ram_mfa.testing import AuthenticatorApp, enrolled
from ram_mfa.web import Route, SiteSettings, UserInfo, lay_out, read_fields
from ram_mfa.web.rendering import Renderer
from tests.support.web_visitor import ORIGIN, Visitor, site_of

HOSTILE = "\"'><script>alert(1)</script>&{{ 7 }}{% x %}"
FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "https://blog.console.example", "sec-fetch-site": "same-site"},
    {"origin": "http://console.example"},
    {"origin": "https://console.example.evil.example"},
    {"origin": "null"},
    {"origin": "null", "sec-fetch-site": "same-origin"},
    {"origin": None},
    {"origin": None, "sec-fetch-site": "same-site"},
    {"origin": None, "sec-fetch-site": "cross-site", "host": "console.example"},
    {"origin": "https://evil.example", "host": "evil.example", "x-forwarded-host": "evil.example"},
]


def opened(**choices):
    site = site_of(**choices)
    for name in site.users:
        site.mfa.perform(name, OpenAccount(required=True, by=Administrator("root")))
    return site, enrolled(site.mfa, "alice")


def logged_on():
    site, phone = opened()
    visitor = Visitor(site)
    visitor.send(visitor.password("alice").page, {"mfa_code": phone.code_at(site.clock())})
    site.clock.advance(60)
    return site, visitor, phone


class TestForgery:
    @pytest.mark.parametrize("headers", FOREIGN)
    def test_post_of_another_site(self, headers):
        """A post that does not come from a page of this site is refused on every route, whatever it carries."""
        site, phone = opened()
        visitor = Visitor(site)
        page = visitor.password("alice").page
        answer = [*page.hidden, ("mfa_code", phone.code_at(site.clock()))]
        response = visitor.post("logon", answer, headers=headers)
        assert (response.status, response.page.message.id) == (403, "foreign_form")
        for route in Route:
            assert visitor.post(route.value, answer, headers=headers).status == 403
        assert visitor.send(page, {"mfa_code": phone.code_at(site.clock())}).logged_on.user == "alice"

    @pytest.mark.parametrize("headers", [{"origin": None, "sec-fetch-site": "same-origin"}, {"origin": ORIGIN}])
    def test_post_of_this_site(self, headers):
        """A post of this site is taken, by its origin or by what the browser says of it."""
        site, phone = opened()
        visitor = Visitor(site)
        page = visitor.password("alice").page
        answer = [*page.hidden, ("mfa_code", phone.code_at(site.clock()))]
        assert visitor.post("logon", answer, headers=headers).logged_on.user == "alice"

    def test_configured_sibling(self):
        """A sibling host may post where the settings name it, and no other."""
        sibling = "https://login.console.example"
        site, phone = opened(settings=SiteSettings(origins={sibling}))
        visitor = Visitor(site)
        page = visitor.password("alice").page
        answer = [*page.hidden, ("mfa_code", phone.code_at(site.clock()))]
        assert visitor.post("logon", answer, headers={"origin": sibling}).logged_on.user == "alice"

    def test_json_as_plain_text(self):
        """JSON is read where it is declared as JSON: a form of another site can declare text/plain only."""
        body = b'{"mfa_code": "123456", "x": "="}'
        assert read_fields("text/plain", body) is None
        assert read_fields("text/plain; charset=application/json", body) is None
        assert read_fields("", body) is None
        assert read_fields("multipart/form-data; boundary=x", body) is None
        assert dict(read_fields("application/json; charset=utf-8", body)) == {"mfa_code": "123456", "x": "="}

    @pytest.mark.parametrize(
        "body", [b"[]", b"1", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"x" * 300_000, b'{"a": NaN']
    )
    def test_body_of_nonsense(self, body):
        """A body that is no JSON object is no form, and no error."""
        assert read_fields("application/json", body) is None

    def test_members_of_json(self):
        """Members become fields: lists in order, true a tick, false and null nothing, objects their text."""
        body = json.dumps({"a": ["1", 2], "b": True, "c": False, "d": None, "e": {"id": "x"}}).encode()
        assert read_fields("application/json", body) == (("a", "1"), ("a", "2"), ("b", "yes"), ("e", '{"id": "x"}'))

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "post", "GET\n"])
    def test_other_methods(self, method):
        """Any other method is 405 and does nothing."""
        _, visitor, _ = logged_on()
        request = visitor.request(method, "devices", fields={"do": "unbind"})
        assert visitor.run(visitor.site.flows.handle(request)).status == 405

    def test_get_makes_no_record(self):
        """A link of another site, followed by an administrator, makes no record and requires nothing of anybody."""
        site = site_of(users=("carol",))
        site.mfa.perform("root", OpenAccount(required=False, by=Administrator("root")))
        visitor = Visitor(site)
        visitor.password("root")
        for route in ("account", "account_bind"):
            visitor.get(route, {"user": "carol", "kind": "virtual"}, headers={"sec-fetch-site": "cross-site"})
        assert visitor.get("account", {"user": "carol"}).page.account is None
        page = visitor.get("account", {"user": "carol"}).page
        assert visitor.send(page, {"do": "bind", "kind": "virtual"}).page.step == "bind_virtual"

    @pytest.mark.parametrize("url", ["//evil.example/x", "/\\evil.example", "https://evil.example/", "/ok?next=//x"])
    def test_step_up_page_posts_to_this_site(self, url):
        """Whatever the URL of a view looks like, the page of a step-up posts to this site."""
        _, visitor, _ = logged_on()
        action = visitor.require(Operation("x"), url=url).page.action
        assert action in {"", "/ok?next=//x"}


class TestCookies:
    def test_attributes(self):
        """Every cookie is Secure, HttpOnly, SameSite=Lax, of the whole host, and named so that browsers enforce it."""
        site, phone = opened()
        visitor = Visitor(site)
        responses = [visitor.run(site.flows.start_logon("alice", visitor.request("POST"), ""))]
        page = visitor.get("logon").page
        visitor.send(page, {"mfa_code": phone.code_at(site.clock()), "mfa_remember": "yes"})
        responses.append(visitor.last)
        cookies = [cookie for response in responses for cookie in response.cookies]
        assert {cookie.name for cookie in cookies} == {"__Host-mfa", "__Host-mfa_logon", "__Host-mfa_machines"}
        for cookie in cookies:
            assert cookie.name.startswith("__Host-")
            assert "; Path=/; Secure; HttpOnly; SameSite=Lax" in cookie.header
            assert "Domain" not in cookie.header
        ages = {cookie.name: cookie.max_age for cookie in cookies if cookie.value}
        assert ages == {"__Host-mfa": None, "__Host-mfa_logon": 600, "__Host-mfa_machines": 7 * 86_400}

    def test_machine_cookie_of_another_user(self):
        """A machine cookie taken from one user opens nothing for another."""
        site, phone = opened()
        visitor = Visitor(site)
        page = visitor.password("alice").page
        visitor.send(page, {"mfa_code": phone.code_at(site.clock()), "mfa_remember": "yes"})
        enrolled(site.mfa, "bob")
        thief = Visitor(site, cookies={"__Host-mfa_machines": visitor.cookies["__Host-mfa_machines"]})
        assert thief.password("bob").page.step == "ask"

    @pytest.mark.parametrize("value", ["", ".", "x" * 5_000, "é", "..", "A" * 43 + ".!", '{"a":1}', "\x00"])
    def test_cookies_of_nonsense(self, value):
        """Whatever stands in the cookies is a page, and nobody is logged on by it."""
        site, _ = opened()
        names = ("__Host-mfa", "__Host-mfa_logon", "__Host-mfa_machines", "__Host-mfa_receipt")
        visitor = Visitor(site, cookies=dict.fromkeys(names, value))
        assert visitor.get("logon").status == 409
        assert visitor.password("alice").page.step == "ask"


class TestEnumeration:
    def test_of_users_by_the_account_page(self):
        """Whoever is no administrator gets the same answer for a user that there is and for one that there is not."""
        _, visitor, _ = logged_on()
        one = visitor.get("account", {"user": "bob"})
        other = visitor.get("account", {"user": "nobody"})
        assert (one.status, one.page.to_json()) == (other.status, other.page.to_json())

    def test_before_the_password(self):
        """Without a pending logon every ticket gets the same answer, a user's that there is too."""
        site, _ = opened()
        known = Visitor(site).password("alice")
        stranger = Visitor(site)
        answers = []
        for ticket in (known.page.hidden[0][1], "x" * 100, ""):
            response = stranger.post("logon", {"mfa_ticket": ticket, "mfa_code": "123456"})
            answers.append((response.status, json.dumps(response.page.to_json())))
        assert len(set(answers)) == 1


class TestSecrets:
    def test_no_secret_in_a_url(self):
        """No ticket, receipt, setup key or browser string stands in a URL that a browser is sent to."""
        site, phone = opened()
        visitor = Visitor(site)
        urls = []
        follow = visitor.site.flows.handle

        def see(response):
            if response.redirect is not None:
                urls.append(response.redirect)
            return response

        page = visitor.password("alice").page
        see(visitor.send(page, {"mfa_code": phone.code_at(site.clock()), "mfa_remember": "yes"}))
        site.clock.advance(60)
        asked = visitor.require(Operation("x"), method="GET", url="/x")
        see(visitor.send(asked.page, {"mfa_code": phone.code_at(site.clock())}))
        assert urls == ["/console", "/x"]
        assert follow

    def test_setup_key_is_gone_after_the_bind(self):
        """After the bind no page hands the setup key out again."""
        site = site_of()
        site.mfa.perform("alice", OpenAccount(required=True, by=Administrator("root")))
        visitor = Visitor(site)
        visitor.password("alice")
        page = visitor.get("enrol", {"kind": "virtual"}).page
        secret = page.setup.setup_key
        phone = AuthenticatorApp.scan(page.setup.key_uri)
        visitor.send(page, {"mfa_code": phone.code_at(site.clock())})
        for route in ("devices", "bind", "enrol", "logon"):
            response = visitor.get(route, {"kind": "virtual"})
            body = json.dumps(response.page.to_json()) if response.page else response.redirect
            assert secret not in body
            assert secret.replace(" ", "") not in body

    def test_reprs_are_blank(self):
        """No repr of a request, a response or a page shows a ticket, a cookie or a code."""
        site, phone = opened()
        visitor = Visitor(site)
        response = visitor.password("alice")
        code = phone.code_at(site.clock())
        request = visitor.request("POST", "logon", fields=[*response.page.hidden, ("mfa_code", code)])
        secrets = [code, *visitor.cookies.values(), *(value for _, value in response.page.hidden)]
        for value in (request, response, response.page, visitor.last.cookies):
            assert not [secret for secret in secrets if secret in repr(value)]


class TestHeaders:
    def test_of_every_page(self):
        """Every response is not stored, not framed, not sniffed, and lets browsers name its origin in forms."""
        site, _ = opened()
        visitor = Visitor(site)
        responses = [visitor.get("logon"), visitor.password("alice"), visitor.get("nowhere"), visitor.post("logon", {})]
        for response in responses:
            headers = dict(response.headers)
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert "script-src 'self'" in headers["Content-Security-Policy"]

    def test_of_a_page_in_the_applications_base(self):
        """In the application's own base template scripts are its own affair; frames are not."""
        site, _ = opened(settings=SiteSettings(base="site.html"))
        policy = dict(Visitor(site).get("logon").headers)["Content-Security-Policy"]
        assert policy == "frame-ancestors 'none'; base-uri 'none'"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


class TestEscaping:
    def test_hostile_names(self):
        """Names of users, devices and operations are text on every page, in HTML and in attributes."""
        site, phone = opened()
        site.users["alice"] = UserInfo("hash of alice", f"{HOSTILE[:60]}@example")
        visitor = Visitor(site)
        visitor.send(visitor.password("alice").page, {"mfa_code": phone.code_at(site.clock())})
        site.clock.advance(60)
        asked = visitor.require(Operation("x", HOSTILE), fields=[(HOSTILE, HOSTILE)], url="/a?b=%22")
        html = Renderer(site.flows.settings).render(asked.page)
        tags = Tags()
        tags.feed(html)
        assert [tag for tag, _ in tags.found].count("script") == 1
        hidden = [attributes for tag, attributes in tags.found if tag == "input"]
        assert any(one.get("name") == HOSTILE and one.get("value") == HOSTILE for one in hidden)
        assert HOSTILE in "".join(tags.text)
        assert lay_out(asked.page).blocks


class TestTokenClient:
    def test_walks_without_cookies(self):
        """A client that has no cookies gets its state in the body, and sends it back in a header."""
        site, phone = opened()
        visitor = Visitor(site, headers={"mfa-state": "", "user-agent": "app"})
        site.clock.advance(1)
        start = visitor.run(site.flows.start_logon("alice", visitor.request("POST", headers={"origin": None}), ""))
        assert start.cookies == ()
        body = start.json_body()
        assert body["step"] == "ask"
        assert "remember_days" not in body
        visitor.headers["mfa-state"] = body["state"]
        answer = body["hidden"] | {"mfa_code": phone.code_at(site.clock()), "mfa_remember": "yes"}
        done = visitor.post("logon", answer, headers={"origin": None})
        assert done.logged_on.user == "alice"
        assert done.logged_on.proof.machine is None
        assert (done.status, done.cookies, done.json_body()["step"]) == (200, (), "logged_on")
        assert dict(done.headers)["MFA-State"] == done.json_body()["state"] != body["state"]

    def test_neither_reads_nor_sets_cookies(self):
        """Where the header is there, the cookies of a browser count for nothing."""
        site, phone = opened()
        visitor = Visitor(site)
        page = visitor.password("alice").page
        answer = dict(page.hidden) | {"mfa_code": phone.code_at(site.clock())}
        for state in ("", "x", "bm9uc2Vuc2U", "W10", "eyJicm93c2VyIjoxfQ", "[" * 9_000):
            response = visitor.post("logon", answer, headers={"mfa-state": state, "origin": None})
            assert (response.status, response.logged_on, response.cookies) == (409, None, ())

    def test_state_of_another_client(self):
        """A state with another browser string does not open a ticket."""
        site, phone = opened()
        one, other = (Visitor(site, headers={"mfa-state": ""}) for _ in range(2))
        first = one.run(site.flows.start_logon("alice", one.request("POST"), "")).json_body()
        other.run(site.flows.start_logon("bob", other.request("POST"), ""))
        other.headers["mfa-state"] = other.last.json_body()["state"]
        answer = first["hidden"] | {"mfa_code": phone.code_at(site.clock())}
        assert other.post("logon", answer).logged_on is None
