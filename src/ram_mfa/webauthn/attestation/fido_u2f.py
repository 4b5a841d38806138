# SPDX-License-Identifier: Apache-2.0
"""The ``fido-u2f`` statement: a U2F key's registration, carried by a browser.

Web Authentication Level 3, "FIDO U2F Attestation Statement Format"
(https://www.w3.org/TR/webauthn-3/#sctn-fido-u2f-attestation); FIDO U2F Raw Message Formats 1.2, section 4.3.

Invariant: the signature covers the RP ID's hash, the client data's hash, the key handle and the public key. It does
not cover flags, counter and AAGUID, so a registration in this format never reports one of them.
"""

from __future__ import annotations

from typing import Final

from ...errors import Check, VerificationError
from ...signatures.cose import COSEAlgorithm, load_public_key
from ...signatures.p256 import verify_p256
from .statement import AttestationObject, AttestationType, Statement, members_of, path_of, signature_of

FORMAT: Final = "fido-u2f"
MAX_KEY_HANDLE: Final = 255
"""The longest key handle, in bytes: its length is one byte on the wire."""
NO_AAGUID: Final = bytes(16)

_MEMBERS = frozenset({"x5c", "sig"})


def verify_fido_u2f(attestation: AttestationObject, client_data_hash: bytes, *, require_zero_aaguid: bool) -> Statement:
    """Verify a ``fido-u2f`` statement; the numbers are the standard's.

    1. ``attStmt`` holds exactly ``x5c`` and ``sig``.
    2. ``x5c`` has exactly one element, and its key is on P-256.
    3. The claimed rpIdHash, credential id and public key come from the authenticator data.
    4. The public key is ES256 in the form of X9.62; the credential id is no longer than a key handle.
    5. The data are 0x00, rpIdHash, clientDataHash, credential id, public key.
    6. ``sig`` holds over them under the certificate's key, with SHA-256.
    7. Whether this is Basic or AttCA is not inspected.
    8. Return the trust path.

    Raises:
        MalformedMessage: steps 1, 2 and 4.
        VerificationError: ``Check.CERTIFICATE`` (2), ``CREDENTIAL_ID`` or ``ALGORITHM`` (4), ``SIGNATURE`` (6);
            ``MODEL`` for a non-zero AAGUID, where zeros are required.
    """
    # (1) (2) #sctn-fido-u2f-attestation
    members = members_of(attestation.statement, _MEMBERS)
    path = path_of(members, longest=1)
    key = path[0].p256
    # (3)
    rp_id_hash, credential = attestation.authenticator_data.rp_id_hash, attestation.credential
    if require_zero_aaguid and credential.aaguid != NO_AAGUID:
        raise VerificationError(Check.MODEL, "a U2F key with an AAGUID")
    # (4)
    if len(credential.id) > MAX_KEY_HANDLE:
        raise VerificationError(Check.CREDENTIAL_ID, f"longer than {MAX_KEY_HANDLE} bytes")
    public_key = load_public_key(credential.public_key)
    if public_key.algorithm is not COSEAlgorithm.ES256 or public_key.point is None:
        raise VerificationError(Check.ALGORITHM, "not ES256")
    # (5)
    signed = b"\x00" + rp_id_hash + client_data_hash + credential.id + public_key.point
    # (6)
    verify_p256(key, signature_of(members), signed)
    # (7) (8)
    return Statement(FORMAT, AttestationType.CERTIFIED, path)
