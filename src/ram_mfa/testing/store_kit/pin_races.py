# SPDX-License-Identifier: Apache-2.0
"""The record beside a view changes while the view is at work: nothing lands, and nothing is read, after that (S12)."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ...errors import HistoryLost, StoreUnavailable
from .failure import expect
from .lost_history import pinned
from .shaking import shaken
from .store_pair import RACERS, Bench, ordinary_bytes, race
from .watch import Handle


def nothing_lands_beside_another(bench: Bench) -> None:
    """What was written after the record beside a view was replaced, that view does not replace and does not delete."""
    pinned(bench.a, bench.record("r"))
    for round_ in range(bench.rounds):
        pin, value = bench.record("r")
        records = [(*bench.record(), ordinary_bytes(40)) for _ in range(RACERS - 1)]
        ended = threading.Event()
        jobs: list[Callable[[], Any]] = []
        for place, (key, _, late) in enumerate(records):
            view = pinned((bench.a, bench.b)[place % 2], (pin, value))
            new = None if place % 3 == 2 else ordinary_bytes(40)
            jobs.append(_unsteady(bench, (round_, place), partial(_write_on, view, (key, late, new), ended)))
        jobs.append(partial(_replace, bench, (pin, value), records, ended))
        race(jobs)
        for key, _, late in records:
            told = "a view changed what was written after the record beside it was replaced"
            expect(bench.b.load(key) == late, "S12", told)


def _replace(
    bench: Bench, pin: tuple[str, bytes], records: list[tuple[str, bytes, bytes]], ended: threading.Event
) -> None:
    """Replace the record beside the views, and then the records that they want."""
    handle = (bench.a, bench.b)[secrets.randbelow(2)]
    try:
        time.sleep(secrets.randbelow(20) / 10_000)  # so that the views are at work
        new = None if secrets.randbelow(4) == 0 else ordinary_bytes()
        expect(handle.swap(*pin, new), "S1", "a swap from the record's bytes did not land")
        for key, first, late in records:
            bench.put(key, first, late)
    finally:
        ended.set()


def _write_on(view: Handle, swap: tuple[str, bytes, bytes | None], ended: threading.Event) -> None:
    """Try one swap until the view raises HistoryLost, which it has to once the record beside it is replaced."""
    over = False
    while True:
        last, over = over, ended.is_set()
        try:
            landed = view.swap(*swap)
        except HistoryLost:
            return
        except StoreUnavailable:
            continue
        expect(not landed, "S12", "a view changed what was written after the record beside it was replaced")
        expect(not last, "S12", "a view works on after the record beside it was replaced")


def nothing_is_read_beside_another(bench: Bench) -> None:
    """What was written after the record beside a view was replaced, or before it was made, that view does not read."""
    pinned(bench.a, bench.record("r"))
    for round_ in range(bench.rounds):
        pin, value = bench.record("r")
        key, before = bench.record()
        pinned_value, after = ordinary_bytes(), ordinary_bytes()
        now = ordinary_bytes()
        view = pinned((bench.a, bench.b)[round_ % 2], (pin, pinned_value))
        ended = threading.Event()

        found: set[bytes | None] = set()
        read = _unsteady(bench, round_, partial(_read_on, view, key, found, ended))
        write = partial(_write, bench, (key, before, now, after), (pin, value, pinned_value), ended)
        jobs: list[Callable[[], None]] = [read, read, read, partial(write, younger=round_ % 2 == 1)]
        race(jobs)
        expect(before not in found, "S12", "a view reads what was replaced before the record beside it was as it says")
        expect(after not in found, "S12", "a view reads what was written after the record beside it was replaced")


def _write(
    bench: Bench,
    record: tuple[str, bytes, bytes, bytes],
    pin: tuple[str, bytes, bytes],
    ended: threading.Event,
    *,
    younger: bool,
) -> None:
    (key, before, now, after), (beside, value, pinned_value) = record, pin
    try:
        if younger:
            bench.put(key, before, now)
            bench.put(beside, value, pinned_value)
            time.sleep(secrets.randbelow(20) / 10_000)
            bench.put(beside, pinned_value, value)
            bench.put(key, now, after)  # this is younger than what the view stands for
        else:
            time.sleep(secrets.randbelow(20) / 10_000)
            bench.put(key, before, now)  # from here on, `before` is older than that
            bench.put(beside, value, pinned_value)
            time.sleep(0.001)
    finally:
        ended.set()


def _read_on(view: Handle, key: str, found: set[bytes | None], ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            found.add(view.load(key))
        except (HistoryLost, StoreUnavailable):
            continue


def _unsteady(bench: Bench, seed: object, job: Callable[[], Any]) -> Callable[[], Any]:
    """Return a job that is held up here and there, where that is possible."""

    def run() -> Any:
        with shaken(seed) if bench.threads else contextlib.nullcontext():
            return job()

    return run
