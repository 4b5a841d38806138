# SPDX-License-Identifier: Apache-2.0
"""Promises about the way from the password to the session."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import attrs

from ...authenticator_app import AuthenticatorApp
from ..browser import Browser
from ..site import Kit
from ..transport import Answer

ROUTES = ("logon", "logon/bind", "devices", "devices/bind", "account", "account/bind", "step-up")
_NONSENSE = ("", "mfa_ticket=%00&mfa_code=%ff", "mfa_ticket=a&mfa_code=1", "=&=&&;", "mfa_answer=%7B&mfa_ticket=x")


def password_alone_opens_nothing(kit: Kit) -> None:
    """After the password alone nobody is logged on, and no page of a user's and no operation is reached."""
    person = kit.person()
    kit.bind(kit.browser(), person)
    browser = kit.pending(person)
    assert kit.logged_on(browser) is None, "the password alone logged somebody on"
    answer = browser.send("GET", kit.url("devices"))
    assert answer.status != 200, "the owner's page opens after the password alone"
    kit.site.sensitive(browser, "password-alone")
    assert "password-alone" not in kit.site.done(), "the operation was done after the password alone"


def forced_bind_is_not_passed_by(kit: Kit) -> None:
    """Whoever must bind is logged on by no URL, method, header or JSON before the bind."""
    person, browser = kit.person(), kit.browser()
    kit.password(browser, person)
    ways: list[dict[str, str | None]] = [
        {},
        {"accept": "application/json"},
        {"x-http-method-override": "GET", "x-original-url": kit.url("devices")},
    ]
    for route in ROUTES:
        for headers in ways:
            for method in ("GET", "HEAD", "POST"):
                answer = browser.send(method, kit.url(route), headers=headers)
                assert answer.status < 500, f"{method} {route} is {answer.status}"
        assert kit.logged_on(browser) is None, f"{route} logged on without a bind"


def virtual_device_binds_and_logs_on(kit: Kit) -> None:
    """A virtual device is bound at logon, which logs on; its code then logs on."""
    person, browser = kit.person(), kit.browser()
    kit.bind(browser, person)
    assert kit.logged_on(browser) == person.name, "the bind did not log on"
    kit.enter(person)


def security_key_binds_and_logs_on(kit: Kit) -> None:
    """A security key is bound at logon, which logs on; its answer then logs on."""
    person, browser = kit.person(), kit.browser()
    kit.bind_key(browser, person)
    assert kit.logged_on(browser) == person.name, "the bind did not log on"
    browser = kit.browser()
    kit.password(browser, person)
    kit.answer(browser, person)
    assert kit.logged_on(browser) == person.name, "the key did not log on"


def reload_and_wrong_code_keep_the_offer(kit: Kit) -> None:
    """A reload and a wrong code keep the QR code, and the right code then binds."""
    person, browser = kit.person(), kit.browser()
    kit.password(browser, person)
    kit.offer(browser)
    codes = browser.page.codes
    browser.get(browser.answer.url)
    assert browser.page.codes == codes, "a reload changed the setup key"
    browser.fill(browser.page.form("mfa_code"), mfa_code="no code")
    assert browser.page.codes == codes, "a wrong code changed the setup key"
    person.phone = AuthenticatorApp.typed(*codes[:2])
    browser.fill(browser.page.form("mfa_code"), mfa_code=kit.code(person))
    assert kit.logged_on(browser) == person.name, "the right code did not bind after a wrong one"


def wrong_code_is_shown(kit: Kit) -> None:
    """A wrong code is answered with 422, a message, and a form to try again."""
    person = kit.person()
    browser = kit.pending(person)
    browser.fill(browser.page.form("mfa_code"), mfa_code="000000")
    assert browser.answer.status == 422, f"a wrong code is answered with {browser.answer.status}"
    assert browser.page.message, "a wrong code is answered without a message"
    kit.answer(browser, person)
    assert kit.logged_on(browser) == person.name, "after a wrong code the right one does not log on"


def code_passes_once(kit: Kit) -> None:
    """A code that logged on does not log on again, in another browser either."""
    person = kit.person()
    first, second = kit.pending(person), kit.pending(person)
    code = kit.code(person)
    first.fill(first.page.form("mfa_code"), mfa_code=code)
    assert kit.logged_on(first) == person.name, "a right code does not log on"
    second.fill(second.page.form("mfa_code"), mfa_code=code)
    assert kit.logged_on(second) is None, "one code logged on twice"


