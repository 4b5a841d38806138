# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    Advice,
    Assertion,
    BeginLogon,
    ConfirmVirtualDevice,
    Describe,
    DevicePolicy,
    EventType,
    MFAPolicy,
    OfferVirtualDevice,
    Reason,
    RememberMachine,
    ResetMFA,
    ResyncVirtualDevice,
    ThrottlePolicy,
    TOTPCode,
    TOTPPolicy,
    Unbind,
)
from ram_mfa.policy import GUESS_BOUND, guess_probability
from ram_mfa.policy.values import DAY, HOUR
from ram_mfa.testing import AuthenticatorApp
from tests.support.service import DELETE, ORIGIN, ROOT, SESSION, finish


def guess(service, phone, **how):
    """Answer a new challenge with a wrong code, and return the refusal."""
    return service.refusal("alice", finish(service.ask("alice"), service.wrong(phone), **how))


def device(service):
    return service.account("alice").devices[0]


class TestDelays:
    @pytest.mark.requirement("O12", "O14", "V7", "V8")
    @pytest.mark.standard("RFC 4226 7.3", "ram_mfa.rules.throttle.count_wrong")
    def test_grow(self, service):
        """Four wrong codes are refused at once; the fifth closes the gate for 30 seconds, and then it doubles."""
        phone = service.phone("alice")
        refusals = [guess(service, phone) for _ in range(5)]
        assert [refusal.reason for refusal in refusals] == [Reason.WRONG_CODE] * 5
        assert [refusal.retry_after for refusal in refusals] == [0, 0, 0, 0, 30]
        for wait in (60, 120, 240, 480, 960, 1920, 3600, 3600):
            service.clock.advance(refusals[-1].retry_after)
            refusals.append(guess(service, phone))
            assert (refusals[-1].reason, refusals[-1].retry_after) == (Reason.WRONG_CODE, wait)

    @pytest.mark.requirement("O12", "V9")
    def test_a_closed_gate_writes_nothing(self, service):
        """At a closed gate nothing is verified and nothing is written, not even for the right code."""
        phone = service.phone("alice")
        for _ in range(5):
            guess(service, phone)
        ask = service.ask("alice")
        with service.unchanged():
            for code in (service.code(phone), service.wrong(phone)) * 5:
                refusal = service.refusal("alice", finish(ask, code))
                assert (refusal.reason, refusal.advice, refusal.retry_after) == (Reason.THROTTLED, Advice.WAIT, 30)
                assert refusal.next_challenge is None
        service.clock.advance(29.5)
        assert service.refusal("alice", finish(ask, service.code(phone))).retry_after == 0.5
        service.clock.advance(0.5)
        assert service.perform("alice", finish(ask, service.code(phone))).user == "alice"

    @pytest.mark.requirement("O12", "O18", "V2")
    def test_what_is_no_code_counts(self, service):
        """What cannot be a code is a wrong code: refused, counted, and no crash."""
        service.phone("alice")
        ask = service.ask("alice")
        for typed in ("", "12345", "１２３４５６", None):
            assert service.refusal("alice", finish(ask, TOTPCode(typed))).reason is Reason.WRONG_CODE
        assert device(service).failures == 4

    @pytest.mark.requirement("V11")
    def test_one_throttle_for_all_paths(self, service):
        """Logon, step-up and resync share one count."""
        phone = service.phone("alice")
        guess(service, phone)
        service.refusal("alice", finish(service.ask("alice", operation=DELETE), service.wrong(phone), operation=DELETE))
        service.refusal("alice", ResyncVirtualDevice(codes=["000000", "000000"], by=ROOT))
        assert device(service).failures == 3
        guess(service, phone)
        guess(service, phone)
        right = phone.codes_at(service.clock())
        assert service.refusal("alice", ResyncVirtualDevice(codes=right, by=ROOT)).reason is Reason.THROTTLED
        ask = service.ask("alice", operation=DELETE)
        refusal = service.refusal("alice", finish(ask, service.code(phone), operation=DELETE))
        assert refusal.reason is Reason.THROTTLED

    @pytest.mark.requirement("O16", "V8")
    def test_nothing_new_clears_it(self, service):
        """A new challenge, session or offer clears no count."""
        phone = service.phone("alice")
        for turn in range(5):
            ask = service.ask("alice", session=f"the session of browser {turn}")
            service.refusal("alice", finish(ask, service.wrong(phone), session=f"the session of browser {turn}"))
        service.refusal("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
        assert service.refusal("alice", finish(service.ask("alice"), service.code(phone))).reason is Reason.THROTTLED

    def test_a_clock_that_was_ahead(self, service):
        """A delay written by a clock that was ahead by days locks nobody out: no delay is that long."""
        phone = service.phone("alice")
        service.plant("alice", devices=(attrs.evolve(device(service), failures=5, closed_until=service.clock() + DAY),))
        assert service.perform("alice", finish(service.ask("alice"), service.code(phone))).user == "alice"
        service.plant(
            "alice", devices=(attrs.evolve(device(service), failures=5, closed_until=service.clock() + HOUR),)
        )
        assert service.refusal("alice", finish(service.ask("alice"), service.code(phone, steps=1))).retry_after == HOUR


class TestSuccess:
    @pytest.mark.requirement("O15")
    def test_clears_its_own_count(self, services):
        """A success clears the count of the device that was used, of no other, and never the day's budget."""
        service = services(devices=DevicePolicy(max_devices=2))
        phone, other = service.phone("alice"), service.phone("alice")
        first, second = (one.id for one in service.account("alice").devices)
        for phone_of, device_id in ((phone, first), (phone, first), (other, second)):
            wrong = TOTPCode(service.wrong(phone_of).code, device_id)
            service.refusal("alice", finish(service.ask("alice"), wrong))
        service.perform("alice", finish(service.ask("alice"), TOTPCode(service.code(phone).code, first)))
        account = service.account("alice")
        assert [one.failures for one in account.devices] == [0, 1]
        assert len(account.wrong) == 3


class TestDaysBudget:
    def spend(self, service, phone):
        """Spend the day's budget, with the owner's logon before each delay."""
        spent = []
        while len(service.account("alice").wrong) < 20:
            for _ in range(4):
                if len(spent) < 20:
                    guess(service, phone)
                    spent.append(service.clock())
            if len(spent) < 20:
                service.clock.advance(30)
                service.perform("alice", finish(service.ask("alice"), service.code(phone)))
        return spent

    @pytest.mark.requirement("O15", "V7", "B23")
    def test_is_not_reset(self, service):
        """Twenty wrong codes in any 24 hours close the gate, however often the owner logs on; nothing is disabled."""
        phone = service.phone("alice")
        spent = self.spend(service, phone)
        ask = service.ask("alice")
        with service.unchanged():
            refusal = service.refusal("alice", finish(ask, service.code(phone, steps=1)))
        assert refusal.reason is Reason.THROTTLED
        assert refusal.retry_after == spent[0] + DAY - service.clock()
        assert device(service).disabled_at is None
        service.clock.advance(refusal.retry_after)
        assert service.perform("alice", finish(service.ask("alice"), service.code(phone))).user == "alice"

    def test_rolls(self, service):
        """The 24 hours roll: when the first wrong code is a day old there is one more, and then it is closed again."""
        phone = service.phone("alice")
        spent = self.spend(service, phone)
        service.clock.set(spent[0] + DAY)
        while service.account("alice").wrong[0] == spent[0]:
            refusal = guess(service, phone)
        free = 20 - sum(at == spent[0] for at in spent)
        assert len(service.account("alice").wrong) == free + 1
        assert refusal.reason is Reason.WRONG_CODE

    @pytest.mark.requirement("B7")
    def test_new_password_mark(self, service):
        """A new password mark clears the day's budget, the first one seen does not."""
        phone = service.phone("alice")
        self.spend(service, phone)
        for mark, reason in (("first", Reason.THROTTLED), ("first", Reason.THROTTLED)):
            ask = service.ask("alice", mark=mark)
            assert service.refusal("alice", finish(ask, service.code(phone), password_mark=mark)).reason is reason
        service.plant("alice", password_mark=b"p" * 32)
        proof = service.perform(
            "alice", finish(service.ask("alice", mark="new"), service.code(phone, steps=1), password_mark="new")
        )
        assert proof.user == "alice"
        assert service.account("alice").wrong == ()

    @pytest.mark.parametrize("clear", [Unbind, ResetMFA])
    def test_an_administrator_clears_it(self, service, clear):
        """An administrator's unbind or reset clears the day's budget and the delays."""
        phone = service.phone("alice")
        self.spend(service, phone)
        service.perform("alice", clear(by=ROOT))
        assert service.account("alice").wrong == ()
        again = service.phone("alice")
        assert service.perform("alice", finish(service.ask("alice"), service.code(again))).user == "alice"

    def test_moments_of_another_life(self, service):
        """A wrong code that a mad clock dated days ahead is no moment of this life; one a little ahead counts."""
        phone = service.phone("alice")
        now = service.clock()
        service.plant("alice", wrong=tuple(now + 3 * DAY for _ in range(20)))
        guess(service, phone)
        assert service.account("alice").wrong == (now,)
        service.plant("alice", wrong=tuple(now + 60 for _ in range(20)))
        assert service.refusal("alice", finish(service.ask("alice"), service.code(phone))).retry_after == DAY + 60


@pytest.mark.requirement("A15", "O12")
class TestWeakestDevice:
    def test_old_digits_under_a_new_policy(self, services):
        """Devices of six digits keep the bound on guessing under a policy that eight digits would allow more of."""
        policies = [MFAPolicy.ram(issuer="Example")]
        service = services(policy=lambda: policies[0])
        phone = service.phone("alice")
        many = ThrottlePolicy(max_per_day=1_000, free_attempts=100)
        policies[0] = MFAPolicy.ram(issuer="Example", totp=TOTPPolicy(digits=8), throttle=many)
        assert policies[0].wrong_codes_per_day(digits=6) == 100
        assert guess_probability(digits=6, window=3, max_per_day=100) == GUESS_BOUND
        service.plant("alice", wrong=(service.clock(),) * 99)
        assert guess(service, phone).reason is Reason.WRONG_CODE
        refusal = guess(service, phone)
        assert (refusal.reason, refusal.retry_after) == (Reason.THROTTLED, DAY)

    def test_the_weakest_of_several(self, services):
        """The budget is the account's: a device of six digits beside one of eight lowers it for both."""
        devices = DevicePolicy(max_devices=2)
        policies = [MFAPolicy.ram(issuer="Example", devices=devices)]
        service = services(policy=lambda: policies[0])
        service.phone("alice")
        many = ThrottlePolicy(max_per_day=1_000, free_attempts=100)
        policies[0] = MFAPolicy.ram(issuer="Example", devices=devices, totp=TOTPPolicy(digits=8), throttle=many)
        phone = service.phone("alice")
        _, strong = service.account("alice").devices
        service.plant("alice", wrong=(service.clock(),) * 100)
        verb = finish(service.ask("alice"), TOTPCode(phone.code_at(service.clock()), strong.id))
        assert service.refusal("alice", verb).reason is Reason.THROTTLED

    @pytest.mark.parametrize(("digits", "window", "allowed"), [(6, 1, 300), (6, 2, 60), (7, 2, 600), (8, 1, 1_000)])
    def test_the_figure(self, digits, window, allowed):
        """The most that the bound admits, and never more than the policy says."""
        totp = TOTPPolicy(digits=8, backward=window if window == 2 else 0, forward=window if window == 2 else 0)
        policy = MFAPolicy.ram(issuer="Example", totp=totp, throttle=ThrottlePolicy(max_per_day=1_000))
        assert policy.wrong_codes_per_day(digits=digits) == allowed


class TestCap:
    @pytest.mark.requirement("O13", "O24", "B17")
    @pytest.mark.standard("NIST SP 800-63B-4 3.2.2", "ram_mfa.rules.throttle.count_wrong")
    def test_disables(self, services):
        """The 100th consecutive wrong code disables the device: told once, machines forgotten, only a bind helps."""
        service = services(remember=RememberMachine())
        phone = service.phone("alice")
        verb = finish(service.ask("alice", mark="m"), service.code(phone), remember="Laptop", password_mark="m")
        cookie = service.perform("alice", verb).machine
        service.plant("alice", devices=(attrs.evolve(device(service), failures=98),))
        assert guess(service, phone).reason is Reason.WRONG_CODE
        service.clock.advance(HOUR)
        ask = service.ask("alice")
        last = service.refusal("alice", finish(ask, service.wrong(phone)))
        assert (last.reason, last.advice, last.next_challenge) == (
            Reason.DEVICE_DISABLED,
            Advice.ASK_ADMINISTRATOR,
            None,
        )
        assert device(service).disabled_at == service.clock()
        assert service.account("alice").machines == ()
        assert len(service.events(EventType.DEVICE_DISABLED)) == 1
        service.clock.advance(2 * DAY)
        with service.unchanged():
            begin = BeginLogon(session=SESSION, machine=cookie, password_mark="m")
            assert service.refusal("alice", begin).reason is Reason.DEVICE_DISABLED
            resync = ResyncVirtualDevice(codes=phone.codes_at(service.clock()), by=ROOT)
            assert service.refusal("alice", resync).reason is Reason.DEVICE_DISABLED
        service.perform("alice", Unbind(by=ROOT))
        again = service.phone("alice")
        assert service.perform("alice", finish(service.ask("alice"), service.code(again))).user == "alice"

    def test_another_device_goes_on(self, services):
        """A disabled device is asked for no more and takes no code; a second one goes on."""
        service = services(devices=DevicePolicy(max_devices=2))
        phone, other = service.phone("alice"), service.phone("alice", name="Second")
        first, second = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(first, failures=100, disabled_at=5.0), second))
        ask = service.ask("alice")
        assert ask.devices == ((second.id, "Second"),)
        refusal = service.refusal("alice", finish(ask, TOTPCode(service.code(phone).code, first.id)))
        assert refusal.reason is Reason.DEVICE_DISABLED
        code = TOTPCode(service.code(other).code, second.id)
        assert service.perform("alice", finish(ask, code)).device == second.id

    def test_a_lower_cap(self, services):
        """A cap that was lowered holds for devices that are above it already, and for the machines that they proved."""
        caps, remember = [100], RememberMachine()
        service = services(
            policy=lambda: MFAPolicy.ram(
                issuer="Example", throttle=ThrottlePolicy(max_consecutive=caps[0]), remember=remember
            )
        )
        phone = service.phone("alice")
        verb = finish(service.ask("alice", mark="m"), service.code(phone), remember="Laptop", password_mark="m")
        cookie = service.perform("alice", verb).machine
        for _ in range(3):
            guess(service, phone)
        ask = service.ask("alice")
        caps[0] = 3
        with service.unchanged():
            refusal = service.refusal("alice", finish(ask, service.code(phone)))
            back = BeginLogon(session=SESSION, machine=cookie, password_mark="m")
            assert service.refusal("alice", back).reason is Reason.DEVICE_DISABLED
            assert service.perform("alice", Describe()).devices[0].disabled
        assert refusal.reason is Reason.DEVICE_DISABLED


class TestOtherPaths:
    def test_keys_are_bounded_by_tickets(self, service):
        """A security key's wrong answers count no code and disable nothing."""
        key = service.key("alice")
        early = Assertion(key.get(service.ask("alice").options, ORIGIN))
        for _ in range(8):
            service.refusal("alice", finish(service.ask("alice"), early))
        account = service.account("alice")
        assert account.wrong == ()
        assert account.devices[0].disabled_at is None

    @pytest.mark.requirement("V11")
    def test_offers_have_their_own(self, service):
        """A wrong confirmation costs one of the offer's ten tries, and then the offer is gone."""
        offer = service.perform("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
        wrong = service.wrong(AuthenticatorApp.scan(offer.key_uri))
        confirm = ConfirmVirtualDevice([wrong.code], offer=offer.id, by=ROOT, session=SESSION)
        for left in range(9, -1, -1):
            assert service.refusal("alice", confirm).reason is Reason.WRONG_CODE
            assert [one.tries for one in service.account("alice").offers] == ([left] if left else [])
        with service.unchanged():
            assert service.refusal("alice", confirm).reason is Reason.OFFER_GONE
        assert service.account("alice").wrong == ()
