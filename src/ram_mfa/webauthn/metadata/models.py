# SPDX-License-Identifier: Apache-2.0
"""One entry of a metadata BLOB: a model of authenticators, its roots and the reports about it.

FIDO Metadata Service 3.1.1, sections 3.1.1 (entry), 3.1.3 (StatusReport) and 3.1.4 (AuthenticatorStatus)
(https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1.1-ps-20260105.html); FIDO Metadata Statement 3.1, section
4 (``description``, ``attestationRootCertificates``).

Invariant: a status that this release does not know is kept as a report, never dropped, so that `MetadataRules` can
refuse it.
"""

from __future__ import annotations

import binascii
import calendar
import enum
import re
from typing import Any, Final

import attrs

from ...attestation_certificates.certificates import AttestationCertificate
from ...attestation_certificates.trust import TrustRoots
from ...errors import MalformedMessage

MESSAGE: Final = "FIDO metadata BLOB"
MAX_ENTRIES: Final = 10_000
MAX_REPORTS: Final = 1_000
MAX_ROOTS: Final = 1_000
_AAGUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY_IDENTIFIER: Final = re.compile(r"[0-9a-f]{40}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class AuthenticatorStatus(enum.Enum):
    """The statuses that the standard defines, by the strings that stand in a BLOB."""

    NOT_FIDO_CERTIFIED = "NOT_FIDO_CERTIFIED"
    FIDO_CERTIFIED = "FIDO_CERTIFIED"
    USER_VERIFICATION_BYPASS = "USER_VERIFICATION_BYPASS"
    ATTESTATION_KEY_COMPROMISE = "ATTESTATION_KEY_COMPROMISE"
    USER_KEY_REMOTE_COMPROMISE = "USER_KEY_REMOTE_COMPROMISE"
    USER_KEY_PHYSICAL_COMPROMISE = "USER_KEY_PHYSICAL_COMPROMISE"
    UPDATE_AVAILABLE = "UPDATE_AVAILABLE"
    RETIRED = "RETIRED"
    REVOKED = "REVOKED"
    SELF_ASSERTION_SUBMITTED = "SELF_ASSERTION_SUBMITTED"
    FIDO_CERTIFIED_L1 = "FIDO_CERTIFIED_L1"
    FIDO_CERTIFIED_L1_PLUS = "FIDO_CERTIFIED_L1plus"
    FIDO_CERTIFIED_L2 = "FIDO_CERTIFIED_L2"
    FIDO_CERTIFIED_L2_PLUS = "FIDO_CERTIFIED_L2plus"
    FIDO_CERTIFIED_L3 = "FIDO_CERTIFIED_L3"
    FIDO_CERTIFIED_L3_PLUS = "FIDO_CERTIFIED_L3plus"
    FIPS140_CERTIFIED_L1 = "FIPS140_CERTIFIED_L1"
    FIPS140_CERTIFIED_L2 = "FIPS140_CERTIFIED_L2"
    FIPS140_CERTIFIED_L3 = "FIPS140_CERTIFIED_L3"
    FIPS140_CERTIFIED_L4 = "FIPS140_CERTIFIED_L4"


@attrs.frozen(kw_only=True)
class StatusReport:
    """One report about a model.

    Attributes:
        status: the status, or None where its name is not one of `AuthenticatorStatus`.
        name: the status as it stands in the BLOB.
        effective: the day from which the report holds (UTC), as YYYY-MM-DD; None where the report names none.
        certificate: the DER of the one attestation certificate that the report is about; None for the whole model.
    """

    status: AuthenticatorStatus | None
    name: str
    effective: str | None
    certificate: bytes | None = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class AuthenticatorModel:
    """One model of authenticators.

    Attributes:
        identifiers: how `AttestationPolicy` names it: its AAGUID, or the key identifiers of its attestation
            certificates, 40 hexadecimal digits each (U2F).
        description: the maker's short description; empty where the BLOB holds no statement.
        roots: what its attestation must chain to.
        reports: about the model, the oldest first, as the BLOB lists them.
    """

    identifiers: frozenset[str]
    description: str
    roots: TrustRoots = attrs.field(repr=False)
    reports: tuple[StatusReport, ...] = attrs.field(repr=False)


def read_model(entry: Any, problems: list[str]) -> AuthenticatorModel | None:
    """Return the model of one entry; None for an entry of the UAF protocol, which has neither AAGUID nor identifiers.

    Args:
        entry: one element of ``entries``, parsed.
        problems: takes one sentence for each root certificate that cannot be read; such a root is left out.

    Raises:
        MalformedMessage: the entry is not one of the standard's.
    """
    members = _object(entry, "entries")
    identifiers = _identifiers(members)
    if not identifiers:
        return None
    statement = _object(members.get("metadataStatement", {}), "metadataStatement")
    description = statement.get("description", "")
    if not isinstance(description, str):
        raise MalformedMessage(MESSAGE, "description", "not a string")
    reports = tuple([_report(report) for report in _array(members, "statusReports", MAX_REPORTS)])
    return AuthenticatorModel(
        identifiers=identifiers,
        description="".join(character for character in description if character.isprintable())[:200],
        roots=_roots(statement, min(identifiers), problems),
        reports=reports,
    )


def read_certificate(text: Any, field: str) -> bytes:
    """Return the bytes of a certificate in base64 (RFC 4648 section 4), white space left out.

    Raises:
        MalformedMessage: it is not a string in base64.
    """
    if not isinstance(text, str):
        raise MalformedMessage(MESSAGE, field, "not a string")
    try:
        return binascii.a2b_base64("".join(text.split()).encode("ascii"), strict_mode=True)
    except ValueError:
        raise MalformedMessage(MESSAGE, field, "not base64") from None


def read_date(value: Any, field: str) -> str:
    """Return a date of the form YYYY-MM-DD.

    Raises:
        MalformedMessage: it is invalid.
    """
    if isinstance(value, str) and _DATE.fullmatch(value):
        year, month, day = map(int, value.split("-"))
        if year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]:
            return value
    raise MalformedMessage(MESSAGE, field, "not a date YYYY-MM-DD")


