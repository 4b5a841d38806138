# SPDX-License-Identifier: Apache-2.0
"""The fields of an X.509 certificate, read from its DER and not yet verified.

RFC 5280, sections 4.1 and 4.2 (https://www.rfc-editor.org/rfc/rfc5280).

``cryptography.x509`` is not used, for three reasons. It refuses as a whole certificates whose flaw does not matter here
(a default written out, such as ``critical FALSE``; parameters of an ECDSA algorithm; a padded serial number), and it
announces the same for serial numbers that are not positive, which a root of a certified U2F vendor has: an upgrade
would stop the registration of keys in use. It does not expose the DER of names and keys as received, which path
validation compares and FIDO metadata hashes. And its only access to a key, ``public_key()``, loads a key of any kind
and size first: in version 50 a Diffie-Hellman key of 4,423 bits in a certificate of 2 KB takes seconds (see
`public_keys`). A test compares the two readers field by field, and lists every difference
(``tests/unit/attestation_certificates/test_differential.py``).

Invariant: the structure is read strictly and the contents tolerantly. Security keys carry certificates that no
public authority would issue (requirement U6), so a field is interpreted only on request, and an unused field cannot
fail. An extension list that does not parse, or is longer than `MAX_EXTENSIONS`, is None, which is never treated as "no
extensions".
"""

from __future__ import annotations

import calendar
from typing import Final

import attrs

from ..encoding.der import (
    BIT_STRING,
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    UTC_TIME,
    DERReader,
    Element,
    bits,
    oid,
)
from ..errors import MalformedMessage

MESSAGE: Final = "X.509 certificate"
MAX_EXTENSIONS: Final = 64
"""The maximum number of extensions; certificates of security keys have 3 to 8."""
MAX_NAME_PARTS: Final = 64
"""The maximum number of parts of a Name, sets and attributes counted; those of security keys have 2 to 16."""
_VERSION_TAG, _ISSUER_UID_TAG, _SUBJECT_UID_TAG, _EXTENSIONS_TAG = 0xA0, 0x81, 0x82, 0xA3


@attrs.frozen
class Extension:
    """An extension: whether it is critical, and the DER inside its OCTET STRING."""

    critical: bool
    value: bytes


@attrs.frozen
class Fields:
    """The contents of a certificate.

    Attributes:
        version: 1, 2 or 3.
        issuer: the issuer's Name, DER.
        subject: the subject's Name, DER.
        not_before: seconds since the epoch.
        not_after: seconds since the epoch, that second included.
        key_info: SubjectPublicKeyInfo, DER.
        key_algorithm: the OID of the key's algorithm.
        key_parameters: the DER of that algorithm's parameters; empty where there are none.
        key_bits: the subject public key, the contents of its BIT STRING.
        extensions: by OID; None where the list does not parse, names one twice, or has more than `MAX_EXTENSIONS`.
        signed: the bytes that the issuer signed (TBSCertificate, DER).
        signature_algorithm: the OID of the signature's algorithm.
        signature: the signature; None where its BIT STRING has unused bits.
    """

    version: int
    issuer: bytes
    subject: bytes
    not_before: int
    not_after: int
    key_info: bytes
    key_algorithm: str
    key_parameters: bytes
    key_bits: bytes
    extensions: dict[str, Extension] | None
    signed: bytes
    signature_algorithm: str
    signature: bytes | None


def read_fields(der: bytes) -> Fields:
    """Return the fields of the one certificate that ``der`` encodes.

    Raises:
        MalformedMessage: it does not have the structure of RFC 5280 4.1, or bytes follow it.
    """
    outside = DERReader(der, MESSAGE)
    certificate = outside.enter("certificate")
    outside.end("certificate")
    tbs = certificate.take("TBSCertificate", SEQUENCE)
    outer_algorithm = certificate.take("signatureAlgorithm", SEQUENCE)
    signature, unused = bits(
        certificate.take("signatureValue", BIT_STRING).contents, message=MESSAGE, field="signature"
    )
    certificate.end("certificate")

    reader = DERReader(tbs.contents, MESSAGE)
    version = _version(reader)
    if not reader.take("serialNumber", INTEGER).contents:
        raise MalformedMessage(MESSAGE, "serialNumber", "no bytes")
    # 4.1.1.2: both places must name the same algorithm, or the unsigned one could be exchanged.
    if reader.take("signature", SEQUENCE).whole != outer_algorithm.whole:
        raise MalformedMessage(MESSAGE, "signatureAlgorithm", "not the one that was signed")
    issuer = reader.take("issuer", SEQUENCE).whole
    validity = reader.enter("validity")
    not_before, not_after = (_time(validity.take(field), field) for field in ("notBefore", "notAfter"))
    validity.end("validity")
    subject = reader.take("subject", SEQUENCE).whole
    for name in (issuer, subject):
        read_name(name)
    key_info = reader.take("subjectPublicKeyInfo", SEQUENCE)
    extensions = _extensions(reader)
    key_algorithm, key_parameters, key_bits = _key(key_info)
    return Fields(
        version=version,
        issuer=issuer,
        subject=subject,
        not_before=not_before,
        not_after=not_after,
        key_info=key_info.whole,
        key_algorithm=key_algorithm,
        key_parameters=key_parameters,
        key_bits=key_bits,
        extensions=extensions,
        signed=tbs.whole,
        signature_algorithm=_algorithm(outer_algorithm, "signatureAlgorithm")[0],
        signature=None if unused else signature,
    )


