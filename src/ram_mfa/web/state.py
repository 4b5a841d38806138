# SPDX-License-Identifier: Apache-2.0
"""State of a browser between two requests: four cookies, or one header for clients without cookies.

::

    __Host-mfa            the browser string (`ram_mfa.new_session`)           until the browser closes
    __Host-mfa_logon      the first-factor ticket and ``next``                 600 s, deleted at logon
    __Host-mfa_machines   the machine cookie, of several users                 the policy's lifetime
    __Host-mfa_receipt    the receipt of a step-up, where a GET comes first    300 s, once

Nothing lies in the framework's session, which an application may clear or not have, and nothing in a URL. The prefix
``__Host-`` keeps a sibling host from setting any of them (RFC 6265bis section 4.1.3.2). The values prove nothing: what
is in them is verified by the verb that takes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import attrs

from .._secret import Unpickled
from ..encoding import base64url
from ..errors import MalformedMessage
from .values import MAX_COOKIE, Cookie, WebRequest

BROWSER: Final = "__Host-mfa"
LOGON: Final = "__Host-mfa_logon"
MACHINES: Final = "__Host-mfa_machines"
RECEIPT: Final = "__Host-mfa_receipt"

LOGON_LIFETIME: Final = 600
RECEIPT_LIFETIME: Final = 300
MAX_NEXT: Final = 1_024
_BROWSER_LENGTH: Final = 43
_MAX_STATE: Final = 8_000
_URL_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@attrs.frozen
class State(Unpickled):
    """The state that one browser keeps.

    Attributes:
        browser: the string that binds tickets to this browser, or None where it has none yet.
        logon: the first-factor ticket, or None.
        next: where to go after the logon; "" for the site's home.
        machines: the machine cookie, or None.
        receipt: of a step-up, or None.
    """

    browser: str | None = attrs.field(default=None, repr=False)
    logon: str | None = attrs.field(default=None, repr=False)
    next: str = ""
    machines: str | None = attrs.field(default=None, repr=False)
    receipt: str | None = attrs.field(default=None, repr=False)


def read_state(request: WebRequest) -> State:
    """Return the state that a request carries: by its header where the client has no cookies, else by its cookies."""
    if request.token_client:
        return _read_header(request.headers["mfa-state"])
    cookies = request.cookies
    ticket, following = _read_logon(cookies.get(LOGON))
    return State(
        browser=_browser(cookies.get(BROWSER)),
        logon=ticket,
        next=following,
        machines=cookies.get(MACHINES) or None,
        receipt=_ticket(cookies.get(RECEIPT)),
    )


def header_state(state: State) -> str:
    """Return the value of ``MFA-State`` for a client without cookies. No machine is remembered for it."""
    members = {"browser": state.browser, "logon": state.logon, "next": state.next, "receipt": state.receipt}
    kept = {name: value for name, value in members.items() if value}
    return base64url.encode(json.dumps(kept, separators=(",", ":")).encode())


def changed_cookies(before: State, after: State, *, machine_lifetime: int) -> tuple[Cookie, ...]:
    """Return the cookies that take a browser from one state to another."""
    cookies: list[Cookie] = []
    if before.browser != after.browser:
        cookies.append(_cookie(BROWSER, after.browser, None))
    if (before.logon, before.next) != (after.logon, after.next):
        value = after.logon and f"{after.logon}.{base64url.encode(after.next.encode())}"
        cookies.append(_cookie(LOGON, value, LOGON_LIFETIME))
    if before.machines != after.machines:
        cookies.append(_cookie(MACHINES, after.machines, machine_lifetime))
    if before.receipt != after.receipt:
        cookies.append(_cookie(RECEIPT, after.receipt, RECEIPT_LIFETIME))
    return tuple(cookies)


def safe_next(url: str) -> str:
    """Return a path of this origin to go on to, or "" where a URL might lead anywhere else.

    It begins with exactly one slash and holds printable ASCII only, and no backslash, which browsers take for a slash
    (https://url.spec.whatwg.org/#special-authority-slashes-state): no scheme and no host can be read out of it.
    """
    if not isinstance(url, str) or not 1 <= len(url) <= MAX_NEXT:
        return ""
    plain = url.isascii() and url.isprintable() and not any(one in url for one in "\\ <>\"'")
    return url if plain and url.startswith("/") and not url.startswith("//") else ""


def _cookie(name: str, value: str | None, age: int | None) -> Cookie:
    if not value or len(value) > MAX_COOKIE:
        return Cookie(name, "", 0)
    return Cookie(name, value, age)


def _read_logon(value: str | None) -> tuple[str | None, str]:
    ticket, _, following = (value or "").partition(".")
    if _ticket(ticket) is None:
        return None, ""
    try:
        decoded = base64url.decode(following, message="cookie", field="next", limit=2 * MAX_NEXT).decode()
    except (MalformedMessage, UnicodeDecodeError):
        decoded = ""
    return ticket, safe_next(decoded)


def _read_header(value: str) -> State:
    try:
        members = json.loads(base64url.decode(value, message="header", field="MFA-State", limit=_MAX_STATE))
    except (ValueError, RecursionError):
        return State()
    if not isinstance(members, dict):
        return State()
    text: Mapping[str, str] = {name: value for name, value in members.items() if isinstance(value, str)}
    return State(
        browser=_browser(text.get("browser")),
        logon=_ticket(text.get("logon")),
        next=safe_next(text.get("next", "")),
        receipt=_ticket(text.get("receipt")),
    )


def _browser(value: str | None) -> str | None:
    """Return a browser string of the form in which `new_session` makes them, or None."""
    return value if value and len(value) == _BROWSER_LENGTH and _URL_SAFE.issuperset(value) else None


def _ticket(value: str | None) -> str | None:
    return value if value and len(value) <= MAX_COOKIE and _URL_SAFE.issuperset(value) else None
