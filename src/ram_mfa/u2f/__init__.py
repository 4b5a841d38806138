# SPDX-License-Identifier: Apache-2.0
"""FIDO U2F 1.2: raw messages, client data, signatures, attestation certificates, AppIDs and facets.

https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/. Read in this order: requests, messages, client_data,
facets, verification; the certificates are in ``ram_mfa.attestation_certificates``.

Invariant: functions take bytes and arguments and return values, or raise one of two errors; no policy, no state, no
clock, no network.
"""

from ..attestation_certificates.certificates import AttestationCertificate, Transport
from ..attestation_certificates.trust import TrustRoots, verify_chain
from ..encoding.origin import Origin
from ..signatures.p256 import load_p256
from .apdu import CommandAPDU, ResponseAPDU, StatusWord, exchange
from .client_data import FINISH_ENROLLMENT, GET_ASSERTION, ClientData
from .facets import AppID, AppIdentity, Facet, parse_facet, read_trusted_facets, trusted_facets_document
from .js_api import (
    ErrorCode,
    ErrorResponse,
    RegisteredKey,
    RegisterRequest,
    RegisterResponse,
    SignRequest,
    SignResponse,
)
from .messages import VERSION, AuthenticationResponse, RegistrationResponse
from .requests import AuthenticationRequest, Control, RegistrationRequest, VersionRequest
from .verification import (
    application_parameter,
    challenge_parameter,
    verify_authentication,
    verify_registration,
)

__all__ = [
    "FINISH_ENROLLMENT",
    "GET_ASSERTION",
    "VERSION",
    "AppID",
    "AppIdentity",
    "AttestationCertificate",
    "AuthenticationRequest",
    "AuthenticationResponse",
    "ClientData",
    "CommandAPDU",
    "Control",
    "ErrorCode",
    "ErrorResponse",
    "Facet",
    "Origin",
    "RegisterRequest",
    "RegisterResponse",
    "RegisteredKey",
    "RegistrationRequest",
    "RegistrationResponse",
    "ResponseAPDU",
    "SignRequest",
    "SignResponse",
    "StatusWord",
    "Transport",
    "TrustRoots",
    "VersionRequest",
    "application_parameter",
    "challenge_parameter",
    "exchange",
    "load_p256",
    "parse_facet",
    "read_trusted_facets",
    "trusted_facets_document",
    "verify_authentication",
    "verify_chain",
    "verify_registration",
]
