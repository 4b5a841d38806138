# SPDX-License-Identifier: Apache-2.0
"""How an answer or a registration of a security key is judged, through whichever door it came.

The standards' rooms raise two errors at a peer's input; here they become values, so that they can be remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..account import Account, SecurityKey
from ..context import Context
from ..errors import Check, MalformedMessage, VerificationError
from ..policy import RelyingParty
from ..refusals import Reason, Refusal
from ..u2f import (
    FINISH_ENROLLMENT,
    GET_ASSERTION,
    ErrorResponse,
    RegisterResponse,
    SignResponse,
    Transport,
    application_parameter,
    challenge_parameter,
)
from ..u2f import verify_authentication as verify_u2f_authentication
from ..u2f import verify_registration as verify_u2f_registration
from ..webauthn import (
    Attestation,
    AuthenticationResponse,
    Credential,
    RegistrationResponse,
    verify_authentication,
    verify_registration,
)
from ..webauthn.attestation import evaluate_attestation
from ..webauthn.attestation.statement import AttestationType, Statement
from ..webauthn.responses import MAX_JSON
from .security_key_options import app_id_of
from .usable import usable_devices

_PEER: Final = (MalformedMessage, VerificationError)
TRANSPORTS: Final = {
    Transport.BLE: "ble",
    Transport.USB: "usb",
    Transport.NFC: "nfc",
    Transport.USB_INTERNAL: "internal",
}
"""WebAuthn's words for U2F's transports; it has none for classic Bluetooth."""


@attrs.frozen
class RightAnswer:
    """The key signed this challenge: which one, and its new count."""

    key: SecurityKey
    sign_count: int


@attrs.frozen
class WrongAnswer:
    """The answer does not hold.

    Attributes:
        refusal: why.
        cloned: the key whose count went back under a good signature; else None.
    """

    refusal: Refusal
    cloned: SecurityKey | None = None


def weigh_assertion(
    response: Any, account: Account, context: Context, party: RelyingParty, challenge: bytes
) -> RightAnswer | WrongAnswer:
    """Judge a WebAuthn assertion."""
    keys = _keys(account, context)
    key: SecurityKey | None = None
    try:
        parsed = AuthenticationResponse.from_json(response)
        key = _answering(keys, parsed.id)
        verified = verify_authentication(
            parsed,
            credential=Credential(
                id=key.credential_id,
                public_key=key.public_key,
                sign_count=key.sign_count,
                app_id=key.app_id,
                backup_eligible=key.backup_eligible,
            ),
            challenge=challenge,
            rp_id=party.id,
            origins=party.webauthn_origins,
            app_id=app_id_of(keys),
            user_handle=account.handle,
            cross_origin=bool(party.top_origins),
            top_origins=party.top_origins,
        )
    except _PEER as error:
        return _wrong(error, key)
    return RightAnswer(key, verified.sign_count)


def weigh_u2f(
    response: Any, account: Account, context: Context, party: RelyingParty, challenge: bytes
) -> RightAnswer | WrongAnswer:
    """Judge a U2F sign response; only keys registered through U2F answer here."""
    key: SecurityKey | None = None
    try:
        parsed = SignResponse.parse(response)
        if isinstance(parsed, ErrorResponse):
            return WrongAnswer(Refusal(Reason.WRONG_ANSWER, check=parsed.code.name))
        key = _answering(_keys(account, context), parsed.key_handle)
        if key.app_id is None:
            raise VerificationError(Check.APP_ID, "not registered through U2F")
        parsed.client_data.check(typ=GET_ASSERTION, challenge=challenge, facets=party.u2f_facets)
        verify_u2f_authentication(
            parsed.authentication,
            public_key=key.public_key,
            application_parameter=application_parameter(key.app_id),
            challenge_parameter=challenge_parameter(parsed.client_data),
            previous_counter=key.sign_count or None,
        )
    except _PEER as error:
        return _wrong(error, key)
    return RightAnswer(key, parsed.authentication.counter)


def _keys(account: Account, context: Context) -> tuple[SecurityKey, ...]:
    """Return the keys that may answer."""
    return tuple([key for key in usable_devices(account, context.policy) if isinstance(key, SecurityKey)])


def _answering(keys: tuple[SecurityKey, ...], credential_id: bytes) -> SecurityKey:
    for key in keys:
        if key.credential_id == credential_id:
            return key
    raise VerificationError(Check.CREDENTIAL_ID, "not one that was asked")


def _wrong(error: MalformedMessage | VerificationError, key: SecurityKey | None) -> WrongAnswer:
    if isinstance(error, MalformedMessage):
        return WrongAnswer(Refusal(Reason.WRONG_ANSWER, check=f"malformed {error.message}: {error.field}"))
    if error.check is Check.SIGN_COUNT:
        return WrongAnswer(Refusal(Reason.CLONED_KEY, check=error.check.value), key)
    return WrongAnswer(Refusal(Reason.WRONG_ANSWER, check=error.check.value))


@attrs.frozen
class NewKey:
    """What a registration that holds says of the new key.

    Attributes:
        credential_id, public_key, sign_count, transports, backup_eligible: as a `SecurityKey` keeps them.
        rp_id, app_id: what it was registered for; one of them is None.
        attestation: what was proved of the authenticator.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    rp_id: str | None
    app_id: str | None
    transports: tuple[str, ...]
    backup_eligible: bool | None
    attestation: Attestation


