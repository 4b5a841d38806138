# SPDX-License-Identifier: Apache-2.0
"""The stylesheet and the script of the pages, read once from the package, with the headers to serve them with."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

import attrs

from .settings import Route
from .values import Pairs

TEMPLATES: Final = "templates"
_FILES: Final = {
    Route.STYLE: ("ram-mfa.css", "text/css; charset=utf-8"),
    Route.SCRIPT: ("ram-mfa.js", "text/javascript; charset=utf-8"),
}


@attrs.frozen
class Asset:
    """A file to serve.

    Attributes:
        body: its bytes.
        headers: with its type and its entity tag.
        tag: the entity tag, for ``If-None-Match``.
    """

    body: bytes
    headers: Pairs
    tag: str


@cache
def asset(route: Route) -> Asset:
    """Return the file of `Route.STYLE` or `Route.SCRIPT`."""
    name, kind = _FILES[route]
    body = files("ram_mfa.web").joinpath("static", name).read_bytes()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = (
        ("Content-Type", kind),
        ("Cache-Control", "no-cache"),
        ("ETag", tag),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    )
    return Asset(body, headers, tag)
