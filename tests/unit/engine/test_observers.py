# SPDX-License-Identifier: Apache-2.0
"""Observers: whatever one raises changes nothing, and what stops the caller or the program still does."""

from __future__ import annotations

import asyncio

import pytest

from ram_mfa import MFA, AsyncMFA, Describe, MFAPolicy, OpenAccount, UnsafePlaintext
from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from tests.support.service import ROOT

POLICY = MFAPolicy.ram(issuer="Example")


def sync_service(*observers):
    return MFA(MemoryStore(), POLICY, seal=UnsafePlaintext(), observers=observers, create=True)


def async_service(*observers):
    return AsyncMFA(AsyncMemoryStore(), POLICY, seal=UnsafePlaintext(), observers=observers, create=True)


class TestAnObserver:
    @pytest.mark.requirement("A26")
    @pytest.mark.parametrize("error", [asyncio.CancelledError, ValueError])
    def test_that_raises(self, error, caplog):
        """Its CancelledError is logged like any other error, the next observer is notified, and the outcome stands."""
        seen = []

        def fails(event):
            raise error

        assert sync_service(fails, seen.append).perform("alice", OpenAccount(by=ROOT)).user == "alice"
        assert [event.user for event in seen] == ["alice"]
        assert "an observer failed" in caplog.text

    @pytest.mark.requirement("A26")
    @pytest.mark.parametrize("awaited", [True, False])
    @pytest.mark.parametrize("error", [asyncio.CancelledError, ValueError])
    def test_that_raises_in_an_event_loop(self, error, awaited, caplog):
        seen = []

        def fails(event):
            raise error

        async def fails_later(event):
            await asyncio.sleep(0)
            raise error

        async def main():
            mfa = async_service(fails_later if awaited else fails, seen.append)
            return await mfa.perform("alice", OpenAccount(by=ROOT))

        assert asyncio.run(main()).user == "alice"
        assert [event.user for event in seen] == ["alice"]
        assert "an observer failed" in caplog.text

    @pytest.mark.requirement("A26")
    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_in_which_the_program_is_stopped(self, error):
        """What stops the program reaches the caller; the account was opened all the same."""

        def stopped(event):
            raise error

        mfa = sync_service(stopped)
        with pytest.raises(error):
            mfa.perform("alice", OpenAccount(by=ROOT))
        assert mfa.perform("alice", Describe()).user == "alice"

    @pytest.mark.requirement("A26")
    def test_while_the_caller_is_cancelled(self):
        """The caller's own cancellation reaches the caller at once, and the observer goes on to its end."""

        async def main():
            begun, goes_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

            async def slow(event):
                begun.set()
                await goes_on.wait()
                done.set()

            mfa = async_service(slow)
            caller = asyncio.ensure_future(mfa.perform("alice", OpenAccount(by=ROOT)))
            await begun.wait()
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
            assert not done.is_set()
            goes_on.set()
            await done.wait()
            assert (await mfa.perform("alice", Describe())).user == "alice"

        asyncio.run(asyncio.wait_for(main(), 60))

    @pytest.mark.requirement("A26")
    def test_while_the_loop_is_closed(self):
        """Where the event loop ends all its tasks, an observer that hangs does not hold it up."""
        begun = asyncio.Event()

        async def hangs(event):
            begun.set()
            await asyncio.Event().wait()

        async def main():
            mfa = async_service(hangs)
            asyncio.ensure_future(mfa.perform("alice", OpenAccount(by=ROOT)))  # noqa: RUF006 - left to the loop's end
            await begun.wait()

        asyncio.run(main())
        assert begun.is_set()
