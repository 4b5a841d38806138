# SPDX-License-Identifier: Apache-2.0
"""The verifier and reader of a metadata BLOB, a JSON Web Signature over the list of all models.

FIDO Metadata Service 3.1.1, section 3.2, "Metadata BLOB object processing rules"
(https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1.1-ps-20260105.html); RFC 7515, sections 3.1, 4.1 and 5.2
(https://www.rfc-editor.org/rfc/rfc7515); RFC 7518, sections 3.3 and 3.4 (https://www.rfc-editor.org/rfc/rfc7518).

Invariant: nothing of the payload is parsed before its signature is verified under a certificate that chains to a root
which the caller gave. There is no network here: ``x5u`` is not followed, and revocation lists are not fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ...attestation_certificates.certificates import AttestationCertificate
from ...attestation_certificates.trust import MAX_PATH, TrustRoots, verify_chain
from ...encoding import base64url
from ...encoding.json import load_object
from ...errors import Check, MalformedMessage, VerificationError
from .models import MAX_ENTRIES, MESSAGE, AuthenticatorModel, read_certificate, read_date, read_model, start_of

MAX_SIZE: Final = 64 * 1_024 * 1_024
"""Characters; the service's own BLOB had about 10 million in 2026, most of them icons."""
_MAX_HEADER: Final = 262_144
_P256_HALF: Final = 32
_DAY: Final = 86_400


@attrs.frozen(kw_only=True)
class MetadataBlob:
    """A verified BLOB.

    Attributes:
        number: its serial number, ``no``; store it, and give it as ``last_number`` when the next one is read.
        next_update: the day by which the application fetches the next one (UTC), as YYYY-MM-DD.
        models: all models of FIDO2 and U2F, in the order of the BLOB.
        problems: one sentence for each root certificate that was left out because it cannot be read.
    """

    number: int
    next_update: str
    models: tuple[AuthenticatorModel, ...] = attrs.field(repr=False)
    problems: tuple[str, ...] = attrs.field(repr=False)
    _by_identifier: Mapping[str, tuple[AuthenticatorModel, ...]] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        found: dict[str, tuple[AuthenticatorModel, ...]] = {}
        for model in self.models:
            for identifier in model.identifiers:
                found[identifier] = (*found.get(identifier, ()), model)
        object.__setattr__(self, "_by_identifier", found)

    def named(self, identifier: str) -> tuple[AuthenticatorModel, ...]:
        """Return the models with that AAGUID or key identifier: none, one, or several where the BLOB repeats it."""
        return self._by_identifier.get(identifier, ())


