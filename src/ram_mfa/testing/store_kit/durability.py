# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there after the engine was killed, or after the handle was closed (S3, S10, S13)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

import attrs

from ...errors import StoreUnavailable, StoreUncertain
from ...store import Store
from .bench import Bench, close_handle
from .failure import StoreCheckFailed, expect


def outlives_its_handle(bench: Bench) -> None:
    """What a handle was told has landed is there when the handle is closed, and whatever becomes of it."""
    handle = bench.make()
    key, gone = bench.key(), bench.key()
    value = secrets.token_bytes(300)
    try:
        expect(handle.swap(key, None, value) is True, "S7", "creating a record under a fresh key did not land")
        expect(handle.swap(gone, None, value) is True, "S7", "creating a record under a fresh key did not land")
        expect(handle.swap(gone, value, None) is True, "S13", "deleting a record did not land")
    finally:
        if not any(handle is other for other in bench.handles):
            close_handle(handle)
    del handle
    expect(bench.b.load(key) == value, "S10", "what was acknowledged is gone with the handle that wrote it")
    expect(bench.b.load(gone) is None, "S13", "what was deleted is back, without the handle that deleted it")


def outlives_a_kill(bench: Bench) -> None:
    """The engine is killed while records are created, replaced and deleted: all that was acknowledged is there."""
    restart = bench.faults.restart
    if restart is None:
        return
    writers = [_Writer(bench, bench.key(), bench.key()) for _ in range(3)]
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
        expect(patient_load(bench, writer.gone) in writer.gone_may_be, "S13", "a deleted record is back after a kill")


@attrs.define(eq=False)
class _Writer:
    """Counts one record up, and creates and deletes another, until told to stop; survives the engine's absence."""

    bench: Bench
    key: str
    gone: str
    acknowledged: int = 0
    landed: bytes | None = None
    asked: bytes | None = None
    gone_may_be: tuple[bytes | None, ...] = (None,)
    stop: bool = False
    raised: BaseException | None = None

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

    def _turn(self, store: Store) -> None:
        load, swap = store.load, store.swap
        found = load(self.key)
        expect(found in (self.landed, self.asked), "S3", "an acknowledged write is gone after the engine was killed")
        self.landed = found
        self.asked = secrets.token_bytes(300)
        expect(swap(self.key, found, self.asked) is True, "S3", "a record changed under its only writer")
        self.landed = self.asked
        there = load(self.gone)
        expect(there in self.gone_may_be, "S13", "a deleted record is back after the engine was killed")
        new = None if there is not None else secrets.token_bytes(300)
        self.gone_may_be = (there, new)
        expect(swap(self.gone, there, new) is True, "S13", "a record changed under its only writer")
        self.gone_may_be = (new,)
        self.acknowledged += 1


def patient_load(bench: Bench, key: str) -> bytes | None:
    """Load as soon as the engine is back."""
    until = time.monotonic() + bench.faults.patience
    while True:
        try:
            return bench.a.load(key)
        except StoreUnavailable as error:
            if time.monotonic() > until:
                raise StoreCheckFailed("S14", "the store does not come back after its engine did") from error
        time.sleep(0.05)


def _until(bench: Bench, done: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + bench.faults.patience
    while not done():
        expect(time.monotonic() < until, "S14", otherwise)
        time.sleep(0.01)
