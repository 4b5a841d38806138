# SPDX-License-Identifier: Apache-2.0
"""Support for authors of framework adapters: a browser without a screen, over HTTP or inside the process."""

from __future__ import annotations

from .browser import Browser
from .document import Document, FormOnPage
from .transport import Answer, ASGITransport, HTTPTransport, Transport, WSGITransport

__all__ = [
    "ASGITransport",
    "Answer",
    "Browser",
    "Document",
    "FormOnPage",
    "HTTPTransport",
    "Transport",
    "WSGITransport",
]
