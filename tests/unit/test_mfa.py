# SPDX-License-Identifier: Apache-2.0
"""The two drivers: what they take, what they refuse when built, and what an observer may do."""

from __future__ import annotations

import asyncio
import copy
import re
import threading

import pytest

from ram_mfa import (
    MFA,
    Administrator,
    AsyncMFA,
    BeginLogon,
    BeginStepUp,
    Describe,
    FinishLogon,
    MFAPolicy,
    OpenAccount,
    Operation,
    Reason,
    Refused,
    TOTPCode,
    UnsafeAdministrator,
    UnsafePlaintext,
    Verb,
    in_threads,
    new_session,
)
from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from tests.support.service import ROOT

POLICY = MFAPolicy.ram(issuer="Example")
SEAL = UnsafePlaintext()


class TestConfiguration:
    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"store": object()}, TypeError),
            ({"store": AsyncMemoryStore()}, TypeError),
            ({"policy": "ram"}, TypeError),
            ({"seal": None}, TypeError),
            ({"deadline": 0}, ValueError),
            ({"deadline": True}, ValueError),
            ({"create": "no"}, TypeError),
            ({"deadline": 601}, ValueError),
        ],
    )
    def test_refused_when_built(self, changes, error):
        """What cannot work is said when it is built."""
        how = {"store": MemoryStore(), "policy": POLICY, "seal": SEAL} | changes
        with pytest.raises(error):
            MFA(how.pop("store"), how.pop("policy"), **how)

    def test_a_sync_store_is_not_awaited(self):
        """A sync store goes to AsyncMFA through threads, and in no other way."""
        with pytest.raises(TypeError, match="in_threads"):
            AsyncMFA(MemoryStore(), POLICY, seal=SEAL)
        assert "tenant ''" in repr(AsyncMFA(in_threads(MemoryStore()), POLICY, seal=SEAL))

    @pytest.mark.parametrize("name", ["", "x" * 201, None, "\ud800"])
    def test_tenants(self, name):
        """A tenant has a name."""
        with pytest.raises(ValueError, match=r".+"):
            MFA(MemoryStore(), POLICY, seal=SEAL).for_tenant(name, POLICY)

    def test_users(self):
        """A user id is a string that can be written down, and never empty."""
        mfa = MFA(MemoryStore(), POLICY, seal=SEAL, create=True)
        with pytest.raises(TypeError):
            mfa.perform(5, Describe())
        for user in ("", "x" * 1_025, "\ud800"):
            with pytest.raises(Refused) as refused:
                mfa.perform(user, Describe())
            assert refused.value.refusal.reason is Reason.BAD_USER_ID

    @pytest.mark.requirement("B19")
    def test_create_left_out(self):
        """Without its root record a store refuses everything."""
        with pytest.raises(Refused) as caught:
            MFA(MemoryStore(), POLICY, seal=SEAL).perform("alice", Describe())
        assert caught.value.refusal.reason is Reason.NO_ROOT


class TestObservers:
    @pytest.mark.requirement("B3")
    def test_a_failing_one_changes_nothing(self, services, caplog):
        """An observer's exception is logged; the outcome and the other observers are as without it."""

        def failing(event):
            raise RuntimeError("the observer's own trouble")

        service = services(observers=(failing,))
        assert service.perform("alice", OpenAccount(by=ROOT)).user == "alice"
        assert len(service.observed) == 1
        assert "an observer failed" in caplog.text

    def test_awaited_ones(self):
        """AsyncMFA awaits an observer that is a coroutine function."""
        told = []

        async def observer(event):
            await asyncio.sleep(0)
            told.append(event)

        async def main():
            mfa = AsyncMFA(AsyncMemoryStore(), POLICY, seal=SEAL, observers=[observer], create=True)
            await mfa.perform("alice", OpenAccount(by=ROOT))

        asyncio.run(main())
        assert len(told) == 1


