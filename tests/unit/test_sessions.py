# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

from ram_mfa import new_session


class TestNewSession:
    def test_random(self):
        """Each is 43 characters of base64url, 256 random bits, and no two are the same."""
        made = {new_session() for _ in range(1_000)}
        assert len(made) == 1_000
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", one) for one in made)