def read_metadata(
    blob: str | bytes,
    *,
    roots: TrustRoots | Iterable[AttestationCertificate | bytes],
    at: float,
    last_number: int | None = None,
) -> MetadataBlob:
    """Verify a metadata BLOB and return what it says. The numbers are this function's own.

    1. The BLOB is three parts in base64url, within `MAX_SIZE`.
    2. The header names RS256 or ES256 and a certificate path, and has no critical extension.
    3. The path chains to one of the roots.
    4. The signature over header and payload is the first certificate's.
    5. The serial number is not below the last one seen (a rollback).
    6. The day of the next update has not passed (a withheld update).
    7. The entries are read.

    Args:
        blob: as fetched.
        roots: the certificates that may issue the signer; for the FIDO Alliance's service that of its current CA.
        at: seconds since the epoch.
        last_number: ``MetadataBlob.number`` of the last BLOB read; None at the first one.

    Raises:
        MalformedMessage: it is no metadata BLOB (1, 2, 7).
        VerificationError: ``Check.ALGORITHM`` (2), ``CERTIFICATE`` or ``TRUST_PATH`` (3), ``SIGNATURE`` (4),
            ``METADATA`` (5, 6).
    """
    # (1) RFC 7515 3.1, 5.2
    header_part, payload_part, signature_part = _parts(blob)
    header = load_object(
        base64url.decode(header_part, message=MESSAGE, field="header", limit=_MAX_HEADER),
        message=MESSAGE,
        limit=_MAX_HEADER,
    )
    signature = base64url.decode(signature_part, message=MESSAGE, field="signature", limit=4_096)
    # (2) RFC 7515 4.1.1, 4.1.6, 4.1.11
    algorithm, path = _signer(header)
    # (3)
    verify_chain(path, roots=roots, at=at)
    # (4) RFC 7515 5.2, step 8
    _verify(path[0], algorithm, signature, f"{header_part}.{payload_part}".encode())
    payload = load_object(
        base64url.decode(payload_part, message=MESSAGE, field="payload", limit=MAX_SIZE),
        message=MESSAGE,
        limit=MAX_SIZE,
    )
    # (5)
    number = payload.get("no")
    if type(number) is not int or number < 0:
        raise MalformedMessage(MESSAGE, "no", "not a number from 0 up")
    if last_number is not None and number < last_number:
        raise VerificationError(Check.METADATA, f"number {number} is older than number {last_number}, seen before")
    # (6)
    next_update = read_date(payload.get("nextUpdate"), "nextUpdate")
    if at >= start_of(next_update) + _DAY:
        raise VerificationError(Check.METADATA, f"number {number} was to be replaced by {next_update}")
    # (7)
    entries = payload.get("entries")
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise MalformedMessage(MESSAGE, "entries", f"not an array of up to {MAX_ENTRIES}")
    problems: list[str] = []
    models = [model for entry in entries if (model := read_model(entry, problems)) is not None]
    return MetadataBlob(number=number, next_update=next_update, models=tuple(models), problems=tuple(problems))


def _parts(blob: str | bytes) -> tuple[str, str, str]:
    if not isinstance(blob, str | bytes):
        raise MalformedMessage(MESSAGE, "BLOB", "neither text nor bytes")
    if len(blob) > MAX_SIZE:
        raise MalformedMessage(MESSAGE, "BLOB", f"longer than {MAX_SIZE} characters")
    try:
        text = blob if isinstance(blob, str) else blob.decode("ascii")
    except UnicodeDecodeError:
        raise MalformedMessage(MESSAGE, "BLOB", "not ASCII") from None
    parts = text.strip().split(".")
    if len(parts) != 3:
        raise MalformedMessage(MESSAGE, "BLOB", "not three parts")
    return parts[0], parts[1], parts[2]


def _signer(header: dict[str, Any]) -> tuple[str, list[AttestationCertificate]]:
    algorithm = header.get("alg")
    if algorithm not in {"RS256", "ES256"}:
        raise VerificationError(Check.ALGORITHM, "neither RS256 nor ES256")
    if "crit" in header:
        raise MalformedMessage(MESSAGE, "crit", "a critical header parameter is not supported")
    path = header.get("x5c")
    if not isinstance(path, list) or not 0 < len(path) <= MAX_PATH:
        raise MalformedMessage(MESSAGE, "x5c", f"not 1 to {MAX_PATH} certificates")
    return algorithm, [AttestationCertificate.parse(read_certificate(text, "x5c")) for text in path]


def _verify(signer: AttestationCertificate, algorithm: str, signature: bytes, signed: bytes) -> None:
    try:
        match signer.any_key():
            case rsa.RSAPublicKey() as key if algorithm == "RS256":
                key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePublicKey() as key if algorithm == "ES256" and isinstance(key.curve, ec.SECP256R1):
                key.verify(_der_signature(signature), signed, ec.ECDSA(hashes.SHA256()))
            case _:
                raise VerificationError(Check.ALGORITHM, "the signer's key is of another kind")
    except InvalidSignature:
        raise VerificationError(Check.SIGNATURE, "not the signer's") from None


def _der_signature(signature: bytes) -> bytes:
    """Return a signature of ES256 (RFC 7518 section 3.4: R and S, 32 bytes each) in DER."""
    if len(signature) != 2 * _P256_HALF:
        raise VerificationError(Check.SIGNATURE, "not 64 bytes")
    first, second = signature[:_P256_HALF], signature[_P256_HALF:]
    return encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(second, "big"))
