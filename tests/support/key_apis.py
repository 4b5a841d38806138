# SPDX-License-Identifier: Apache-2.0
"""The two browser APIs through which a security key is used: WebAuthn, and the U2F JavaScript API of legacy clients."""

from __future__ import annotations

import enum
from typing import Any

from ram_mfa import Assertion, Challenge, SecurityKeyOffer, U2FSignature
from ram_mfa.testing import SoftSecurityKey

from .service import ORIGIN


class KeyAPI(enum.Enum):
    """The API through which a page uses a key."""

    WEBAUTHN = "WebAuthn"
    U2F = "U2F"


def registration(api: KeyAPI, key: SoftSecurityKey, offer: SecurityKeyOffer) -> dict[str, Any]:
    """Register the key, and return the response that the page sends back."""
    if api is KeyAPI.WEBAUTHN:
        return key.create(offer.options, ORIGIN)
    assert offer.u2f is not None
    return key.u2f_register(offer.u2f, ORIGIN)


def answer(api: KeyAPI, key: SoftSecurityKey, asked: Challenge) -> Assertion | U2FSignature:
    """Use the key, and return the evidence that the page sends back."""
    if api is KeyAPI.WEBAUTHN:
        assert asked.options is not None
        return Assertion(key.get(asked.options, ORIGIN))
    assert asked.u2f is not None
    return U2FSignature(key.u2f_sign(asked.u2f, ORIGIN))