class TestCancellation:
    def test_a_landed_swap_keeps_its_events(self):
        """A perform that is cancelled amid its swap goes on to its events."""
        told, entered, go_on = threading.Event(), threading.Event(), threading.Event()

        class Slow(MemoryStore):
            def swap(self, key, old, new, /):
                if key.startswith("u"):
                    entered.set()
                    go_on.wait(30)
                return super().swap(key, old, new)

        async def main():
            mfa = AsyncMFA(in_threads(Slow()), POLICY, seal=SEAL, observers=[lambda _: told.set()], create=True)
            await mfa.open()
            task = asyncio.ensure_future(mfa.perform("alice", OpenAccount(by=ROOT)))
            await asyncio.to_thread(entered.wait, 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not told.is_set()
            go_on.set()
            assert await asyncio.to_thread(told.wait, 30)
            return (await mfa.perform("alice", Describe())).user

        assert asyncio.run(main()) == "alice"


class TestArguments:
    @pytest.mark.parametrize(
        "build",
        [
            lambda: Administrator("\ud800"),
            lambda: Administrator(""),
            lambda: UnsafeAdministrator("x" * 129),
            lambda: Operation("server.delete", "\ud800"),
            lambda: Operation(""),
            lambda: BeginLogon(""),
            lambda: BeginLogon("session", machine="cookie"),
            lambda: FinishLogon("ticket", TOTPCode("1"), session="the session of one browser", remember="Laptop"),
        ],
    )
    def test_values(self, build):
        """A developer's own value that cannot be is refused when it is given, never later."""
        with pytest.raises(ValueError, match=r".+"):
            build()

    @pytest.mark.parametrize(
        "build",
        [
            lambda: Operation("server.delete", 5),
            lambda: FinishLogon("ticket", TOTPCode("1"), session="the session of one browser", password_mark=5),
            lambda: BeginStepUp("server.delete", session="the session of one browser"),
        ],
    )
    def test_types(self, build):
        """So is one of another type."""
        with pytest.raises(TypeError):
            build()


class TestVerbs:
    def test_one_without_a_body(self):
        """A verb of somebody's own that decides nothing says so, and nothing passes."""
        mfa = MFA(MemoryStore(), POLICY, seal=SEAL, create=True)
        with pytest.raises(NotImplementedError):
            mfa.perform("alice", Verb())

    def test_a_copy_is_the_same(self):
        """Verbs and actors are frozen: copying one gives the same, and nothing of it is written anywhere."""
        verb = OpenAccount(by=ROOT)
        assert copy.copy(verb) is verb
        assert copy.deepcopy(verb) is verb


class TestRoot:
    def test_changed_by_another_process(self, services):
        """A root record that another process changed is taken up when a user's record is absent."""
        service = services()
        other = services(store=service.store, create=False)
        service.run(service.mfa.declare_restored())
        assert other.refusal("nobody", Describe()).reason is Reason.NO_ACCOUNT
        service.run(service.mfa.declare_restored())
        assert other.refusal("nobody", Describe()).reason is Reason.NO_ACCOUNT
        assert other.mfa._engine.session._open_store.root == service.root

    def test_a_loop_that_ends(self):
        """A perform that is cut off by the end of its event loop is cancelled, and nothing is told."""

        class Stuck(AsyncMemoryStore):
            async def load(self, key, /):
                await asyncio.sleep(60)
                return await super().load(key)

        told = []

        async def main():
            mfa = AsyncMFA(Stuck(), POLICY, seal=SEAL, observers=[told.append])
            task = asyncio.ensure_future(mfa.perform("alice", Describe()))
            await asyncio.sleep(0.01)
            return task

        assert asyncio.run(main()).cancelled()
        assert told == []


class TestNewSession:
    def test_random(self):
        """Each is 43 characters of base64url, 256 random bits, and no two are the same."""
        made = {new_session() for _ in range(1_000)}
        assert len(made) == 1_000
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", one) for one in made)
