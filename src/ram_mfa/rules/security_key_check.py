# SPDX-License-Identifier: Apache-2.0
"""Verification of security-key registrations and assertions, received through WebAuthn or the U2F JavaScript API.

The `u2f` and `webauthn` packages raise two errors for a peer's input; here they become values, so that a refusal can
be recorded.
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
    AuthenticationResponse,
    Credential,
    RegistrationResponse,
    verify_authentication,
    verify_registration,
)
from ..webauthn.attestation import evaluate_attestation
from ..webauthn.attestation.statement import AttestationType, Statement
from ..webauthn.responses import MAX_JSON
from .devices import usable_devices
from .security_key_options import app_id_of

_PEER: Final = (MalformedMessage, VerificationError)
TRANSPORTS: Final = {
    Transport.BLE: "ble",
    Transport.USB: "usb",
    Transport.NFC: "nfc",
    Transport.USB_INTERNAL: "internal",
}
"""WebAuthn's names of U2F's transports; it has none for classic Bluetooth."""


@attrs.frozen
class ValidAnswer:
    """A valid answer: the key that signed this challenge, with the changes that the answer makes to its record."""

    key: SecurityKey


@attrs.frozen
class InvalidAnswer:
    """An invalid answer.

    Attributes:
        refusal: why.
        cloned: the key whose sign count went back under a valid signature; else None.
    """

    refusal: Refusal
    cloned: SecurityKey | None = None


def check_assertion(
    response: Any, account: Account, context: Context, party: RelyingParty, challenge: bytes
) -> ValidAnswer | InvalidAnswer:
    """Verify a WebAuthn assertion."""
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
            require_user_verification=context.policy.security_keys.verifies_users,
            cross_origin=bool(party.top_origins),
            top_origins=party.top_origins,
        )
    except _PEER as error:
        return _wrong(error, key)
    # #authn-ceremony-update-credential-record; a key registered through U2F has no backup state
    backup_state = None if key.backup_eligible is None else verified.backup_state
    uv_initialized = key.uv_initialized or verified.user_verified
    return ValidAnswer(
        attrs.evolve(key, sign_count=verified.sign_count, backup_state=backup_state, uv_initialized=uv_initialized)
    )


def check_u2f_signature(
    response: Any, account: Account, context: Context, party: RelyingParty, challenge: bytes
) -> ValidAnswer | InvalidAnswer:
    """Verify a U2F sign response; only keys registered through U2F are accepted."""
    key: SecurityKey | None = None
    try:
        parsed = SignResponse.parse(response)
        if isinstance(parsed, ErrorResponse):
            return InvalidAnswer(Refusal(Reason.WRONG_ANSWER, check=parsed.code.name))
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
    return ValidAnswer(attrs.evolve(key, sign_count=parsed.authentication.counter))


def _keys(account: Account, context: Context) -> tuple[SecurityKey, ...]:
    """Return the keys that may answer."""
    return tuple([key for key in usable_devices(account, context.policy) if isinstance(key, SecurityKey)])


def _answering(keys: tuple[SecurityKey, ...], credential_id: bytes) -> SecurityKey:
    for key in keys:
        if key.credential_id == credential_id:
            return key
    raise VerificationError(Check.CREDENTIAL_ID, "not one of the requested credentials")


def _wrong(error: MalformedMessage | VerificationError, key: SecurityKey | None) -> InvalidAnswer:
    if isinstance(error, MalformedMessage):
        return InvalidAnswer(Refusal(Reason.WRONG_ANSWER, check=f"malformed {error.message}: {error.field}"))
    if error.check is Check.SIGN_COUNT:
        return InvalidAnswer(Refusal(Reason.CLONED_KEY, check=error.check.value), key)
    return InvalidAnswer(Refusal(Reason.WRONG_ANSWER, check=error.check.value))


@attrs.frozen(kw_only=True)
class NewKey:
    """A new key, as its registration describes it.

    Attributes:
        credential_id, public_key, sign_count, transports, backup_eligible, backup_state, uv_initialized, attestation,
            models: as in `SecurityKey`.
        rp_id, app_id: the RP ID or AppID it was registered for; the other is None.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    rp_id: str | None
    app_id: str | None
    transports: tuple[str, ...]
    backup_eligible: bool | None
    backup_state: bool | None
    uv_initialized: bool
    attestation: str
    models: tuple[str, ...]

    def bound(self, context: Context, *, name: str, bound_by: str, last_used_at: float | None) -> SecurityKey:
        """Return the device to bind."""
        return SecurityKey(
            credential_id=self.credential_id,
            name=name,
            public_key=self.public_key,
            sign_count=self.sign_count,
            rp_id=self.rp_id,
            app_id=self.app_id,
            transports=self.transports,
            backup_eligible=self.backup_eligible,
            backup_state=self.backup_state,
            uv_initialized=self.uv_initialized,
            attestation=self.attestation,
            models=self.models,
            cloned_at=None,
            bound_at=context.now,
            bound_by=bound_by,
            last_used_at=last_used_at,
        )


