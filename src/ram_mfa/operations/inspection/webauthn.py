# SPDX-License-Identifier: Apache-2.0
"""Authenticator data, attestation objects, COSE keys and client data.

Web Authentication Level 3 (https://www.w3.org/TR/webauthn-3/); RFC 9052, section 7 (https://www.rfc-editor.org).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ...encoding import base64url, cbor
from ...encoding.origin import Origin
from ...errors import MalformedMessage, VerificationError
from ...signatures.cose import load_public_key
from ...u2f import FINISH_ENROLLMENT, GET_ASSERTION
from ...u2f import ClientData as U2FClientData
from ...webauthn.authenticator_data import AT, BE, BS, ED, UP, UV
from ...webauthn.client_data import CREATE, GET, ClientData
from ...webauthn.credentials import MAX_CREDENTIAL_ID
from .certificate import certificate
from .report import Report, Stop, Walk
from .u2f import RAW

W3C: Final = "Web Authentication Level 3, "
_DATA: Final = f"{W3C}#sctn-authenticator-data"
_ATTESTED: Final = f"{W3C}#sctn-attested-credential-data"
_OBJECT: Final = f"{W3C}#sctn-generating-an-attestation-object"
_CLIENT: Final = f"{W3C}#dictionary-client-data"
_FLAGS: Final = {UP: "UP", UV: "UV", BE: "BE", BS: "BS", AT: "AT", ED: "ED", 0x02: "RFU1", 0x20: "RFU2"}
_KEY_NAMES: Final = {1: "kty", 3: "alg", -1: "crv", -2: "x", -3: "y"}
_RSA_NAMES: Final = {1: "kty", 3: "alg", -1: "n", -2: "e"}
_FORMATS: Final = ("none", "packed", "fido-u2f", "tpm", "android-key", "android-safetynet", "apple", "compound")


class _Member(NamedTuple):
    """A member of a CBOR map, with the offsets of its value."""

    key: int | str
    value: cbor.Value
    start: int
    end: int


def _members(data: bytes, start: int, *, canonical: bool) -> Iterator[_Member]:
    """Walk over the map at ``start``, which was checked before."""
    count, at = _head(data, start)
    while count and not (count < 0 and data[at] == 0xFF):
        key, value_at = cbor.decode_item(data, at, message="map", field="key", canonical=canonical)
        value, at = cbor.decode_item(data, value_at, message="map", field="value", canonical=canonical)
        yield _Member(key if isinstance(key, int | str) else str(key), value, value_at, at)
        count -= 1


def _head(data: bytes, start: int) -> tuple[int, int]:
    """Return how many members or elements the container at ``start`` has (-1: until a break), and where they start."""
    info = data[start] & 31
    if info == 31:
        return -1, start + 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    return (int.from_bytes(data[start + 1 : start + 1 + size], "big") if size else info), start + 1 + size


def authenticator_data(data: bytes, report: Report, base: int = 0) -> None:
    """Inspect authenticator data that start at ``base`` of the message."""
    walk = Walk(data, report, _DATA, base)
    walk.take(32, "rpIdHash")
    flags_at = walk.place
    flags = walk.take(1, "flags", lambda piece: " ".join(name for bit, name in _FLAGS.items() if piece[0] & bit))[0]
    walk.number(4, "signCount")
    if flags & BS and not flags & BE:
        report.fault("flags", flags_at, "BS is set without BE", f"{W3C}#authdata-flags-bs")
    if flags & AT:
        walk.source = _ATTESTED
        walk.take(16, "aaguid")
        length_at = walk.place
        length = walk.number(2, "credentialIdLength")
        if not length:
            report.fault("credentialIdLength", length_at, "a credential id of no bytes", _ATTESTED)
        if length > MAX_CREDENTIAL_ID:
            report.fault("credentialIdLength", length_at, f"above {MAX_CREDENTIAL_ID}", f"{W3C}#credential-id")
        walk.take(length, "credentialId")
        end = _item(walk, "credentialPublicKey", f"{W3C}#sctn-dependencies")
        cose_key(data[walk.at : end], report, walk.place)
        walk.at = end
    if flags & ED:
        end = _item(walk, "extensions", f"{W3C}#sctn-dependencies")
        value, _ = cbor.decode_item(data, walk.at, message=report.kind, field="extensions")
        report.add("extensions", walk.place, end - walk.at, _plain(value))
        if not isinstance(value, dict):
            report.fault("extensions", walk.place, "not a map", f"{W3C}#authdata-extensions")
        walk.at = end
    walk.source = _DATA
    walk.end()


def _item(walk: Walk, field: str, source: str) -> int:
    """Return where the CBOR item at the cursor ends, or report what is wrong with it and stop."""
    try:
        return cbor.decode_item(walk.data, walk.at, message=walk.report.kind, field=field)[1]
    except MalformedMessage as error:
        walk.report.malformed(error, source, base=walk.base)
        raise Stop from None


def cose_key(data: bytes, report: Report, base: int = 0) -> None:
    """Inspect a COSE key in the CTAP2 canonical form."""
    try:
        value = cbor.decode(data, message="COSE key", limit=len(data), canonical=True)
    except MalformedMessage as error:
        report.malformed(error, f"{W3C}#sctn-dependencies", base=base)
        return
    places: dict[str, int] = {}
    if isinstance(value, dict):
        names = _RSA_NAMES if value.get(1) == 3 else _KEY_NAMES
        for member in _members(data, 0, canonical=True):
            name = names.get(member.key, str(member.key)) if isinstance(member.key, int) else member.key
            places[name] = base + member.start
            report.add(f"COSE {name}", base + member.start, member.end - member.start, _plain(member.value))
    try:
        load_public_key(data)
    except MalformedMessage as error:
        at = places.get({"public key": "x", "point": "x"}.get(error.field, error.field), base)
        report.malformed(error, f"{_ATTESTED}; RFC 9053, section 7", at=at)
    except VerificationError as error:
        report.fault("alg", places.get("alg", base), error.problem, f"{W3C}#sctn-alg-identifier")


def attestation_object(data: bytes, report: Report) -> None:
    """Inspect an attestation object and everything in it."""
    try:
        value = cbor.decode(data, message=report.kind, limit=len(data))
    except MalformedMessage as error:
        report.malformed(error, _OBJECT)
        return
    if not isinstance(value, dict):
        report.fault("attestation object", 0, "not a map", _OBJECT)
        return
    for name in ("fmt", "attStmt", "authData"):
        if name not in value:
            report.fault(name, 0, "missing", _OBJECT)
    for member in _members(data, 0, canonical=False):
        size = member.end - member.start
        match member.key, member.value:
            case "fmt", str() as name:
                report.add("fmt", member.start, size, name)
                if name not in _FORMATS:
                    report.fault(
                        "fmt", member.start, "not a registered format", f"{W3C}#sctn-defined-attestation-formats"
                    )
            case "attStmt", dict() as statement:
                _statement(data, member.start, statement, value.get("fmt"), report)
            case "authData", bytes() as inner:
                try:
                    authenticator_data(inner, report, member.end - len(inner))
                except Stop:  # a finding says why; the other members are still shown
                    continue
                if not inner[32] & AT:
                    place = member.end - len(inner) + 32
                    report.fault("flags", place, "AT is not set: no credential is attested", _OBJECT)
            case "fmt" | "attStmt" | "authData", _:
                report.fault(str(member.key), member.start, "of another type", _OBJECT)
            case _:
                report.fault("members", member.start, "a member that the standard does not name", _OBJECT)


def _statement(data: bytes, start: int, value: dict[Any, Any], fmt: object, report: Report) -> None:
    if fmt == "none" and value:
        report.fault("attStmt", start, "not empty", f"{W3C}#sctn-none-attestation")
    for member in _members(data, start, canonical=False):
        if member.key != "x5c" or not isinstance(member.value, list):
            report.add(f"attStmt {member.key}", member.start, member.end - member.start, _plain(member.value))
            continue
        if not member.value:
            report.fault("x5c", member.start, "no certificate", f"{W3C}#sctn-defined-attestation-formats")
        _, at = _head(data, member.start)
        for der in member.value:
            _, at = cbor.decode_item(data, at, message=report.kind, field="x5c", canonical=False)
            if isinstance(der, bytes):
                certificate(der, report, base=at - len(der), prefix="x5c ")
            else:
                report.fault("x5c", at, "an element that is not bytes", f"{W3C}#sctn-defined-attestation-formats")


def client_data(data: bytes, report: Report) -> None:
    """Inspect client data, of WebAuthn or of U2F."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        report.fault("message", error.start, "not UTF-8", _CLIENT)
        return
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = len(text[: error.pos].encode()) if isinstance(error, json.JSONDecodeError) else 0
        report.fault("message", place, "not JSON", "RFC 8259, section 2")
        return
    if not isinstance(plain, dict):
        report.fault("message", 0, "not a JSON object", _CLIENT)
        return
    old = "typ" in plain and "type" not in plain
    source = f"{RAW}7" if old else _CLIENT
    places = {name: max(data.find(json.dumps(name).encode()), 0) for name in plain}
    for name, value in plain.items():
        report.add(name, places[name], len(json.dumps(value, ensure_ascii=False).encode()), value)
    try:
        (U2FClientData if old else ClientData).parse(data)
    except MalformedMessage as error:
        repeated = next((name for name in plain if data.count(json.dumps(name).encode() + b":") > 1), None)
        problem = error.problem if repeated is None else f"the member {repeated} stands twice"
        report.fault(error.field, places.get(repeated or error.field, 0), problem, source)
        return
    types = (FINISH_ENROLLMENT, GET_ASSERTION) if old else (CREATE, GET)
    name = "typ" if old else "type"
    if plain[name] not in types:
        report.fault(name, places[name], f"neither {types[0]} nor {types[1]}", source)
    try:
        base64url.decode(plain["challenge"], message=report.kind, field="challenge")
    except MalformedMessage as error:
        report.fault("challenge", places["challenge"], error.problem, source)
    if not old and not plain["origin"].startswith("android:"):
        try:
            fine = Origin.parse(plain["origin"])
        except MalformedMessage as error:
            report.fault("origin", places["origin"], error.problem, f"{W3C}#sctn-validating-origin")
        else:
            if not (fine.secure or fine.local):
                report.fault("origin", places["origin"], "neither https nor localhost", f"{W3C}#sctn-validating-origin")
    if "topOrigin" in plain and plain.get("crossOrigin") is not True:
        report.fault(
            "topOrigin", places["topOrigin"], "crossOrigin is not true", f"{W3C}#dom-collectedclientdata-toporigin"
        )


def _plain(value: Any) -> Any:
    """Return a decoded item as JSON's types."""
    match value:
        case bytes():
            return value.hex()
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
