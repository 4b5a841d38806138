# SPDX-License-Identifier: Apache-2.0
"""The walks through a framework's example, over HTTP: the manual's procedures, and what attackers try.

Each example has two users, ``alice`` who must bind and ``root`` the administrator, each with their name for a password.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import attrs

from ram_mfa.testing import AuthenticatorApp, ManualClock, SoftSecurityKey
from ram_mfa.testing.site_kit import Browser, Site, Transport

ORIGIN = "https://localhost"
MISSING = ("logon.store_that_is_down_lets_nobody_in", "browsers.workers_go_on_with_each_other")
"""The promises that are not tried on an example: it has one process, and a store that is never down."""


def quick_hash(salt, password):
    """Hash a password so quickly that many users can be made."""
    return (salt + hashlib.sha256(salt + password.encode("utf-8", "surrogatepass")).digest()).hex()


@attrs.define
class Example:
    """An example application, ready to be visited.

    Attributes:
        transport: to it.
        clock: of its MFA.
        servers: those that were not deleted.
        change_password: of a user.
        reset: a user's MFA, by an administrator.

    """

    transport: Transport
    clock: ManualClock
    servers: Callable[[], set[str]]
    change_password: Callable[[str, str], None]
    reset: Callable[[str], None]
    name_field: str = "name"
    id_of: Callable[[str], str] = lambda name: name

    def browser(self, **more) -> Browser:
        return Browser(self.transport, ORIGIN, **more)

    def password(self, browser, user, password=None, following=""):
        """Type name and password into the logon form."""
        browser.get(f"/logon?next={following}" if following else "/logon")
        form = browser.page.form("password")
        return browser.fill(form, **{self.name_field: user, "password": password or user})

    def user(self, browser):
        """Return who the application says is logged on."""
        browser.get("/")
        return browser.page.text.partition("Servers of ")[2].split("\n")[0].split(" ")[0].strip() or None

    def bound(self, browser, user="alice"):
        """Bind a virtual device at logon, and return the phone."""
        self.password(browser, user)
        assert browser.page.step == "choose_kind", browser.page.text
        browser.fill(browser.page.form("kind", "virtual"))
        account, key = browser.page.codes
        phone = AuthenticatorApp.typed(account, key)
        browser.fill(browser.page.form("mfa_code"), mfa_code=phone.code_at(self.clock()))
        assert self.user(browser).startswith(user)
        self.clock.advance(60)
        return phone

    def answer(self, browser, phone, **more):
        """Type the present code."""
        answer = browser.fill(browser.page.form("mfa_code"), mfa_code=phone.code_at(self.clock()), **more)
        self.clock.advance(60)
        return answer


def kit_site(example, create_user, **more):
    """Return an example as the kit of framework authors takes it."""
    asked = set()

    def sensitive(browser, subject):
        asked.add(subject)
        example.servers().add(subject)
        browser.get("/")
        form = next((one for one in browser.page.forms if f"/{subject}/" in one.action), None)
        if form is None:  # nobody is logged on
            browser.post(f"/servers/{subject}/delete", {"reason": "unused"})
        else:
            browser.fill(form)

    def fetch(browser, subject, headers):
        asked.add(subject)
        example.servers().add(subject)
        headers = {name.replace("-", "_"): value for name, value in headers.items()}
        return browser.fetch("DELETE", f"/servers/{subject}", **headers)

    def log_out(browser):
        browser.get("/")
        browser.fill(next(form for form in browser.page.forms if "log-out" in form.action))

    return Site(
        transport=example.transport,
        origin=ORIGIN,
        create_user=create_user,
        password=example.password,
        logged_on=example.user,
        log_out=log_out,
        sensitive=sensitive,
        done=lambda: asked - example.servers(),
        administrator=("root", "root"),
        user_id=example.id_of,
        change_password=example.change_password,
        fetch=fetch,
        carried=(("reason", "unused"),),
        clock=example.clock,
        **more,
    )


def walk_codes(example):
    """Forced bind, logon by a code, a remembered machine, its end."""
    phone = example.bound(example.browser())
    browser = example.browser()
    example.password(browser, "alice")
    assert browser.page.step == "ask"
    wrong = browser.fill(browser.page.form("mfa_code"), mfa_code="000000")
    assert wrong.status == 422
    assert browser.page.message
    example.answer(browser, phone, tick="mfa_remember")
    assert example.user(browser) == "alice"
    browser.cookies = {name: value for name, value in browser.cookies.items() if name == "__Host-mfa_machines"}
    example.password(browser, "alice")
    assert example.user(browser) == "alice"
    example.clock.advance(7 * 86_400)
    browser.cookies = {name: value for name, value in browser.cookies.items() if name == "__Host-mfa_machines"}
    example.password(browser, "alice")
    assert browser.page.step == "ask"


def walk_keys(example):
    """Forced bind of a security key, logon and step-up by it."""
    key, browser = SoftSecurityKey(), example.browser()
    example.password(browser, "alice")
    browser.fill(browser.page.form("kind", "security_key"))
    form = browser.page.form("mfa_offer")
    browser.fill(form, mfa_answer=json.dumps(key.create(form.options, ORIGIN)))
    assert example.user(browser) == "alice"
    browser = example.browser()
    example.password(browser, "alice")
    form = browser.page.form("mfa_ticket")
    browser.fill(form, mfa_answer=json.dumps(key.get(form.options, ORIGIN)))
    assert example.user(browser) == "alice"
    delete(example, browser, "i-0815")
    form = browser.page.form("mfa_ticket")
    browser.fill(form, mfa_answer=json.dumps(key.get(form.options, ORIGIN)))
    assert example.servers() == {"i-4711"}


def delete(example, browser, server):
    browser.get("/")
    form = next(one for one in browser.page.forms if server in one.action)
    return browser.fill(form)


def walk_step_up(example):
    """A sensitive operation asks, by a form and by fetch, each for itself and once."""
    browser = example.browser()
    phone = example.bound(browser)
    delete(example, browser, "i-0815")
    assert browser.page.step == "step_up"
    assert browser.page.form("mfa_code").has("reason", "unused")
    assert example.servers() == {"i-0815", "i-4711"}
    example.answer(browser, phone)
    assert example.servers() == {"i-4711"}
    asked = browser.fetch("DELETE", "/servers/i-4711")
    assert asked.status == 403
    assert asked.header("content-type") == "application/problem+json"
    page = browser.json
    proved = browser.fetch("POST", page["action"], page["hidden"] | {"mfa_code": phone.code_at(example.clock())})
    assert proved.status == 200, proved.text
    receipt = browser.json["receipt"]
    assert browser.fetch("DELETE", "/servers/i-0815", mfa_receipt=receipt).status == 403
    assert browser.fetch("DELETE", "/servers/i-4711", mfa_receipt=receipt).status == 200
    assert example.servers() == set()
    assert browser.fetch("DELETE", "/servers/i-4711", mfa_receipt=receipt).status == 403


def walk_owner(example):
    """The owner renames and unbinds; this session goes on and the others end."""
    browser, other = example.browser(), example.browser()
    phone = example.bound(browser)
    example.password(other, "alice")
    example.answer(other, phone)
    browser.get("/mfa/devices")
    browser.fill(browser.page.form("do", "rename"), name="<b>Phone</b>")
    example.answer(browser, phone)
    assert "<b>Phone</b>" in browser.page.text
    browser.fill(browser.page.form("do", "unbind"))
    example.answer(browser, phone)
    assert browser.page.step == "devices"
    assert example.user(browser) == "alice"
    assert example.user(other) is None


def walk_administrator(example):
    """The administrator binds for a user, requires MFA, and unbinds; nobody else sees the page."""
    root, alice = example.browser(), example.browser()
    example.bound(root, "root")
    root.get(f"/mfa/account?user={example.id_of('alice')}")
    assert root.answer.status == 200
    root.fill(root.page.form("kind", "virtual"))
    account, key = root.page.codes
    phone = AuthenticatorApp.typed(account, key)
    root.fill(root.page.form("mfa_code"), mfa_code=phone.code_at(example.clock()))
    assert root.page.step == "account"
    example.clock.advance(60)
    example.password(alice, "alice")
    example.answer(alice, phone)
    assert example.user(alice) == "alice"
    assert alice.get(f"/mfa/account?user={example.id_of('root')}").status == 403
    root.fill(root.page.form("do", "reset"))
    assert root.page.step == "confirm"
    root.fill(root.page.forms[0])
    assert example.user(alice) is None


def walk_ends(example):
    """A reset, a new password and a log-out end sessions and pending logons."""
    browser = example.browser()
    phone = example.bound(browser)
    pending = example.browser()
    example.password(pending, "alice")
    example.change_password("alice", "new")
    assert example.answer(pending, phone).status == 409
    example.password(browser, "alice", "new")
    example.answer(browser, phone)
    assert example.user(browser) == "alice"
    example.reset("alice")
    assert example.user(browser) is None
    assert browser.get("/mfa/devices").url != "/mfa/devices"
    browser = example.browser()
    example.password(browser, "alice", "new")
    browser.fill(browser.page.form("kind", "virtual"))
    phone = AuthenticatorApp.typed(*browser.page.codes)
    browser.fill(browser.page.form("mfa_code"), mfa_code=phone.code_at(example.clock()))
    browser.get("/")
    browser.fill(next(form for form in browser.page.forms if "log-out" in form.action))
    assert not {name for name in browser.cookies if name.startswith("__Host-mfa")} - {"__Host-mfa_machines"}
    assert example.user(browser) is None


def walk_forgeries(example):
    """Posts of other sites, siblings and opaque origins, and JSON as text, change nothing."""
    browser = example.browser()
    phone = example.bound(browser)
    example.password(browser, "alice")
    form = browser.page.form("mfa_code")
    fields = [*((name, value) for name, value in form.fields if name != "mfa_code")]
    fields.append(("mfa_code", phone.code_at(example.clock())))
    for headers in (
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://sibling.localhost", "sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {"origin": None, "sec-fetch-site": None},
    ):
        for path in ("/mfa/logon", "/mfa/devices", "/mfa/account", "/mfa/step-up", "/mfa/logon/bind"):
            assert browser.submit(path, fields, headers=headers).status == 403, (path, headers)
    body = json.dumps(dict(fields)).encode()
    assert browser.send("POST", "/mfa/logon", body=body, headers={"content-type": "text/plain"}).status == 400
    assert browser.submit("/mfa/logon", fields).status == 303


def walk_fixation(example):
    """A browser's cookies of before the logon are worth nothing after it, and a planted logon nothing anywhere."""
    victim, attacker = example.browser(), example.browser()
    phone = example.bound(victim)
    example.password(attacker, "alice")
    victim.cookies = dict(attacker.cookies)
    example.password(victim, "alice")
    example.answer(victim, phone)
    assert example.user(victim) == "alice"
    assert example.user(attacker) is None
    assert attacker.get("/mfa/devices").url != "/mfa/devices"


