# SPDX-License-Identifier: Apache-2.0
"""Promises about what one browser began, and what another may not go on with."""

from __future__ import annotations

import attrs

from ..site import Kit


def ticket_is_of_one_browser(kit: Kit) -> None:
    """A form that was stolen out of one browser logs nobody on in another, with the password there either."""
    person, other = kit.person(), kit.person()
    browser = kit.pending(person)
    form = browser.page.form("mfa_code")
    fields = kit.form_fields(form, mfa_code=kit.code(person))
    for thief in (kit.pending(person), kit.pending(other)):
        thief.post(form.action, fields)
        assert kit.logged_on(thief) is None, "a form of another browser logged on"
    alone = kit.browser()
    alone.post(form.action, fields)
    assert kit.logged_on(alone) is None, "a form logged on without its browser's cookies"


def ticket_is_of_one_user(kit: Kit) -> None:
    """A form of one user logs on nobody once another user's password was typed in the same browser."""
    person, other = kit.person(), kit.person()
    kit.bind(kit.browser(), other)
    browser = kit.pending(person)
    form = browser.page.form("mfa_code")
    fields = kit.form_fields(form, mfa_code=kit.code(person))
    kit.password(browser, other)
    browser.post(form.action, fields)
    assert kit.logged_on(browser) is None, "a user's code logged on in another user's logon"


def ticket_is_of_one_purpose(kit: Kit) -> None:
    """The ticket of a step-up logs nobody on, and that of a logon proves no operation."""
    person = kit.person()
    browser = kit.enter(person)
    kit.site.sensitive(browser, "purpose")
    asked = browser.page.form("mfa_ticket")
    ticket = dict(asked.fields)["mfa_ticket"]
    pending = kit.pending(person)
    form = pending.page.form("mfa_code")
    pending.post(form.action, {"mfa_ticket": ticket, "mfa_code": kit.code(person)})
    assert kit.logged_on(pending) is None, "the ticket of a step-up logged on"
    logon = dict(kit.pending(person).page.form("mfa_code").fields)["mfa_ticket"]
    fields = [(key, logon if key == "mfa_ticket" else value) for key, value in asked.fields if key != "mfa_code"]
    browser.post(asked.action or browser.answer.url, [*fields, ("mfa_code", kit.code(person))])
    assert "purpose" not in kit.site.done(), "the ticket of a logon proved an operation"


def browser_string_is_renewed(kit: Kit) -> None:
    """The browser string is new after the password and after the logon."""
    person = kit.person()
    browser = kit.pending(person)
    first = browser.cookies.get("__Host-mfa")
    kit.password(browser, person)
    second = browser.cookies.get("__Host-mfa")
    kit.answer(browser, person)
    third = browser.cookies.get("__Host-mfa")
    assert None not in {first, second, third}, "there is no browser string"
    assert len({first, second, third}) == 3, "the browser string stayed over a password or a logon"


def planted_session_is_worth_nothing(kit: Kit) -> None:
    """The cookies that a browser had before a logon are not logged on after it."""
    person = kit.person()
    kit.bind(kit.browser(), person)
    attacker = kit.browser()
    attacker.get("/")
    victim = kit.browser(cookies=dict(attacker.cookies))
    kit.password(victim, person)
    attacker.cookies |= {
        name: value
        for name, value in victim.cookies.items()
        if not name.startswith("__Host-") and name not in attacker.cookies
    }
    kit.answer(victim, person)
    assert kit.logged_on(victim) == person.name, "the victim is not logged on"
    assert kit.logged_on(attacker) is None, "the cookies of before the logon are logged on"


def two_tabs_do_not_disturb_each_other(kit: Kit) -> None:
    """A page that was loaded before another tab loaded it again still logs on."""
    person = kit.person()
    browser = kit.pending(person)
    form = browser.page.form("mfa_code")
    browser.get(kit.url("logon"))
    browser.fill(form, mfa_code=kit.code(person))
    assert kit.logged_on(browser) == person.name, "the first of two tabs does not log on"


def late_submit_changes_nothing(kit: Kit) -> None:
    """A form that is sent again after the logon is answered with 409, and the session stays."""
    person = kit.person()
    browser = kit.pending(person)
    form = browser.page.form("mfa_code")
    kit.answer(browser, person)
    browser.fill(form, mfa_code=kit.code(person))
    assert browser.answer.status == 409, f"a late submit is answered with {browser.answer.status}"
    assert kit.logged_on(browser) == person.name, "a late submit ended the session"


def expired_logon_says_so(kit: Kit) -> None:
    """A logon that took more than ten minutes starts over, and says so."""
    kit.need("clock")
    assert kit.site.clock is not None
    person = kit.person()
    browser = kit.pending(person)
    kit.site.clock.advance(660)
    kit.answer(browser, person)
    assert browser.answer.status == 409, f"an expired logon is answered with {browser.answer.status}"
    assert browser.page.message, "an expired logon is answered without a message"
    assert kit.logged_on(browser) is None, "an expired logon logged on"


def log_out_ends_everything(kit: Kit) -> None:
    """After a log-out nobody is logged on, no cookie of the logon is left, and an open step-up proves nothing."""
    person = kit.person()
    browser = kit.enter(person)
    kit.site.sensitive(browser, "logged-out")
    asked, url = browser.page.form("mfa_code"), browser.answer.url
    browser.get("/")
    kit.site.log_out(browser)
    assert kit.logged_on(browser) is None, "somebody is logged on after the log-out"
    left = {name for name in browser.cookies if name.startswith("__Host-mfa")} - {"__Host-mfa_machines"}
    assert not left, f"cookies left after the log-out: {left}"
    browser.submit(asked.action or url, kit.form_fields(asked, mfa_code=kit.code(person)))
    assert "logged-out" not in kit.site.done(), "a step-up of before the log-out proved an operation"


def earlier_user_is_gone(kit: Kit) -> None:
    """Where another user logs on in the same browser, nothing of the earlier one's is left."""
    person, other = kit.person(), kit.person()
    kit.bind(kit.browser(), other)
    browser = kit.enter(person)
    kit.site.sensitive(browser, "earlier-user")
    asked, url = browser.page.form("mfa_code"), browser.answer.url
    kit.password(browser, other)
    kit.answer(browser, other)
    assert kit.logged_on(browser) == other.name, "the later user is not logged on"
    browser.submit(asked.action or url, kit.form_fields(asked, mfa_code=kit.code(person)))
    assert "earlier-user" not in kit.site.done(), "a step-up of the earlier user proved an operation for the later one"


def workers_go_on_with_each_other(kit: Kit) -> None:
    """What one worker began, another goes on with."""
    kit.need("worker")
    assert kit.site.worker is not None
    person = kit.person()
    browser = kit.pending(person)
    browser.transport = kit.site.worker
    kit.answer(browser, person)
    assert kit.site.logged_on(attrs.evolve(browser, cookies=dict(browser.cookies))) == person.name, "not logged on"


PROMISES = (
    ticket_is_of_one_browser,
    ticket_is_of_one_user,
    ticket_is_of_one_purpose,
    browser_string_is_renewed,
    planted_session_is_worth_nothing,
    two_tabs_do_not_disturb_each_other,
    late_submit_changes_nothing,
    expired_logon_says_so,
    log_out_ends_everything,
    earlier_user_is_gone,
    workers_go_on_with_each_other,
)
