# SPDX-License-Identifier: Apache-2.0
"""The bridge from U2F: a key that was registered under an AppID answers through a browser of today.

Web Authentication Level 3, "FIDO AppID Extension" (https://www.w3.org/TR/webauthn-3/#sctn-appid-extension).

Invariant: the AppID's hash stands in for the RP ID's only where three things agree: this ceremony asked for that
AppID, the client says that it used it, and the credential was registered through U2F under that AppID. Every other
combination is verified as if the extension did not exist, and a client's "used" that does not fit is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache

from ..errors import Check, VerificationError

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_RP_ID = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


@lru_cache(maxsize=64)
def rp_id_hash(rp_id: str) -> bytes:
    """Return SHA-256 of an RP ID, 32 bytes.

    Raises:
        ValueError: it is no domain in lower-case ASCII, without scheme, port or trailing dot
            (https://www.w3.org/TR/webauthn-3/#rp-id).
    """
    if len(rp_id) > 253 or not _RP_ID.fullmatch(rp_id):
        raise ValueError(f"{rp_id!r} is not an RP ID: a domain in lower-case ASCII, such as example.com")
    return hashlib.sha256(rp_id.encode()).digest()


def check_rp_id_hash(received: bytes, *, rp_id: str, requested: str | None, used: bool, registered: str | None) -> bool:
    """Check the RP ID hash, and return whether the key answered under the AppID.

    Args:
        received: rpIdHash of the authenticator data.
        rp_id: the RP ID expected.
        requested: the AppID that this ceremony asked for, in the ``appid`` extension; else None.
        used: the client's output of that extension; False if there is none.
        registered: the AppID under which the credential was registered through U2F; else None.

    Raises:
        VerificationError: ``Check.APP_ID``, the client says that it used an AppID where none may be used;
            ``Check.RP_ID_HASH``, the hash is of something else.
        ValueError: the RP ID is invalid.
    """
    expected = rp_id_hash(rp_id)
    if used:
        if requested is None or requested != registered:
            raise VerificationError(Check.APP_ID, "used, but not asked for or not the credential's")
        expected = hashlib.sha256(requested.encode()).digest()
    if not hmac.compare_digest(received, expected):
        raise VerificationError(Check.RP_ID_HASH, "not of the expected RP ID or AppID")
    return used
