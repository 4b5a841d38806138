# SPDX-License-Identifier: Apache-2.0
"""One-time passwords: HOTP, TOTP, and the key URIs and setup keys that carry secrets to an authenticator app.

RFC 4226, RFC 6238 and the Key Uri Format. Everything here is pure: no clock, no randomness, no state. Secrets are
drawn elsewhere, at ``Algorithm.secret_size`` bytes.
"""

from __future__ import annotations

from .algorithm import Algorithm
from .hotp import hotp
from .key_uri import KeyURI, KeyURIWarning
from .normalise import canonical_code
from .setup_key import parse_setup_key, setup_key
from .totp import TOTP

__all__ = [
    "TOTP",
    "Algorithm",
    "KeyURI",
    "KeyURIWarning",
    "canonical_code",
    "hotp",
    "parse_setup_key",
    "setup_key",
]
