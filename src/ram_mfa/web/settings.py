# SPDX-License-Identifier: Apache-2.0
"""Settings of the pages, and the names of their routes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

import attrs

from .._validation import instance_of, text
from .state import safe_next
from .words import Table, languages

BASE: Final = "ram_mfa/base.html"
"""The base template of this package; an application's own has a block ``content``."""


class Route(enum.StrEnum):
    """The routes of this package. Each is a path of its own without arguments; adapters reverse them by name."""

    LOGON = "logon"
    """GET resumes a logon; POST answers it."""
    ENROL = "enrol"
    """GET offers a device to a user who must bind one; POST confirms it."""
    STEP_UP = "step_up"
    """POST proves an operation, and gives a receipt."""
    DEVICES = "devices"
    """The owner's devices and machines."""
    BIND = "bind"
    """GET offers a device to its owner; POST confirms it."""
    ACCOUNT = "account"
    """The administrator's page of one user."""
    ACCOUNT_BIND = "account_bind"
    """GET offers a device to an administrator for a user; POST confirms it."""
    STYLE = "style"
    SCRIPT = "script"


PATHS: Final[Mapping[Route, str]] = {
    Route.LOGON: "logon",
    Route.ENROL: "logon/bind",
    Route.STEP_UP: "step-up",
    Route.DEVICES: "devices",
    Route.BIND: "devices/bind",
    Route.ACCOUNT: "account",
    Route.ACCOUNT_BIND: "account/bind",
    Route.STYLE: "ram-mfa.css",
    Route.SCRIPT: "ram-mfa.js",
}
"""The paths below the prefix under which an adapter mounts them."""


def _is_path(instance: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, str) or not safe_next(value):
        raise ValueError(f"{type(instance).__name__}.{attribute.name} must be a path of this site, such as /")


@attrs.frozen(kw_only=True)
class SiteSettings:
    """Choices of a site for its pages.

    Attributes:
        name: shown at the head of each page; the policy's issuer where left out.
        home: where a logon leads that names no other page.
        logon_url: the application's page that asks for name and password.
        origins: further origins whose pages may post here; those of the policy's relying party always may.
        words: sentences by language tag and id, over the built-in ones or for another language.
        base: the base template.
    """

    name: str = attrs.field(default="", validator=text(0, 100))
    home: str = attrs.field(default="/", validator=_is_path)
    logon_url: str = attrs.field(default="/logon", validator=_is_path)
    origins: frozenset[str] = attrs.field(
        default=frozenset[str](), converter=frozenset, validator=instance_of(frozenset)
    )
    words: Mapping[str, Table] = attrs.field(factory=dict)
    base: str = attrs.field(default=BASE, validator=text(1))
    tables: Mapping[str, Table] = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: languages(self.words), takes_self=True)
    )
