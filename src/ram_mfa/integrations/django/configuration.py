# SPDX-License-Identifier: Apache-2.0
"""The setting RAM_MFA of a project whose logons the pages guard, and the one `MFA` that is made of it.

::

    RAM_MFA = {
        "POLICY": "site_.mfa.policy",  # an MFAPolicy, or the dotted path of one or of a callable that returns one
        "KEYS_ENV": "MFA_KEYS",  # or "KEYS_FILE": a path, or "SEAL": a seal or its dotted path
        "EXISTING_USERS": "must_bind",  # of users without a record: must_bind, refuse or not_required; no default
        "NEW_USERS": "required",  # of users created from now on: required (the default) or not_required
        "SETTINGS": SiteSettings(...),  # of the pages; LOGIN_URL and LOGIN_REDIRECT_URL where left out
        "ADMINISTRATOR": "site_.mfa.is_administrator",  # who manages others; superusers where left out
    }
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import attrs
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.shortcuts import resolve_url
from django.utils.module_loading import import_string

from ...mfa import MFA
from ...policy import MFAPolicy, UnknownUsers
from ...sealing import AESGCMSeal, Seal
from ...web import SiteSettings, UserInfo, WebFlows
from .store import DjangoStore

EXISTING_USERS: Final = {
    "must_bind": UnknownUsers.MUST_BIND,
    "refuse": UnknownUsers.REFUSE,
    "not_required": UnknownUsers.NOT_REQUIRED,
}
NEW_USERS: Final = ("required", "not_required")
_KNOWN: Final = {
    "POLICY",
    "KEYS_ENV",
    "KEYS_FILE",
    "SEAL",
    "EXISTING_USERS",
    "NEW_USERS",
    "SETTINGS",
    "ADMINISTRATOR",
    "CLOCK",
}


def is_guarded() -> bool:
    """Return whether the project has the pages guard its logons, rather than only keep records."""
    return bool(getattr(settings, "RAM_MFA", None))


@attrs.frozen
class Guard:
    """The parts that the setting is made into.

    Attributes:
        mfa: performs the verbs.
        flows: of the pages.
        require_new: whether MFA is required of users created from now on.
    """

    mfa: MFA
    flows: WebFlows
    require_new: bool


@cache
def guard() -> Guard:
    """Return the parts of the setting, made when first asked for.

    Raises:
        ImproperlyConfigured: the setting is not usable.
    """
    return make_guard()


def make_guard(*, create: bool = False) -> Guard:
    """Return the parts of the setting.

    Args:
        create: whether to make the store's root record where there is none.

    Raises:
        ImproperlyConfigured: the setting is not usable.
    """
    found = _setting()
    existing = EXISTING_USERS[found["EXISTING_USERS"]]
    clock: Callable[[], float] = _loaded(found.get("CLOCK", time.time))
    source = _loaded(found["POLICY"])

    def policy() -> MFAPolicy:
        present = source() if callable(source) else source
        if not isinstance(present, MFAPolicy):
            raise ImproperlyConfigured("RAM_MFA['POLICY'] is no MFAPolicy")
        return attrs.evolve(present, unknown_users=existing)

    pages = found.get("SETTINGS")
    if pages is None:
        pages = SiteSettings(home=resolve_url(settings.LOGIN_REDIRECT_URL), logon_url=resolve_url(settings.LOGIN_URL))
    mfa = MFA(DjangoStore(), policy, seal=_seal(found), clock=clock, create=create)
    return Guard(mfa, WebFlows(pages), found.get("NEW_USERS", "required") == "required")


def load_user(user: str) -> UserInfo | None:
    """Return the data of a user by the primary key, as text; None for one that is not there or not active."""
    model: Any = get_user_model()
    try:
        found = model._default_manager.get(pk=user)  # noqa: SLF001 - as Django's own backends do
    except (model.DoesNotExist, ValueError, TypeError, OverflowError):
        return None
    if not found.is_active or str(found.pk) != user:
        return None
    shown = "".join(one for one in found.get_username() if one.isprintable() and one != ":").strip()[:128].strip()
    return UserInfo(found.password or "without a password", shown or "user", is_administrator(found))


def is_administrator(user: Any) -> bool:
    """Return whether a user manages the MFA of others."""
    decide = _setting().get("ADMINISTRATOR")
    return bool(user.is_superuser if decide is None else _loaded(decide)(user))


def problems() -> list[str]:
    """Return what is wrong with the setting, in sentences."""
    found = getattr(settings, "RAM_MFA", None)
    if not isinstance(found, Mapping):
        return ["RAM_MFA is a dictionary."]
    complaints = [f"RAM_MFA has no entry {name!r}." for name in ("POLICY", "EXISTING_USERS") if name not in found]
    complaints += [f"RAM_MFA does not know {name!r}." for name in found if name not in _KNOWN]
    if len([name for name in ("KEYS_ENV", "KEYS_FILE", "SEAL") if name in found]) != 1:
        complaints.append("RAM_MFA has one of KEYS_ENV, KEYS_FILE and SEAL.")
    if found.get("EXISTING_USERS", "refuse") not in EXISTING_USERS:
        complaints.append(f"RAM_MFA['EXISTING_USERS'] is one of {', '.join(EXISTING_USERS)}.")
    if found.get("NEW_USERS", "required") not in NEW_USERS:
        complaints.append(f"RAM_MFA['NEW_USERS'] is one of {', '.join(NEW_USERS)}.")
    return complaints


def _setting() -> Mapping[str, Any]:
    complaints = problems()
    if complaints:
        raise ImproperlyConfigured(" ".join(complaints))
    found: Mapping[str, Any] = settings.RAM_MFA
    return found


def _seal(found: Mapping[str, Any]) -> Seal:
    if "KEYS_ENV" in found:
        return AESGCMSeal.from_env(found["KEYS_ENV"])
    if "KEYS_FILE" in found:
        return AESGCMSeal.from_file(found["KEYS_FILE"])
    seal: Seal = _loaded(found["SEAL"])
    return seal


def _loaded(value: Any) -> Any:
    return import_string(value) if isinstance(value, str) else value
