# SPDX-License-Identifier: Apache-2.0
"""Verification of an assertion.

Web Authentication Level 3, "Verifying an Authentication Assertion"
(https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion); section numbers and steps differ between drafts, so
anchors are cited.

Invariant: one credential, named by the caller, one challenge, one response. Nothing is remembered here: the caller
spends the challenge and stores the new count in the same write.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection

from ..errors import Check, MalformedMessage, VerificationError
from ..signatures.cose import load_public_key
from .app_id import check_rp_id_hash
from .authenticator_data import HEADER_SIZE, AuthenticatorData
from .client_data import GET, ClientData
from .credentials import Credential, VerifiedAssertion
from .responses import AuthenticationResponse


def verify_authentication(
    response: AuthenticationResponse,
    *,
    credential: Credential,
    challenge: bytes,
    rp_id: str,
    origins: Collection[str],
    app_id: str | None = None,
    allowed_credentials: Collection[bytes] | None = None,
    user_handle: bytes | None = None,
    require_user_verification: bool = False,
    cross_origin: bool = False,
    top_origins: Collection[str] = (),
) -> VerifiedAssertion:
    """Verify the result of ``navigator.credentials.get()``, and return the changes to the credential.

    Numbered in the standard's order. A step that is left to the caller says so.

     1. The response is an authentication's (``AuthenticationResponse.from_json``).
     2. Its credential id is one of those that this ceremony allowed.
     3. It is the credential's, and the user handle, if present, is the user's; the caller has identified the user.
     4. Client data are UTF-8 and JSON; a leading byte order mark is not part of the JSON.
     5. Type, challenge, origin, crossOrigin and topOrigin are those of this ceremony.
     6. rpIdHash is SHA-256 of the RP ID, or, where all three conditions of the ``appid`` extension hold, of the AppID;
        then the authenticator data hold nothing but their first 37 bytes.
     7. UP is set.
     8. UV is set, where that is required.
     9. BS is not set without BE.
    10. BE is what it was at registration, where that is known.
    11. The signature holds, under the stored key, over authenticator data and the hash of the client data, as received.
    12. The sign count is greater than the stored one, unless both are zero.
    13. Other extension outputs are ignored: no extension that needs them is requested.
    14. The changes to be stored are returned.

    Args:
        response: the response.
        credential: the stored credential that the response must be of.
        challenge: the challenge in the options of this ceremony.
        rp_id: the RP ID, such as ``"example.com"``.
        origins: the application's origins, such as ``"https://login.example.com"``.
        app_id: the AppID in the ``appid`` extension of this ceremony's request; None if it had none.
        allowed_credentials: the ids in this ceremony's ``allowCredentials``; None if it held the credential alone.
        user_handle: the user's handle; None if it is not compared.
        require_user_verification: whether UV must be set, which U2F keys cannot do.
        cross_origin: whether the page may be embedded in a frame of another origin.
        top_origins: the pages in which such a frame may be embedded.

    Returns:
        The changes to be stored, and the flags of the assertion.

    Raises:
        MalformedMessage: a part of the response is malformed.
        VerificationError: a check failed; ``.check`` names it.
        ValueError: an argument of the caller is wrong: the RP ID, an origin.
    """
    # (2) #dom-publickeycredentialrequestoptions-allowcredentials
    if allowed_credentials is not None and response.id not in allowed_credentials:
        raise VerificationError(Check.CREDENTIAL_ID, "not an allowed one")
    # (3) #sctn-verifying-assertion, "Identify the user"
    if not hmac.compare_digest(response.id, credential.id):
        raise VerificationError(Check.CREDENTIAL_ID, "another credential's")
    if response.user_handle is not None and user_handle is not None and response.user_handle != user_handle:
        raise VerificationError(Check.USER_HANDLE, "another user's")
    # (4) #sctn-verifying-assertion, "UTF-8 decode"
    client_data = ClientData.parse(response.client_data_json)
    # (5) #rp-op-verifying-assertion-step-origin, and the steps around it
    client_data.check(
        type=GET, challenge=challenge, origins=origins, cross_origin=cross_origin, top_origins=top_origins
    )
    # (6) #rp-op-verifying-assertion-step-rpid-hash, #sctn-appid-extension
    data = AuthenticatorData.parse(response.authenticator_data)
    app_id_used = check_rp_id_hash(
        data.rp_id_hash, rp_id=rp_id, requested=app_id, used=response.app_id_used, registered=credential.app_id
    )
    if app_id_used and len(data.raw) != HEADER_SIZE:
        # #sctn-fido-u2f-sig-format-compat: never with attested credential data or extensions
        raise MalformedMessage("authenticator data", "length", f"not the {HEADER_SIZE} bytes of a U2F key")
    # (7) #authdata-flags-up
    if not data.user_present:
        raise VerificationError(Check.USER_PRESENCE, "the user did not touch the authenticator")
    # (8) #authdata-flags-uv
    if require_user_verification and not data.user_verified:
        raise VerificationError(Check.USER_VERIFICATION, "the authenticator did not verify its user")
    # (9) #authdata-flags-be
    if data.backup_state and not data.backup_eligible:
        raise VerificationError(Check.BACKUP_STATE, "backed up although not eligible for backup")
    # (10) #sctn-credential-backup
    if credential.backup_eligible is not None and data.backup_eligible is not credential.backup_eligible:
        raise VerificationError(Check.BACKUP_STATE, "eligibility for backup changed")
    # (11) #sctn-op-get-assertion, #sctn-signature-attestation-types
    load_public_key(credential.public_key).verify(response.signature, data.raw + client_data.hash)
    # (12) #sctn-sign-counter
    if (data.sign_count or credential.sign_count) and data.sign_count <= credential.sign_count:
        raise VerificationError(Check.SIGN_COUNT, "not greater than the last one: the key may be cloned")
    # (14) #authn-ceremony-update-credential-record
    return VerifiedAssertion(
        credential_id=credential.id,
        sign_count=data.sign_count,
        user_verified=data.user_verified,
        backup_eligible=data.backup_eligible,
        backup_state=data.backup_state,
        app_id_used=app_id_used,
    )
