# SPDX-License-Identifier: Apache-2.0
"""Any life under clocks that are wrong by seconds to a year, both ways: everything is accepted once, and once the
clocks are right nobody is held up for longer than docs/operations.md says.
"""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ram_mfa import (
    Advice,
    Assertion,
    MFAPolicy,
    Reason,
    Refused,
    ResyncVirtualDevice,
    SpendReceipt,
    TOTPCode,
    Unbind,
)
from ram_mfa.account import Account, VirtualMFADevice
from ram_mfa.policy.values import DAY
from ram_mfa.rules import tickets, totp_check
from ram_mfa.testing import KeyFault, SoftSecurityKey
from tests.support import replace_everywhere, rounds
from tests.support.service import DELETE, ORIGIN, PARTY, ROOT, SESSION, Services, finish

YEAR = 365 * DAY
PERIOD = 30
POLICY = MFAPolicy.aws(issuer="Example", relying_party=PARTY)
OFFSETS = (-YEAR, -8 * 60, -60, 0, 60, 8 * 60, YEAR)


@attrs.frozen
class Code:
    """A code that was accepted, and the step that it was spent by."""

    device: str
    step: int
    text: str


class Clocks(RuleBasedStateMachine):
    """One user with a phone and a key that counts nothing; the phone always agrees with the host, right or wrong."""

    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.service = Services("MFA")(policy=POLICY)
        self.true, self.offset = self.service.clock.now, 0
        self.accepted: list[Code] = []
        self.used: list = []
        self.asks: list = []
        self.passed: set[int] = set()

    @initialize()
    def bound(self) -> None:
        self.enrol()

    def enrol(self) -> None:
        self.key = self.service.key("alice", key=SoftSecurityKey(faults={KeyFault.ZERO_COUNTER}))
        self.bind()

    def bind(self) -> None:
        self.phone = self.service.phone("alice")
        for step in self.device.accepted:
            self.accept(step)

    @property
    def device(self) -> VirtualMFADevice:
        account: Account = self.service.account("alice")
        return next(one for one in account.devices if isinstance(one, VirtualMFADevice))

    def accept(self, step: int) -> None:
        """Note an accepted step of the phone: it must be the first time."""
        code = Code(self.device.id, step, self.phone.code_at(step * PERIOD))
        assert code not in self.accepted, "a code was accepted twice"
        self.accepted.append(code)

    def perform(self, verb):
        """Perform a verb; None where it is refused, and then why stands in `reason`."""
        self.reason = None
        try:
            outcome = self.service.perform("alice", verb)
        except Refused as refused:
            self.reason = refused.refusal.reason
            self.seen[self.reason.name] += 1
            return None
        self.seen[type(outcome).__name__] += 1
        return outcome

    def once(self, verb):
        """Perform a verb whose success must not be had twice, now or ever."""
        if verb not in self.used:
            self.used.append(verb)
        outcome = self.perform(verb)
        if outcome is not None:
            assert id(verb) not in self.passed, "a ticket or a receipt passed twice"
            self.passed.add(id(verb))
        return outcome

    # The world

    @rule(offset=st.sampled_from(OFFSETS))
    def the_clock_is_set(self, offset) -> None:
        self.set_clock(offset)

    def set_clock(self, offset) -> None:
        self.offset = offset
        self.show()

    @rule(seconds=st.sampled_from([1, 30, 31, 61, 121, 300, 721, 3_600]))
    def time_passes(self, seconds) -> None:
        self.pass_time(seconds)

    def pass_time(self, seconds) -> None:
        self.true += seconds
        self.show()

    def show(self) -> None:
        self.service.clock.set(self.true + self.offset)

    # What is done

    @rule(times=st.integers(1, 10))
    def log_on_with_codes(self, times) -> None:
        for _ in range(times):
            self.log_on_with_code()
            self.pass_time(PERIOD)

    def log_on_with_code(self) -> bool:
        code = TOTPCode(self.phone.code_at(self.service.clock()), self.device.id)
        if self.once(finish(self.service.ask("alice"), code)) is None:
            return False
        self.accept(self.device.last_step)
        return True

    @rule(times=st.integers(1, 10))
    def log_on_with_key(self, times) -> None:
        for _ in range(times):
            self.answered(self.service.ask("alice"))
            self.pass_time(1)

    def answered(self, ask) -> bool:
        return self.once(finish(ask, Assertion(self.key.get(ask.options, ORIGIN)))) is not None

    @rule()
    def begin(self) -> None:
        self.asks.append(self.service.ask("alice"))

    @precondition(lambda self: self.asks)
    @rule(data=st.data())
    def finish_later(self, data) -> None:
        ask = data.draw(st.sampled_from(self.asks[-4:]))
        self.asks.remove(ask)
        self.answered(ask)

    @rule()
    def step_up(self) -> None:
        self.spend_a_receipt()

    def spend_a_receipt(self) -> None:
        ask = self.service.ask("alice", operation=DELETE)
        proof = self.once(finish(ask, Assertion(self.key.get(ask.options, ORIGIN)), operation=DELETE))
        if proof is not None:
            verb = SpendReceipt(proof.receipt, operation=DELETE, session=SESSION)
            self.once(verb)

    @precondition(lambda self: self.used)
    @rule(data=st.data())
    def again(self, data) -> None:
        """Bring again what was brought before: a code, an assertion, a receipt."""
        verb = data.draw(st.sampled_from(self.used[-12:]))
        before = self.device
        if self.once(verb) is not None and self.device.last_step != before.last_step:
            self.accept(self.device.last_step)

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def a_code_again(self, data) -> None:
        """Bring an accepted code with a new ticket, while its time is near."""
        code = data.draw(st.sampled_from(self.accepted[-20:]))
        if abs(code.step * PERIOD - self.service.clock()) <= 2 * PERIOD:
            self.brought_again(code)

    def brought_again(self, code) -> None:
        if code.device == self.device.id:
            verb = finish(self.service.ask("alice"), TOTPCode(code.text, code.device))
            if self.perform(verb) is not None:
                self.accept(self.device.last_step)

    @rule()
    def resync(self) -> None:
        self.resynced()

    def resynced(self) -> bool:
        now, before = self.service.clock(), self.device
        shown = [self.phone.code_at(now - PERIOD), self.phone.code_at(now)]
        verb = ResyncVirtualDevice(before.id, codes=shown, by=ROOT)
        if self.perform(verb) is None:
            assert self.device == before
            return False
        self.accept(self.device.last_step - 1)
        self.accept(self.device.last_step)
        return True

    @rule()
    def the_clocks_are_right(self) -> None:
        self.put_right()

    def put_right(self) -> None:
        """X: one START_OVER, two minutes; for codes two minutes, or one resynchronisation, or one bind anew."""
        self.set_clock(0)
        began, set_back = self.true, 0
        while not self.answered(self.service.ask("alice")):
            assert self.reason.advice is Advice.START_OVER
            set_back += self.reason is Reason.CLOCK_SET_BACK
            self.pass_time(PERIOD if self.reason is Reason.EXPIRED_TICKET else 0)
            assert set_back <= 1, "more than one START_OVER"
            assert self.true - began <= 120, "tickets held up for more than two minutes"
        began, helped = self.true, False
        while not self.log_on_with_code():
            if self.reason in {Reason.RESYNC_NEEDED, Reason.REBIND_NEEDED}:
                assert not helped, "helped more than once"
                helped, began = True, self.true
                if self.reason is Reason.RESYNC_NEEDED:
                    while not self.resynced():  # the codes shown now were used before: those of the next steps are not
                        assert self.reason is Reason.REPLAYED_CODE
                        self.pass_time(PERIOD)
                else:
                    self.perform(Unbind(self.device.id, by=ROOT))
                    self.bind()
            else:
                assert self.reason is Reason.REPLAYED_CODE or self.reason.advice is Advice.START_OVER, self.reason
            self.pass_time(PERIOD)
            assert self.true - began <= 120 + PERIOD, "codes held up for more than two minutes"

    def teardown(self) -> None:
        """When its time really comes, no accepted code passes again."""
        for code in list(self.accepted):
            self.service.clock.set(code.step * PERIOD + 1)
            self.brought_again(code)
        super().teardown()


