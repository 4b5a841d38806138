# SPDX-License-Identifier: Apache-2.0
"""Promises about what goes over the wire: cookies, headers, origins, URLs, escaping, languages."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...authenticator_app import AuthenticatorApp
from ..document import Document
from ..site import Kit

_HOSTILE = "<script>alert(1)</script>\"'&"


def cookies_have_their_attributes(kit: Kit) -> None:
    """Every cookie of the pages is __Host-, Secure, HttpOnly, SameSite=Lax, for the whole host."""
    person = kit.person()
    browser = kit.pending(person)
    kit.answer(browser, person)
    found = [one for one in browser.set_cookies if one.startswith(("__Host-mfa", "mfa"))]
    assert found, "no cookie was set"
    for header in found:
        lower = [part.strip().lower() for part in header.split(";")]
        assert header.startswith("__Host-"), f"a cookie without the prefix: {header.partition('=')[0]}"
        for part in ("secure", "httponly", "samesite=lax", "path=/"):
            assert part in lower, f"a cookie without {part}: {header.partition('=')[0]}"


def pages_have_their_headers(kit: Kit) -> None:
    """Pages are not stored, not framed, not sniffed, and let forms name their origin."""
    browser = kit.pending(kit.person())
    for url in (kit.url("logon"), kit.url("devices")):
        browser.get(url)
        headers = dict(browser.answer.headers)
        if not browser.page.step:
            continue
        assert "no-store" in headers.get("cache-control", ""), f"{url} may be stored"
        assert headers.get("x-content-type-options") == "nosniff", f"{url} may be sniffed"
        assert "frame-ancestors 'none'" in headers.get("content-security-policy", ""), f"{url} may be framed"
        assert headers.get("x-frame-options") == "DENY", f"{url} may be framed by old browsers"
        assert headers.get("referrer-policy") not in {None, "no-referrer"}, "forms would post Origin: null"


def _refused(kit: Kit, headers: Mapping[str, str | None]) -> None:
    person = kit.person()
    browser = kit.pending(person)
    form = browser.page.form("mfa_code")
    fields = kit.form_fields(form, mfa_code=kit.code(person))
    answer = browser.submit(form.action, fields, headers=headers)
    assert answer.status == 403, f"a forged post is answered with {answer.status}"
    assert kit.logged_on(browser) is None, "a forged post logged on"


def other_sites_cannot_post(kit: Kit) -> None:
    """A post of another site is refused, whatever its Host says."""
    _refused(kit, {"origin": "https://evil.example", "sec-fetch-site": "cross-site"})
    _refused(kit, {"origin": "https://evil.example", "sec-fetch-site": None, "x-forwarded-host": "evil.example"})
    _refused(kit, {"origin": None, "sec-fetch-site": None})


def siblings_cannot_post(kit: Kit) -> None:
    """A post of a sibling host is refused."""
    scheme, _, host = kit.site.origin.partition("://")
    _refused(kit, {"origin": f"{scheme}://sibling.{host}", "sec-fetch-site": "same-site"})
    _refused(kit, {"origin": None, "sec-fetch-site": "same-site"})


def opaque_origins_cannot_post(kit: Kit) -> None:
    """A post with Origin: null is refused."""
    _refused(kit, {"origin": "null", "sec-fetch-site": "same-origin"})
    _refused(kit, {"origin": "null", "sec-fetch-site": None})


def changes_need_the_pages_own_form(kit: Kit) -> None:
    """A change of devices without the value that the page's form has is refused."""
    person = kit.person()
    browser = kit.enter(person)
    browser.get(kit.url("devices"))
    fields = [(name, value) for name, value in browser.page.form("do", "unbind").fields if name != "mfa_form"]
    assert browser.submit(kit.url("devices"), fields).status == 403, "a form without its token is taken"


def json_as_text_is_not_read(kit: Kit) -> None:
    """JSON that is declared as text is not read as JSON."""
    person = kit.person()
    browser = kit.pending(person)
    form = browser.page.form("mfa_code")
    body = json.dumps(dict(kit.form_fields(form, mfa_code=kit.code(person)))).encode()
    browser.send("POST", form.action, body=body, headers={"content-type": "text/plain"})
    assert kit.logged_on(browser) is None, "JSON as text logged on"


def other_origins_may_not_read(kit: Kit) -> None:
    """No page allows another origin to read it."""
    browser = kit.pending(kit.person())
    for method in ("GET", "OPTIONS"):
        answer = browser.send(method, kit.url("logon"), headers={"origin": "https://evil.example"})
        allowed = answer.header("access-control-allow-origin")
        assert allowed not in {"*", "https://evil.example"}, f"{method} allows {allowed}"