def start_of(date: str) -> int:
    """Return when a day begins (UTC), in seconds since the epoch."""
    year, month, day = map(int, date.split("-"))
    return calendar.timegm((year, month, day, 0, 0, 0))


def _identifiers(members: dict[str, Any]) -> frozenset[str]:
    identifiers = [] if members.get("aaguid") is None else [members["aaguid"]]
    identifiers += _array(members, "attestationCertificateKeyIdentifiers", MAX_ROOTS)
    for identifier in identifiers:
        if not isinstance(identifier, str) or not (
            _AAGUID.fullmatch(identifier) or _KEY_IDENTIFIER.fullmatch(identifier)
        ):
            raise MalformedMessage(MESSAGE, "entries", "neither an AAGUID nor a key identifier in lower case")
    return frozenset(identifiers)


def _roots(statement: dict[str, Any], model: str, problems: list[str]) -> TrustRoots:
    roots: list[AttestationCertificate] = []
    for text in _array(statement, "attestationRootCertificates", MAX_ROOTS):
        try:
            roots.append(AttestationCertificate.parse(read_certificate(text, "attestationRootCertificates")))
        except MalformedMessage as error:
            problems.append(f"{model}: a root certificate was left out: {error.field}: {error.problem}")
    return TrustRoots.of(roots)


def _report(report: Any) -> StatusReport:
    members = _object(report, "statusReports")
    name = members.get("status")
    if not isinstance(name, str):
        raise MalformedMessage(MESSAGE, "status", "missing, or not a string")
    known = name in AuthenticatorStatus._value2member_map_
    effective, certificate = members.get("effectiveDate"), members.get("certificate")
    return StatusReport(
        status=AuthenticatorStatus(name) if known else None,
        name="".join(character for character in name if character.isprintable())[:100],
        effective=None if effective is None else read_date(effective, "effectiveDate"),
        certificate=None if certificate is None else read_certificate(certificate, "certificate"),
    )


def _object(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedMessage(MESSAGE, field, "not a JSON object")
    return value


def _array(members: dict[str, Any], field: str, limit: int) -> list[Any]:
    value = members.get(field, [])
    if not isinstance(value, list) or len(value) > limit:
        raise MalformedMessage(MESSAGE, field, f"not an array of up to {limit}")
    return value
