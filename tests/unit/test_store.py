# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest

from ram_mfa import MFA, MFAPolicy, Reason, UnsafePlaintext, errors, store
from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from tests.support.service import StoreWithHistory, StoreWithoutViews, finish


class TestPromises:
    @pytest.mark.requirement(*(f"S{number}" for number in range(1, 17)))
    def test_stand_in_words(self):
        """Whoever writes a store finds every promise, by its id, in the docstring of the protocol's file."""
        for number in range(1, 17):
            assert f"\n- S{number}. " in store.__doc__


class Wrapper:
    """A wrapper that counts, and delegates whatever else the store has, as one for metrics does."""

    def __init__(self, store):
        self.store = store
        self.calls = 0

    def __getattr__(self, name):
        return getattr(self.store, name)

    def load(self, key, /):
        self.calls += 1
        return self.store.load(key)


class Awaiting:
    async def __call__(self, key, /):
        return None


class TestCapabilities:
    @pytest.mark.requirement("A3")
    def test_are_found_by_their_methods(self):
        """A store is asked for the methods of each capability."""
        clock = SimpleNamespace(clock=lambda: 1.0)
        assert store.has_history(StoreWithHistory())
        assert store.has_listing(MemoryStore())
        assert store.has_clock(clock)
        for has in (store.has_history, store.has_listing, store.has_clock):
            assert not has(object())
        assert not store.has_listing(SimpleNamespace(keys=["no method"]))

    @pytest.mark.requirement("A3")
    def test_are_found_through_a_wrapper(self):
        """A wrapper that delegates with ``__getattr__`` has the capabilities of what it wraps, on every Python."""
        assert store.has_history(Wrapper(StoreWithHistory()))
        assert store.has_listing(Wrapper(MemoryStore()))
        assert store.has_clock(Wrapper(SimpleNamespace(clock=lambda: 1.0)))
        assert not store.has_clock(Wrapper(object()))

    @pytest.mark.requirement("A3")
    @pytest.mark.parametrize("half", ["incarnation", "at"])
    def test_half_of_a_history_is_refused(self, half):
        """A store that names its history and makes no views, or the other way round, is not taken for one without."""
        one = StoreWithoutViews()
        setattr(one, half, lambda *_: "1")
        with pytest.raises(TypeError, match="both"):
            store.has_history(one)
        with pytest.raises(TypeError, match="both"):
            MFA(one, MFAPolicy.ram(issuer="Example"), seal=UnsafePlaintext())

    @pytest.mark.requirement("A3")
    def test_awaited_stores(self):
        """An asynchronous store is recognised by its load, also behind a wrapper, a partial and a callable object."""
        awaited = AsyncMemoryStore()
        for one in (
            awaited,
            Delegate(awaited),
            SimpleNamespace(load=partial(awaited.load)),
            SimpleNamespace(load=Awaiting()),
        ):
            assert store.is_awaited(one)
        for one in (MemoryStore(), Wrapper(MemoryStore()), object()):
            assert not store.is_awaited(one)

    @pytest.mark.requirement("A3")
    def test_a_wrapped_store_is_protected_around_a_promotion(self, services):
        """A code that was accepted before a lossy promotion is not accepted after it, through a wrapper too."""
        promoted = StoreWithHistory()
        service = services(store=Wrapper(promoted))
        phone = service.phone("alice")
        service.clock.advance(300)
        code, before = service.code(phone), promoted.records
        assert service.perform("alice", finish(service.ask("alice"), code)).user == "alice"
        for key, record in before.items():
            promoted.put(key, record)
        promoted.history = "2"
        refusal = service.refusal("alice", finish(service.ask("alice"), code))
        assert refusal.reason is Reason.REPLAYED_CODE
        assert len(service.root.lost_at) == 1


class Delegate:
    """Delegates everything."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        return getattr(self.store, name)


class TestErrors:
    def test_the_errors_of_a_store_are_those_of_the_library(self):
        """A plugin author imports them from beside the protocol."""
        for name in ("HistoryLost", "StoreContended", "StoreUnavailable", "StoreUncertain"):
            assert getattr(store, name) is getattr(errors, name)
            assert issubclass(getattr(store, name), errors.MFAError)
            assert name in store.__all__
