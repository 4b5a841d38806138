# SPDX-License-Identifier: Apache-2.0
"""Web Authentication Level 3, the relying party's side: options, registrations, assertions.

W3C Web Authentication Level 3 (https://www.w3.org/TR/webauthn-3/). Bytes and arguments in, values or an error out: no
policy that is remembered, no state, no clock, no network. ``MalformedMessage`` and ``VerificationError`` are all that a
peer can cause; a wrong argument of the caller is a ``ValueError``.

Invariant: a verification returns the value that it proved, or raises.
"""

from __future__ import annotations

from ..signatures.cose import COSEAlgorithm, PublicKey, load_public_key
from .attestation.evaluation import Attestation, Verdict
from .attestation_policy import AttestationLevel, AttestationPolicy, OtherFormats
from .authentication import verify_authentication
from .authenticator_data import AuthenticatorData
from .client_data import ClientData
from .credentials import Credential, RegisteredCredential, VerifiedAssertion
from .options import CredentialDescriptor, creation_options, request_options
from .registration import verify_registration
from .responses import AuthenticationResponse, RegistrationResponse

__all__ = [
    "Attestation",
    "AttestationLevel",
    "AttestationPolicy",
    "AuthenticationResponse",
    "AuthenticatorData",
    "COSEAlgorithm",
    "ClientData",
    "Credential",
    "CredentialDescriptor",
    "OtherFormats",
    "PublicKey",
    "RegisteredCredential",
    "RegistrationResponse",
    "Verdict",
    "VerifiedAssertion",
    "creation_options",
    "load_public_key",
    "request_options",
    "verify_authentication",
    "verify_registration",
]
