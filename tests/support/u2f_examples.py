# SPDX-License-Identifier: Apache-2.0
"""The two examples that the standard prints, as `ram_mfa.operations.selftest` ships them.

FIDO U2F Raw Message Formats 1.2, sections 8.1 and 8.2
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html#examples).
"""

from __future__ import annotations

from ram_mfa.operations.selftest import vectors as printed

_REGISTRATION = printed.load("fido_u2f")["registration"]
_AUTHENTICATION = printed.load("fido_u2f")["authentication"]

APP_ID_81: str = _REGISTRATION["app_id"]
CHALLENGE_81: str = _REGISTRATION["challenge"]
CLIENT_DATA_81: bytes = _REGISTRATION["client_data"].encode()
REQUEST_81, RESPONSE_81, SIGNED_81 = (bytes.fromhex(_REGISTRATION[name]) for name in ("request", "response", "signed"))

APP_ID_82: str = _AUTHENTICATION["app_id"]
CHALLENGE_82: str = _AUTHENTICATION["challenge"]
CLIENT_DATA_82: bytes = _AUTHENTICATION["client_data"].encode()
PUBLIC_KEY_82 = bytes.fromhex(_AUTHENTICATION["public_key"])
REQUEST_82, RESPONSE_82, SIGNED_82 = (
    bytes.fromhex(_AUTHENTICATION[name]) for name in ("request", "response", "signed")
)

ORIGIN = "http://example.com"
"""Of both examples; the standard's own are http."""
