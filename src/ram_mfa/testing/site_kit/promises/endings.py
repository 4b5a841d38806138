# SPDX-License-Identifier: Apache-2.0
"""Promises about sessions that must end."""

from __future__ import annotations

from ..site import Kit


def unbind_ends_other_sessions(kit: Kit) -> None:
    """When the owner unbinds a device, this session goes on and every other one of the user ends."""
    person = kit.person()
    browser, other = kit.enter(person), kit.enter(person)
    browser.get(kit.url("devices"))
    browser.fill(browser.page.form("do", "unbind"))
    kit.answer(browser, person)
    assert browser.page.step == "devices", f"nothing was unbound: {browser.page.text[:200]!r}"
    assert kit.logged_on(browser) == person.name, "the owner's own session ended"
    assert kit.logged_on(other) is None, "another session outlived the unbind"


def reset_ends_sessions(kit: Kit) -> None:
    """When an administrator resets a user's MFA, the user's sessions end."""
    kit.need("administrator")
    person = kit.person()
    browser = kit.enter(person)
    kit.reset(person)
    assert kit.logged_on(browser) is None, "a session outlived the reset"
    assert browser.send("GET", kit.url("devices")).status != 200, "the owner's page opens after the reset"


def new_password_ends_pending_logons(kit: Kit) -> None:
    """A logon that was begun under the old password is over under the new one."""
    kit.need("change_password")
    assert kit.site.change_password is not None
    person = kit.person()
    browser = kit.pending(person)
    kit.site.change_password(person.name, f"new {person.password}")
    kit.answer(browser, person)
    assert kit.logged_on(browser) is None, "a logon under the old password went through"


def administrators_page_is_theirs(kit: Kit) -> None:
    """A user who is no administrator sees no page of another user, and changes nothing there."""
    person, other = kit.person(), kit.person()
    kit.bind(kit.browser(), other)
    browser = kit.enter(person)
    for user in (other.name, person.name):
        answer = browser.send("GET", f"{kit.url('account')}?user={kit.site.user_id(user)}")
        assert answer.status == 403, f"the administrator's page is answered with {answer.status}"
    browser.get(kit.url("devices"))
    token = dict(browser.page.form("mfa_form").fields)
    fields = {**token, "user": kit.site.user_id(other.name), "do": "reset", "sure": "yes"}
    browser.submit(kit.url("account"), fields)
    kit.pending(other)


def unknown_users_page_looks_the_same(kit: Kit) -> None:
    """To a user who is no administrator, the page of a user that there is not looks like any other's."""
    person, other = kit.person(), kit.person()
    browser = kit.enter(person)
    shapes: list[tuple[int, str]] = []
    for user in (kit.site.user_id(other.name), "no-such-user"):
        answer = browser.send("GET", f"{kit.url('account')}?user={user}")
        shapes.append((answer.status, answer.text.replace(user, "USER")))
    assert shapes[0] == shapes[1], "the page of a user that there is not looks otherwise"


PROMISES = (
    unbind_ends_other_sessions,
    reset_ends_sessions,
    new_password_ends_pending_logons,
    administrators_page_is_theirs,
    unknown_users_page_looks_the_same,
)
