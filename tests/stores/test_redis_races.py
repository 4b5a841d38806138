# SPDX-License-Identifier: Apache-2.0
"""Of parallel submissions of one code over Redis one is accepted, whichever process submits it."""

from __future__ import annotations

import pytest

from tests.stores.test_redis import Maker
from tests.support import rounds
from tests.support.races import ALL_THE_TIME, ServiceOnEngine, eight_processes_submit_one_code
from tests.support.servers import Redis


@pytest.mark.requirement("V4", "O7", "S1", "S10")
def test_eight_processes_submit_one_code():
    """In each of 2,000 rounds exactly one of eight processes is let in."""
    with Redis() as server:
        store, _ = eight_processes_submit_one_code(ServiceOnEngine(Maker(server.port, ALL_THE_TIME)), rounds(2000))
        store.close()
