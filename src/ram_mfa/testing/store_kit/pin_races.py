# SPDX-License-Identifier: Apache-2.0
"""Changes of the pinned record while a view is in use: after it, nothing is applied and nothing is read (S12)."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ...errors import HistoryLost, StoreUnavailable
from .lost_history import pinned_view
from .random_pauses import random_pauses
from .results import expect
from .store_pair import RACERS, StorePair, ordinary_bytes, race
from .watchdog import Handle


def no_write_after_pin_changed(pair: StorePair) -> None:
    """Replace and delete nothing through a view that was written after its pinned record was replaced."""
    pinned_view(pair.a, pair.record("r"))
    for round_ in range(pair.rounds):
        pin, value = pair.record("r")
        records = [(*pair.record(), ordinary_bytes(40)) for _ in range(RACERS - 1)]
        ended = threading.Event()
        jobs: list[Callable[[], Any]] = []
        for place, (key, _, late) in enumerate(records):
            view = pinned_view((pair.a, pair.b)[place % 2], (pin, value))
            new = None if place % 3 == 2 else ordinary_bytes(40)
            jobs.append(_with_random_pauses(pair, (round_, place), partial(_write_on, view, (key, late, new), ended)))
        jobs.append(partial(_replace, pair, (pin, value), records, ended))
        race(jobs)
        for key, _, late in records:
            problem = "a view changed what was written after its pinned record was replaced"
            expect(pair.b.load(key) == late, "S12", problem)


def _replace(
    pair: StorePair, pin: tuple[str, bytes], records: list[tuple[str, bytes, bytes]], ended: threading.Event
) -> None:
    """Replace the pinned record of the views, and then the records that they try to swap."""
    handle = (pair.a, pair.b)[secrets.randbelow(2)]
    try:
        time.sleep(secrets.randbelow(20) / 10_000)  # so that the views are at work
        new = None if secrets.randbelow(4) == 0 else ordinary_bytes()
        expect(handle.swap(*pin, new), "S1", "a swap from the record's bytes was not applied")
        for key, first, late in records:
            pair.put(key, first, late)
    finally:
        ended.set()


def _write_on(view: Handle, swap: tuple[str, bytes, bytes | None], ended: threading.Event) -> None:
    """Repeat one swap until the view raises HistoryLost, which it must once its pinned record is replaced."""
    over = False
    while True:
        last, over = over, ended.is_set()
        try:
            applied = view.swap(*swap)
        except HistoryLost:
            return
        except StoreUnavailable:
            continue
        expect(not applied, "S12", "a view changed what was written after its pinned record was replaced")
        expect(not last, "S12", "a view works on after its pinned record was replaced")


def no_read_after_pin_changed(pair: StorePair) -> None:
    """Read nothing through a view that was written after its pinned record was replaced, or replaced before."""
    pinned_view(pair.a, pair.record("r"))
    for round_ in range(pair.rounds):
        pin, value = pair.record("r")
        key, before = pair.record()
        pinned_value, after = ordinary_bytes(), ordinary_bytes()
        now = ordinary_bytes()
        view = pinned_view((pair.a, pair.b)[round_ % 2], (pin, pinned_value))
        ended = threading.Event()

        found: set[bytes | None] = set()
        read = _with_random_pauses(pair, round_, partial(_read_on, view, key, found, ended))
        write = partial(_write, pair, (key, before, now, after), (pin, value, pinned_value), ended)
        jobs: list[Callable[[], None]] = [read, read, read, partial(write, younger=round_ % 2 == 1)]
        race(jobs)
        expect(before not in found, "S12", "a view reads what was replaced before its pinned record was as it says")
        expect(after not in found, "S12", "a view reads what was written after its pinned record was replaced")


def _write(
    pair: StorePair,
    record: tuple[str, bytes, bytes, bytes],
    pin: tuple[str, bytes, bytes],
    ended: threading.Event,
    *,
    younger: bool,
) -> None:
    (key, before, now, after), (beside, value, pinned_value) = record, pin
    try:
        if younger:
            pair.put(key, before, now)
            pair.put(beside, value, pinned_value)
            time.sleep(secrets.randbelow(20) / 10_000)
            pair.put(beside, pinned_value, value)
            pair.put(key, now, after)  # this is younger than what the view stands for
        else:
            time.sleep(secrets.randbelow(20) / 10_000)
            pair.put(key, before, now)  # from here on, `before` is older than that
            pair.put(beside, value, pinned_value)
            time.sleep(0.001)
    finally:
        ended.set()


def _read_on(view: Handle, key: str, found: set[bytes | None], ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            found.add(view.load(key))
        except (HistoryLost, StoreUnavailable):
            continue


def _with_random_pauses(pair: StorePair, seed: object, job: Callable[[], Any]) -> Callable[[], Any]:
    """Return a job that pauses at random, where its threads run the store's code."""

    def run() -> Any:
        with random_pauses(seed) if pair.threads else contextlib.nullcontext():
            return job()

    return run
