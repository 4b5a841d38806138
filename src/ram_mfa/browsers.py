# SPDX-License-Identifier: Apache-2.0
"""The part of a record that distinguishes known browsers from new ones: a frozen value in which every list is bounded.

`ram_mfa.rules.browser_tokens` says which browser is known, and `ram_mfa.rules.throttle` what is counted of each.
"""

from __future__ import annotations

from typing import Final

import attrs

MAX_WRONG_KNOWN: Final = 1_000
MAX_UNFORGIVEN: Final = 100
SESSION_TAG: Final = 4
"""Bytes kept of the digest of a session in which a wrong code was sent."""
TOKEN_TAG: Final = 4
"""Bytes kept of the nonce of a browser token with which a wrong code was sent."""


@attrs.frozen
class WrongKnownCode:
    """A wrong code of a known browser.

    Attributes:
        at: seconds since the epoch.
        token: 4 bytes, which identify the browser token that it came with.
    """

    at: float
    token: bytes


@attrs.frozen
class Browsers:
    """The counts of known and new browsers in a record; of the known ones themselves nothing is stored.

    Attributes:
        epoch: 16 random bytes that browser tokens are bound to, new with a new password, a reset, an administrator's
            unbind, a disabled device, and when all machines are forgotten.
        wrong: the wrong codes of known browsers in the last 24 hours, the oldest first, at most 1,000.
        unforgiven: 4 bytes of the session of each wrong code of a new browser that is not forgiven, the oldest first,
            at most 100.
        faded_at: when the last of them was forgiven for its age, or the first one sent; seconds since the epoch.
        cleared_at: when a new password mark or `Unlock` last cleared the day's wrong codes of new browsers.
    """

    epoch: bytes = attrs.field(repr=False)
    wrong: tuple[WrongKnownCode, ...] = ()
    unforgiven: tuple[bytes, ...] = ()
    faded_at: float = 0
    cleared_at: float = 0


NO_BROWSERS: Final = Browsers(bytes(16))
