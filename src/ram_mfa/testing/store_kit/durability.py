# SPDX-License-Identifier: Apache-2.0
"""Durability: acknowledged writes are there after the engine was killed, or the handle closed (S3, S10, S13)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import attrs

from ...errors import StoreUnavailable, StoreUncertain
from .failure import StoreCheckFailed, expect, needs
from .store_pair import Bench, ordinary_bytes
from .watch import Handle


def outlives_its_handle(bench: Bench) -> None:
    """What a handle was told has landed is there when the handle is closed, and whatever becomes of it."""
    handle = bench.open()
    key, gone = bench.key(), bench.key()
    value = ordinary_bytes()
    try:
        expect(handle.swap(key, None, value) is True, "S7", "creating a record under a fresh key did not land")
        expect(handle.swap(gone, None, value) is True, "S7", "creating a record under a fresh key did not land")
        expect(handle.swap(gone, value, None) is True, "S13", "deleting a record did not land")
    finally:
        if not bench.shares(handle):
            handle.close()
    del handle
    expect(bench.b.load(key) == value, "S10", "what was acknowledged is gone with the handle that wrote it")
    expect(bench.b.load(gone) is None, "S13", "what was deleted is back, without the handle that deleted it")


def outlives_a_kill(bench: Bench) -> None:
    """The engine is killed while records are created, replaced and deleted: all that was acknowledged is there."""
    restart = bench.faults.restart
    needs(restart, "no hook: Faults(restart=...)")
    assert restart is not None
    cold = [bench.record(size=size) for size in (1, 300, 2_500, 16_000) for _ in range(10)]
    for key, value in cold[::4]:
        bench.put(key, value, None)
    for key, value in cold[1::4]:
        bench.put(key, value, value + b"1")
    writers = [_Writer(bench, bench.key(), (bench.key(), bench.key())) for _ in range(3)]
    threads = [threading.Thread(target=writer.run, daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    _until(bench, lambda: all(writer.acknowledged >= 20 for writer in writers), "no writes before the kill")
    restart()
    marks = [writer.acknowledged for writer in writers]
    _until(
        bench,
        lambda: all(writer.raised or writer.acknowledged > mark for writer, mark in zip(writers, marks, strict=True)),
        "the store does not come back after its engine did",
    )
    for writer in writers:
        writer.stop = True
    for thread in threads:
        thread.join(bench.faults.patience)
        expect(not thread.is_alive(), "S14", "a call hangs after the engine was killed")
    for writer in writers:
        if writer.raised is not None:
            raise writer.raised
        found = patient_load(bench, writer.key)
        expect(
            found in (writer.landed, writer.asked), "S3", "an acknowledged write is gone after the engine was killed"
        )
        for key in writer.gone:
            expect(patient_load(bench, key) in writer.may_be(key), "S13", "a deleted record is back after a kill")
    for place, (key, value) in enumerate(cold):
        told = "a record that nobody touched for a while is gone, or is as it was before, after a kill"
        left = (None, value + b"1", value, value)[place % 4]
        expect(patient_load(bench, key) == left, "S3" if left else "S13", told)


@attrs.define(eq=False)
class _Writer:
    """Counts one record up, and creates and deletes two others, until told to stop; survives the engine's absence.

    One of the two is deleted before the other is created, so that at any moment one deletion at least is acknowledged.
    """

    bench: Bench
    key: str
    gone: tuple[str, str]
    acknowledged: int = 0
    landed: bytes | None = None
    asked: bytes | None = None
    stop: bool = False
    raised: BaseException | None = None
    _known: dict[str, tuple[bytes | None, ...]] = attrs.field(factory=dict, init=False)

    def may_be(self, key: str) -> tuple[bytes | None, ...]:
        """Return what may be found under one of the two: the last acknowledged, and what was asked since."""
        return self._known.get(key, (None,))

    def run(self) -> None:
        try:
            store = self.bench.handle()
            while not self.stop:
                try:
                    self._turn(store)
                except (StoreUnavailable, StoreUncertain):
                    time.sleep(0.01)
        except BaseException as error:  # noqa: BLE001 (raised by the thread that started this one)
            self.raised = error

    def _turn(self, store: Handle) -> None:
        load, swap = store.load, store.swap
        found = load(self.key)
        expect(found in (self.landed, self.asked), "S3", "an acknowledged write is gone after the engine was killed")
        self.landed = found
        self.asked = ordinary_bytes()
        expect(swap(self.key, found, self.asked) is True, "S3", "a record changed under its only writer")
        self.landed = self.asked
        lying = [key for key in self.gone if self._found(store, key) is not None]
        for key in lying:
            self._put(store, key, None)
        absent = [key for key in self.gone if key not in lying]
        for key in absent[:1]:
            self._put(store, key, ordinary_bytes())
        self.acknowledged += 1

    def _found(self, store: Handle, key: str) -> bytes | None:
        found = store.load(key)
        expect(found in self.may_be(key), "S13", "a deleted record is back after the engine was killed")
        self._known[key] = (found,)
        return found

    def _put(self, store: Handle, key: str, new: bytes | None) -> None:
        (found,) = self.may_be(key)
        self._known[key] = (found, new)
        expect(store.swap(key, found, new) is True, "S13", "a record changed under its only writer")
        self._known[key] = (new,)


def patient_load(bench: Bench, key: str, handle: Handle | None = None) -> bytes | None:
    """Load as soon as the engine is back."""
    found: bytes | None = patiently(bench, lambda: (handle or bench.a).load(key))
    return found


def patiently(bench: Bench, call: Callable[[], Any]) -> Any:
    """Call the store until it is available."""
    until = time.monotonic() + bench.faults.patience
    while True:
        try:
            return call()
        except StoreUnavailable as error:
            if time.monotonic() > until:
                raise StoreCheckFailed("S14", "the store does not come back after its engine did") from error
        time.sleep(0.05)


def _until(bench: Bench, done: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + bench.faults.patience
    while not done():
        expect(time.monotonic() < until, "S14", otherwise)
        time.sleep(0.01)
