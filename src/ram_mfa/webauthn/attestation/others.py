# SPDX-License-Identifier: Apache-2.0
"""The statement formats that are recognised but not verified.

Web Authentication Level 3, "Defined Attestation Statement Formats"
(https://www.w3.org/TR/webauthn-3/#sctn-defined-attestation-formats), with the IANA registry of RFC 8809. They belong to
platforms (a TPM, a phone), not to security keys.

Invariant: an unverified statement proves nothing.
"""

from __future__ import annotations

from typing import Final

from ...errors import Check, MalformedMessage, VerificationError
from .statement import AttestationObject, AttestationType, Statement

RECOGNISED: Final = frozenset({"tpm", "android-key", "android-safetynet", "apple", "compound"})


def take_unattested(attestation: AttestationObject) -> Statement:
    """Return the statement as one that proves nothing.

    Raises:
        MalformedMessage: the statement is neither a map nor (``compound``) a list.
        VerificationError: ``Check.ATTESTATION_FORMAT``, no such format is known.
    """
    if attestation.format not in RECOGNISED:
        raise VerificationError(Check.ATTESTATION_FORMAT, "unknown")
    if not isinstance(attestation.statement, dict | list):
        raise MalformedMessage("attestation object", "attStmt", "neither a map nor a list")
    return Statement(attestation.format, AttestationType.NONE)
