# SPDX-License-Identifier: Apache-2.0
"""The two doors of a security key: WebAuthn's JSON from browsers, the U2F JavaScript API's from legacy clients."""

from __future__ import annotations

import enum
from typing import Any

from ram_mfa import Assertion, Challenge, SecurityKeyOffer, U2FSignature
from ram_mfa.testing import SoftSecurityKey

from .spine import ORIGIN


class Door(enum.Enum):
    """Through which a key is reached."""

    WEBAUTHN = "WebAuthn"
    U2F = "U2F"


def registration(door: Door, key: SoftSecurityKey, offer: SecurityKeyOffer) -> dict[str, Any]:
    """Tap the key, and return what the page sends back to confirm the bind."""
    if door is Door.WEBAUTHN:
        return key.create(offer.options, ORIGIN)
    assert offer.u2f is not None
    return key.u2f_register(offer.u2f, ORIGIN)


def answer(door: Door, key: SoftSecurityKey, asked: Challenge) -> Assertion | U2FSignature:
    """Tap the key, and return the evidence that the page sends back."""
    if door is Door.WEBAUTHN:
        assert asked.options is not None
        return Assertion(key.get(asked.options, ORIGIN))
    assert asked.u2f is not None
    return U2FSignature(key.u2f_sign(asked.u2f, ORIGIN))
