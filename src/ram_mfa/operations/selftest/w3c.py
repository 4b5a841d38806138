# SPDX-License-Identifier: Apache-2.0
"""The test vectors of Web Authentication Level 3 (https://www.w3.org/TR/webauthn-3/#sctn-test-vectors)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from ...webauthn import (
    AttestationLevel,
    AttestationPolicy,
    AuthenticationResponse,
    Credential,
    OtherFormats,
    RegistrationResponse,
    Verdict,
    verify_authentication,
    verify_registration,
)
from ...webauthn.attestation import AttestationObject
from .vectors import Suite, expect

_URL: Final = "https://www.w3.org/TR/webauthn-3/#sctn-test-vectors"
_RP_ID: Final = "example.org"
_ORIGINS: Final = ("https://example.org",)
_TOP_ORIGINS: Final = ("https://example.com",)
_UNVERIFIED: Final = ("tpm", "android-key", "apple")
_AT: Final = 1_893_456_000.0
"""2030-01-01, within the validity of the printed certificates."""


def suites(document: Mapping[str, Any]) -> Iterator[Suite]:
    """Return the vectors, ready to be tried."""
    root = bytes.fromhex(document["attestation_ca_cert"])
    for name, check in (("registration", partial(_register, root=root)), ("authentication", _authenticate)):
        vectors = tuple((f"#sctn-test-vectors-{one['anchor']}", partial(check, one)) for one in document["vectors"])
        note = ""
        if name == "registration":
            note = "the attestation statements of tpm, android-key and apple are parsed and not verified (unsupported)"
        yield Suite("Web Authentication Level 3", f"#sctn-test-vectors, {name}", _URL, vectors, note)


def _frame(vector: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is expected of a frame around the page."""
    match vector["anchor"]:
        case "none-es256-crossOrigin":
            return {"cross_origin": True}
        case "none-es256-topOrigin":
            return {"cross_origin": True, "top_origins": _TOP_ORIGINS}
        case _:
            return {}


def _register(vector: Mapping[str, Any], *, root: bytes) -> None:
    printed = {name: bytes.fromhex(text) for name, text in vector["registration"].items()}
    attestation, certified = AttestationPolicy(), False
    statement = AttestationObject.parse(printed["attestationObject"])
    if statement.format in _UNVERIFIED:
        attestation = AttestationPolicy(other_formats=OtherFormats.UNATTESTED)
    elif statement.format != "none" and "self" not in vector["anchor"]:
        certified = True
        attestation = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[root])
    response = RegistrationResponse(
        id=printed["credential_id"],
        client_data_json=printed["clientDataJSON"],
        attestation_object=printed["attestationObject"],
    )
    credential = verify_registration(
        response, challenge=printed["challenge"], rp_id=_RP_ID, origins=_ORIGINS, attestation=attestation, at=_AT,
        **_frame(vector),
    )  # fmt: skip
    expect(credential.id, printed["credential_id"])
    expect(statement.credential.aaguid, printed["aaguid"])
    expect(credential.attestation.verdict is Verdict.TRUSTED, certified)


def _authenticate(vector: Mapping[str, Any]) -> None:
    printed = {name: bytes.fromhex(text) for name, text in vector["authentication"].items()}
    made = AttestationObject.parse(bytes.fromhex(vector["registration"]["attestationObject"])).credential
    response = AuthenticationResponse(
        id=made.id,
        client_data_json=printed["clientDataJSON"],
        authenticator_data=printed["authenticatorData"],
        signature=printed["signature"],
    )
    verify_authentication(
        response, challenge=printed["challenge"], rp_id=_RP_ID, origins=_ORIGINS,
        credential=Credential(id=made.id, public_key=made.public_key, sign_count=0), **_frame(vector),
    )  # fmt: skip
