# SPDX-License-Identifier: Apache-2.0
"""The string that ties a ceremony to one browser."""

from __future__ import annotations

import os

from .encoding import base64url


def new_session() -> str:
    """Return 43 random characters, for the application to keep for one browser.

    Never a framework's session id: that changes at logon, in the middle of a ceremony.
    """
    return base64url.encode(os.urandom(32))
