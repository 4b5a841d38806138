# SPDX-License-Identifier: Apache-2.0
"""An X.509 certificate: RFC 5280, sections 4.1 and 4.2 (https://www.rfc-editor.org/rfc/rfc5280)."""

from __future__ import annotations

import datetime
from typing import Final

from ...attestation_certificates.x509 import read_fields, read_name
from ...encoding.der import INTEGER, SEQUENCE, DERReader, Element
from ...errors import MalformedMessage
from ...u2f import AttestationCertificate
from .report import Report

_RFC: Final = "RFC 5280, section 4.1"
_NAMES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
}


def certificate(data: bytes, report: Report, *, base: int = 0, prefix: str = "") -> None:
    """Inspect one certificate at ``base``; ``prefix`` precedes the names of its fields."""
    places: dict[str, int] = {}

    def take(start: int, end: int, field: str, tag: int | None = None) -> tuple[Element, int]:
        """Return the value at ``start`` and where its contents begin."""
        places[field] = base + start
        try:
            element = DERReader(data[start:end], "X.509 certificate").take(field, tag)
        except MalformedMessage as error:
            report.malformed(error, f"{_RFC}; X.690, section 10.1", base=base + start)
            raise
        return element, start + len(element.whole) - len(element.contents)

    try:
        outer, inside = take(0, len(data), "certificate", SEQUENCE)
        if len(outer.whole) != len(data):
            extra = len(data) - len(outer.whole)
            report.fault("end of message", base + len(outer.whole), f"{extra} bytes too many", _RFC)
        tbs, at = take(inside, len(outer.whole), "TBSCertificate", SEQUENCE)
        end = inside + len(tbs.whole)
        algorithm, _ = take(end, len(outer.whole), "signatureAlgorithm", SEQUENCE)
        take(end + len(algorithm.whole), len(outer.whole), "signatureValue")
        if data[at:end][:1] == b"\xa0":
            version, _ = take(at, end, "version")
            at += len(version.whole)
        for field, tag in (
            ("serialNumber", INTEGER), ("signature", SEQUENCE), ("issuer", SEQUENCE), ("validity", SEQUENCE),
            ("subject", SEQUENCE), ("subjectPublicKeyInfo", SEQUENCE),
        ):  # fmt: skip
            element, _ = take(at, end, field, tag)
            at += len(element.whole)
            if field == "serialNumber":
                report.add(f"{prefix}{field}", places[field], len(element.whole), element.contents)
    except MalformedMessage:  # it is in the report
        return
    try:
        fields = read_fields(data[: len(outer.whole)])
        AttestationCertificate.parse(data[: len(outer.whole)])
    except MalformedMessage as error:
        place = places.get({"public key": "subjectPublicKeyInfo"}.get(error.field, error.field), base)
        report.fault(error.field, place, error.problem, _RFC)
        return
    for field, encoded in (("issuer", fields.issuer), ("subject", fields.subject)):
        text = ", ".join(f"{_NAMES.get(oid, oid)}={value}" for oid, value in read_name(encoded))
        report.add(f"{prefix}{field}", places[field], len(encoded), text)
    validity = f"{_date(fields.not_before)} to {_date(fields.not_after)}"
    report.add(f"{prefix}validity", places["validity"], places["subject"] - places["validity"], validity)
    info = places["subjectPublicKeyInfo"]
    report.add(f"{prefix}public key", info, len(fields.key_info), f"{fields.key_algorithm} {fields.key_bits.hex()}")
    if fields.extensions is None:
        report.fault(
            "extensions", info + len(fields.key_info), "not a list that names each one once", "RFC 5280, section 4.2"
        )
    for oid, extension in (fields.extensions or {}).items():
        at = data.find(extension.value, info - base + len(fields.key_info))
        name = f"{prefix}extension {oid}{' (critical)' if extension.critical else ''}"
        report.add(name, base + at, len(extension.value), extension.value)
    place = places["signatureAlgorithm"]
    report.add(f"{prefix}signatureAlgorithm", place, places["signatureValue"] - place, fields.signature_algorithm)


def _date(seconds: int) -> str:
    date = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    return f"{date:%Y-%m-%d %H:%M:%S}Z"
