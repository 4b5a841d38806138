# SPDX-License-Identifier: Apache-2.0
"""As much of HTTP as the example needs, over WSGI (PEP 3333): forms in, pages out, two cookies."""

from __future__ import annotations

import urllib.parse
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

import attrs

BROWSER_COOKIE: Final = "__Host-browser"
MACHINES_COOKIE: Final = "__Host-machines"
LONGEST_FORM: Final = 65_536
HEADERS: Final = (
    ("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'"),
    ("Cache-Control", "no-store"),  # a page may hold a setup key
    ("Referrer-Policy", "same-origin"),  # "no-referrer" would take the origin from our own forms too
    ("X-Content-Type-Options", "nosniff"),
)


@attrs.frozen
class Request:
    """What a browser asked for.

    Attributes:
        method, path: such as ``POST`` and ``/logon``.
        origin: the header of that name, or None.
        form: the first value of each field.
        cookies: by name.
    """

    method: str
    path: str
    origin: str | None
    form: dict[str, str] = attrs.field(repr=False)
    cookies: dict[str, str] = attrs.field(repr=False)

    @classmethod
    def read(cls, environ: dict[str, Any]) -> Request:
        """Return the request of a WSGI environment; a form that is too long, or none, is an empty one."""
        length = environ.get("CONTENT_LENGTH") or "0"
        size = int(length) if length.isascii() and length.isdigit() else 0
        body = environ["wsgi.input"].read(size) if size <= LONGEST_FORM else b""
        fields = urllib.parse.parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        try:
            morsels = SimpleCookie(environ.get("HTTP_COOKIE", ""))
        except CookieError:
            morsels = SimpleCookie()
        return cls(
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", "/"),
            origin=environ.get("HTTP_ORIGIN"),
            form={name: values[0] for name, values in fields.items()},
            cookies={name: morsel.value for name, morsel in morsels.items()},
        )


@attrs.frozen
class Response:
    """What the browser gets."""

    body: str
    status: HTTPStatus = HTTPStatus.OK
    kind: str = "text/html"
    headers: tuple[tuple[str, str], ...] = ()

    def with_cookie(self, name: str, value: str, *, seconds: int | None = None) -> Response:
        """Return the response that sets a cookie, for this host alone; until the browser closes, or for some seconds.

        ``__Host-`` makes the browser hold us to it: Secure, the whole path, no other host.
        """
        age = "" if seconds is None else f"; Max-Age={seconds}"
        cookie = f"{name}={value}; Secure; HttpOnly; SameSite=Lax; Path=/{age}"
        return attrs.evolve(self, headers=(*self.headers, ("Set-Cookie", cookie)))


def see(path: str) -> Response:
    """Return a response that sends the browser to another page."""
    return Response("", HTTPStatus.SEE_OTHER, headers=(("Location", path),))
