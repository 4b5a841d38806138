# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.support import chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One Chromium for all tests of a module; each has a tab and authenticators of its own.

    Its driver keeps an event loop running in this thread while it lives: other modules need theirs.
    """
    with chromium.browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running
