# SPDX-License-Identifier: Apache-2.0
"""Perform a sensitive operation: the device is asked for again, for that operation and no other."""

from __future__ import annotations

import pytest

from ram_mfa import (
    Advice,
    BeginStepUp,
    Challenge,
    ConfirmSecurityKey,
    EventType,
    FinishLogon,
    FinishStepUp,
    Kind,
    OfferSecurityKey,
    OpenAccount,
    Operation,
    Proof,
    ProofOf,
    Reason,
    RememberMachine,
    SpendReceipt,
)
from ram_mfa.testing import SoftSecurityKey, new_session
from tests.support.key_apis import KeyAPI, answer, registration
from tests.support.service import ROOT

DELETE = Operation("server.delete", "i-0815")


class Phone:
    """A user whose device is a virtual one."""

    kind = Kind.VIRTUAL

    def __init__(self, service):
        self.service, self.phone = service, service.phone("alice")

    def answer(self, asked):
        self.service.clock.advance(self.phone.period)
        return self.service.code(self.phone)


class Key:
    """A user whose device is a security key, reached through an API."""

    kind = Kind.SECURITY_KEY
    api = KeyAPI.WEBAUTHN

    def __init__(self, service):
        self.key, session = SoftSecurityKey(), new_session()
        offer = service.perform("alice", OfferSecurityKey(by=ROOT, account_name="alice", session=session, create=True))
        told = registration(self.api, self.key, offer)
        service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session))

    def answer(self, asked):
        return answer(self.api, self.key, asked)


class LegacyKey(Key):
    """A user whose device is a security key of a legacy client."""

    api = KeyAPI.U2F


@pytest.fixture(params=[Phone, Key, LegacyKey], ids=["code", "key, WebAuthn", "key, U2F"])
def alice(service, request):
    return request.param(service)


class TestWithEachDevice:
    def test_prove_and_do(self, service, alice):
        """Begin to delete a server; enter the code, or tap the key; the server is deleted."""
        session = new_session()
        asked = service.perform("alice", BeginStepUp(DELETE, session=session))
        assert isinstance(asked, Challenge)
        assert asked.kinds == (alice.kind,)
        assert not asked.may_remember
        verb = FinishStepUp(asked.id, alice.answer(asked), operation=DELETE, session=session)
        proof = service.perform("alice", verb)
        assert isinstance(proof, Proof)
        assert (proof.user, proof.purpose, proof.operation) == ("alice", ProofOf.STEP_UP, DELETE)
        assert proof.machine is None
        (event,) = service.events(EventType.STEP_UP_PROVED)
        assert (event.user, event.detail) == ("alice", "server.delete")

    def test_prove_in_one_request_and_do_in_the_next(self, service, alice):
        """Where proving and doing are two pages, a receipt goes between them, good once and for five minutes."""
        session = new_session()
        asked = service.perform("alice", BeginStepUp(DELETE, session=session))
        verb = FinishStepUp(asked.id, alice.answer(asked), operation=DELETE, session=session)
        proof = service.perform("alice", verb)
        service.clock.advance(299)
        spend = SpendReceipt(proof.receipt, operation=DELETE, session=session)
        spent = service.perform("alice", spend)
        assert (spent.user, spent.operation, spent.at) == ("alice", DELETE, proof.at)
        refusal = service.refusal("alice", spend)
        assert (refusal.reason, refusal.advice) == (Reason.BAD_RECEIPT, Advice.PROVE_AGAIN)

    @pytest.mark.requirement("B14")
    def test_too_late(self, service, alice):
        """Five minutes after the proof, its receipt deletes nothing any more."""
        session = new_session()
        asked = service.perform("alice", BeginStepUp(DELETE, session=session))
        verb = FinishStepUp(asked.id, alice.answer(asked), operation=DELETE, session=session)
        receipt = service.perform("alice", verb).receipt
        service.clock.advance(300)
        spend = SpendReceipt(receipt, operation=DELETE, session=session)
        assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT

    @pytest.mark.requirement("B14")
    def test_another_operation(self, service, alice):
        """What was proved to delete one server does not delete another, nor stop the same one."""
        session = new_session()
        others = [Operation("server.delete", "i-0816"), Operation("server.delete"), Operation("server.stop", "i-0815")]
        asked = service.perform("alice", BeginStepUp(DELETE, session=session))
        evidence = alice.answer(asked)
        for other in others:
            verb = FinishStepUp(asked.id, evidence, operation=other, session=session)
            assert service.refusal("alice", verb).reason is Reason.FOREIGN_TICKET
        verb = FinishStepUp(asked.id, evidence, operation=DELETE, session=session)
        receipt = service.perform("alice", verb).receipt
        for other in others:
            spend = SpendReceipt(receipt, operation=other, session=session)
            assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT

    @pytest.mark.requirement("B14")
    def test_a_logon_is_not_enough(self, service, alice):
        """Having just logged on with the device deletes nothing: neither the logon's ticket nor its receipt counts."""
        session = new_session()
        asked = service.ask("alice", session=session)
        evidence = alice.answer(asked)
        verb = FinishStepUp(asked.id, evidence, operation=DELETE, session=session)
        assert service.refusal("alice", verb).reason is Reason.FOREIGN_TICKET
        proof = service.perform("alice", FinishLogon(asked.id, evidence, session=session))
        spend = SpendReceipt(proof.receipt, operation=DELETE, session=session)
        assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT


class TestWithoutADevice:
    def test_bind_one_first(self, service):
        """A user without a device is told to bind one first, whether or not MFA is required of the user."""
        for user, required in (("alice", True), ("bob", False)):
            service.perform(user, OpenAccount(required=required, by=ROOT))
            refusal = service.refusal(user, BeginStepUp(DELETE, session=new_session()))
            assert (refusal.reason, refusal.advice) == (Reason.NO_DEVICE, Advice.BIND_AGAIN)

    def test_a_user_nobody_opened(self, service):
        """A user without a record proves nothing."""
        refusal = service.refusal("alice", BeginStepUp(DELETE, session=new_session()))
        assert (refusal.reason, refusal.advice) == (Reason.NO_ACCOUNT, Advice.ASK_ADMINISTRATOR)


class TestOnARememberedMachine:
    @pytest.mark.requirement("B18")
    def test_the_device_is_asked_for(self, services):
        """A remembered machine skips the device at logon only: a sensitive operation on it asks for the device."""
        service = services(remember=RememberMachine())
        phone, session = service.phone("alice"), new_session()
        asked = service.ask("alice", session=session, mark="mark")
        verb = FinishLogon(asked.id, service.code(phone), session=session, remember="Laptop", password_mark="mark")
        service.perform("alice", verb)
        asked = service.perform("alice", BeginStepUp(DELETE, session=session))
        assert isinstance(asked, Challenge)
