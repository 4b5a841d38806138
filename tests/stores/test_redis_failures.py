# SPDX-License-Identifier: Apache-2.0
"""What Redis does under a service when it has no memory left, and what it keeps when it is killed under load."""

from __future__ import annotations

import pytest

from ram_mfa.testing import Faults
from ram_mfa.testing.store_kit.durability import survives_engine_kill
from ram_mfa.testing.store_kit.store_pair import StorePair
from tests.stores.conftest import LONG
from tests.stores.test_redis import Maker
from tests.support import rounds
from tests.support.deployment import Deployment
from tests.support.races import begin, finish
from tests.support.servers import Redis


class TestOneServer:
    @pytest.mark.requirement("S9")
    def test_a_full_server_passes_nothing(self):
        """Without room for the verdict there is no verdict; nothing is evicted to make room."""
        with Redis() as server, Deployment(Maker(server.port, LONG)) as deployment:
            ticket, code = begin(deployment.mfa, "alice"), deployment.code()
            server.ask("CONFIG", "SET", "maxmemory", "1")
            assert finish(deployment.mfa, "alice", ticket, code) == "StoreUnavailable"
            server.ask("CONFIG", "SET", "maxmemory", "0")
            assert deployment.log_on(code) == "proof"
            assert deployment.log_on(code) == "REPLAYED_CODE"

    @pytest.mark.requirement("S3", "S13")
    def test_what_was_acknowledged_outlives_fifty_kills(self):
        """The server is killed with -9 under load, 50 times: no acknowledged write or delete is gone."""
        with Redis() as server:
            for _ in range(rounds(50)):
                pair = StorePair(Maker(server.port, LONG), 1, Faults(restart=server.restart))
                survives_engine_kill(pair)
                pair.close()
