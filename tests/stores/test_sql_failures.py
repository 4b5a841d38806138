# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL and MariaDB, killed under load, and raced over by processes: what was acknowledged stays, once."""

from __future__ import annotations

import pytest

from ram_mfa.testing import Faults
from ram_mfa.testing.store_kit.durability import survives_engine_kill
from ram_mfa.testing.store_kit.store_pair import StorePair
from tests.stores import test_postgres, test_sqlalchemy
from tests.stores.conftest import LONG
from tests.support import rounds
from tests.support.races import ALL_THE_TIME, ServiceOnEngine, eight_processes_submit_one_code
from tests.support.servers import MariaDB, PostgreSQL

ENGINES = {
    "postgresql": (PostgreSQL, test_postgres.Maker),
    "mariadb": (MariaDB, test_sqlalchemy.Maker),
}


@pytest.fixture(params=ENGINES)
def engine(request):
    """A server of its own, and what opens a store on it."""
    server, maker = ENGINES[request.param]
    with server() as running:
        yield running, maker
    test_sqlalchemy.dispose()


@pytest.mark.requirement("V4", "O7", "S1", "S10")
def test_eight_processes_submit_one_code(engine):
    """In each of 2,000 rounds exactly one of eight processes is let in."""
    server, maker = engine
    store, _ = eight_processes_submit_one_code(ServiceOnEngine(maker(server.url(), ALL_THE_TIME)), rounds(2000))
    store.close()


@pytest.mark.requirement("S3", "S13")
def test_what_was_acknowledged_outlives_fifty_kills(engine):
    """The server is killed with -9 under load, 50 times: no acknowledged write or delete is gone."""
    server, maker = engine
    for _ in range(rounds(50)):
        pair = StorePair(maker(server.url(), LONG), 1, Faults(restart=server.restart))
        survives_engine_kill(pair)
        pair.close()
