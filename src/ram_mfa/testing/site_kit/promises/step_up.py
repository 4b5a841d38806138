# SPDX-License-Identifier: Apache-2.0
"""Promises about sensitive operations."""

from __future__ import annotations

from typing import Any

from ..browser import Browser
from ..site import Kit, Person


def asks_and_then_does(kit: Kit) -> None:
    """A sensitive operation is done after a fresh answer, and not before."""
    person = kit.person()
    browser = kit.enter(person)
    kit.site.sensitive(browser, "asks")
    assert "asks" not in kit.site.done(), "the operation was done without a proof"
    assert browser.page.step == "step_up", f"nobody is asked: {browser.page.text[:200]!r}"
    kit.answer(browser, person)
    assert "asks" in kit.site.done(), "the operation was not done after a right code"


def asks_each_time(kit: Kit) -> None:
    """One proof is for one operation: the next one asks again."""
    person = kit.person()
    browser = kit.enter(person)
    kit.site.sensitive(browser, "first")
    kit.answer(browser, person)
    kit.site.sensitive(browser, "second")
    assert "second" not in kit.site.done(), "one proof was enough for two operations"


def wrong_code_does_nothing(kit: Kit) -> None:
    """A wrong code is 422, does nothing, and the right one then does it."""
    person = kit.person()
    browser = kit.enter(person)
    kit.site.sensitive(browser, "wrong")
    browser.fill(browser.page.form("mfa_code"), mfa_code="000000")
    assert browser.answer.status == 422, f"a wrong code is answered with {browser.answer.status}"
    assert "wrong" not in kit.site.done(), "the operation was done after a wrong code"
    kit.answer(browser, person)
    assert "wrong" in kit.site.done(), "the operation was not done after a right code"


def fields_come_back(kit: Kit) -> None:
    """The page that asks carries the form's own fields, in their order, lists too."""
    kit.need("carried")
    browser = kit.enter(kit.person())
    kit.site.sensitive(browser, "fields")
    found = [pair for pair in browser.page.form("mfa_code").fields if not pair[0].startswith("mfa_")]
    places = [found.index(pair) for pair in kit.site.carried if pair in found]
    assert len(places) == len(kit.site.carried), f"fields are lost: {found}"
    assert places == sorted(places), f"fields are in another order: {found}"


def other_subject_is_refused(kit: Kit) -> None:
    """An answer for one subject does nothing to another."""
    person = kit.person()
    browser = kit.enter(person)
    kit.site.sensitive(browser, "one")
    one = browser.page.form("mfa_ticket")
    kit.site.sensitive(browser, "other")
    other = browser.page.form("mfa_ticket")
    ticket = dict(one.fields)["mfa_ticket"]
    fields = [(name, ticket if name == "mfa_ticket" else value) for name, value in other.fields if name != "mfa_code"]
    browser.post(other.action or browser.answer.url, [*fields, ("mfa_code", kit.code(person))])
    assert "other" not in kit.site.done(), "a proof for one subject was good for another"


def script_gets_a_problem(kit: Kit) -> None:
    """A script is answered with 403 and a problem in JSON, and nothing is done."""
    browser = kit.enter(kit.person())
    answer = _fetched(kit, browser, "problem")
    assert answer.status == 403, f"a script without a proof is answered with {answer.status}"
    assert answer.header("content-type").startswith("application/problem+json"), "the answer is no problem in JSON"
    assert browser.json["type"] == "urn:ram-mfa:step-up", "the problem is of another type"
    assert "problem" not in kit.site.done(), "the operation was done without a proof"


def receipt_passes_once(kit: Kit) -> None:
    """A script's receipt passes for its operation, once, and for no other."""
    person = kit.person()
    browser = kit.enter(person)
    receipt = _receipt(kit, browser, person, "receipt")
    _fetched(kit, browser, "not-its-own", receipt)
    assert "not-its-own" not in kit.site.done(), "a receipt was good for another subject"
    answer = _fetched(kit, browser, "receipt", receipt)
    assert "receipt" in kit.site.done(), f"a receipt does not pass: {answer.status} {answer.text[:200]}"
    assert _fetched(kit, browser, "receipt", receipt).status == 403, "a receipt passed twice"


def receipt_is_of_one_browser(kit: Kit) -> None:
    """A receipt does nothing in another browser, of the same user either."""
    person = kit.person()
    browser = kit.enter(person)
    other = kit.enter(person)
    receipt = _receipt(kit, browser, person, "stolen")
    _fetched(kit, other, "stolen", receipt)
    assert "stolen" not in kit.site.done(), "a receipt was good in another browser"


def _fetched(kit: Kit, browser: Browser, subject: str, receipt: str = "") -> Any:
    kit.need("fetch")
    assert kit.site.fetch is not None
    return kit.site.fetch(browser, subject, {"mfa-receipt": receipt} if receipt else {})


def _receipt(kit: Kit, browser: Browser, person: Person, subject: str) -> str:
    _fetched(kit, browser, subject)
    page = browser.json
    browser.fetch("POST", page["action"], page["hidden"] | {"mfa_code": kit.code(person)})
    assert "receipt" in browser.json, f"no receipt for a right code: {browser.answer.text[:200]}"
    return str(browser.json["receipt"])


PROMISES = (
    asks_and_then_does,
    asks_each_time,
    wrong_code_does_nothing,
    fields_come_back,
    other_subject_is_refused,
    script_gets_a_problem,
    receipt_passes_once,
    receipt_is_of_one_browser,
)
