# SPDX-License-Identifier: Apache-2.0
"""What a store answers counts only if it is exactly what was promised."""

from __future__ import annotations

import pytest

from ram_mfa import (
    BeginLogon,
    Describe,
    OpenAccount,
    Reason,
    Refused,
    StoreUnavailable,
    StoreUncertain,
    UnreadableRecord,
)
from ram_mfa.engine.effects import MAX_SEALED
from ram_mfa.engine.records import ROOT_KEY, user_key
from tests.support.service import ROOT, SESSION, StoreWithHistory, finish


async def coroutine():
    """Never awaited by a sync engine."""


class Answers:
    """Answers one method with something else once armed, after it really did it or instead."""

    def __init__(self, word, answer, *, key, really):
        self.word, self.answer, self.key, self.really = word, answer, key, really

    def __call__(self, word, really, key, *arguments):
        if word != self.word or key != self.key:
            return really(key, *arguments)
        if self.really:
            really(key, *arguments)
        return self.answer()


ODD = {
    "None": lambda: None,
    "1": lambda: 1,
    "0": lambda: 0,
    "bytes": lambda: b"0",
    "text": lambda: "OK",
    "coroutine": coroutine,
}


@pytest.mark.requirement("A18")
class TestSwap:
    @pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
    @pytest.mark.parametrize("really", [False, True])
    def test_neither_true_nor_false(self, services, answer, really):
        """A swap's answer that is neither True nor False proves nothing: nobody is logged on, and nothing is told."""
        service = services()
        phone = service.phone("alice")
        code, told = service.code(phone), len(service.observed)
        service.store.interfere = Answers("swap", answer, key=user_key("", "alice"), really=really)
        for _ in range(3):
            asked = service.ask("alice")
            with pytest.raises((StoreUncertain, Refused)) as caught:
                service.perform("alice", finish(asked, code))
            if isinstance(caught.value, StoreUncertain):
                assert "swap must return True or False" in caught.value.args[0]
            else:  # spent by a swap that was applied
                assert really
                assert caught.value.refusal.reason is Reason.REPLAYED_CODE
        assert "LOGON_PROVED" not in {event.type.name for event in service.observed[told:]}

    @pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
    def test_of_the_root(self, services, answer):
        """So for the root record: the loss that was to be noted is not taken for noted."""
        service = services(store=StoreWithHistory())
        service.store.history = "2"
        service.store.interfere = Answers("swap", answer, key=ROOT_KEY, really=False)
        with pytest.raises(StoreUncertain):
            service.perform("alice", OpenAccount(by=ROOT))
        service.store.interfere = None
        service.perform("alice", OpenAccount(by=ROOT))
        assert len(service.root.losses) == 1


@pytest.mark.requirement("A18")
class TestLoad:
    @pytest.mark.parametrize("answer", [5, True, "text", bytearray(b"x"), memoryview(b"x"), coroutine])
    @pytest.mark.parametrize("key", [ROOT_KEY, user_key("", "alice")])
    def test_neither_bytes_nor_none(self, services, answer, key):
        """A load's answer that is neither bytes nor None is no answer: the store is unavailable, and says why."""
        service = services()
        service.perform("alice", OpenAccount(by=ROOT))
        service.mfa._engine.session.forget()
        answered = answer if callable(answer) else lambda: answer
        service.store.interfere = Answers("load", answered, key=key, really=False)
        with pytest.raises(StoreUnavailable, match="load must return bytes or None"):
            service.perform("alice", BeginLogon(session=SESSION))

    def test_too_large(self, services):
        """What is larger than any record is not looked at."""
        service = services()
        service.store.put(user_key("", "alice"), bytes(MAX_SEALED + 1))
        with pytest.raises(UnreadableRecord, match="too large"):
            service.perform("alice", Describe())


@pytest.mark.requirement("A18")
class TestNames:
    @pytest.mark.parametrize("name", [None, b"1", 1, "x" * 1_025])
    def test_no_name(self, services, name):
        """A history's name that is no string, or endless, is no answer."""
        service = services(store=StoreWithHistory())
        service.mfa._engine.session.forget()
        service.store.history = name
        with pytest.raises(StoreUnavailable, match="incarnation must return"):
            service.perform("alice", Describe())
