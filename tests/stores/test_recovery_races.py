# SPDX-License-Identifier: Apache-2.0
"""Of parallel uses of one recovery code one is accepted, on every engine, whichever process submits it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.stores import test_postgres, test_redis
from tests.support import rounds
from tests.support.races import (
    ALL_THE_TIME,
    RECOVERY,
    ServiceOnEngine,
    ServiceOnFile,
    eight_processes_use_each_recovery_code,
)
from tests.support.servers import PostgreSQL, Redis

ROUNDS = rounds(2000)


def race(place) -> None:
    """Use each of the codes by eight processes at once, and count what came of it."""
    came = Counter(told for outcomes in eight_processes_use_each_recovery_code(place, ROUNDS) for told in outcomes)
    assert came["proof"] == ROUNDS
    assert came.total() == 8 * ROUNDS
    print(f"{ROUNDS} rounds: {dict(came)}")  # the figures, with -s


@pytest.mark.requirement("R2", "S1")
class TestOneCodeInEightProcesses:
    def test_sqlite(self, tmp_path):
        """In each of 2,000 rounds exactly one of eight processes is let in, over one SQLite file."""
        race(ServiceOnFile(str(tmp_path / "mfa.db"), RECOVERY))

    def test_postgresql(self):
        """The same over PostgreSQL."""
        with PostgreSQL() as server:
            race(ServiceOnEngine(test_postgres.Maker(server.url(), ALL_THE_TIME), RECOVERY))

    def test_redis(self):
        """The same over Redis."""
        with Redis() as server:
            race(ServiceOnEngine(test_redis.Maker(server.port, ALL_THE_TIME), RECOVERY))