def next_stays_inside(kit: Kit) -> None:
    """A logon leads to no other origin."""
    for target in ("https://evil.example/", "//evil.example/", "/%5Cevil.example", "/\\evil.example", "javascript:1"):
        person, browser = kit.person(), kit.browser()
        kit.password(browser, person, target)
        kit.offer(browser)
        person.phone = AuthenticatorApp.typed(*browser.page.codes[:2])
        form = browser.page.form("mfa_code")
        browser.submit(form.action, kit.form_fields(form, mfa_code=kit.code(person)))
        location = browser.answer.header("location")
        inside = location.startswith("/") and not location.startswith(("//", "/\\"))
        assert inside, f"{target} leads to {location}"


def no_secret_is_in_a_url(kit: Kit) -> None:
    """No browser is sent to a URL with a ticket, a receipt or a browser string in it."""
    person = kit.person()
    browser = kit.pending(person)
    secrets = {value for _, value in browser.page.form("mfa_code").fields if len(value) > 40}
    secrets |= {value for name, value in browser.cookies.items() if name.startswith("__Host-mfa")}
    kit.answer(browser, person)
    secrets |= {value for name, value in browser.cookies.items() if name.startswith("__Host-mfa")}
    assert secrets, "there is nothing secret to look for"
    for url in browser.urls:
        assert not any(secret in url for secret in secrets), f"a secret is in a URL: {url[:60]}"


def setup_key_is_gone_after_the_bind(kit: Kit) -> None:
    """After the bind no page shows the setup key."""
    person, browser = kit.person(), kit.browser()
    kit.password(browser, person)
    kit.offer(browser)
    account, key = browser.page.codes[:2]
    person.phone = AuthenticatorApp.typed(account, key)
    browser.fill(browser.page.form("mfa_code"), mfa_code=kit.code(person))
    for path in ("logon/bind?kind=virtual", "logon", "devices", "devices/bind?kind=virtual"):
        browser.get(kit.url(path))
        plain = browser.answer.text.replace(" ", "")
        assert key.replace(" ", "") not in plain, f"{path} shows the setup key after the bind"


def hostile_names_are_escaped(kit: Kit) -> None:
    """The name of a device is text on the page, whatever it is."""
    person = kit.person()
    browser = kit.enter(person)
    browser.get(kit.url("devices"))
    usual = browser.page.scripts
    browser.fill(browser.page.form("do", "rename"), name=_HOSTILE)
    kit.answer(browser, person)
    page = Document(browser.answer.text)
    assert page.step == "devices", f"nothing was renamed: {page.text[:200]!r}"
    assert page.scripts == usual, "a device's name became a script"
    assert _HOSTILE in page.text, "a device's name is not shown as it is"


def languages_are_complete(kit: Kit) -> None:
    """A browser that prefers Chinese gets Chinese, and the page says so."""
    kit.need("languages")
    person, browser = kit.person(), kit.browser(language="zh-CN,zh;q=0.9,en;q=0.8")
    kit.password(browser, person)
    assert browser.page.language.lower().startswith("zh"), f"the language is {browser.page.language!r}"
    assert any("\u4e00" <= one <= "\u9fff" for one in browser.page.text), "the page is not in Chinese"
    english = kit.browser(language="en-GB")
    kit.password(english, person)
    assert english.page.language == "en", f"the language is {english.page.language!r}"


def codes_work_without_a_script(kit: Kit) -> None:
    """The form of a code is a form of HTML that posts, with the field that browsers and phones fill in."""
    browser = kit.pending(kit.person())
    form = browser.page.form("mfa_code")
    assert (form.method, form.ask) == ("POST", ""), "the form of a code needs a script"
    assert 'autocomplete="one-time-code"' in browser.answer.text, "phones cannot fill the code in"


PROMISES = (
    cookies_have_their_attributes,
    pages_have_their_headers,
    other_sites_cannot_post,
    siblings_cannot_post,
    opaque_origins_cannot_post,
    changes_need_the_pages_own_form,
    json_as_text_is_not_read,
    other_origins_may_not_read,
    next_stays_inside,
    no_secret_is_in_a_url,
    setup_key_is_gone_after_the_bind,
    hostile_names_are_escaped,
    languages_are_complete,
    codes_work_without_a_script,
)
