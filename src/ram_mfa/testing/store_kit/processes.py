# SPDX-License-Identifier: Apache-2.0
"""The promises again, kept between processes that each open the store for themselves (S1, S2, S3, S7, S12)."""

from __future__ import annotations

import multiprocessing
import secrets
import time
from collections.abc import Callable
from typing import Any

import attrs

from .failure import NotTriedError, StoreCheckFailed, expect, needs
from .lost_history import NO_NAMES, pinned, refuses
from .remote import StartMethod
from .shaking import shaken
from .store_pair import Bench, ordinary_bytes, try_swap
from .watch import lists


def racing_processes(bench: Bench) -> None:
    """In each round all processes create one record, swap from the same bytes, and count one record up together."""
    needs(bench.processes, "no processes were asked for: processes=")
    process_race(bench, bench.processes, bench.start_method)


def process_race(bench: Bench, processes: int, start_method: StartMethod) -> None:
    """In each round all processes create, and swap from the same bytes, and one lands; then they count up together."""
    context: Any = multiprocessing.get_context(start_method)
    contested, _ = bench.record()
    counter = bench.key()
    claims = [bench.key() for _ in range(bench.rounds)]
    bench.put(counter, None, b"0")
    mine, theirs = context.Pipe(duplex=False)
    patience = bench.faults.patience + 60
    make = bench.make_remote or bench.make
    work = _Work(make, contested, counter, claims, context.Barrier(processes), theirs, context.Lock(), patience)
    workers = [context.Process(target=work.run, daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    try:
        told = _answers(mine, workers, time.monotonic() + 2 * patience + 2 * bench.rounds)
    finally:
        for worker in workers:
            worker.join(1.0)
            worker.kill()
    for answer in told:
        if isinstance(answer, str):
            raise StoreCheckFailed("S16", f"a process ended in {answer}")
    for created, landed in _rounds(told):
        expect(created == 1, "S7", f"{created} of {processes} racing processes created one record")
        expect(landed == 1, "S1", f"{landed} of {processes} racing processes landed from the same bytes")
    final = bench.b.load(counter)
    expect(final == b"%d" % (processes * bench.rounds), "S1", "swaps of racing processes that landed are lost")


def _rounds(told: list[Any]) -> list[tuple[int, int]]:
    return [
        (sum(created for created, _ in round_), sum(landed for _, landed in round_))
        for round_ in zip(*told, strict=True)
    ]


def _answers(pipe: Any, workers: list[Any], until: float) -> list[Any]:
    """Return what each process says, or fail where one is gone without a word."""
    told: list[Any] = []
    while len(told) < len(workers):
        if pipe.poll(0.1):
            told.append(pipe.recv())
            continue
        dead = [worker.exitcode for worker in workers if worker.exitcode]
        if dead and not pipe.poll(0.5):
            raise StoreCheckFailed("S16", f"a process that used the store ended with code {dead[0]}")
        expect(time.monotonic() < until, "S14", "a process that uses the store does not end")
    return told


@attrs.frozen
class _Work:
    """What each process does; pickled to reach it."""

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
        except BaseException as error:  # noqa: BLE001 (told to the process that started this one)
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
                with shaken(secrets.token_hex()):
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
            expect(time.monotonic() < until, "S1", "no swap of racing processes lands any more")


def fresh_between_processes(bench: Bench) -> None:
    """What one process wrote, another one sees at once, whatever it read before; listings too."""
    other = bench.remote()
    pair = (bench.a, other)
    for turn in range(max(4, min(40, bench.rounds))):
        writer, reader = pair[turn % 2], pair[1 - turn % 2]
        key, value = bench.key("w"), ordinary_bytes()
        for _ in range(turn % 3):
            expect(reader.load(key) is None, "S5", "load of a key without a record is not None")
        expect(writer.swap(key, None, value), "S7", "creating a record under a fresh key did not land")
        expect(reader.load(key) == value, "S2", "another process does not see a record that was created")
        expect(not reader.swap(key, None, value), "S7", "another process creates over a record")
        new = ordinary_bytes()
        expect(writer.swap(key, value, new), "S1", "a swap from the record's bytes did not land")
        expect(reader.load(key) == new, "S2", "another process does not see what was written")
        expect(not reader.swap(key, value, value), "S8", "another process swaps from bytes that were replaced")
        expect(reader.swap(key, new, value), "S1", "another process cannot swap from the record's bytes")
        expect(writer.load(key) == value, "S2", "a process does not see what another one wrote")
        if lists(reader) and turn < 4:
            expect(key in set(reader.keys("w")), "S9", "a listing in another process leaves out a key")
        expect(writer.swap(key, value, None), "S13", "deleting a record did not land")
        expect(reader.load(key) is None, "S13", "another process sees a deleted record")
        expect(reader.swap(key, None, new), "S7", "another process cannot create what was deleted")


def pins_between_processes(bench: Bench) -> None:
    """A view in one process is beside a record as it is now, also where another process replaced it."""
    pinned(bench.a, bench.record("r"))
    other = bench.remote()
    needs(hasattr(other, "at"), NO_NAMES)
    expect(other.incarnation() == bench.a.incarnation(), "S12", "two processes call one history by two names")
    for writer, viewer in ((bench.a, other), (other, bench.a)):
        pin, value = bench.record("r")
        key, held = bench.record()
        view = pinned(viewer, (pin, value))
        expect(view.load(key) == held, "S12", "a view beside a record does not read")
        new = ordinary_bytes()
        expect(writer.swap(pin, value, new), "S1", "a swap from the record's bytes did not land")
        refuses(bench, view, (key, held), bench.a.incarnation(), "beside a record that another process replaced")


def outlives_its_process(bench: Bench) -> None:
    """What a process was told has landed is there after it was killed, in the middle of writing too (S3, S10)."""
    for turn in range(3):
        remote = bench.remote_process()
        keys = [bench.key() for _ in range(4)]
        remote.start("write on", keys, [ordinary_bytes() for _ in range(3_000)])
        landed: dict[str, bytes | None] = dict.fromkeys(keys)
        asked: dict[str, bytes | None] = dict.fromkeys(keys)
        for _ in range(60 + 40 * turn):
            _note(remote.received(bench.faults.patience), landed, asked)
        remote.kill()
        while (told := remote.received(0.2)) is not None:
            _note(told, landed, asked)
        for key in keys:
            found = bench.a.load(key)
            told_ = "an acknowledged write is gone with the process that wrote it"
            expect(found in (landed[key], asked[key]), "S3", told_)


def _note(told: Any, landed: dict[str, bytes | None], asked: dict[str, bytes | None]) -> None:
    if told is None:
        raise StoreCheckFailed("S14", "a process that writes says nothing any more")
    if told[0] is False:
        raise told[1]
    if told[0] is True:
        return
    stage, key, value = told
    if stage == "asked":
        asked[key] = value
    elif stage == "landed":
        landed[key] = asked[key] = value


def names_between_processes(bench: Bench) -> None:
    """Another history has another name in every process, those that stayed open too."""
    begin = bench.faults.new_history
    needs(begin, "no hook: Faults(new_history=...)")
    needs(hasattr(bench.a, "at"), NO_NAMES)
    assert begin is not None
    from .durability import patiently

    other = bench.remote()
    name = other.incarnation()
    if not name:
        raise NotTriedError("the engine has no name for its history")
    key, held = bench.record()
    view = other.at(name)
    expect(view.load(key) == held, "S12", "a view of the present history does not read")
    begin()
    present = patiently(bench, bench.a.incarnation)
    expect(patiently(bench, other.incarnation) == present != name, "S12", "two processes call one history by two names")
    refuses(bench, view, (key, held), present, "of a history before, in another process")
