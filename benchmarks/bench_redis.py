# SPDX-License-Identifier: Apache-2.0
"""What a logon over Redis costs beside the raw driver's GET and SET, on a server that syncs before it answers.

``python -m benchmarks redis``. It starts a private server and stops it. The latency of an fdatasync in the same folder
stands beside the figures: with ``appendfsync always`` each swap pays one. A row shows the median of its ratios to the
raw pair of the same round. Nothing is judged here.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import redis

from benchmarks.bench_perform import APART, ON_DISK, ROUNDS, House, Times, seconds_each, table
from ram_mfa.engine.records import user_key
from ram_mfa.stores.redis import RedisStore
from tests.support.servers import Redis


def syncs(file: int, data: bytes) -> float:
    """Seconds that one append and fdatasync take."""

    def append(_: object) -> None:
        os.write(file, data)
        os.fdatasync(file)

    return seconds_each(append, [None] * ON_DISK)


def main() -> None:
    """Measure and print."""
    with Redis() as server, tempfile.TemporaryDirectory() as folder:
        client = redis.Redis(port=server.port, socket_timeout=5.0, socket_connect_timeout=5.0)
        house = House(RedisStore(client))
        house.whole(house.clock.now + APART)
        size = len(house.store.load(user_key("", "alice")))
        raw = redis.Redis(port=server.port, socket_timeout=5.0)
        raw.set("raw", os.urandom(size))

        def pair(new: bytes) -> None:
            raw.get("raw")
            raw.set("raw", new)

        file = os.open(Path(folder, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        times: Times = {}
        began = time.perf_counter()
        for _ in range(ROUNDS):
            values = [os.urandom(size) for _ in range(ON_DISK)]
            times.setdefault("limit: GET and SET", []).append(seconds_each(pair, values))
            times.setdefault("FinishLogon alone", []).append(seconds_each(house.perform, house.logons(ON_DISK)))
            moments = [house.clock.now + APART * (number + 1) for number in range(ON_DISK)]
            times.setdefault("BeginLogon and FinishLogon", []).append(seconds_each(house.whole, moments))
            times.setdefault("append and fdatasync", []).append(syncs(file, values[0]))
        os.close(file)
        table(f"A whole logon on Redis, appendfsync always, records of {size} bytes", times)
        print(f"  {time.perf_counter() - began:.1f} s for {ROUNDS} rounds of {ON_DISK}")
        house.store.close()
        raw.close()


if __name__ == "__main__":
    main()
