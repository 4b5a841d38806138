# SPDX-License-Identifier: Apache-2.0
"""The Resource Access Management service's own security preference document, read as a policy.

What ``GetSecurityPreference`` answers and ``SetSecurityPreference`` takes; the names may stand at the top or in the
groups that the answer has. What is no matter of this library, or differs in it, comes back as a note: nothing is
passed over in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..errors import MalformedMessage
from ..words import Kind
from .mfa_policy import MFAPolicy
from .values import DevicePolicy, RememberMachine, Requirement, SelfManagement

_MESSAGE: Final = "security preference"
_GROUPS: Final = frozenset(
    {
        "SecurityPreference",
        "LoginProfilePreference",
        "MFAPreference",
        "VerificationPreference",
        "AccessKeyPreference",
        "PublicKeyPreference",
        "PersonalInfoPreference",
    }
)
_REQUIREMENTS: Final = {
    "mandatory": Requirement.EVERYBODY,
    "independent": Requirement.PER_USER,
    "adaptive": Requirement.EVERYBODY,
}
_KINDS: Final = {"VMFA": Kind.VIRTUAL, "U2F": Kind.SECURITY_KEY}


@attrs.frozen
class Note:
    """A setting of the document that the policy does not hold as it stands.

    Attributes:
        name: its name in the document.
        why: what became of it.
    """

    name: str
    why: str


@attrs.frozen
class RAMPreference:
    """What a document says.

    Attributes:
        policy: the policy.
        notes: what it does not cover.
    """

    policy: MFAPolicy
    notes: tuple[Note, ...]


def read_ram_preference(document: Mapping[str, Any], *, issuer: str, **choices: Any) -> RAMPreference:
    """Return the policy that a security preference document asks for, and what it does not cover.

    Args:
        document: the parsed JSON.
        issuer: the name that authenticator apps show.
        choices: any other attribute of `MFAPolicy`, such as the relying party.

    Raises:
        MalformedMessage: a value is not what the service writes there.
    """
    notes: list[Note] = []
    rules: dict[str, Any] = {}
    for name, value in _settings(document):
        match name:
            case "EnableSaveMFATicket":
                rules["remember"] = RememberMachine() if _flag(name, value) else None
            case "AllowUserToManageMFADevices":
                allowed = _flag(name, value)
                rules["self_management"] = SelfManagement.ALLOWED if allowed else SelfManagement.NOT_ALLOWED
            case "MFAOperationForLogin":
                if value not in _REQUIREMENTS:
                    raise MalformedMessage(_MESSAGE, name, "none of mandatory, independent, adaptive")
                rules["requirement"] = _REQUIREMENTS[value]
                if value == "adaptive":
                    notes.append(Note(name, "logons are not rated here: MFA is required of everybody instead"))
            case "VerificationTypes":
                kinds, other = _kinds(name, value)
                if kinds:
                    rules["devices"] = DevicePolicy(kinds=kinds)
                notes.extend(Note(name, f"{one} is no kind of device here") for one in other)
            case _:
                notes.append(Note(name, "not a matter of MFA: the application's"))
    return RAMPreference(MFAPolicy.ram(issuer=issuer, **(rules | choices)), tuple(notes))


def _settings(document: Any) -> list[tuple[str, Any]]:
    if not isinstance(document, Mapping):
        raise MalformedMessage(_MESSAGE, "document", "not an object")
    settings: list[tuple[str, Any]] = []
    for name, value in document.items():
        if name in _GROUPS:
            settings.extend(_settings(value))
        else:
            settings.append((str(name), value))
    return settings


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise MalformedMessage(_MESSAGE, name, "neither true nor false")
    return value


def _kinds(name: str, value: Any) -> tuple[frozenset[Kind], list[str]]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise MalformedMessage(_MESSAGE, name, "not a list of words")
    kinds = frozenset(_KINDS[one.upper()] for one in value if one.upper() in _KINDS)
    return kinds, [one for one in value if one.upper() not in _KINDS]
