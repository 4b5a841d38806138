# SPDX-License-Identifier: Apache-2.0
"""Races, freshness, durability and histories across processes that each open the store (S1, S2, S3, S7, S12)."""

from __future__ import annotations

import multiprocessing
import secrets
import time
from collections.abc import Callable
from typing import Any

import attrs

from .lost_history import NO_NAMES, check_refusals, pinned_view
from .random_pauses import random_pauses
from .remote import StartMethod
from .results import NotTriedError, StoreCheckFailed, expect, require
from .store_pair import StorePair, ordinary_bytes, try_swap
from .watchdog import can_list


def racing_processes(pair: StorePair) -> None:
    """Race in processes: in each round create one record, and swap from the same bytes; then count one record up."""
    require(pair.processes, "no processes were asked for: processes=")
    process_race(pair, pair.processes, pair.start_method)


def process_race(pair: StorePair, processes: int, start_method: StartMethod) -> None:
    """Check in each round that one create and one swap of all processes is applied; then count one record up."""
    context: Any = multiprocessing.get_context(start_method)
    contested, _ = pair.record()
    counter = pair.key()
    claims = [pair.key() for _ in range(pair.rounds)]
    pair.put(counter, None, b"0")
    mine, theirs = context.Pipe(duplex=False)
    patience = pair.faults.patience + 60
    make = pair.make_remote or pair.make
    work = _Work(make, contested, counter, claims, context.Barrier(processes), theirs, context.Lock(), patience)
    workers = [context.Process(target=work.run, daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    try:
        results = _answers(mine, workers, time.monotonic() + 2 * patience + 2 * pair.rounds)
    finally:
        for worker in workers:
            worker.join(1.0)
            worker.kill()
    for answer in results:
        if isinstance(answer, str):
            raise StoreCheckFailed("S16", f"a process ended in {answer}")
    for created, applied in _rounds(results):
        expect(created == 1, "S7", f"{created} of {processes} racing processes created one record")
        expect(applied == 1, "S1", f"{applied} swaps of {processes} racing processes were applied from the same bytes")
    final = pair.b.load(counter)
    expect(final == b"%d" % (processes * pair.rounds), "S1", "applied swaps of racing processes are lost")


def _rounds(results: list[Any]) -> list[tuple[int, int]]:
    return [
        (sum(created for created, _ in round_), sum(applied for _, applied in round_))
        for round_ in zip(*results, strict=True)
    ]


def _answers(pipe: Any, workers: list[Any], until: float) -> list[Any]:
    """Return the result of each process, and fail where one ended without a result."""
    results: list[Any] = []
    while len(results) < len(workers):
        if pipe.poll(0.1):
            results.append(pipe.recv())
            continue
        dead = [worker.exitcode for worker in workers if worker.exitcode]
        if dead and not pipe.poll(0.5):
            raise StoreCheckFailed("S16", f"a process that used the store ended with code {dead[0]}")
        expect(time.monotonic() < until, "S14", "a process that uses the store does not end")
    return results


@attrs.frozen
class _Work:
    """Work of one racing process; pickled to reach it."""

    make: Callable[[], Any]
    contested: str
    counter: str
    claims: list[str]
    barrier: Any
    answers: Any
    lock: Any
    patience: float

    def run(self) -> None:
        try:
            store = self.make()
            answer: Any = self.contest(store)
            self.count(store)
        except BaseException as error:  # noqa: BLE001 (reported to the process that started this one)
            self.barrier.abort()
            answer = f"{type(error).__name__}: {error}"
        with self.lock:
            self.answers.send(answer)

    def contest(self, store: Any) -> list[tuple[bool, bool]]:
        wins: list[tuple[bool, bool]] = []
        for number, claim in enumerate(self.claims):
            self.barrier.wait(self.patience)
            seen = store.load(self.contested)
            self.barrier.wait(self.patience)
            if number % 2:
                wins.append(self.bids(store, claim, seen))
            else:
                with random_pauses(secrets.token_hex()):
                    wins.append(self.bids(store, claim, seen))
        return wins

    def bids(self, store: Any, claim: str, seen: bytes | None) -> tuple[bool, bool]:
        created = try_swap(store, claim, None, ordinary_bytes())
        return created, try_swap(store, self.contested, seen, ordinary_bytes())

    def count(self, store: Any) -> None:
        done, until = 0, time.monotonic() + self.patience
        while done < len(self.claims):
            now = store.load(self.counter)
            if try_swap(store, self.counter, now, b"%d" % (int(now or b"0") + 1)):
                done, until = done + 1, time.monotonic() + self.patience
            expect(time.monotonic() < until, "S1", "no swap of racing processes is applied any more")


def fresh_across_processes(pair: StorePair) -> None:
    """See in one process at once what another wrote, in loads and listings."""
    other = pair.remote()
    both = (pair.a, other)
    for turn in range(max(4, min(40, pair.rounds))):
        writer, reader = both[turn % 2], both[1 - turn % 2]
        key, value = pair.key("w"), ordinary_bytes()
        for _ in range(turn % 3):
            expect(reader.load(key) is None, "S5", "load of a key without a record is not None")
        expect(writer.swap(key, None, value), "S7", "creating a record under a fresh key was not applied")
        expect(reader.load(key) == value, "S2", "another process does not see a record that was created")
        expect(not reader.swap(key, None, value), "S7", "another process creates over an existing record")
        new = ordinary_bytes()
        expect(writer.swap(key, value, new), "S1", "a swap from the record's bytes was not applied")
        expect(reader.load(key) == new, "S2", "another process does not see what was written")
        expect(not reader.swap(key, value, value), "S8", "another process swaps from bytes that were replaced")
        expect(reader.swap(key, new, value), "S1", "another process cannot swap from the record's bytes")
        expect(writer.load(key) == value, "S2", "a process does not see what another one wrote")
        if can_list(reader) and turn < 4:
            expect(key in set(reader.keys("w")), "S9", "a listing in another process leaves out a key")
        expect(writer.swap(key, value, None), "S13", "deleting a record was not applied")
        expect(reader.load(key) is None, "S13", "another process sees a deleted record")
        expect(reader.swap(key, None, new), "S7", "another process cannot create what was deleted")


def pins_across_processes(pair: StorePair) -> None:
    """Raise on a view of one process once another process has replaced its pinned record."""
    pinned_view(pair.a, pair.record("r"))
    other = pair.remote()
    require(hasattr(other, "at"), NO_NAMES)
    expect(other.incarnation() == pair.a.incarnation(), "S12", "two processes name one history differently")
    for writer, viewer in ((pair.a, other), (other, pair.a)):
        pin, value = pair.record("r")
        key, held = pair.record()
        view = pinned_view(viewer, (pin, value))
        expect(view.load(key) == held, "S12", "a view pinned to a record does not read")
        new = ordinary_bytes()
        expect(writer.swap(pin, value, new), "S1", "a swap from the record's bytes was not applied")
        check_refusals(
            pair, view, (key, held), pair.a.incarnation(), "pinned to a record that another process replaced"
        )


def survives_process_kill(pair: StorePair) -> None:
    """Keep what was acknowledged to a process that is killed while it writes (S3, S10)."""
    for turn in range(3):
        remote = pair.remote_process()
        keys = [pair.key() for _ in range(4)]
        remote.start("write on", keys, [ordinary_bytes() for _ in range(3_000)])
        applied: dict[str, bytes | None] = dict.fromkeys(keys)
        asked: dict[str, bytes | None] = dict.fromkeys(keys)
        for _ in range(60 + 40 * turn):
            _record_message(remote.received(pair.faults.patience), applied, asked)
        remote.kill()
        while (results := remote.received(0.2)) is not None:
            _record_message(results, applied, asked)
        for key in keys:
            found = pair.a.load(key)
            problem = "an acknowledged write is gone with the process that wrote it"
            expect(found in (applied[key], asked[key]), "S3", problem)


def _record_message(results: Any, applied: dict[str, bytes | None], asked: dict[str, bytes | None]) -> None:
    if results is None:
        raise StoreCheckFailed("S14", "a writing process reports nothing any more")
    if results[0] is False:
        raise results[1]
    if results[0] is True:
        return
    stage, key, value = results
    if stage == "asked":
        asked[key] = value
    elif stage == "applied":
        applied[key] = asked[key] = value


def histories_across_processes(pair: StorePair) -> None:
    """Name a new history alike and anew in every process, also in those that were open before."""
    begin = pair.faults.new_history
    require(begin, "no hook: Faults(new_history=...)")
    require(hasattr(pair.a, "at"), NO_NAMES)
    assert begin is not None
    from .durability import retry_unavailable

    other = pair.remote()
    name = other.incarnation()
    if not name:
        raise NotTriedError("the engine has no name for its history")
    key, held = pair.record()
    view = other.at(name)
    expect(view.load(key) == held, "S12", "a view of the present history does not read")
    begin()
    present_name = retry_unavailable(pair, pair.a.incarnation)
    expect(
        retry_unavailable(pair, other.incarnation) == present_name != name,
        "S12",
        "two processes name one history differently",
    )
    check_refusals(pair, view, (key, held), present_name, "of an earlier history, in another process")
