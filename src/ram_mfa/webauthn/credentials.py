# SPDX-License-Identifier: Apache-2.0
"""Stored credentials, and the results of the two ceremonies.

Web Authentication Level 3, "Terminology", credential record (https://www.w3.org/TR/webauthn-3/#credential-record).

Invariant: frozen values. A ``RegisteredCredential`` and a ``VerifiedAssertion`` are made only by a verification.
"""

from __future__ import annotations

from typing import Final

import attrs

from .._validation import is_flag, octets, optional, text, whole
from ..signatures.cose import COSEAlgorithm, load_public_key
from .attestation.evaluation import Attestation

MAX_CREDENTIAL_ID: Final = 1_023
"""The maximum length of a credential id in bytes (#sctn-registering-a-new-credential)."""


@attrs.frozen(kw_only=True)
class Credential:
    """A stored credential, against which an assertion is verified.

    Attributes:
        id: credential id, or key handle, 1 to 1,023 bytes.
        public_key: the COSE key, or for ES256 the point (X9.62, 65 bytes).
        sign_count: the highest count accepted so far, 0 where none was.
        app_id: the AppID under which it was registered through U2F; None where it was registered through WebAuthn.
        backup_eligible: BE at registration; None where it is not known (U2F has no such flag) and not compared.
    """

    id: bytes = attrs.field(validator=octets(1, MAX_CREDENTIAL_ID))
    public_key: bytes = attrs.field(validator=octets(0, 8_192))
    sign_count: int = attrs.field(validator=whole(0, 2**32 - 1))
    app_id: str | None = attrs.field(default=None, validator=optional(text(1)))
    backup_eligible: bool | None = attrs.field(default=None, validator=optional(is_flag))


@attrs.frozen(kw_only=True)
class RegisteredCredential:
    """A credential created by a verified registration.

    Attributes:
        id: credential id, 1 to 1,023 bytes; the caller checks that no account holds it yet.
        public_key: the COSE key in its canonical encoding.
        algorithm: the algorithm of its signatures.
        sign_count: the counter's first value; 0 for ``fido-u2f``, whose signature does not cover it.
        aaguid: the model that the authenticator claims, 16 bytes; zeros for ``fido-u2f``. It is proved only if
            ``attestation.models`` names it too.
        user_verified: whether the authenticator verified its user; False for ``fido-u2f``.
        backup_eligible: whether the credential may be copied; False for ``fido-u2f``.
        backup_state: whether it is copied now; False for ``fido-u2f``.
        transports: how to reach the authenticator, as claimed by the client.
        attestation: the result of the attestation.
    """

    id: bytes
    public_key: bytes
    algorithm: COSEAlgorithm
    sign_count: int
    aaguid: bytes
    user_verified: bool
    backup_eligible: bool
    backup_state: bool
    transports: tuple[str, ...]
    attestation: Attestation

    @property
    def user_present(self) -> bool:
        """True: a registration without the user's touch is refused."""
        return True

    @property
    def point(self) -> bytes | None:
        """The public key as X9.62, ``0x04 || x || y``, 65 bytes, where it is on P-256; else None."""
        return load_public_key(self.public_key).point


@attrs.frozen(kw_only=True)
class VerifiedAssertion:
    """A verified assertion.

    Attributes:
        credential_id: the id of the credential.
        sign_count: the counter's new value, to be stored; never below the stored one.
        user_verified: whether the authenticator verified its user.
        backup_eligible: whether the credential may be copied.
        backup_state: whether it is copied now.
        app_id_used: whether a U2F credential answered under its AppID.
    """

    credential_id: bytes
    sign_count: int
    user_verified: bool
    backup_eligible: bool
    backup_state: bool
    app_id_used: bool

    @property
    def user_present(self) -> bool:
        """True: an assertion without the user's touch is refused."""
        return True
