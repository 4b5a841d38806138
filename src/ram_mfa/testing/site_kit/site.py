# SPDX-License-Identifier: Apache-2.0
"""The site under test, and the people who visit it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any, Final

import attrs

from ..authenticator_app import AuthenticatorApp
from ..clock import ManualClock
from ..security_key import SoftSecurityKey
from .browser import Browser
from .document import FormOnPage
from .report import NotTried
from .transport import Answer, Transport

_numbers: Final = itertools.count(1)


@attrs.frozen(kw_only=True)
class Site:
    """A site with an integration to be checked. What may be left out makes promises that are not tried.

    Attributes:
        transport: to it: `WSGITransport`, `ASGITransport` or `HTTPTransport`.
        origin: where browsers see it; one of the policy's relying party.
        create_user: makes a user with a name and a password, of whom MFA is required.
        password: types a name and a password into the site's logon form, for a page to go to afterwards ("" for none).
        logged_on: who the site says is logged on in a browser, by name; None for nobody.
        log_out: logs out.
        sensitive: sends the form of a sensitive operation on a subject, and follows no further than its answer.
        done: the subjects on which it was done.
        prefix: of the pages.
        administrator: name and password of a user who administrates others.
        user_id: the user id of a name.
        change_password: gives a user another password.
        fetch: sends the same operation as a script does, with headers.
        carried: fields of the sensitive form that its page must carry.
        clock: of the site's MFA.
        deny: a context in which the store fails.
        worker: a transport to a second worker on the same store.
        languages: whether the pages come in Chinese too, as they do without further ado.
    """

    transport: Transport
    origin: str
    create_user: Callable[[str, str], None]
    password: Callable[[Browser, str, str, str], Any]
    logged_on: Callable[[Browser], str | None]
    log_out: Callable[[Browser], Any]
    sensitive: Callable[[Browser, str], Any]
    done: Callable[[], Collection[str]]
    prefix: str = "/mfa"
    administrator: tuple[str, str] | None = None
    user_id: Callable[[str], str] = str
    change_password: Callable[[str, str], None] | None = None
    fetch: Callable[[Browser, str, dict[str, str]], Answer] | None = None
    carried: tuple[tuple[str, str], ...] = ()
    clock: ManualClock | None = None
    deny: Callable[[], AbstractContextManager[Any]] | None = None
    worker: Transport | None = None
    languages: bool = True


@attrs.define
class Person:
    """A user of the site.

    Attributes:
        name, password: of the user.
        phone: that holds the virtual device, once bound.
        key: the security key, once bound.
        step: the last time step of which a code was typed.
    """

    name: str
    password: str = attrs.field(repr=False)
    phone: AuthenticatorApp | None = None
    key: SoftSecurityKey | None = None
    step: int = 0


@attrs.define
class Kit:
    """The tools that promises are tried with.

    Attributes:
        site: under test.
        administrator: once their device is bound.
    """

    site: Site
    administrator: Person | None = None

    def need(self, *names: str) -> None:
        """Raise `NotTried` where the site lacks one of these."""
        missing = [name for name in names if not getattr(self.site, name)]
        if missing:
            raise NotTried(f"the site has no {', '.join(missing)}")

    def now(self) -> float:
        """Return the time at the site."""
        return self.site.clock() if self.site.clock is not None else time.time()

    def browser(self, **more: Any) -> Browser:
        """Return a new browser."""
        return Browser(self.site.transport, self.site.origin, **more)

    def url(self, path: str) -> str:
        """Return the URL of one of the pages."""
        return f"{self.site.prefix}/{path}"

    def person(self) -> Person:
        """Return a new user."""
        person = Person(f"kit{next(_numbers)}u{time.monotonic_ns() % 10**9}", f"password {next(_numbers)}")
        self.site.create_user(person.name, person.password)
        return person

    def logged_on(self, browser: Browser) -> str | None:
        """Return who is logged on, without moving the browser from its page."""
        other = attrs.evolve(browser, cookies=dict(browser.cookies), set_cookies=[], urls=[])
        return self.site.logged_on(other)

    def password(self, browser: Browser, person: Person, following: str = "") -> Answer:
        """Type the password, and return the page that it leads to."""
        self.site.password(browser, person.name, person.password, following)
        return browser.answer

    def code(self, person: Person) -> str:
        """Return the next code that was not typed yet; where none is accepted yet, the clock moves on."""
        assert person.phone is not None, "no phone"
        period = person.phone.period
        present = int(self.now() // period)
        step = max(person.step + 1, present - 1)
        if step > present + 1:
            if self.site.clock is None:
                raise NotTried("the site has no clock that could be moved on")
            self.site.clock.advance((step - present) * period)
        person.step = step
        return person.phone.code_at(step * period)

    def bind(self, browser: Browser, person: Person) -> None:
        """Bind a virtual device at logon."""
        self.password(browser, person)
        self.offer(browser)
        person.phone = AuthenticatorApp.typed(*browser.page.codes[:2])
        browser.fill(browser.page.form("mfa_code"), mfa_code=self.code(person))

    def offer(self, browser: Browser) -> None:
        """Go on to the page that offers a virtual device."""
        if browser.page.step == "choose_kind":
            browser.fill(browser.page.form("kind", "virtual"))
        assert browser.page.step == "bind_virtual", f"no virtual device is offered on {browser.page.text[:200]!r}"

    def bind_key(self, browser: Browser, person: Person) -> None:
        """Bind a security key at logon."""
        self.password(browser, person)
        if browser.page.step == "choose_kind":
            browser.fill(browser.page.form("kind", "security_key"))
        person.key = SoftSecurityKey()
        form = browser.page.form("mfa_offer")
        browser.fill(form, mfa_answer=json.dumps(person.key.create(form.options, self.site.origin)))

    def answer(self, browser: Browser, person: Person, **more: Any) -> Answer:
        """Answer the page that asks for a second factor."""
        if person.key is not None:
            form = browser.page.form("mfa_ticket")
            return browser.fill(form, mfa_answer=json.dumps(person.key.get(form.options, self.site.origin)), **more)
        return browser.fill(browser.page.form("mfa_code"), mfa_code=self.code(person), **more)

    def enter(self, person: Person, **more: Any) -> Browser:
        """Return a browser in which a user is logged on, who has bound a virtual device."""
        browser = self.browser()
        if person.phone is None:
            self.bind(browser, person)
            browser = self.browser()
        self.password(browser, person)
        self.answer(browser, person, **more)
        found = self.logged_on(browser)
        assert found == person.name, f"{person.name} logs on, and {found} is logged on: {browser.page.text[:200]!r}"
        return browser

    def pending(self, person: Person) -> Browser:
        """Return a browser in which a user has typed the password, and the second factor is asked for."""
        if person.phone is None:
            self.bind(self.browser(), person)
        browser = self.browser()
        self.password(browser, person)
        assert browser.page.step == "ask", f"no second factor is asked for: {browser.page.text[:200]!r}"
        return browser

    def remembered(self, person: Person) -> Browser:
        """Return a browser that holds nothing but a remembered machine."""
        browser = self.pending(person)
        if "mfa_remember" not in browser.page.form("mfa_code").boxes:
            raise NotTried("the policy remembers no machine")
        self.answer(browser, person, tick="mfa_remember")
        return self.closed(browser)

    def closed(self, browser: Browser) -> Browser:
        """Return the browser after it was closed: what outlives it is the remembered machine."""
        kept = {name: value for name, value in browser.cookies.items() if name == "__Host-mfa_machines"}
        return self.browser(cookies=kept)

    def form_fields(self, form: FormOnPage, **fields: str) -> list[tuple[str, str]]:
        """Return a form's fields with some filled in."""
        return [(name, fields.pop(name, value)) for name, value in form.fields] + list(fields.items())

    def reset(self, person: Person) -> None:
        """Have the administrator reset a user's MFA, on the page."""
        root = self.root_browser()
        root.get(f"{self.url('account')}?user={self.site.user_id(person.name)}")
        root.fill(root.page.form("do", "reset"))
        root.fill(root.page.form("sure"))

    def root_browser(self) -> Browser:
        """Return a browser in which the administrator is logged on."""
        if self.administrator is None:
            self.need("administrator")
            assert self.site.administrator is not None
            self.administrator = Person(*self.site.administrator)
        return self.enter(self.administrator)
