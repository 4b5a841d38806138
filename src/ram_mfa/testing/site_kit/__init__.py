# SPDX-License-Identifier: Apache-2.0
"""The kit for authors of framework adapters: every promise of an integration, tried over HTTP or inside the process.

It needs no browser: a `Browser` of its own has cookies, redirects and forms, and `SoftSecurityKey` is the security key.
"""

from __future__ import annotations

from .browser import Browser
from .document import Document, FormOnPage
from .report import Result, SiteReport, SiteRow
from .run import check_site
from .site import Site
from .transport import Answer, ASGITransport, HTTPTransport, Transport, WSGITransport

__all__ = [
    "ASGITransport",
    "Answer",
    "Browser",
    "Document",
    "FormOnPage",
    "HTTPTransport",
    "Result",
    "Site",
    "SiteReport",
    "SiteRow",
    "Transport",
    "WSGITransport",
    "check_site",
]
