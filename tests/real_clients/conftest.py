# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.support import chromium


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """One Chromium for all tests that look through it; each has a tab and authenticators of its own."""
    with chromium.browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running
