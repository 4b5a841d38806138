# SPDX-License-Identifier: Apache-2.0
"""The soft key: one chip with three interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from . import u2f_client, webauthn_client
from .apdu import Wire
from .chip import Chip


@attrs.define(kw_only=True)
class SoftSecurityKey(Chip):
    """Security key in software, for tests without hardware.

    ::

        key = SoftSecurityKey()  # a U2F key: P-256, fido-u2f
        key = SoftSecurityKey(algorithm=-8)  # a CTAP2 key: Ed25519, packed
        answer = key.create(offer.options, "https://console.example")
        key.faults = {KeyFault.WRONG_ORIGIN}  # from now on

    A credential of one interface works through the others where the standards allow it: a key handle that was
    registered by APDU or the U2F API logs on by WebAuthn through the ``appid`` extension. A key holds any number of
    credentials.
    """

    _wire: Wire = attrs.field(init=False, factory=Wire, repr=False)

    def apdu(self, command: bytes) -> bytes:
        """Answer a CTAP1 command; the two bytes of the status word come last.

        Args:
            command: an APDU of register (0x01), authenticate (0x02) or version (0x03), short or extended.
        """
        return self._wire.answer(self, command)

    def u2f_register(self, request: Mapping[str, Any], origin: str) -> dict[str, Any]:
        """Answer ``u2f.register``.

        Args:
            request: ``appId``, ``registerRequests``, ``registeredKeys``.
            origin: the origin of the calling page.

        Returns:
            ``version``, ``registrationData``, ``clientData``; or ``errorCode``.
        """
        return u2f_client.register(self, request, origin)

    def u2f_sign(self, request: Mapping[str, Any], origin: str) -> dict[str, Any]:
        """Answer ``u2f.sign``.

        Args:
            request: ``appId``, ``challenge``, ``registeredKeys``.
            origin: the origin of the calling page.

        Returns:
            ``keyHandle``, ``signatureData``, ``clientData``; or ``errorCode``.
        """
        return u2f_client.sign(self, request, origin)

    def create(self, options: Mapping[str, Any], origin: str) -> dict[str, Any]:
        """Answer ``navigator.credentials.create``.

        Args:
            options: JSON-ready creation options, as ``parseCreationOptionsFromJSON`` takes them.
            origin: the origin of the calling page.

        Returns:
            The credential as its ``toJSON`` gives it.

        Raises:
            ClientRefused: the page would see a ``DOMException``.
        """
        return webauthn_client.create(self, options, origin)

    def get(self, options: Mapping[str, Any], origin: str) -> dict[str, Any]:
        """Answer ``navigator.credentials.get``.

        Args:
            options: JSON-ready request options, as ``parseRequestOptionsFromJSON`` takes them.
            origin: the origin of the calling page.

        Returns:
            The credential as its ``toJSON`` gives it.

        Raises:
            ClientRefused: the page would see a ``DOMException``.
        """
        return webauthn_client.get(self, options, origin)
