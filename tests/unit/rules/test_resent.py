# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import Advice, Assertion, DevicePolicy, EventType, KindRule, Reason, Refusal, TOTPCode, Unbind
from tests.support.service import DELETE, ORIGIN, OTHER_SESSION, ROOT, finish


def spent(service, *, operation=None):
    """Answer a challenge rightly; return the phone, the challenge and the code."""
    phone = service.phone("alice")
    asked, code = service.ask("alice", operation=operation), service.code(phone)
    service.perform("alice", finish(asked, code, operation=operation))
    return phone, asked, code


@pytest.mark.requirement("W4")
@pytest.mark.parametrize("operation", [None, DELETE], ids=["logon", "step-up"])
class TestAlreadySent:
    def test_a_double_click(self, service, operation):
        """The same code with the same ticket was sent already: nothing is counted, and the next code goes on."""
        phone, asked, code = spent(service, operation=operation)
        service.clock.advance(7)
        with service.unchanged():
            refusal = service.refusal("alice", finish(asked, code, operation=operation))
        assert (refusal.reason, refusal.advice) == (Reason.ALREADY_SENT, Advice.RETYPE)
        assert refusal.retry_after == phone.period - service.clock() % phone.period
        assert refusal.next_challenge.expires_at == asked.expires_at
        assert service.observed[-1].type is EventType.REFUSED
        service.clock.advance(refusal.retry_after)
        again = finish(refusal.next_challenge, service.code(phone), operation=operation)
        assert service.perform("alice", again).user == "alice"

    def test_the_next_code_is_shown_already(self, service, operation):
        """Once the app shows the next code there is nothing to wait for."""
        phone, asked, code = spent(service, operation=operation)
        service.clock.advance(phone.period)
        refusal = service.refusal("alice", finish(asked, code, operation=operation))
        assert (refusal.reason, refusal.retry_after) == (Reason.ALREADY_SENT, 0)

    def test_any_other_code(self, service, operation):
        """With a spent ticket a wrong code, and one that was not used, are told apart by nothing."""
        phone, asked, _ = spent(service, operation=operation)
        for code in (service.wrong(phone), service.code(phone, steps=1), service.code(phone, steps=2), TOTPCode("x")):
            with service.unchanged():
                refusal = service.refusal("alice", finish(asked, code, operation=operation))
            assert refusal == Refusal(Reason.SPENT_TICKET)

    def test_whoever_does_not_hold_the_ticket(self, service, operation):
        """In another session, or with a ticket altered, the used code says nothing."""
        _, asked, code = spent(service, operation=operation)
        altered = attrs.evolve(asked, id=asked.id[:50] + "A" * 38 + asked.id[88:])
        for verb in (
            finish(asked, code, operation=operation, session=OTHER_SESSION),
            finish(altered, code, operation=operation),
        ):
            assert service.refusal("alice", verb) == Refusal(Reason.FOREIGN_TICKET)

    def test_of_another_ticket(self, service, operation):
        """The used code with a ticket that was not answered is a code used before, as ever."""
        _, _, code = spent(service, operation=operation)
        refusal = service.refusal("alice", finish(service.ask("alice", operation=operation), code, operation=operation))
        assert refusal.reason is Reason.REPLAYED_CODE

    def test_expired(self, service, operation):
        """A spent ticket that has expired is an expired one."""
        _, asked, code = spent(service, operation=operation)
        service.clock.advance(300)
        assert service.refusal("alice", finish(asked, code, operation=operation)).reason is Reason.EXPIRED_TICKET

    def test_a_security_key(self, service, operation):
        """An answer of a security key sent twice is a spent ticket: the key must be tapped for another challenge."""
        key = service.key("alice")
        asked = service.ask("alice", operation=operation)
        answer = Assertion(key.get(asked.options, ORIGIN))
        service.perform("alice", finish(asked, answer, operation=operation))
        assert service.refusal("alice", finish(asked, answer, operation=operation)) == Refusal(Reason.SPENT_TICKET)

    def test_a_device_that_may_not_answer(self, service, operation):
        """A device disabled meanwhile answers nothing, nor does one that must be named."""
        _, asked, code = spent(service, operation=operation)
        (device,) = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(device, disabled_at=service.clock()),))
        assert service.refusal("alice", finish(asked, code, operation=operation)) == Refusal(Reason.SPENT_TICKET)
        service.plant("alice", devices=(device, attrs.evolve(device, id="another")))
        assert service.refusal("alice", finish(asked, code, operation=operation)) == Refusal(Reason.SPENT_TICKET)
        named = attrs.evolve(code, device=device.id)
        assert service.refusal("alice", finish(asked, named, operation=operation)).reason is Reason.ALREADY_SENT

    def test_a_ticket_spent_by_a_wrong_key(self, services, operation):
        """A ticket that a wrong answer of a key spent was not answered: a used code says nothing with it."""
        service = services(devices=DevicePolicy(rule=KindRule.ANY_MIX, max_devices=4))
        phone, key = service.phone("alice"), service.key("alice")
        code = service.code(phone)
        service.perform("alice", finish(service.ask("alice", operation=operation), code, operation=operation))
        asked, other = (service.ask("alice", operation=operation) for _ in range(2))
        wrong = Assertion(key.get(other.options, ORIGIN))
        assert service.refusal("alice", finish(asked, wrong, operation=operation)).reason is Reason.WRONG_ANSWER
        assert service.refusal("alice", finish(asked, code, operation=operation)) == Refusal(Reason.SPENT_TICKET)

    def test_of_a_device_that_is_gone(self, service, operation):
        """After an unbind the ticket is none any more."""
        _, asked, code = spent(service, operation=operation)
        service.perform("alice", Unbind(by=ROOT))
        assert service.refusal("alice", finish(asked, code, operation=operation)).reason is Reason.FOREIGN_TICKET