def parallel_posts_log_on_once(kit: Kit) -> None:
    """Of parallel posts of one form one logs on, and none is an error of the server."""
    person = kit.person()
    browser = kit.pending(person)
    form = browser.page.form("mfa_code")
    fields = kit.form_fields(form, mfa_code=kit.code(person))
    copies = [attrs.evolve(browser, cookies=dict(browser.cookies), set_cookies=[], urls=[]) for _ in range(6)]
    with ThreadPoolExecutor(len(copies)) as pool:
        answers = list(pool.map(_submit, copies, repeat(form.action), repeat(fields)))
    assert all(answer.status < 500 for answer in answers), "parallel posts are an error of the server"
    winners = [one for one in copies if kit.logged_on(one) == person.name]
    assert len(winners) == 1, f"{len(winners)} of {len(copies)} parallel posts logged on"


def _submit(browser: Browser, url: str, fields: list[tuple[str, str]]) -> Answer:
    return browser.submit(url, fields)


def guesses_are_slowed(kit: Kit) -> None:
    """After six wrong codes the answer is 429 with Retry-After, and the right code does not pass either."""
    person = kit.person()
    browser = kit.pending(person)
    for _ in range(6):
        browser.fill(browser.page.form("mfa_code"), mfa_code="000000")
    assert browser.answer.status == 429, f"the sixth wrong code is answered with {browser.answer.status}"
    assert browser.answer.header("retry-after").isdigit(), "429 without Retry-After"
    browser.fill(browser.page.form("mfa_code"), mfa_code=kit.code(person))
    assert kit.logged_on(browser) is None, "a code passed while the gate was closed"


def store_that_is_down_lets_nobody_in(kit: Kit) -> None:
    """While the store is down a right code is answered with 503, and nobody is logged on."""
    kit.need("deny")
    assert kit.site.deny is not None
    person = kit.person()
    browser = kit.pending(person)
    form, code = browser.page.form("mfa_code"), kit.code(person)
    with kit.site.deny():
        answer = browser.submit(form.action, kit.form_fields(form, mfa_code=code))
    assert answer.status == 503, f"a store that is down is answered with {answer.status}"
    assert kit.logged_on(browser) is None, "somebody was logged on while the store was down"


def nonsense_is_no_error(kit: Kit) -> None:
    """No body, query or cookie makes a route fail."""
    person = kit.person()
    browser = kit.pending(person)
    for route in ROUTES:
        for body in _NONSENSE:
            for kind in ("application/x-www-form-urlencoded", "application/json", "text/plain", "multipart/form-data"):
                answer = browser.send("POST", kit.url(route), body=body.encode(), headers={"content-type": kind})
                assert answer.status < 500, f"{kind} {body!r} to {route} is {answer.status}"
        for query in ("?kind=x", "?user=%00", "?user=" + "a" * 300, "?kind=virtual&kind=security_key"):
            answer = browser.send("GET", kit.url(route) + query)
            assert answer.status < 500, f"{route}{query} is {answer.status}"
    spoilt = kit.browser(cookies=dict.fromkeys(browser.cookies, "x.y~z"))
    for route in ROUTES:
        assert spoilt.send("GET", kit.url(route)).status < 500, f"{route} fails for made-up cookies"


def unknown_user_looks_like_a_wrong_password(kit: Kit) -> None:
    """A wrong password and a user that there is not are answered alike."""
    person = kit.person()
    shapes: list[str] = []
    for name in (person.name, "nobody" + person.name[6:]):
        browser = kit.browser()
        kit.site.password(browser, name, "a wrong password", "")
        names = sorted(cookie for cookie in browser.cookies if cookie.startswith("__Host-mfa"))
        page = browser.page
        forms = [[key for key, _ in form.fields] for form in page.forms]
        shown = page.text.replace(name, "NAME")
        shapes.append(json.dumps([browser.answer.status, browser.answer.url, names, forms, shown]))
    assert shapes[0] == shapes[1], "a user that there is not is answered otherwise than a wrong password"


PROMISES = (
    password_alone_opens_nothing,
    forced_bind_is_not_passed_by,
    virtual_device_binds_and_logs_on,
    security_key_binds_and_logs_on,
    reload_and_wrong_code_keep_the_offer,
    wrong_code_is_shown,
    code_passes_once,
    parallel_posts_log_on_once,
    guesses_are_slowed,
    store_that_is_down_lets_nobody_in,
    nonsense_is_no_error,
    unknown_user_looks_like_a_wrong_password,
)
