# SPDX-License-Identifier: Apache-2.0
"""The races again, by processes that each open the store for themselves (S1, S3)."""

from __future__ import annotations

import multiprocessing
import secrets
from collections.abc import Callable
from typing import Any, Literal

import attrs

from ...store import Store
from .bench import Bench, try_swap
from .failure import StoreCheckFailed, expect

StartMethod = Literal["spawn", "fork", "forkserver"]

_TOO_LONG = 300.0
"""Seconds after which a barrier gives up: one of the processes is gone."""


def process_race(bench: Bench, processes: int, start_method: StartMethod) -> None:
    """In each round all processes swap from the same bytes, and one lands; then all count one record up together."""
    context: Any = multiprocessing.get_context(start_method)
    contested, _ = bench.record()
    counter = bench.key()
    bench.a.swap(counter, None, b"0")
    answers = context.SimpleQueue()
    work = _Work(bench.make, contested, counter, bench.rounds, context.Barrier(processes), answers)
    workers = [context.Process(target=work.run, daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    told = [answers.get() for _ in workers]
    for worker in workers:
        worker.join()
    for answer in told:
        if isinstance(answer, str):
            raise StoreCheckFailed("S16", f"a process ended in {answer}")
    for wins in zip(*told, strict=True):
        expect(sum(wins) == 1, "S1", f"{sum(wins)} of {processes} racing processes landed from the same bytes")
    final = bench.b.load(counter)
    expect(final == b"%d" % (processes * bench.rounds), "S1", "swaps of racing processes that landed are lost")


@attrs.frozen
class _Work:
    """What each process does; pickled to reach it."""

    make: Callable[[], Store]
    contested: str
    counter: str
    rounds: int
    barrier: Any
    answers: Any

    def run(self) -> None:
        try:
            store = self.make()
            wins = self.contest(store)
            self.count(store)
            self.answers.put(wins)
        except BaseException as error:  # noqa: BLE001 (told to the process that started this one)
            self.barrier.abort()
            self.answers.put(f"{type(error).__name__}: {error}")

    def contest(self, store: Store) -> list[bool]:
        wins: list[bool] = []
        for _ in range(self.rounds):
            self.barrier.wait(_TOO_LONG)
            seen = store.load(self.contested)
            self.barrier.wait(_TOO_LONG)
            wins.append(try_swap(store, self.contested, seen, secrets.token_bytes(300)))
        return wins

    def count(self, store: Store) -> None:
        done = 0
        while done < self.rounds:
            now = store.load(self.counter)
            done += try_swap(store, self.counter, now, b"%d" % (int(now or b"0") + 1))