def walked(examples):
    """Walk so many lives."""
    run = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Clocks, settings=run)


@pytest.mark.requirement("A5", "V38", "V1", "V26", "O7", "O10", "B21")
class TestClocks:
    def test_accept_once_and_back_in_time(self):
        """Whatever the clocks did, nothing passes twice, and once they are right everybody is let in again in time."""
        Clocks.seen.clear()
        walked(rounds(2_000))
        assert {"Proof", "FUTURE_TICKET"} <= {*Clocks.seen}
        print(Clocks.seen)

    def test_it_finds_what_is_forgotten(self, monkeypatch):
        """Were spent tickets forgotten without raising the floor, a receipt would pass twice."""
        monkeypatch.setattr(tickets, "_retain", forgetful)
        life = begun()
        life.spend_a_receipt()
        life.set_clock(8 * 60)
        life.answered(life.service.ask("alice"))
        life.set_clock(0)
        with pytest.raises(AssertionError, match="passed twice"):
            life.once(next(verb for verb in life.used if isinstance(verb, SpendReceipt)))

    def test_it_finds_a_lock_out(self, monkeypatch):
        """Were a floor of the future kept, nobody would be let in before its time."""
        replace_everywhere(monkeypatch, tickets.after_clock_set_back, unchanged)
        life = begun()
        life.set_clock(YEAR)
        life.answered(life.service.ask("alice"))
        life.pass_time(721)
        life.answered(life.service.ask("alice"))
        with pytest.raises(AssertionError, match="more than one START_OVER"):
            life.put_right()

    def test_it_finds_a_revived_code(self, monkeypatch):
        """Did a device not remember its accepted steps, a code of the future would pass again when its time comes."""
        replace_everywhere(monkeypatch, totp_check.with_accepted, lambda *_: ((), -1))
        life = begun()
        life.set_clock(YEAR)
        life.log_on_with_code()
        life.put_right()
        with pytest.raises(AssertionError, match="accepted twice"):
            life.teardown()


def begun():
    """Return a life of its own, with a phone and a key."""
    life = Clocks()
    life.enrol()
    life.pass_time(60)
    return life


def unchanged(account, *_):
    return account


def forgetful(stamps, moment, not_before):
    """Forget what has expired, as it was done before: without raising the floor."""
    before = (moment.now - 120) * tickets.MICROSECONDS
    return tuple(stamp for stamp in stamps if tickets.expires_at(stamp) > before), not_before