def check_registration(response: Any, context: Context, party: RelyingParty, challenge: bytes) -> NewKey | Refusal:
    """Verify a registration: WebAuthn JSON, or a U2F register response."""
    try:
        check = _check_u2f_registration if _is_u2f(response) else _check_webauthn_registration
        return check(response, context, party, challenge)
    except MalformedMessage as error:
        return Refusal(Reason.BAD_REGISTRATION, check=f"malformed {error.message}: {error.field}")
    except VerificationError as error:
        return Refusal(Reason.BAD_REGISTRATION, check=error.check.value)


def _is_u2f(response: Any) -> bool:
    if isinstance(response, Mapping):
        return "registrationData" in response or "errorCode" in response
    # Longer input is not searched, since either parser refuses it for its size.
    text = bytes(response[:MAX_JSON]).decode("latin-1") if isinstance(response, bytes | bytearray) else response
    return isinstance(text, str) and any(name in text[:MAX_JSON] for name in ('"registrationData"', '"errorCode"'))


def _check_webauthn_registration(
    response: Any, context: Context, party: RelyingParty, challenge: bytes
) -> NewKey | Refusal:
    rules = context.policy.security_keys
    registered = verify_registration(
        RegistrationResponse.from_json(response),
        challenge=challenge,
        rp_id=party.id,
        origins=party.webauthn_origins,
        cross_origin=bool(party.top_origins),
        top_origins=party.top_origins,
        algorithms=rules.algorithms,
        require_user_verification=rules.verifies_users,
        attestation=rules.attestation,
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
        backup_state=registered.backup_state,
        uv_initialized=registered.user_verified,
        attestation=registered.attestation.verdict.value,
        models=registered.attestation.models,
    )


def _check_u2f_registration(response: Any, context: Context, party: RelyingParty, challenge: bytes) -> NewKey | Refusal:
    if party.app_id is None:
        raise VerificationError(Check.APP_ID, "the relying party has none")
    rules = context.policy.security_keys
    if rules.verifies_users:
        raise VerificationError(Check.USER_VERIFICATION, "U2F has none")
    if not rules.allows_u2f:
        raise VerificationError(Check.ALGORITHM, "U2F has ES256 only")
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
    attestation = evaluate_attestation(statement, policy=rules.attestation, aaguid=bytes(16), at=context.now)
    return NewKey(
        credential_id=parsed.registration.key_handle,
        public_key=parsed.registration.public_key,
        sign_count=0,
        rp_id=None,
        app_id=party.app_id,
        transports=tuple(TRANSPORTS[one] for one in certificate.transports or () if one in TRANSPORTS),
        backup_eligible=None,
        backup_state=None,
        uv_initialized=False,
        attestation=attestation.verdict.value,
        models=attestation.models,
    )