def walk_wire(example):
    """Cookies, headers, next and URLs are as they must be."""
    browser = example.browser()
    example.password(browser, "alice", following="//evil.example/")
    browser.fill(browser.page.form("kind", "virtual"))
    headers = dict(browser.answer.headers)
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    phone = AuthenticatorApp.typed(*browser.page.codes)
    browser.fill(browser.page.form("mfa_code"), mfa_code=phone.code_at(example.clock()))
    assert browser.answer.url == "/"
    secrets = [value for name, value in browser.cookies.items() if name.startswith("__Host-")]
    assert secrets
    assert not [url for url in browser.urls for secret in secrets if secret in url]
    assert [header for header in browser.set_cookies if header.startswith("__Host-mfa_logon=")]
    for header in browser.set_cookies:
        if header.startswith("__Host-mfa"):
            for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
                assert part in header
    style = browser.get("/mfa/ram-mfa.css")
    assert style.status == 200
    assert browser.get("/mfa/ram-mfa.js", headers={"if-none-match": style.header("etag")}).status == 200
    assert browser.get("/mfa/ram-mfa.css", headers={"if-none-match": style.header("etag")}).status == 304


def walk_language(example):
    """A browser that prefers Chinese gets Chinese."""
    browser = example.browser(language="zh-CN,zh;q=0.9,en;q=0.8")
    example.password(browser, "alice")
    assert browser.page.language == "zh-Hans"
    assert "启用MFA设备" in browser.page.text


def walk_two_workers(example, other):
    """What one worker began, another goes on with."""
    browser = example.browser()
    phone = example.bound(browser)
    example.password(browser, "alice")
    browser.transport = other.transport
    example.answer(browser, phone)
    assert browser.answer.status == 200


WALKS = [
    walk_codes,
    walk_keys,
    walk_step_up,
    walk_owner,
    walk_administrator,
    walk_ends,
    walk_forgeries,
    walk_fixation,
    walk_wire,
    walk_language,
]
