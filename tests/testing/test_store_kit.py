# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from ram_mfa.stores.memory import AsyncMemoryStore
from ram_mfa.testing import StoreCheckFailed, check_async_store, check_store
from ram_mfa.testing.store_kit.histories import Call, linearizable
from tests.stores import sabotaged


class TestCheckStore:
    @pytest.mark.requirement("S1", "S2", "S3", "S4", "S5", "S9", "S10", "S12", "S13", "S14", "S16")
    def test_passes_an_honest_store(self):
        """A store that keeps every promise passes, with every failure inflicted on it."""
        engine = sabotaged.Engine()
        check_store(lambda: sabotaged.Honest(engine), rounds=10, faults=engine.faults)
        assert not engine.records

    @pytest.mark.parametrize("store", sabotaged.ALL)
    def test_catches_a_sabotaged_store(self, store):
        """Each store that breaks a promise is caught, and the promise that it breaks is named."""
        engine = sabotaged.Engine()
        with pytest.raises(StoreCheckFailed) as caught:
            check_store(lambda: store(engine), rounds=10, faults=engine.faults)
        assert caught.value.promise in store.breaks, str(caught.value)
        assert str(caught.value).startswith(caught.value.promise + ": ")

    def test_there_are_more_than_a_dozen(self):
        assert len(sabotaged.ALL) >= 12

    def test_every_promise_of_a_store_is_broken_by_one(self):
        """What no sabotaged store breaks, nobody knows to be checked; S15 is each adapter's own, at opening."""
        broken = {store.breaks[0] for store in sabotaged.ALL}
        assert broken >= {"S1", "S2", "S3", "S4", "S5", "S6", "S7", "S9", "S10", "S11", "S12", "S13", "S14", "S16"}


class Awaited:
    """A sabotaged store, awaited."""

    def __init__(self, store):
        self.store = store

    async def load(self, key, /):
        return self.store.load(key)

    async def swap(self, key, old, new, /):
        return self.store.swap(key, old, new)


class TornByTasks(AsyncMemoryStore):
    """Awaits between its comparison and its write."""

    async def swap(self, key, old, new, /):
        if await self.load(key) != old or old is new is None:
            return False
        await asyncio.sleep(0)
        return await super().swap(key, await self.load(key), new)


class CancelledWritesRubbish(AsyncMemoryStore):
    """Leaves half of a record behind when it is cancelled."""

    async def swap(self, key, old, new, /):
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            await super().swap(key, await self.load(key), b"half")
            raise
        return await super().swap(key, old, new)


class CancelledRaises(AsyncMemoryStore):
    """Turns a cancellation into an error of its own."""

    async def swap(self, key, old, new, /):
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            raise RuntimeError("cancelled") from error
        return await super().swap(key, old, new)


class TestCheckAsyncStore:
    def test_passes_an_honest_store(self):
        """The same promises, kept by a store that is awaited, opened by a plain function or a coroutine function."""
        engine = sabotaged.Engine()
        check_async_store(lambda: Awaited(sabotaged.Honest(engine)), rounds=4, tasks=20)
        store = AsyncMemoryStore()

        async def make():
            return store

        check_async_store(make, rounds=4, tasks=20)

    @pytest.mark.parametrize("store", [sabotaged.NoCompare, sabotaged.FoldedKeys, sabotaged.TruncatedBlob])
    def test_catches_what_the_synchronous_kit_catches(self, store):
        engine = sabotaged.Engine()
        with pytest.raises(StoreCheckFailed) as caught:
            check_async_store(lambda: Awaited(store(engine)), rounds=4)
        assert caught.value.promise in store.breaks

    @pytest.mark.parametrize(
        ("store", "promise"),
        # A swap that is parted by awaits breaks creating and replacing alike: which is met first is the loop's to say.
        [(TornByTasks, ("S1", "S7")), (CancelledWritesRubbish, "S5"), (CancelledRaises, "S16")],
    )
    def test_catches_what_only_tasks_show(self, store, promise):
        """Races between awaits, and what a cancelled call leaves behind."""
        one = store()
        with pytest.raises(StoreCheckFailed) as caught:
            check_async_store(lambda: one, rounds=4)
        assert caught.value.promise.startswith(promise), str(caught.value)


def load(began, ended, found):
    return Call(began, ended, is_load=True, old=found)


def swap(began, ended, old, new, landed):
    return Call(began, ended, is_load=False, old=old, new=new, landed=landed)


class TestLinearizable:
    """The checker itself, on histories whose verdict is known."""

    def test_overlapping_calls_may_take_effect_in_either_order(self):
        assert linearizable([swap(0, 9, None, b"a", True), load(1, 3, b"a"), load(4, 6, b"a")], None)
        assert linearizable([swap(0, 9, None, b"a", True), load(1, 3, None), load(4, 6, b"a")], None)

    def test_no_call_sees_the_past(self):
        """A load that found the new record is not followed by one that finds the old."""
        assert not linearizable([swap(0, 9, None, b"a", True), load(1, 3, b"a"), load(4, 6, None)], None)
        assert not linearizable([swap(0, 1, None, b"a", True), load(2, 3, None)], None)

    def test_two_swaps_from_the_same_bytes_do_not_both_land(self):
        assert not linearizable([swap(0, 9, b"a", b"b", True), swap(1, 8, b"a", b"c", True)], b"a")
        assert linearizable([swap(0, 9, b"a", b"b", True), swap(1, 8, b"a", b"c", False)], b"a")

    def test_a_swap_that_fails_found_other_bytes(self):
        assert not linearizable([swap(0, 1, b"a", b"b", False)], b"a")
        assert linearizable([swap(0, 1, b"x", b"b", False)], b"a")

    def test_a_deleted_record_can_be_created_again(self):
        assert linearizable([swap(0, 1, b"a", None, True), load(2, 3, None), swap(4, 5, None, b"a", True)], b"a")
