# SPDX-License-Identifier: Apache-2.0
"""The attestation object, and the result of verifying a statement in any format.

Web Authentication Level 3, "Generating an Attestation Object"
(https://www.w3.org/TR/webauthn-3/#sctn-generating-an-attestation-object) and "Attestation Types"
(https://www.w3.org/TR/webauthn-3/#sctn-attestation-types).

Invariant: exactly the members that the standard names, of exactly their types.
"""

from __future__ import annotations

import enum
from collections.abc import Set as AbstractSet
from typing import Final, Self

import attrs

from ...attestation_certificates.certificates import AttestationCertificate
from ...attestation_certificates.trust import MAX_PATH
from ...encoding import cbor
from ...errors import MalformedMessage
from ..authenticator_data import AttestedCredential, AuthenticatorData

_MESSAGE = "attestation object"

MAX_SIZE: Final = 65_536
"""The most bytes that are looked at; post-quantum certificates have ten thousand each."""


class AttestationType(enum.Enum):
    """The attestation type of a genuine statement (#sctn-attestation-types)."""

    NONE = "none"
    SELF = "self"
    CERTIFIED = "certified"
    """Basic or AttCA; only knowledge about the certificate's issuer distinguishes them."""


@attrs.frozen
class Statement:
    """A statement that was verified by its format's procedure.

    Attributes:
        format: the statement format's identifier.
        type: what it is about.
        path: the attestation certificate, then its chain as the authenticator gave it; empty unless certified.
    """

    format: str
    type: AttestationType
    path: tuple[AttestationCertificate, ...] = ()


@attrs.frozen
class AttestationObject:
    """One parsed attestation object.

    Attributes:
        format: ``fmt``, compared exactly and with its case.
        statement: ``attStmt``, whose syntax is verified by its format.
        authenticator_data: ``authData``, with a new credential in it.
        credential: that credential.
    """

    format: str
    statement: cbor.Value
    authenticator_data: AuthenticatorData
    credential: AttestedCredential

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read an attestation object.

        Raises:
            MalformedMessage: it is not that, or something stands in it that the standard does not name.
        """
        members = members_of(cbor.decode(raw, message=_MESSAGE, limit=MAX_SIZE), {"fmt", "attStmt", "authData"})
        name, data = members["fmt"], members["authData"]
        if not isinstance(name, str):
            raise MalformedMessage(_MESSAGE, "fmt", "not text")
        if not isinstance(data, bytes):
            raise MalformedMessage(_MESSAGE, "authData", "not bytes")
        authenticator_data = AuthenticatorData.parse(data)
        if authenticator_data.attested is None:
            raise MalformedMessage(_MESSAGE, "authData", "without attested credential data")
        return cls(name, members["attStmt"], authenticator_data, authenticator_data.attested)


def members_of(value: cbor.Value, *allowed: AbstractSet[str]) -> dict[int | str, cbor.Value]:
    """Return the map that ``value`` is, with exactly one of the allowed sets of members.

    Raises:
        MalformedMessage: it is not that.
    """
    if not isinstance(value, dict) or value.keys() not in allowed:
        raise MalformedMessage(_MESSAGE, "members", "not exactly those of its format")
    return value


def signature_of(members: dict[int | str, cbor.Value]) -> bytes:
    """Return the ``sig`` member.

    Raises:
        MalformedMessage: it is not bytes.
    """
    signature = members["sig"]
    if not isinstance(signature, bytes):
        raise MalformedMessage(_MESSAGE, "sig", "not bytes")
    return signature


def path_of(members: dict[int | str, cbor.Value], *, longest: int = MAX_PATH) -> tuple[AttestationCertificate, ...]:
    """Return the certificates of the ``x5c`` member, at least one.

    Raises:
        MalformedMessage: it is no list of one to ``longest`` certificates.
    """
    path = members["x5c"]
    if not isinstance(path, list) or not 1 <= len(path) <= longest:
        raise MalformedMessage(_MESSAGE, "x5c", f"not a list of 1 to {longest}")
    return tuple([_certificate(der) for der in path])


def _certificate(der: cbor.Value) -> AttestationCertificate:
    if not isinstance(der, bytes):
        raise MalformedMessage(_MESSAGE, "x5c", "not bytes")
    return AttestationCertificate.parse(der)
