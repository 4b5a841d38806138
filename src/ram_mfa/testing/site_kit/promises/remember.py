# SPDX-License-Identifier: Apache-2.0
"""Promises about remembered machines."""

from __future__ import annotations

from ..site import Kit

DAY = 86_400


def only_if_ticked(kit: Kit) -> None:
    """A machine is remembered only where the box was ticked; an empty field is no tick."""
    person = kit.person()
    for fields in ({}, {"mfa_remember": ""}):
        browser = kit.pending(person)
        form = browser.page.form("mfa_code")
        browser.post(form.action, [*kit.form_fields(form, mfa_code=kit.code(person)), *fields.items()])
        assert kit.logged_on(browser) == person.name, "a right code does not log on"
        assert not browser.cookies.get("__Host-mfa_machines"), "a machine is remembered without a tick"


def skips_the_second_factor(kit: Kit) -> None:
    """A remembered machine skips the second factor."""
    person = kit.person()
    browser = kit.remembered(person)
    kit.password(browser, person)
    assert kit.logged_on(browser) == person.name, "a remembered machine is asked for a second factor"


def not_for_another_user(kit: Kit) -> None:
    """One user's machine skips nothing for another user."""
    person, other = kit.person(), kit.person()
    kit.bind(kit.browser(), other)
    browser = kit.remembered(person)
    kit.password(browser, other)
    assert kit.logged_on(browser) is None, "a machine of one user logged another one on"


def ends_with_the_password(kit: Kit) -> None:
    """A new password ends remembered machines."""
    kit.need("change_password")
    assert kit.site.change_password is not None
    person = kit.person()
    browser = kit.remembered(person)
    person.password = f"new {person.password}"
    kit.site.change_password(person.name, person.password)
    kit.password(browser, person)
    assert kit.logged_on(browser) is None, "a machine outlived the password"


def ends_with_a_reset(kit: Kit) -> None:
    """A reset by an administrator ends remembered machines."""
    kit.need("administrator")
    person = kit.person()
    browser = kit.remembered(person)
    kit.reset(person)
    kit.password(browser, person)
    assert kit.logged_on(browser) is None, "a machine outlived a reset"


def ends_after_seven_days(kit: Kit) -> None:
    """A machine is forgotten after its time, whatever the browser keeps."""
    kit.need("clock")
    assert kit.site.clock is not None
    person = kit.person()
    browser = kit.remembered(person)
    kit.site.clock.advance(8 * DAY)
    kit.password(browser, person)
    assert kit.logged_on(browser) is None, "a machine is remembered after eight days"


def never_for_a_step_up(kit: Kit) -> None:
    """On a remembered machine a sensitive operation asks all the same."""
    person = kit.person()
    browser = kit.remembered(person)
    kit.password(browser, person)
    kit.site.sensitive(browser, "remembered")
    assert "remembered" not in kit.site.done(), "a remembered machine counted for a sensitive operation"


PROMISES = (
    only_if_ticked,
    skips_the_second_factor,
    not_for_another_user,
    ends_with_the_password,
    ends_with_a_reset,
    ends_after_seven_days,
    never_for_a_step_up,
)
