# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import inspect
import threading

import pytest

from ram_mfa import HistoryLost, StoreUnavailable, in_threads
from ram_mfa.store import has_clock, has_history, has_listing
from ram_mfa.stores.memory import MemoryStore
from tests.support.service import ScriptedStore, StoreWithHistory


class Bare:
    """A store of the two words and nothing else."""

    def __init__(self):
        self.store = MemoryStore()
        self.load, self.swap = self.store.load, self.store.swap


class BarelyPromoted(Bare):
    def incarnation(self):
        return "1"

    def at(self, incarnation, /):
        return self


class TestInThreads:
    @pytest.mark.parametrize(
        ("store", "lists", "incarnated"),
        [
            (Bare(), False, False),
            (MemoryStore(), True, True),
            (StoreWithHistory(), True, True),
            (BarelyPromoted(), False, True),
        ],
        ids=["bare", "listing", "both", "incarnated"],
    )
    def test_kinds_of_store(self, store, lists, incarnated):
        """It lists, and has incarnations, exactly where the store does."""
        threaded = in_threads(store)
        assert has_listing(threaded) is lists
        assert has_history(threaded) is incarnated
        assert not has_clock(threaded)
        assert inspect.iscoroutinefunction(threaded.load)

    def test_the_same_words(self):
        """Load and swap do what the store does, in another thread than the loop's."""
        store, threads = ScriptedStore(), set()

        def interfere(word, really, *arguments):
            threads.add(threading.get_ident())
            return really(*arguments)

        store.interfere = interfere

        async def life():
            threaded = in_threads(store)
            assert await threaded.load("uA") is None
            assert await threaded.swap("uA", None, b"1") is True
            assert await threaded.swap("uA", None, b"2") is False
            assert await threaded.swap("uB", None, b"2") is True
            assert await threaded.load("uA") == b"1"
            return [key async for key in threaded.keys("u")]

        assert asyncio.run(life()) == ["uA", "uB"]
        assert threading.get_ident() not in threads

    def test_errors_cross(self):
        """An exception of the store is the caller's."""

        def interfere(word, really, *arguments):
            raise StoreUnavailable

        store = ScriptedStore()
        store.interfere = interfere
        with pytest.raises(StoreUnavailable):
            asyncio.run(in_threads(store).load("uA"))

    @pytest.mark.requirement("S12")
    def test_incarnations(self):
        """A view works on its history, and says so where there is another."""
        store = StoreWithHistory()

        async def life():
            threaded = in_threads(store)
            view = threaded.at(await threaded.incarnation())
            assert await view.swap("uA", None, b"1") is True
            store.history = "2"
            for call in (view.load("uA"), view.swap("uA", b"1", b"2")):
                with pytest.raises(HistoryLost) as lost:
                    await call
                assert lost.value.incarnation == "2"

        asyncio.run(life())
        assert store.records == {"uA": b"1"}

    @pytest.mark.requirement("S12")
    def test_a_pin_and_a_clock(self):
        """What a view is pinned to is passed on, and only where there is one; the server's clock is asked."""

        class Pinned(Bare):
            def __init__(self):
                super().__init__()
                self.pins = []

            def incarnation(self):
                return ""

            def at(self, incarnation, /, **pin):
                self.pins.append((incarnation, pin))
                return self

            def clock(self):
                return 5.0

        store = Pinned()
        threaded = in_threads(store)
        assert has_clock(threaded)
        assert asyncio.run(threaded.clock()) == 5.0
        assert asyncio.run(threaded.at("").load("uA")) is None
        assert asyncio.run(threaded.at("", beside=("rA", b"1")).load("uA")) is None
        assert store.pins == [("", {}), ("", {"beside": ("rA", b"1")})]
