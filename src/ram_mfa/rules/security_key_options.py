# SPDX-License-Identifier: Apache-2.0
"""Requests to a security key: WebAuthn options for browsers, and U2F requests for legacy clients."""

from __future__ import annotations

from typing import Any

from ..account import Account, SecurityKey
from ..policy import MFAPolicy, RelyingParty
from ..u2f import RegisteredKey, RegisterRequest, SignRequest
from ..webauthn import CredentialDescriptor, creation_options
from ..webauthn import request_options as webauthn_request_options


def app_id_of(keys: tuple[SecurityKey, ...]) -> str | None:
    """Return the AppID that a request names: that of the first key registered through U2F, or None."""
    return next((key.app_id for key in keys if key.app_id is not None), None)


def under_another_app_id(account: Account, app_id: str | None) -> bool:
    """Return whether a key registered through U2F is bound under another AppID: a request can name only one."""
    bound = app_id_of(security_keys(account))
    return app_id is not None and bound is not None and bound != app_id


def _descriptors(keys: tuple[SecurityKey, ...]) -> list[CredentialDescriptor]:
    return [CredentialDescriptor(key.credential_id, key.transports) for key in keys]


def _u2f_keys(keys: tuple[SecurityKey, ...]) -> tuple[RegisteredKey, ...]:
    return tuple(RegisteredKey(key.credential_id, key.app_id, key.transports) for key in keys if key.app_id is not None)


def request_options(
    keys: tuple[SecurityKey, ...], policy: MFAPolicy, party: RelyingParty, challenge: bytes
) -> dict[str, Any]:
    """Return WebAuthn request options for the keys; ``challenge`` is 32 bytes."""
    return webauthn_request_options(
        challenge=challenge,
        rp_id=party.id,
        allow=_descriptors(keys),
        timeout=policy.lifetimes.challenge,
        user_verification=policy.security_keys.user_verification.value,
        hints=policy.security_keys.hints,
        app_id=app_id_of(keys),
    )


def sign_request(keys: tuple[SecurityKey, ...], challenge: bytes) -> dict[str, Any] | None:
    """Return the U2F sign request for the keys registered through U2F, or None where there are none."""
    app_id = app_id_of(keys)
    return None if app_id is None else SignRequest(app_id, challenge, _u2f_keys(keys)).to_json()


def registration_options(
    account: Account, policy: MFAPolicy, party: RelyingParty, challenge: bytes, *, account_name: str
) -> dict[str, Any]:
    """Return WebAuthn creation options; the account's own keys are excluded."""
    keys, rules = security_keys(account), policy.security_keys
    return creation_options(
        challenge=challenge,
        rp_id=party.id,
        rp_name=party.name,
        user_handle=account.handle,
        user_name=account_name,
        timeout=policy.lifetimes.offer,
        exclude=_descriptors(keys),
        algorithms=rules.algorithms,
        resident_key=rules.resident_key.value,
        user_verification=rules.user_verification.value,
        hints=rules.hints,
        attachment=None if rules.attachment is None else rules.attachment.value,
        attestation=rules.attestation.conveyance,
        app_id_exclude=app_id_of(keys),
    )


def register_request(
    account: Account, policy: MFAPolicy, party: RelyingParty, challenge: bytes
) -> dict[str, Any] | None:
    """Return the U2F register request, or None where the policy allows no U2F or the relying party has no AppID."""
    if party.app_id is None or not policy.security_keys.allows_u2f:
        return None
    return RegisterRequest(party.app_id, challenge, _u2f_keys(security_keys(account))).to_json()


def security_keys(account: Account) -> tuple[SecurityKey, ...]:
    """Return the account's security keys."""
    return tuple(device for device in account.devices if isinstance(device, SecurityKey))
