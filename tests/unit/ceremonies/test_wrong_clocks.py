# SPDX-License-Identifier: Apache-2.0
"""What a clock that was wrong leaves behind: nothing passes twice, and nobody stays locked out."""

from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    Advice,
    Assertion,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    FinishLogon,
    Kind,
    MFAPolicy,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Reason,
    ResyncVirtualDevice,
    SpendReceipt,
    TOTPCode,
    Unbind,
)
from ram_mfa.account import MAX_ACCEPTED, MAX_SPENT
from ram_mfa.policy.values import DAY
from ram_mfa.rules.totp_check import MAX_HELD_UP, with_accepted
from ram_mfa.testing import KeyFault, SoftSecurityKey
from tests.support.service import DELETE, ORIGIN, PARTY, ROOT, SESSION, finish

YEAR = 365 * DAY
SKEW = 60
PERIOD = 30


def answer(key, ask):
    return Assertion(key.get(ask.options, ORIGIN))


def zero_counter_key():
    """A key whose sign count stays zero: only its ticket keeps its answer from passing twice."""
    return SoftSecurityKey(faults={KeyFault.ZERO_COUNTER})


def log_on(service, phone, *, steps=0):
    return service.perform("alice", finish(service.ask("alice"), service.code(phone, steps=steps)))


def log_on_with_key(service, key):
    ask = service.ask("alice")
    return service.perform("alice", finish(ask, answer(key, ask)))


def resync(service, phone):
    """Resynchronise with the code of the last step and the present one."""
    codes = [phone.code_at(service.clock() + step * PERIOD) for step in (-1, 0)]
    return ResyncVirtualDevice(codes=codes, by=ROOT)


@pytest.mark.requirement("A5", "V38", "V26")
class TestEightMinutesForwardAndBack:
    def test_a_receipt(self, service):
        """A receipt that was spent does not pass again after a clock was eight minutes ahead and came back."""
        phone = service.phone("alice")
        spend = SpendReceipt(service.receipt("alice", phone, DELETE), operation=DELETE, session=SESSION)
        service.perform("alice", spend)
        service.clock.advance(8 * 60)
        log_on(service, phone)
        service.clock.advance(-8 * 60)
        assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT

    @pytest.mark.parametrize("ahead", [8 * 60, 20 * 60, YEAR])
    def test_an_assertion_of_a_key_that_does_not_count(self, service, ahead):
        """An assertion of a key whose count stays zero does not pass twice either, however far the clock was ahead."""
        key = service.key("alice", key=zero_counter_key())
        ask = service.ask("alice")
        verb = finish(ask, answer(key, ask))
        service.perform("alice", verb)
        service.clock.advance(ahead)
        log_on_with_key(service, key)
        service.clock.advance(13 * 60)
        log_on_with_key(service, key)
        service.clock.advance(-13 * 60 - ahead)
        assert service.refusal("alice", verb).advice is Advice.START_OVER


@pytest.mark.requirement("A5", "V38")
class TestTicketsOfTheFuture:
    def test_a_receipt_of_the_future(self, service):
        """A receipt that was earned while the clock was 300 days ahead opens nothing, now or when its time comes."""
        phone = service.phone("alice")
        service.clock.advance(300 * DAY)
        spend = SpendReceipt(service.receipt("alice", phone, DELETE), operation=DELETE, session=SESSION)
        service.clock.advance(-300 * DAY)
        assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT

    @pytest.mark.parametrize(("ahead", "passes"), [(SKEW, True), (SKEW + 1, False), (YEAR, False)])
    def test_not_counted(self, service, ahead, passes):
        """A ticket issued further ahead than the clocks' skew is refused and not counted; the user starts over."""
        phone = service.phone("alice")
        service.clock.advance(ahead)
        ask = service.ask("alice")
        service.clock.advance(-ahead)
        service.clock.advance(PERIOD)
        verb = finish(ask, service.code(phone))
        service.clock.advance(-PERIOD)
        verb = finish(ask, service.code(phone, steps=1))
        if passes:
            assert service.perform("alice", verb).user == "alice"
            return
        with service.unchanged():
            refusal = service.refusal("alice", verb)
        assert (refusal.reason, refusal.advice) == (Reason.FUTURE_TICKET, Advice.START_OVER)
        assert log_on(service, phone, steps=1).user == "alice"

    @pytest.mark.parametrize("kind", Kind)
    def test_an_offer_of_the_future_is_not_made_again(self, service, kind):
        """An offer that was made while the clock was ahead is not open: the next one can be confirmed."""
        service.perform("alice", OpenAccount(by=ROOT))
        verb = OfferVirtualDevice if kind is Kind.VIRTUAL else OfferSecurityKey
        offer = verb(ROOT, account_name="alice", session=SESSION)
        service.clock.advance(YEAR)
        ahead = service.perform("alice", offer)
        service.clock.advance(-YEAR)
        assert service.perform("alice", offer).id != ahead.id
        assert len(service.account("alice").offers) == 1


