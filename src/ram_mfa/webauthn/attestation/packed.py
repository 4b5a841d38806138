# SPDX-License-Identifier: Apache-2.0
"""The ``packed`` statement: an authenticator's signature with its model's key, or with the new credential's own.

Web Authentication Level 3, "Packed Attestation Statement Format"
(https://www.w3.org/TR/webauthn-3/#sctn-packed-attestation) and "Certificate Requirements for Packed Attestation
Statements" (https://www.w3.org/TR/webauthn-3/#sctn-packed-attestation-cert-requirements).

Invariant: a certificate must be fit for this purpose, regardless of its issuer. One liberty is taken: Basic Constraints
may be missing, as it is in certificates of keys that were sold; where it stands it must not make an authority.
"""

from __future__ import annotations

from typing import Final

from ...attestation_certificates.certificates import AttestationCertificate
from ...errors import Check, VerificationError
from ...signatures.cose import algorithm_of, load_public_key, verify_signature
from .statement import AttestationObject, AttestationType, Statement, members_of, path_of, signature_of

FORMAT: Final = "packed"

_CERTIFIED = frozenset({"alg", "sig", "x5c"})
_SELF = frozenset({"alg", "sig"})

_COUNTRY, _ORGANISATION, _UNIT, _COMMON_NAME = "2.5.4.6", "2.5.4.10", "2.5.4.11", "2.5.4.3"
_BASIC_CONSTRAINTS = "2.5.29.19"
_NO_AUTHORITY = (b"\x30\x00", b"\x30\x03\x01\x01\x00")  # the default left out, as DER asks, or written out
_AAGUID_EXTENSION = "1.3.6.1.4.1.45724.1.1.4"  # id-fido-gen-ce-aaguid
_OCTET_STRING_OF_16 = b"\x04\x10"


def verify_packed(attestation: AttestationObject, client_data_hash: bytes) -> Statement:
    """Verify a ``packed`` statement; the numbers are the standard's.

    1. ``attStmt`` holds exactly ``alg`` and ``sig``, or these and ``x5c``.
    2. With ``x5c``: ``sig`` holds over authenticator data and client data hash under the first certificate's key with
       ``alg``; that certificate meets the requirements; an AAGUID in it is that of the authenticator data.
    3. Without: ``alg`` is the credential's algorithm, and ``sig`` holds under the credential's own key.

    Raises:
        MalformedMessage: step 1 failed, or a certificate or key is invalid.
        VerificationError: ``Check.ALGORITHM``, ``SIGNATURE``, ``CERTIFICATE``, or ``MODEL`` for the AAGUID.
    """
    # (1) #sctn-packed-attestation
    members = members_of(attestation.statement, _CERTIFIED, _SELF)
    algorithm = algorithm_of(members["alg"])
    signature = signature_of(members)
    signed = attestation.authenticator_data.raw + client_data_hash
    # (2)
    if "x5c" in members:
        path = path_of(members)
        verify_signature(path[0].any_key(), algorithm, signature, signed)
        _check_requirements(path[0])
        _check_aaguid(path[0], attestation.credential.aaguid)
        return Statement(FORMAT, AttestationType.CERTIFIED, path)
    # (3)
    public_key = load_public_key(attestation.credential.public_key)
    if algorithm is not public_key.algorithm:
        raise VerificationError(Check.ALGORITHM, "not the algorithm of the credential")
    public_key.verify(signature, signed)
    return Statement(FORMAT, AttestationType.SELF)


def _check_requirements(certificate: AttestationCertificate) -> None:
    """Check an attestation certificate against #sctn-packed-attestation-cert-requirements."""
    if certificate.fields.version != 3 or certificate.fields.extensions is None:
        raise VerificationError(Check.CERTIFICATE, "not of version 3, or its extensions cannot be read")
    subject: dict[str, str] = {}
    for kind, text in certificate.subject:
        if kind in subject:
            raise VerificationError(Check.CERTIFICATE, "a part of the subject stands twice")
        subject[kind] = text
    country = subject.get(_COUNTRY, "")
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise VerificationError(Check.CERTIFICATE, "the subject's country is no ISO 3166 code")
    if not subject.get(_ORGANISATION) or not subject.get(_COMMON_NAME):
        raise VerificationError(Check.CERTIFICATE, "the subject has no organisation or no common name")
    if subject.get(_UNIT) != "Authenticator Attestation":
        raise VerificationError(Check.CERTIFICATE, "the subject's unit is not Authenticator Attestation")
    constraints = certificate.extension(_BASIC_CONSTRAINTS)
    if constraints is not None and constraints.value not in _NO_AUTHORITY:
        raise VerificationError(Check.CERTIFICATE, "it is a certification authority's")


def _check_aaguid(certificate: AttestationCertificate, aaguid: bytes) -> None:
    """Check the AAGUID that a certificate names, where it names one; it is wrapped in two OCTET STRINGs."""
    extension = certificate.extension(_AAGUID_EXTENSION)
    if extension is None:
        return
    if extension.critical:
        raise VerificationError(Check.CERTIFICATE, "its AAGUID extension is critical")
    if extension.value != _OCTET_STRING_OF_16 + aaguid:
        raise VerificationError(Check.MODEL, "the certificate is another model's")