def _version(reader: DERReader) -> int:
    """Read the version, 1 where it is left out."""
    if reader.peek() != _VERSION_TAG:
        return 1
    inside = reader.enter("version", _VERSION_TAG)
    number = inside.take("version", INTEGER).contents
    inside.end("version")
    if number not in (b"\x00", b"\x01", b"\x02"):
        raise MalformedMessage(MESSAGE, "version", "neither 1, 2 nor 3")
    return number[0] + 1


def _algorithm(element: Element, field: str) -> tuple[str, bytes]:
    """Read an AlgorithmIdentifier: the OID, and the DER of the parameters."""
    reader = DERReader(element.contents, MESSAGE)
    name = oid(reader.take(field, OBJECT_IDENTIFIER).contents, message=MESSAGE, field=field)
    parameters = reader.take(field).whole if reader else b""
    reader.end(field)
    return name, parameters


def _key(key_info: Element) -> tuple[str, bytes, bytes]:
    """Read SubjectPublicKeyInfo: OID, parameters, key."""
    field = "subjectPublicKeyInfo"
    reader = DERReader(key_info.contents, MESSAGE)
    name, parameters = _algorithm(reader.take(field, SEQUENCE), field)
    key, unused = bits(reader.take(field, BIT_STRING).contents, message=MESSAGE, field=field)
    reader.end(field)
    if unused:
        raise MalformedMessage(MESSAGE, field, "a key of broken bytes")
    return name, parameters, key


def _time(element: Element, field: str) -> int:
    """Read a time (4.1.2.5) in one of its two forms, YYMMDDHHMMSSZ and YYYYMMDDHHMMSSZ."""
    text = element.contents.decode("latin-1")
    size = {UTC_TIME: 12, GENERALIZED_TIME: 14}.get(element.tag)
    if size is None or len(text) != size + 1 or text[-1] != "Z" or not (text[:-1].isascii() and text[:-1].isdigit()):
        raise MalformedMessage(MESSAGE, field, "not a time in UTC with seconds")
    year = int(text[: size - 10])
    if element.tag == UTC_TIME:
        year += 1900 if year >= 50 else 2000
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(size - 10, size, 2))
    if not (year and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        raise MalformedMessage(MESSAGE, field, "no such time")
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        raise MalformedMessage(MESSAGE, field, "no such day")
    return calendar.timegm((year, month, day, hour, minute, second))


def _extensions(reader: DERReader) -> dict[str, Extension] | None:
    """Read the fields after the key: the two unique identifiers and the extensions."""
    for tag in (_ISSUER_UID_TAG, _SUBJECT_UID_TAG):
        if reader.peek() == tag:
            reader.take("unique identifier", tag)
    if not reader:
        return {}
    element = reader.take("extensions", _EXTENSIONS_TAG)
    reader.end("TBSCertificate")
    found: dict[str, Extension] = {}
    try:
        outer = DERReader(element.contents, MESSAGE)
        entries = outer.enter("extensions")
        outer.end("extensions")
        while entries:
            name, extension = _extension(entries.enter("extension"))
            if name in found:
                return None
            found[name] = extension
            if len(found) > MAX_EXTENSIONS:
                return None
    except MalformedMessage:
        return None
    return found


def _extension(entry: DERReader) -> tuple[str, Extension]:
    """Read one extension. Some issuers write ``critical FALSE``, a default that DER leaves out."""
    name = oid(entry.take("extnID", OBJECT_IDENTIFIER).contents, message=MESSAGE, field="extnID")
    critical = False
    if entry.peek() == BOOLEAN:
        critical = entry.take("critical", BOOLEAN).contents != b"\x00"
    value = entry.take("extnValue", OCTET_STRING).contents
    entry.end("extension")
    return name, Extension(critical, value)


def read_name(name: bytes) -> tuple[tuple[str, str], ...]:
    """Return the (OID, text) pairs of a Name in their order; text that is not UTF-8 is read as Latin-1.

    Raises:
        MalformedMessage: it is not a Name (RFC 5280 4.1.2.4), or has more than `MAX_NAME_PARTS` parts.
    """
    pairs: list[tuple[str, str]] = []
    outside = DERReader(name, MESSAGE)
    parts = outside.enter("name")
    outside.end("name")
    count = 0
    while parts:
        part = parts.enter("name", SET)
        count += 1
        if count > MAX_NAME_PARTS:
            raise MalformedMessage(MESSAGE, "name", f"more than {MAX_NAME_PARTS} parts")
        while part:
            count += 1
            if count > MAX_NAME_PARTS:
                raise MalformedMessage(MESSAGE, "name", f"more than {MAX_NAME_PARTS} parts")
            pair = part.enter("name")
            kind = oid(pair.take("name", OBJECT_IDENTIFIER).contents, message=MESSAGE, field="name")
            value = pair.take("name").contents
            pair.end("name")
            try:
                pairs.append((kind, value.decode()))
            except UnicodeDecodeError:
                pairs.append((kind, value.decode("latin-1")))
    return tuple(pairs)