@pytest.mark.requirement("A5", "V38", "V26")
class TestFloorOfTheFuture:
    def ahead(self, service, key):
        """Leave a floor a year ahead: two logons, so far apart that the first one's ticket is forgotten."""
        service.clock.advance(YEAR)
        ask = service.ask("alice")
        verb = finish(ask, answer(key, ask))
        service.perform("alice", verb)
        service.clock.advance(13 * 60)
        log_on_with_key(service, key)
        service.clock.advance(-YEAR - 13 * 60)
        assert service.account("alice").not_before > service.clock() * 1_000_000
        return verb

    def test_start_over_once(self, service):
        """The first genuine ticket after it ends all tickets, and the next logon passes; what was spent does not."""
        key = service.key("alice", key=zero_counter_key())
        spent = self.ahead(service, key)
        ask = service.ask("alice")
        epoch = service.account("alice").epoch
        refusal = service.refusal("alice", finish(ask, answer(key, ask)))
        assert (refusal.reason, refusal.advice) == (Reason.CLOCK_SET_BACK, Advice.START_OVER)
        assert service.account("alice").epoch != epoch
        assert service.account("alice").not_before == 0
        service.clock.advance(YEAR)
        assert service.refusal("alice", spent).advice is Advice.START_OVER
        service.clock.advance(-YEAR)
        assert log_on_with_key(service, key).user == "alice"

    def test_only_by_a_genuine_living_ticket(self, service):
        """A made-up ticket, an expired one and one of another session change nothing."""
        key = service.key("alice")
        old = service.ask("alice")
        self.ahead(service, key)
        service.clock.advance(300)
        ask = service.ask("alice")
        with service.unchanged():
            for verb in (
                FinishLogon("A" * 95, answer(key, ask), session=SESSION),
                finish(ask, answer(key, ask), session="the session of another browser"),
                finish(old, answer(key, old)),
            ):
                assert service.refusal("alice", verb).advice is Advice.START_OVER

    def test_a_step_up_and_offers_too(self, services):
        """Whichever ticket comes first: a step-up's, or an offer's of either kind."""
        service = services(policy=MFAPolicy.aws(issuer="Example", relying_party=PARTY))
        key = service.key("alice")
        self.ahead(service, key)
        floor = service.account("alice").not_before
        ask = service.ask("alice", operation=DELETE)
        refusal = service.refusal("alice", finish(ask, answer(key, ask), operation=DELETE))
        assert refusal.reason is Reason.CLOCK_SET_BACK
        for offer_verb, confirm in (
            (OfferVirtualDevice, lambda one: ConfirmVirtualDevice(["000000"], offer=one, by=ROOT, session=SESSION)),
            (OfferSecurityKey, lambda one: ConfirmSecurityKey("{}", offer=one, by=ROOT, session=SESSION)),
        ):
            service.plant("alice", not_before=floor)
            offer = service.perform("alice", offer_verb(ROOT, account_name="alice", session=SESSION))
            assert service.refusal("alice", confirm(offer.id)).reason is Reason.CLOCK_SET_BACK
            assert service.account("alice").not_before == 0

    def test_wrong_answers_of_the_future(self, service):
        """Slots that wrong answers of the future hold are freed by the next wrong answer: all tickets end."""
        key = service.key("alice")
        service.clock.advance(YEAR)
        early = service.ask("alice")
        for _ in range(MAX_SPENT):
            service.clock.advance(1)
            service.refusal("alice", finish(service.ask("alice"), answer(key, early)))
        service.clock.advance(-YEAR)
        epoch = service.account("alice").epoch
        refusal = service.refusal("alice", finish(service.ask("alice"), answer(key, early)))
        assert refusal.reason is Reason.WRONG_ANSWER
        assert service.account("alice").epoch != epoch
        again = refusal.next_challenge
        assert service.perform("alice", finish(again, answer(key, again))).user == "alice"


