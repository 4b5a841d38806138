# SPDX-License-Identifier: Apache-2.0
"""Verification of the signatures of well-formed responses.

FIDO U2F Raw Message Formats 1.2, sections 4.3 and 5.4
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html).

Invariant: this module verifies what was signed and by which key. The caller must still
verify the request (type, challenge, origin) with `ClientData.check`, and the model of the key with `verify_chain`.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final

from ..attestation_certificates.certificates import AttestationCertificate
from ..errors import Check, VerificationError
from ..signatures.p256 import stored_p256, verify_p256
from .client_data import ClientData
from .facets import AppID
from .messages import PARAMETER_SIZE, AuthenticationResponse, RegistrationResponse

_RESERVED: Final = b"\x00"
_FIXED: Final = struct.Struct(">BI")
_USER_PRESENT: Final = 0x01
_MAX_COUNTER: Final = 0xFFFF_FFFF


def application_parameter(app_id: AppID | str) -> bytes:
    """Return SHA-256 of an AppID, 32 bytes, over its exact UTF-8: any other form is another application.

    Args:
        app_id: what the key was registered under, as the client was given it. Nothing is mended and nothing refused
            here: whether it is one to register new keys under is `AppID.parse`'s to say.

    Raises:
        ValueError: it is empty.
    """
    text = str(app_id)
    if not text:
        raise ValueError("an AppID is not empty")
    return hashlib.sha256(text.encode()).digest()


def challenge_parameter(client_data: ClientData | bytes) -> bytes:
    """Return SHA-256 of client data, 32 bytes, over the bytes as received, never over a re-serialisation."""
    return hashlib.sha256(client_data.raw if isinstance(client_data, ClientData) else client_data).digest()


def registration_signed_data(
    *, application_parameter: bytes, challenge_parameter: bytes, key_handle: bytes, public_key: bytes
) -> bytes:
    """Return what a key signs at registration (section 4.3), which is also what WebAuthn's ``fido-u2f`` signs."""
    return b"".join((_RESERVED, application_parameter, challenge_parameter, key_handle, public_key))


def authentication_signed_data(
    *, application_parameter: bytes, user_presence: int, counter: int, challenge_parameter: bytes
) -> bytes:
    """Return what a key signs at authentication (section 5.4)."""
    return b"".join((application_parameter, _FIXED.pack(user_presence, counter), challenge_parameter))


def verify_registration(
    message: RegistrationResponse, *, application_parameter: bytes, challenge_parameter: bytes
) -> AttestationCertificate:
    """Verify a registration (section 4.3), and return the certificate that it was verified under.

    1. The certificate parses, and its key is a point on P-256.
    2. The signature is that key's, over reserved byte 0x00, application parameter, challenge parameter, key handle and
       public key.

    The length of the key handle and all of the certificate but its key are not signed: the certificate is unverified
    until `trust.verify_chain` accepts it. The message has no counter.

    Args:
        message: parsed; its public key is a point on P-256.
        application_parameter: SHA-256 of the AppID, 32 bytes.
        challenge_parameter: SHA-256 of the client data as received, 32 bytes.

    Raises:
        MalformedMessage: the certificate does not parse.
        VerificationError: CERTIFICATE (its key is not on P-256) or SIGNATURE.
        ValueError: a parameter is not 32 bytes.
    """
    _check_sizes(application_parameter, challenge_parameter)
    # (1) 4.3: "X.509 DER format"; the attestation key is on P-256.
    certificate = AttestationCertificate.parse(message.certificate)
    key = certificate.p256
    # (2) 4.3: the signature's base string.
    signed = registration_signed_data(
        application_parameter=application_parameter,
        challenge_parameter=challenge_parameter,
        key_handle=message.key_handle,
        public_key=message.public_key,
    )
    verify_p256(key, message.signature, signed)
    return certificate


def verify_authentication(
    message: AuthenticationResponse,
    *,
    public_key: bytes,
    application_parameter: bytes,
    challenge_parameter: bytes,
    previous_counter: int | None = None,
) -> None:
    """Verify an authentication (section 5.4).

    1. The stored public key is a point on P-256.
    2. Bit 0 of the user presence byte is set.
    3. The signature is that key's, over application parameter, user presence, counter and challenge parameter.
    4. The counter is greater than the last one.

    The counter comes last: only a signed one is evidence of a second key with the same secret. By the letter of U2F
    each key counts, from 1. A key that does not count reports 0 permanently, as WebAuthn allows: for a stored 0, pass
    None, and no counter is refused.

    Args:
        message: parsed.
        public_key: as stored with the key handle that answered, ``0x04 || x || y``.
        application_parameter: SHA-256 of the AppID that the key was registered under, 32 bytes.
        challenge_parameter: SHA-256 of the client data as received, 32 bytes.
        previous_counter: the highest counter accepted from this key; None if there is none yet, or it is 0.

    Raises:
        MalformedMessage: the stored public key is no point on P-256.
        VerificationError: USER_PRESENCE, SIGNATURE or SIGN_COUNT.
        ValueError: a parameter is not 32 bytes, or the counter not of 32 bits.
    """
    _check_sizes(application_parameter, challenge_parameter)
    if previous_counter is not None and not 0 <= previous_counter <= _MAX_COUNTER:
        raise ValueError("a counter has 32 bits")
    # (1) 5.4, 4.3
    key = stored_p256(public_key)
    # (2) 5.4: "Bit 0 is set to 1, which means that user presence was verified."
    if not message.user_presence & _USER_PRESENT:
        raise VerificationError(Check.USER_PRESENCE, "the user did not touch the key")
    # (3) 5.4: the signature's base string.
    signed = authentication_signed_data(
        application_parameter=application_parameter,
        user_presence=message.user_presence,
        counter=message.counter,
        challenge_parameter=challenge_parameter,
    )
    verify_p256(key, message.signature, signed)
    # (4) 5.4; FIDO U2F Implementation Considerations 1.2, section 2.6
    if previous_counter is not None and message.counter <= previous_counter:
        raise VerificationError(Check.SIGN_COUNT, "not greater than the last one")


def _check_sizes(application_parameter: bytes, challenge_parameter: bytes) -> None:
    if len(application_parameter) != PARAMETER_SIZE or len(challenge_parameter) != PARAMETER_SIZE:
        raise ValueError("application and challenge parameter are 32 bytes each")
