# SPDX-License-Identifier: Apache-2.0
"""A policy to plain data and back, JSON-ready: for configuration files and for the pages of a console.

Every attribute is written under its own name, enums by their value, kinds sorted, certificates as
base64url. A FIDO metadata BLOB is too large for a configuration file, and is not written: add it to the policy after
reading. Reading is strict: an unknown name or value is an error, and what is left out has its default.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs

from ..encoding import base64url
from ..errors import MalformedMessage
from ..otp import Algorithm
from ..refusals import Kind
from ..signatures.cose import COSEAlgorithm
from ..u2f import TrustRoots
from ..webauthn import AttestationLevel, AttestationPolicy, OtherFormats
from ..webauthn.metadata import MetadataRules
from .mfa_policy import MFAPolicy
from .recovery_codes import AfterRecovery, OldRecoveryCodes, RecoveryCodes
from .relying_party import RelyingParty
from .security_keys import Attachment, ResidentKey, SecurityKeyPolicy, UserVerification
from .values import (
    AdministratorProof,
    DevicePolicy,
    DisallowedDevices,
    KindRule,
    KnownBrowsers,
    Lifetimes,
    NewBrowserRule,
    RememberMachine,
    Requirement,
    SelfManagement,
    ThrottlePolicy,
    TOTPPolicy,
    UnknownUsers,
)

_MESSAGE: Final = "policy"
_Value = TypeVar("_Value")
_Reader = Callable[[Any], Any]


def policy_to_plain(policy: MFAPolicy) -> dict[str, Any]:
    """Return the policy as dicts, lists, strings, numbers and None."""
    plain: dict[str, Any] = _plain(policy)
    return plain


def policy_from_plain(data: Mapping[str, Any]) -> MFAPolicy:
    """Return the policy that plain data say.

    Args:
        data: as `policy_to_plain` writes it; what is left out has its default.

    Raises:
        MalformedMessage: a name is unknown, or a value is not of its kind (a ``ValueError`` too).
        ValueError: the values are no policy: out of bounds, or guessable.
    """
    return _built(MFAPolicy, data, "policy", _POLICY)


def _plain(value: Any) -> Any:
    match value:
        case Algorithm():
            return value.name
        case enum.Enum():
            return value.value
        case TrustRoots():
            return [base64url.encode(certificate.der) for certificate in value.certificates]
        case frozenset():
            return sorted(_plain(one) for one in value)
        case tuple():
            return [_plain(one) for one in value]
        case MetadataRules():
            raise ValueError("FIDO metadata are not written as plain data: add them to the policy that was read")
        case _ if attrs.has(type(value)):
            return {field.name: _plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
        case _:
            return value


def _built(kind: type[_Value], data: Any, where: str, readers: Mapping[str, _Reader]) -> _Value:
    if not isinstance(data, Mapping):
        raise MalformedMessage(_MESSAGE, where, "not an object of names and values")
    names = {field.name for field in attrs.fields(kind)}  # type: ignore[arg-type]
    members: dict[str, Any] = {}
    for name, value in data.items():
        if name not in names:
            raise MalformedMessage(_MESSAGE, where, "a name that no policy has")
        members[name] = readers[name](value) if name in readers else value
    try:
        return kind(**members)
    except TypeError:
        raise MalformedMessage(_MESSAGE, where, "a value of another type, or one that is missing") from None


def _enum(kind: type[enum.Enum]) -> _Reader:
    def read(value: Any) -> enum.Enum:
        for one in kind:
            if value == (one.name if kind is Algorithm else one.value):
                return one
        raise MalformedMessage(_MESSAGE, kind.__name__, "none of its words")

    return read


def _object(kind: type[Any], readers: Mapping[str, _Reader] | None = None) -> _Reader:
    return lambda value: _built(kind, value, kind.__name__, readers or {})


def _optional(reader: _Reader) -> _Reader:
    return lambda value: None if value is None else reader(value)


def _nothing(value: Any) -> None:
    if value is not None:
        raise MalformedMessage(_MESSAGE, "metadata", "not null: a policy in plain data holds no FIDO metadata")


def _kinds(value: Any) -> frozenset[enum.Enum]:
    return frozenset(_enum(Kind)(one) for one in _list(value, "kinds"))


def _algorithms(value: Any) -> list[enum.Enum]:
    return [_enum(COSEAlgorithm)(one) for one in _list(value, "algorithms")]


def _roots(value: Any) -> list[bytes]:
    return [base64url.decode(one, message=_MESSAGE, field="roots") for one in _list(value, "roots")]


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise MalformedMessage(_MESSAGE, where, "not a list")
    return list(value)


_POLICY: Final[Mapping[str, _Reader]] = {
    "relying_party": _optional(_object(RelyingParty)),
    "requirement": _enum(Requirement),
    "unknown_users": _enum(UnknownUsers),
    "devices": _object(
        DevicePolicy, {"kinds": _kinds, "rule": _enum(KindRule), "disallowed": _enum(DisallowedDevices)}
    ),
    "totp": _object(TOTPPolicy, {"algorithm": _enum(Algorithm)}),
    "throttle": _object(ThrottlePolicy),
    "self_management": _enum(SelfManagement),
    "administrator_proof": _enum(AdministratorProof),
    "remember": _optional(_object(RememberMachine)),
    "known_browsers": _optional(_object(KnownBrowsers, {"beyond": _enum(NewBrowserRule)})),
    "recovery_codes": _optional(
        _object(
            RecoveryCodes,
            {
                "after_use": _enum(AfterRecovery),
                "after_password": _enum(OldRecoveryCodes),
                "after_lost_history": _enum(OldRecoveryCodes),
            },
        )
    ),
    "lifetimes": _object(Lifetimes),
    "security_keys": _object(
        SecurityKeyPolicy,
        {
            "user_verification": _enum(UserVerification),
            "algorithms": _algorithms,
            "attachment": _optional(_enum(Attachment)),
            "resident_key": _enum(ResidentKey),
            "attestation": _object(
                AttestationPolicy,
                {
                    "level": _enum(AttestationLevel),
                    "other_formats": _enum(OtherFormats),
                    "roots": _roots,
                    "metadata": _nothing,
                },
            ),
        },
    ),
}