@pytest.mark.requirement("A5", "V1", "V38", "O7")
class TestStepsOfTheFuture:
    def ahead(self, service, phone, count):
        """Log on so many times while the clock is a year ahead; return the codes and the moments of them."""
        service.clock.advance(YEAR)
        accepted = []
        for _ in range(count):
            accepted.append((service.clock(), service.code(phone)))
            log_on(service, phone)
            service.clock.advance(PERIOD)
        service.clock.advance(-YEAR - count * PERIOD + 600)
        return accepted

    @pytest.mark.parametrize("count", range(1, MAX_HELD_UP // PERIOD + 1))
    def test_resync(self, service, count):
        """One resynchronisation gets over it, and each accepted code is refused when its time comes."""
        phone = service.phone("alice")
        accepted = self.ahead(service, phone, count)
        refusal = service.refusal("alice", finish(service.ask("alice"), service.code(phone)))
        assert (refusal.reason, refusal.advice) == (Reason.RESYNC_NEEDED, Advice.ASK_ADMINISTRATOR)
        service.perform("alice", resync(service, phone))
        for _ in range(2 * MAX_ACCEPTED):
            service.clock.advance(PERIOD)
            log_on(service, phone)
        for at, code in accepted:
            service.clock.set(at)
            refusal = service.refusal("alice", finish(service.ask("alice"), code))
            assert refusal.reason is Reason.REPLAYED_CODE
            codes = [phone.code_at(at), phone.code_at(at + PERIOD)]
            assert service.refusal("alice", ResyncVirtualDevice(codes=codes, by=ROOT)).reason is Reason.REPLAYED_CODE
        service.clock.advance(PERIOD)
        assert log_on(service, phone).user == "alice"

    @pytest.mark.parametrize("count", [MAX_HELD_UP // PERIOD + 1, MAX_ACCEPTED, MAX_ACCEPTED + 1])
    def test_too_many_of_them(self, service, count):
        """Codes that would hold the user up for more than two minutes: the device must be bound again."""
        phone = service.phone("alice")
        self.ahead(service, phone, count)
        with service.unchanged():
            refusal = service.refusal("alice", resync(service, phone))
        assert (refusal.reason, refusal.advice) == (Reason.REBIND_NEEDED, Advice.BIND_AGAIN)
        reasons = [service.refusal("alice", finish(service.ask("alice"), service.code(phone))).reason for _ in range(2)]
        started_over = [Reason.CLOCK_SET_BACK] if count > MAX_SPENT else [Reason.REBIND_NEEDED]
        assert reasons == [*started_over, Reason.REBIND_NEEDED]
        service.perform("alice", Unbind(by=ROOT))
        phone = service.phone("alice")
        service.clock.advance(PERIOD)
        assert log_on(service, phone).user == "alice"

    def test_a_device_bound_in_the_future(self, services):
        """A device that was bound while the clock was ahead is resynchronised too, and the bind's codes stay spent."""
        service = services(policy=MFAPolicy.aws(issuer="Example"))
        service.perform("alice", OpenAccount(by=ROOT))
        service.clock.advance(YEAR)
        phone = service.phone("alice")
        device = service.account("alice").devices[0]
        assert len(device.accepted) == 2
        service.clock.advance(-YEAR)
        service.perform("alice", resync(service, phone))
        for step in device.accepted:
            service.clock.set(step * PERIOD)
            code = TOTPCode(phone.code_at(step * PERIOD))
            assert service.refusal("alice", finish(service.ask("alice"), code)).reason is Reason.REPLAYED_CODE

    @pytest.mark.parametrize(("steps", "reason"), [(4, Reason.REPLAYED_CODE), (5, Reason.RESYNC_NEEDED)])
    def test_up_to_what_a_right_clock_may_accept(self, service, steps, reason):
        """A step that another host's right clock may have accepted is no step of the future: wait for it."""
        phone = service.phone("alice")
        service.clock.set(service.clock() // PERIOD * PERIOD)
        (device,) = service.account("alice").devices
        present = int(service.clock() // PERIOD)
        service.plant("alice", devices=(attrs.evolve(device, last_step=present + steps - 1),))
        refusal = service.refusal("alice", finish(service.ask("alice"), service.code(phone)))
        assert refusal.reason is reason
        if reason is Reason.REPLAYED_CODE:
            assert service.refusal("alice", resync(service, phone)).reason is Reason.REPLAYED_CODE
            service.clock.advance(120)
            assert log_on(service, phone).user == "alice"

    def test_what_is_remembered(self):
        """Of more than eight accepted steps the lowest fall out, and the floor rises to them."""
        assert with_accepted((), -1, 5) == ((5,), -1)
        assert with_accepted(tuple(range(10, 18)), 3, 9) == (tuple(range(10, 18)), 9)
        assert with_accepted(tuple(range(10, 18)), 3, 18, 19) == (tuple(range(12, 20)), 11)
        assert with_accepted((100, 101, 102, 103, 104, 105, 106, 107), 3, 5, 6)[1] == 6


@pytest.mark.requirement("A5", "S12")
class TestLossOfTheFuture:
    def test_says_so(self, service):
        """A code that is refused because a loss of history was noted in the future says CLOCK; a bind anew heals it."""
        phone = service.phone("alice")
        service.clock.advance(YEAR)
        service.run(service.mfa.declare_restored())
        service.clock.advance(-YEAR + PERIOD)
        refusal = service.refusal("alice", finish(service.ask("alice"), service.code(phone)))
        assert (refusal.reason, refusal.advice) == (Reason.CLOCK, Advice.WAIT)
        assert service.refusal("alice", resync(service, phone)).reason is Reason.CLOCK
        service.perform("alice", Unbind(by=ROOT))
        phone = service.phone("alice")
        service.clock.advance(PERIOD)
        assert log_on(service, phone).user == "alice"
