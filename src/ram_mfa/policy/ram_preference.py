# SPDX-License-Identifier: Apache-2.0
"""The Resource Access Management service's own security preference document, read as a policy.

What ``GetSecurityPreference`` answers and ``SetSecurityPreference`` takes; the names may stand at the top or in the
groups that the answer has. What is no matter of this library, or differs in it, comes back as a note.

Invariant: nothing is passed over in silence. A setting that stands twice is refused, since of two values one would win
unseen; so is a name that differs from a setting's in its case alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..errors import MalformedMessage
from ..refusals import Kind
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
_RULES: Final = {
    "EnableSaveMFATicket": "remember",
    "AllowUserToManageMFADevices": "self_management",
    "MFAOperationForLogin": "requirement",
    "VerificationTypes": "devices",
}
"""The settings that become rules, and which attribute of the policy each becomes."""
_KNOWN: Final = {name.casefold(): name for name in (*_RULES, *_GROUPS)}
_MAX_DEPTH: Final = 3
"""Groups inside one another: the answer has two."""
_MAX_SHOWN: Final = 40


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
    """The content of a document.

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
        choices: any other attribute of `MFAPolicy`, such as the relying party; one that the document sets too wins, and
            a note says so.

    Raises:
        MalformedMessage: a value is not what the service writes there, or a setting stands twice; nothing else,
            whatever the document holds.
        TypeError, ValueError: the issuer or the choices are no policy.
    """
    notes: list[Note] = []
    rules: dict[str, Any] = {}
    for name, value in _settings(document).items():
        match name:
            case "EnableSaveMFATicket":
                rules["remember"] = RememberMachine() if _flag(name, value) else None
            case "AllowUserToManageMFADevices":
                allowed = _flag(name, value)
                rules["self_management"] = SelfManagement.ALLOWED if allowed else SelfManagement.NOT_ALLOWED
            case "MFAOperationForLogin":
                if not isinstance(value, str) or value not in _REQUIREMENTS:
                    raise MalformedMessage(_MESSAGE, name, "none of mandatory, independent, adaptive")
                rules["requirement"] = _REQUIREMENTS[value]
                if value == "adaptive":
                    notes.append(Note(name, "logons are not rated here: MFA is required of everybody instead"))
            case "VerificationTypes":
                kinds, other = _kinds(name, value)
                if kinds:
                    rules["devices"] = DevicePolicy(kinds=kinds)
                    notes.extend(Note(name, f"{one[:_MAX_SHOWN]!r} is no kind of device here") for one in other)
                else:
                    shown = ", ".join(repr(one[:_MAX_SHOWN]) for one in other) or "none"
                    notes.append(Note(name, f"no kind of device here is named ({shown}): the preset's kinds stay"))
            case _:
                notes.append(Note(name, "not a matter of MFA: the application's"))
    for name, rule in _RULES.items():
        if rule in rules and rule in choices:
            notes.append(Note(name, f"not used: {rule} was given by the application"))
    return RAMPreference(MFAPolicy.ram(issuer=issuer, **(rules | choices)), tuple(notes))


def _settings(document: Any) -> dict[str, Any]:
    """Return the settings by name, out of whatever groups they stand in."""
    settings: dict[str, Any] = {}
    waiting = [(document, 0)]
    while waiting:
        group, depth = waiting.pop(0)
        if not isinstance(group, Mapping):
            raise MalformedMessage(_MESSAGE, "document", "not an object")
        if depth > _MAX_DEPTH:
            raise MalformedMessage(_MESSAGE, "document", f"groups more than {_MAX_DEPTH} deep")
        for name, value in group.items():
            if not isinstance(name, str):
                raise MalformedMessage(_MESSAGE, "document", "a name that is no string")
            if _KNOWN.get(name.casefold(), name) != name:
                raise MalformedMessage(_MESSAGE, name[:_MAX_SHOWN], "a setting's name in another case")
            if name in _GROUPS:
                waiting.append((value, depth + 1))
            elif name in settings:
                raise MalformedMessage(_MESSAGE, name[:_MAX_SHOWN], "stands twice")
            else:
                settings[name] = value
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