def judge_registration(response: Any, context: Context, party: RelyingParty, challenge: bytes) -> NewKey | Refusal:
    """Judge a registration: WebAuthn JSON, or a U2F register response."""
    try:
        through = _through_u2f if _is_u2f(response) else _through_webauthn
        return through(response, context, party, challenge)
    except MalformedMessage as error:
        return Refusal(Reason.BAD_REGISTRATION, check=f"malformed {error.message}: {error.field}")
    except VerificationError as error:
        return Refusal(Reason.BAD_REGISTRATION, check=error.check.value)


def _is_u2f(response: Any) -> bool:
    if isinstance(response, Mapping):
        return "registrationData" in response or "errorCode" in response
    # What is longer is not searched: either parser refuses it by its size.
    text = bytes(response[:MAX_JSON]).decode("latin-1") if isinstance(response, bytes | bytearray) else response
    return isinstance(text, str) and any(name in text[:MAX_JSON] for name in ('"registrationData"', '"errorCode"'))


def _through_webauthn(response: Any, context: Context, party: RelyingParty, challenge: bytes) -> NewKey | Refusal:
    registered = verify_registration(
        RegistrationResponse.from_json(response),
        challenge=challenge,
        rp_id=party.id,
        origins=party.webauthn_origins,
        cross_origin=bool(party.top_origins),
        top_origins=party.top_origins,
        attestation=context.policy.attestation,
        at=context.now,
    )
    return NewKey(
        credential_id=registered.id,
        public_key=registered.point or registered.public_key,
        sign_count=registered.sign_count,
        rp_id=party.id,
        app_id=None,
        transports=registered.transports,
        backup_eligible=registered.backup_eligible,
        attestation=registered.attestation,
    )


def _through_u2f(response: Any, context: Context, party: RelyingParty, challenge: bytes) -> NewKey | Refusal:
    if party.app_id is None:
        raise VerificationError(Check.APP_ID, "the relying party has none")
    parsed = RegisterResponse.parse(response)
    if isinstance(parsed, ErrorResponse):
        return Refusal(Reason.BAD_REGISTRATION, check=parsed.code.name)
    parsed.client_data.check(typ=FINISH_ENROLLMENT, challenge=challenge, facets=party.u2f_facets)
    certificate = verify_u2f_registration(
        parsed.registration,
        application_parameter=application_parameter(party.app_id),
        challenge_parameter=challenge_parameter(parsed.client_data),
    )
    statement = Statement("fido-u2f", AttestationType.CERTIFIED, (certificate,))
    return NewKey(
        credential_id=parsed.registration.key_handle,
        public_key=parsed.registration.public_key,
        sign_count=0,
        rp_id=None,
        app_id=party.app_id,
        transports=tuple(TRANSPORTS[one] for one in certificate.transports or () if one in TRANSPORTS),
        backup_eligible=None,
        attestation=evaluate_attestation(
            statement, policy=context.policy.attestation, aaguid=bytes(16), at=context.now
        ),
    )
