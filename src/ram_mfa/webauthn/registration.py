# SPDX-License-Identifier: Apache-2.0
"""Verification of a registration.

Web Authentication Level 3, "Registering a New Credential"
(https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential); section numbers and steps differ between drafts,
so anchors are cited.

Invariant: a credential is returned only when every step passed, and holds only what a signature covers, or what
"none" may say. No clock: the time at which certificates are validated is an argument.
"""

from __future__ import annotations

from collections.abc import Collection

from ..errors import Check, VerificationError
from ..signatures.cose import SUPPORTED, load_public_key
from .app_id import check_rp_id_hash
from .attestation import AttestationObject, evaluate_attestation, fido_u2f, verify_statement
from .attestation_policy import NO_ATTESTATION, AttestationPolicy
from .client_data import CREATE, ClientData
from .credentials import MAX_CREDENTIAL_ID, RegisteredCredential
from .responses import RegistrationResponse


def verify_registration(
    response: RegistrationResponse,
    *,
    challenge: bytes,
    rp_id: str,
    origins: Collection[str],
    algorithms: Collection[int] = SUPPORTED,
    require_user_verification: bool = False,
    cross_origin: bool = False,
    top_origins: Collection[str] = (),
    attestation: AttestationPolicy = NO_ATTESTATION,
    at: float | None = None,
) -> RegisteredCredential:
    """Verify what a browser returned from ``navigator.credentials.create()``, and return the new credential.

    Numbered in the standard's order. A step that is left to the caller says so.

     1. The response is a registration's (``RegistrationResponse.from_json``).
     2. Client data are UTF-8 and JSON; a leading byte order mark is not part of the JSON.
     3. Type, challenge, origin, crossOrigin and topOrigin are those of this ceremony.
     4. The client data's hash is over the bytes as received.
     5. The attestation object is CBOR; it holds a format, a statement, and authenticator data with a new credential.
     6. rpIdHash is SHA-256 of the RP ID.
     7. UP is set.
     8. UV is set, where that is required.
     9. BS is not set without BE.
    10. The credential's algorithm is one that was offered, and its public key is valid.
    11. The format is matched exactly, and the statement is genuine by its procedure.
    12. It is trusted as far as the policy demands.
    13. The credential id is at most 1,023 bytes, and the one that the response names.
    14. Uniqueness of the credential ID is enforced by the store (claims), not here.
    15. Extension outputs are ignored: no extension that needs them is requested.
    16. The credential is returned; for ``fido-u2f`` without what its signature does not cover.

    Args:
        response: the response.
        challenge: the challenge in the options of this ceremony.
        rp_id: the RP ID, such as ``"example.com"``.
        origins: the application's origins, such as ``"https://login.example.com"``.
        algorithms: COSE numbers that were offered.
        require_user_verification: whether UV must be set, which U2F keys cannot do.
        cross_origin: whether the page may be embedded in a frame of another origin.
        top_origins: the pages in which such a frame may be embedded.
        attestation: which authenticators may be registered.
        at: when certificates must be valid, seconds since the epoch; needed where the policy has roots.

    Returns:
        The credential, to be stored if its id is not yet registered.

    Raises:
        MalformedMessage: a part of the response is malformed.
        VerificationError: a check failed; ``.check`` names it.
        ValueError: an argument of the caller is wrong: the RP ID, an origin, or ``at``.
    """
    # (2) #sctn-registering-a-new-credential, "UTF-8 decode"
    client_data = ClientData.parse(response.client_data_json)
    # (3) #rp-op-registering-a-new-credential-step-origin, and the steps around it
    client_data.check(
        type=CREATE, challenge=challenge, origins=origins, cross_origin=cross_origin, top_origins=top_origins
    )
    # (4)
    client_data_hash = client_data.hash
    # (5) #sctn-generating-an-attestation-object
    received = AttestationObject.parse(response.attestation_object)
    data, credential = received.authenticator_data, received.credential
    # (6) #authdata-rpidhash; an AppID is never a registration's (#sctn-appid-extension)
    check_rp_id_hash(data.rp_id_hash, rp_id=rp_id, requested=None, used=False, registered=None)
    # (7) #authdata-flags-up
    if not data.user_present:
        raise VerificationError(Check.USER_PRESENCE, "the user did not touch the authenticator")
    # (8) #authdata-flags-uv
    from_u2f = received.format == fido_u2f.FORMAT
    user_verified = data.user_verified and not from_u2f
    if require_user_verification and not user_verified:
        raise VerificationError(Check.USER_VERIFICATION, "the authenticator did not verify its user")
    # (9) #authdata-flags-be
    if data.backup_state and not data.backup_eligible:
        raise VerificationError(Check.BACKUP_STATE, "backed up although not eligible for backup")
    # (10) #sctn-alg-identifier
    public_key = load_public_key(credential.public_key)
    if public_key.algorithm not in algorithms:
        raise VerificationError(Check.ALGORITHM, "not an offered one")
    # (11) #reg-ceremony-verify-attestation
    statement = verify_statement(received, client_data_hash, policy=attestation)
    # (12) #reg-ceremony-attestation-trust-anchors, #reg-ceremony-assess-trust
    result = evaluate_attestation(statement, policy=attestation, aaguid=credential.aaguid, at=at)
    # (13) #credential-id
    if len(credential.id) > MAX_CREDENTIAL_ID:
        raise VerificationError(Check.CREDENTIAL_ID, f"longer than {MAX_CREDENTIAL_ID} bytes")
    if credential.id != response.id:
        raise VerificationError(Check.CREDENTIAL_ID, "not the one that the response names")
    # (16) #reg-ceremony-create-credential-record
    return RegisteredCredential(
        id=credential.id,
        public_key=credential.public_key,
        algorithm=public_key.algorithm,
        sign_count=0 if from_u2f else data.sign_count,
        aaguid=fido_u2f.NO_AAGUID if from_u2f else credential.aaguid,
        user_verified=user_verified,
        backup_eligible=data.backup_eligible and not from_u2f,
        backup_state=data.backup_state and not from_u2f,
        transports=response.transports,
        attestation=result,
    )
