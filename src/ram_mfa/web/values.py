# SPDX-License-Identifier: Apache-2.0
"""Values that a web framework and the flows exchange: a request, a user's data, a response, a cookie.

An adapter builds a `WebRequest` and turns a `WebResponse` into its framework's response; it decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from .._secret import SecretText, Unpickled
from .._validation import instance_of, is_flag, text
from ..ceremonies import Proof
from .pages import Page

Pairs = tuple[tuple[str, str], ...]
"""Form fields in their order; a name may stand more than once."""

_SHARED: Final = {"Cache-Control", "Clear-Site-Data", "MFA-State"}
MAX_COOKIE: Final = 4_000
"""Characters of one cookie's value; browsers drop larger ones."""


@attrs.frozen
class UserInfo(Unpickled):
    """The application's data of a user, returned by its ``load_user`` callback.

    Attributes:
        password_mark: any string that changes when the password does, such as the stored hash. It is hashed before use.
        account_name: what an authenticator app and a browser show, such as ``alice@example``.
        administrator: whether the user has administrative rights.
    """

    password_mark: str = attrs.field(repr=False, validator=text(1))
    account_name: str = attrs.field(validator=text(1, 128))
    administrator: bool = attrs.field(default=False, validator=is_flag)


@attrs.frozen(kw_only=True)
class WebRequest(Unpickled):
    """An HTTP request, as an adapter passes it on.

    Attributes:
        method: in upper case, as it was on the request line.
        route: the name of the route (`ram_mfa.web.Route`), or "" for a view of the application.
        url: path and query of the request, as the browser sees them.
        urls: the URL path of each of this package's routes, by name.
        args: the query, the last value of each name.
        fields: the fields of the body: a form's, or the members of a JSON object (see `read_fields`).
        files: whether the body holds uploaded files, which cannot be repeated by a page.
        cookies: by name.
        headers: by name in lower case.
        language: the language tag that the framework chose; None where it chooses none.
        user: who is logged on, by the application's session; None for nobody.
        session_mark: stored with the user at logon; None where there is none.
    """

    method: str = attrs.field(validator=instance_of(str))
    route: str = ""
    url: str = "/"
    urls: Mapping[str, str] = attrs.field(factory=dict)
    args: Mapping[str, str] = attrs.field(factory=dict)
    fields: Pairs = attrs.field(default=(), repr=False)
    files: bool = False
    cookies: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    language: str | None = None
    user: str | None = None
    session_mark: str | None = attrs.field(default=None, repr=False)

    def field(self, name: str) -> str:
        """Return the first value of a form field, or "" where there is none."""
        return next((value for key, value in self.fields if key == name), "")

    @property
    def token_client(self) -> bool:
        """Whether the client says that it has no cookies, by the header ``MFA-State``."""
        return "mfa-state" in self.headers

    @property
    def wants_json(self) -> bool:
        """Whether the answer is to be JSON: a token client's, or one that accepts JSON and no HTML."""
        accept = self.headers.get("accept", "").lower()
        return self.token_client or ("json" in accept and "text/html" not in accept)

    @property
    def speculative(self) -> bool:
        """Whether a browser fetches the page before anybody asked for it."""
        purpose = self.headers.get("sec-purpose", "") + self.headers.get("purpose", "")
        return "prefetch" in purpose.lower() or "prerender" in purpose.lower()


@attrs.frozen
class Cookie(Unpickled):
    """A cookie to set: always Secure, HttpOnly, SameSite=Lax, for the whole host and no other.

    Attributes:
        name: begins with ``__Host-``, which makes the browser enforce the rest.
        value: empty to delete it.
        max_age: seconds; 0 deletes it, None keeps it until the browser closes.
    """

    name: str
    value: str = attrs.field(repr=False)
    max_age: int | None = None

    @property
    def header(self) -> str:
        """The value of the ``Set-Cookie`` header."""
        age = "" if self.max_age is None else f"; Max-Age={self.max_age}"
        return f"{self.name}={self.value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}"


@attrs.frozen
class LoggedOn(Unpickled):
    """An admitted user: the only value of this package that an application may log on.

    Attributes:
        user: the user id.
        session_mark: to store with the user in the application's session, and to give back in each `WebRequest`.
        proof: the proof, or None where no MFA was required or the machine is remembered.
        renewed: whether the user is logged on already and only the mark is new, after a change of their own devices.
    """

    user: str
    session_mark: SecretText = attrs.field(converter=SecretText, repr=False)
    proof: Proof | None
    renewed: bool = False


@attrs.frozen(kw_only=True)
class WebResponse(Unpickled):
    """A response, for an adapter to send.

    Attributes:
        status: the HTTP status.
        page: the page to render, or None for a redirect or an empty body.
        redirect: a URL path of this origin, or None.
        cookies: to set.
        headers: to set.
        logged_on: whom the application is to log on with this response; None for nobody.
        json: whether the body is JSON.
        state: the state that a client without cookies keeps and sends back in ``MFA-State``; else None.
    """

    status: int
    page: Page | None = None
    redirect: str | None = None
    cookies: tuple[Cookie, ...] = ()
    headers: Pairs = ()
    logged_on: LoggedOn | None = None
    json: bool = False
    state: str | None = attrs.field(default=None, repr=False)

    @property
    def shared_headers(self) -> Pairs:
        """The headers that a response of the application's own gets too, where it takes the place of this one."""
        return tuple(pair for pair in self.headers if pair[0] in _SHARED)

    @property
    def content_type(self) -> str:
        """The body's media type."""
        if not self.json:
            return "text/html; charset=utf-8"
        return "application/problem+json" if self.page is not None and self.page.problem else "application/json"

    def json_body(self) -> dict[str, Any]:
        """Return the body of a JSON response, to be serialised."""
        body: dict[str, Any] = {} if self.page is None else self.page.to_json()
        if self.page is not None and self.page.problem:
            body |= {"type": self.page.problem, "title": self.page.title, "status": self.status}
        if self.state is not None:
            body["state"] = self.state
        if self.logged_on is not None:
            body |= {"user": self.logged_on.user}
            body.setdefault("step", "logged_on")
        if self.redirect is not None:
            body["next"] = self.redirect
            body.setdefault("step", "done")
        return body


def read_fields(content_type: str, body: bytes) -> Pairs | None:
    """Return the fields of a body: of a urlencoded form, or of a JSON object; None where it is neither.

    A media type decides, and never the look of the body: a form of another site can post JSON as ``text/plain``. In
    JSON, true becomes ``yes``; false, null and empty lists are left out; an object (a security key's answer) becomes
    its text.

    Args:
        content_type: the request's header.
        body: as received.
    """
    from urllib.parse import parse_qsl

    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return ()
    if len(body) > MAX_BODY:
        return None
    try:
        if kind == "application/x-www-form-urlencoded":
            return tuple(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        if kind == "application/json":
            members = json.loads(body)
            if not isinstance(members, dict):
                return None
            return tuple(pair for name, value in members.items() for pair in _pairs_of(str(name), value))
    except (ValueError, RecursionError):
        return None
    return None


MAX_BODY: Final = 262_144
MAX_FIELDS: Final = 1_000


def _pairs_of(name: str, value: Any) -> Pairs:
    if value is None or value is False:
        return ()
    if isinstance(value, list):
        return tuple(pair for one in value for pair in _pairs_of(name, one))
    if isinstance(value, str):
        return ((name, value),)
    return ((name, "yes" if value is True else json.dumps(value)),)


Method = Literal["GET", "POST"]
