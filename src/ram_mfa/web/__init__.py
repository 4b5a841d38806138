# SPDX-License-Identifier: Apache-2.0
"""The HTTP half, without a framework: pages as values, flows that answer requests, state in cookies, words, templates.

An application takes an adapter of `ram_mfa.integrations`; an adapter is made of these names.
"""

from __future__ import annotations

from .assets import Asset, asset
from .blocks import Layout
from .flow import AsyncUserLoader, Flow, UserLoader, run, run_async
from .flows import WebFlows
from .layout import lay_out
from .pages import KeyRequest, Message, Page, Setup
from .settings import PATHS, Route, SiteSettings
from .values import Cookie, LoggedOn, Pairs, UserInfo, WebRequest, WebResponse, read_fields
from .words import Words

__all__ = [
    "PATHS",
    "Asset",
    "AsyncUserLoader",
    "Cookie",
    "Flow",
    "KeyRequest",
    "Layout",
    "LoggedOn",
    "Message",
    "Page",
    "Pairs",
    "Route",
    "Setup",
    "SiteSettings",
    "UserInfo",
    "UserLoader",
    "WebFlows",
    "WebRequest",
    "WebResponse",
    "Words",
    "asset",
    "lay_out",
    "read_fields",
    "run",
    "run_async",
]
