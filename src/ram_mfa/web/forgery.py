# SPDX-License-Identifier: Apache-2.0
"""Protection of this package's routes against requests of other sites (CSRF).

Two checks, both of which must pass: where the request comes from, and that it carries a value that only a page of this
browser can hold. A ticket is such a value, being bound to the browser string; where a form has none, `form_token` is.
The framework's own token is not asked for on these routes: it changes at logon, so a late second submit would fail.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection

from ..encoding import base64url
from .values import WebRequest

SAFE_METHODS = frozenset({"GET", "HEAD"})
FORM_TOKEN = "mfa_form"


def is_from_here(request: WebRequest, origins: Collection[str]) -> bool:
    """Return whether a request comes from a page of this site.

    By the header ``Origin`` where it names a configured origin; else by ``Sec-Fetch-Site``, which no script can set
    (https://www.w3.org/TR/fetch-metadata/). Never by the request's own Host, which an attacker may choose. An opaque
    origin (``null``) belongs to no site. A client without cookies has nothing that another site could use.
    """
    if request.method in SAFE_METHODS or request.token_client:
        return True
    origin = request.headers.get("origin", "")
    if origin == "null":
        return False
    if origin and origin in origins:
        return True
    return request.headers.get("sec-fetch-site", "") in {"same-origin", "none"}


def form_token(browser: str, user: str, route: str) -> str:
    """Return the value that ties a form to a browser, a user and a route."""
    message = b"\x00".join((b"ram_mfa form", route.encode(), user.encode("utf-8", "surrogatepass")))
    return base64url.encode(hmac.digest(browser.encode(), message, hashlib.sha256))


def has_form_token(request: WebRequest, browser: str | None, user: str) -> bool:
    """Return whether a request carries the value of its browser, user and route."""
    if browser is None:
        return False
    presented = request.field(FORM_TOKEN).encode("utf-8", "surrogatepass")
    return hmac.compare_digest(presented, form_token(browser, user, request.route).encode())
