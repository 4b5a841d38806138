# SPDX-License-Identifier: Apache-2.0
"""Durability: acknowledged writes survive a kill of the engine and the close of a handle (S3, S10, S13)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import attrs

from ...errors import StoreUnavailable, StoreUncertain
from .results import StoreCheckFailed, expect, require
from .store_pair import StorePair, ordinary_bytes
from .watchdog import Handle


def survives_close(pair: StorePair) -> None:
    """Keep what a handle wrote when that handle is closed or collected."""
    handle = pair.open()
    key, gone = pair.key(), pair.key()
    value = ordinary_bytes()
    try:
        expect(handle.swap(key, None, value) is True, "S7", "creating a record under a fresh key was not applied")
        expect(handle.swap(gone, None, value) is True, "S7", "creating a record under a fresh key was not applied")
        expect(handle.swap(gone, value, None) is True, "S13", "deleting a record was not applied")
    finally:
        if not pair.shares(handle):
            handle.close()
    del handle
    expect(pair.b.load(key) == value, "S10", "what was acknowledged is gone after the handle that wrote it was closed")
    expect(pair.b.load(gone) is None, "S13", "what was deleted is back, without the handle that deleted it")


def survives_engine_kill(pair: StorePair) -> None:
    """Keep every acknowledged create, replacement and delete when the engine is killed meanwhile."""
    restart = pair.faults.restart
    require(restart, "no hook: Faults(restart=...)")
    assert restart is not None
    cold = [pair.record(size=size) for size in (1, 300, 2_500, 16_000) for _ in range(10)]
    for key, value in cold[::4]:
        pair.put(key, value, None)
    for key, value in cold[1::4]:
        pair.put(key, value, value + b"1")
    writers = [_Writer(pair, pair.key(), (pair.key(), pair.key())) for _ in range(3)]
    threads = [threading.Thread(target=writer.run, daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    _until(pair, lambda: all(writer.acknowledged >= 20 for writer in writers), "no writes before the kill")
    restart()
    marks = [writer.acknowledged for writer in writers]
    _until(
        pair,
        lambda: all(writer.raised or writer.acknowledged > mark for writer, mark in zip(writers, marks, strict=True)),
        "the store does not come back after its engine did",
    )
    for writer in writers:
        writer.stop = True
    for thread in threads:
        thread.join(pair.faults.patience)
        expect(not thread.is_alive(), "S14", "a call hangs after the engine was killed")
    for writer in writers:
        if writer.raised is not None:
            raise writer.raised
        found = load_patiently(pair, writer.key)
        expect(
            found in (writer.applied, writer.asked), "S3", "an acknowledged write is gone after the engine was killed"
        )
        for key in writer.gone:
            expect(load_patiently(pair, key) in writer.may_be(key), "S13", "a deleted record is back after a kill")
    for place, (key, value) in enumerate(cold):
        problem = "a record untouched for a while is gone, or is as it was before, after a kill"
        left = (None, value + b"1", value, value)[place % 4]
        expect(load_patiently(pair, key) == left, "S3" if left else "S13", problem)


@attrs.define(eq=False)
class _Writer:
    """Thread that replaces one record, and creates and deletes two others, until it is stopped.

    It goes on where the engine is absent. One of the two is deleted before the other is created, so that at any time
    at least one deletion is acknowledged.
    """

    pair: StorePair
    key: str
    gone: tuple[str, str]
    acknowledged: int = 0
    applied: bytes | None = None
    asked: bytes | None = None
    stop: bool = False
    raised: BaseException | None = None
    _known: dict[str, tuple[bytes | None, ...]] = attrs.field(factory=dict, init=False)

    def may_be(self, key: str) -> tuple[bytes | None, ...]:
        """Return the possible bytes under one of the two keys: the last acknowledged, and those requested since."""
        return self._known.get(key, (None,))

    def run(self) -> None:
        try:
            store = self.pair.handle()
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
        expect(found in (self.applied, self.asked), "S3", "an acknowledged write is gone after the engine was killed")
        self.applied = found
        self.asked = ordinary_bytes()
        expect(swap(self.key, found, self.asked) is True, "S3", "a record changed under its only writer")
        self.applied = self.asked
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


def load_patiently(pair: StorePair, key: str, handle: Handle | None = None) -> bytes | None:
    """Load a record as soon as the engine answers."""
    found: bytes | None = retry_unavailable(pair, lambda: (handle or pair.a).load(key))
    return found


def retry_unavailable(pair: StorePair, call: Callable[[], Any]) -> Any:
    """Call the store until it no longer raises StoreUnavailable."""
    until = time.monotonic() + pair.faults.patience
    while True:
        try:
            return call()
        except StoreUnavailable as error:
            if time.monotonic() > until:
                raise StoreCheckFailed("S14", "the store does not come back after its engine did") from error
        time.sleep(0.05)


def _until(pair: StorePair, done: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + pair.faults.patience
    while not done():
        expect(time.monotonic() < until, "S14", otherwise)
        time.sleep(0.01)
