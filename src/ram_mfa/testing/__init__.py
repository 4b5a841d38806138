# SPDX-License-Identifier: Apache-2.0
"""Test support for applications and plugin authors: a clock, a phone, a security key, the store kit and the site kit.

::

    from ram_mfa.testing import AuthenticatorApp, ManualClock, SoftSecurityKey

Each name is imported on first access, so that a test of a store does not import the certificate code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..mfa import new_session
    from .authenticator_app import AuthenticatorApp
    from .clock import ManualClock
    from .enrolment import enrolled, enrolled_key, proved, recovery_sheet
    from .security_key import ClientRefused, Counters, KeyFault, SoftAttestation, SoftSecurityKey
    from .site_kit import Site, SiteReport, check_site
    from .store_kit import Faults, StoreCheckFailed, StoreReport, check_async_store, check_store
    from .tcp_proxy import TCPProxy

_MODULES = {
    "AuthenticatorApp": "authenticator_app",
    "ClientRefused": "security_key",
    "Counters": "security_key",
    "Faults": "store_kit",
    "KeyFault": "security_key",
    "ManualClock": "clock",
    "Site": "site_kit",
    "SiteReport": "site_kit",
    "SoftAttestation": "security_key",
    "SoftSecurityKey": "security_key",
    "StoreCheckFailed": "store_kit",
    "StoreReport": "store_kit",
    "TCPProxy": "tcp_proxy",
    "check_async_store": "store_kit",
    "check_site": "site_kit",
    "check_store": "store_kit",
    "enrolled": "enrolment",
    "enrolled_key": "enrolment",
    "new_session": ".mfa",
    "proved": "enrolment",
    "recovery_sheet": "enrolment",
}

__all__ = [
    "AuthenticatorApp",
    "ClientRefused",
    "Counters",
    "Faults",
    "KeyFault",
    "ManualClock",
    "Site",
    "SiteReport",
    "SoftAttestation",
    "SoftSecurityKey",
    "StoreCheckFailed",
    "StoreReport",
    "TCPProxy",
    "check_async_store",
    "check_site",
    "check_store",
    "enrolled",
    "enrolled_key",
    "new_session",
    "proved",
    "recovery_sheet",
]


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is first accessed."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{module}", __name__), name)
