# SPDX-License-Identifier: Apache-2.0
"""Registrations of U2F keys, in the form in which other libraries stored them."""

from __future__ import annotations

from typing import Any

import attrs

from ram_mfa.encoding.base64url import decode, encode
from ram_mfa.testing import SoftSecurityKey
from ram_mfa.u2f import RegisterRequest

from .service import APP_ID, ORIGIN


@attrs.frozen
class Legacy:
    """A key that was registered through U2F at some other library.

    Attributes:
        key: the key itself.
        app_id: under which it was registered.
        raw: the registration message.
    """

    key: SoftSecurityKey
    app_id: str
    raw: bytes = attrs.field(repr=False)

    @property
    def key_handle(self) -> bytes:
        """The key handle, as the message has it."""
        return self.raw[67 : 67 + self.raw[66]]

    @property
    def kept(self) -> dict[str, Any]:
        """What python-u2flib-server 5 hands out to be kept: the JSON of its ``DeviceRegistration``, by its names.

        Binary members are base64url without padding; ``transports`` are the certificate's, or null.
        """
        return {
            "version": "U2F_V2",
            "keyHandle": encode(self.key_handle),
            "appId": self.app_id,
            "publicKey": encode(self.raw[1:66]),
            "transports": ["usb"],
        }


def registered(*, app_id: str = APP_ID, key: SoftSecurityKey | None = None) -> Legacy:
    """Register a key through U2F, at a server that knows nothing of this library."""
    key = key or SoftSecurityKey()
    answer = key.u2f_register(RegisterRequest(app_id, b"a challenge of the other library").to_json(), ORIGIN)
    return Legacy(key, app_id, decode(answer["registrationData"], message="registration", field="data"))
