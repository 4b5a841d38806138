# SPDX-License-Identifier: Apache-2.0
"""Attestation statements, with one module for each format, and their evaluation against a policy.

Web Authentication Level 3, "Attestation" (https://www.w3.org/TR/webauthn-3/#sctn-attestation).
"""

from __future__ import annotations

from ...errors import Check, VerificationError
from ..attestation_policy import NO_ATTESTATION, AttestationPolicy, OtherFormats
from . import fido_u2f, none, packed
from .evaluation import Attestation, Verdict, evaluate_attestation
from .fido_u2f import verify_fido_u2f
from .none import verify_none
from .others import take_unattested
from .packed import verify_packed
from .statement import AttestationObject, AttestationType, Statement


def verify_statement(
    attestation: AttestationObject, client_data_hash: bytes, *, policy: AttestationPolicy = NO_ATTESTATION
) -> Statement:
    """Verify that a statement is genuine in itself, by its format's procedure; trust is evaluated later.

    Args:
        attestation: the parsed attestation object.
        client_data_hash: SHA-256 of clientDataJSON as received, 32 bytes.
        policy: whether formats that are not verified may pass as unattested, and U2F keys with an AAGUID.

    Raises:
        MalformedMessage: the statement is not one of its format.
        VerificationError: it is not genuine; ``Check.ATTESTATION_FORMAT``, the format is unknown, or not verified here.
    """
    # #sctn-attstn-fmt-ids: an exact match, with the case
    match attestation.format:
        case fido_u2f.FORMAT:
            return verify_fido_u2f(attestation, client_data_hash, require_zero_aaguid=policy.require_zero_aaguid)
        case none.FORMAT:
            return verify_none(attestation)
        case packed.FORMAT:
            return verify_packed(attestation, client_data_hash)
        case _:
            statement = take_unattested(attestation)
            if policy.other_formats is not OtherFormats.UNATTESTED:
                raise VerificationError(Check.ATTESTATION_FORMAT, "recognised, but not verified here")
            return statement


__all__ = [
    "Attestation",
    "AttestationObject",
    "AttestationType",
    "Statement",
    "Verdict",
    "evaluate_attestation",
    "verify_statement",
]
