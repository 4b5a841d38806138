# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    Advice,
    Assertion,
    BeginStepUp,
    Challenge,
    DevicePolicy,
    EraseAccount,
    EventType,
    FinishStepUp,
    Kind,
    KindRule,
    MFAPolicy,
    OpenAccount,
    Operation,
    ProofOf,
    Reason,
    RememberMachine,
    Requirement,
    SpendReceipt,
    TOTPCode,
    Unbind,
    UnknownUsers,
)
from ram_mfa.ceremonies.receipts import CheckReceipt
from ram_mfa.rules.tickets import Purpose, fresh, operation_subject, sealed_ticket
from tests.support.service import DELETE, ORIGIN, OTHER_SESSION, ROOT, SESSION, finish


class TestBegin:
    @pytest.mark.requirement("B14", "B18")
    def test_asks_again(self, service):
        """A step-up is asked for right after a logon too, and writes nothing."""
        phone = service.phone("alice")
        service.perform("alice", finish(service.ask("alice"), service.code(phone)))
        with service.unchanged():
            ask = service.perform("alice", BeginStepUp(DELETE, session=SESSION))
        assert isinstance(ask, Challenge)
        assert not ask.may_remember

    @pytest.mark.requirement("B14", "B18", "V17")
    def test_never_not_required(self, services):
        """Where nobody must use MFA, and for a remembered machine, a step-up is a challenge or a refusal."""
        service = services(
            requirement=Requirement.NOBODY, unknown_users=UnknownUsers.NOT_REQUIRED, remember=RememberMachine()
        )
        phone = service.phone("alice")
        verb = finish(service.ask("alice", mark="m"), service.code(phone), remember="Laptop", password_mark="m")
        service.perform("alice", verb)
        assert not service.ask("alice", operation=DELETE).may_remember
        service.perform("bob", OpenAccount(required=False, by=ROOT))
        refusal = service.refusal("bob", BeginStepUp(DELETE, session=SESSION))
        assert (refusal.reason, refusal.advice) == (Reason.NO_DEVICE, Advice.BIND_AGAIN)
        assert service.refusal("carol", BeginStepUp(DELETE, session=SESSION)).reason is Reason.NO_ACCOUNT

    def test_disabled(self, service):
        """A user whose only device is disabled is sent to an administrator."""
        service.phone("alice")
        device = service.account("alice").devices[0]
        service.plant("alice", devices=(attrs.evolve(device, disabled_at=5.0),))
        refusal = service.refusal("alice", BeginStepUp(DELETE, session=SESSION))
        assert (refusal.reason, refusal.advice) == (Reason.DEVICE_DISABLED, Advice.ASK_ADMINISTRATOR)


class TestFinish:
    @pytest.mark.requirement("B14")
    def test_proof(self, service):
        """The proof is of the operation, for its subject."""
        phone = service.phone("alice")
        ask = service.ask("alice", operation=DELETE)
        proof = service.perform("alice", finish(ask, service.code(phone), operation=DELETE))
        assert (proof.purpose, proof.operation, proof.machine) == (ProofOf.STEP_UP, DELETE, None)
        event = service.observed[-1]
        assert (event.type, event.detail, event.device) == (EventType.STEP_UP_PROVED, "server.delete", proof.device)

    def test_with_a_key(self, service):
        """A key steps up as well."""
        key = service.key("alice")
        ask = service.ask("alice", operation=DELETE)
        evidence = Assertion(key.get(ask.options, ORIGIN))
        assert service.perform("alice", finish(ask, evidence, operation=DELETE)).phishing_resistant

    def test_a_fresh_challenge_is_for_the_same(self, service):
        """The challenge that a refusal hands back is for the same operation and no other."""
        phone = service.phone("alice")
        ask = service.ask("alice", operation=DELETE)
        again = service.refusal("alice", finish(ask, service.wrong(phone), operation=DELETE)).next_challenge
        assert not again.may_remember
        code = service.code(phone)
        assert service.refusal("alice", finish(again, code)).reason is Reason.FOREIGN_TICKET
        assert service.perform("alice", finish(again, code, operation=DELETE)).operation == DELETE

    def test_no_record(self, service):
        """Were there a step-up's ticket for no record, it passes nothing."""
        moment = service.context("alice")
        stamp = fresh(moment, Purpose.STEP_UP, lifetime=300)
        subject = operation_subject(DELETE)
        ticket = sealed_ticket(None, moment, stamp, purpose=Purpose.STEP_UP, session=SESSION, subject=subject)
        verb = FinishStepUp(ticket, TOTPCode("000000"), operation=DELETE, session=SESSION)
        assert service.refusal("alice", verb).reason is Reason.NO_ACCOUNT


class TestSpend:
    @pytest.mark.requirement("B14")
    def test_once(self, service):
        """A receipt passes once, for its operation, in its session; its proof says when it was proved."""
        phone = service.phone("alice")
        receipt = service.receipt("alice", phone, DELETE)
        proved_at = service.clock()
        service.clock.advance(100)
        proof = service.perform("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))
        assert (proof.user, proof.purpose, proof.operation) == ("alice", ProofOf.STEP_UP, DELETE)
        assert (proof.at, proof.kind, proof.phishing_resistant) == (proved_at, Kind.VIRTUAL, False)
        assert service.observed[-1].type is EventType.RECEIPT_SPENT
        with service.unchanged():
            refusal = service.refusal("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))
        assert (refusal.reason, refusal.advice) == (Reason.BAD_RECEIPT, Advice.PROVE_AGAIN)

    def test_of_a_key(self, service):
        """A key's receipt says that it resists phishing."""
        key = service.key("alice")
        ask = service.ask("alice", operation=DELETE)
        evidence = Assertion(key.get(ask.options, ORIGIN))
        receipt = service.perform("alice", finish(ask, evidence, operation=DELETE)).receipt
        assert service.perform("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION)).phishing_resistant

    @pytest.mark.requirement("A34", "B14")
    def test_the_device_that_earned_it(self, services):
        """Of a user with several devices, a receipt names the one that earned it."""
        service = services(devices=DevicePolicy(rule=KindRule.ANY_MIX, max_devices=2))
        phone, key = service.phone("alice"), service.key("alice")
        receipts, proofs = {}, {}
        for kind in Kind:
            ask = service.ask("alice", operation=DELETE)
            evidence = service.code(phone) if kind is Kind.VIRTUAL else Assertion(key.get(ask.options, ORIGIN))
            proved = service.perform("alice", finish(ask, evidence, operation=DELETE))
            receipts[kind], proofs[kind] = proved.receipt, proved
        assert proofs[Kind.VIRTUAL].device != proofs[Kind.SECURITY_KEY].device
        for kind, receipt in receipts.items():
            proof = service.perform("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))
            assert (proof.device, proof.kind) == (proofs[kind].device, kind)
            assert proof.phishing_resistant is (kind is Kind.SECURITY_KEY)
            assert service.observed[-1].device == proof.device

    @pytest.mark.requirement("B12", "B14")
    def test_not_valid_for_this(self, service):
        """Another operation, subject, session or user, too late, altered, or none: prove again, nothing written."""
        phone = service.phone("alice")
        service.phone("bob")
        receipt = service.receipt("alice", phone, DELETE)
        verbs = [
            ("alice", SpendReceipt(receipt, operation=Operation("server.delete"), session=SESSION)),
            ("alice", SpendReceipt(receipt, operation=Operation("server.delete", "i-1"), session=SESSION)),
            ("alice", SpendReceipt(receipt, operation=DELETE, session=OTHER_SESSION)),
            ("bob", SpendReceipt(receipt, operation=DELETE, session=SESSION)),
            ("alice", SpendReceipt(receipt[:-1], operation=DELETE, session=SESSION)),
            ("alice", SpendReceipt("A" + receipt[1:-4] + "AAAA", operation=DELETE, session=SESSION)),
            ("alice", SpendReceipt("", operation=DELETE, session=SESSION)),
            ("alice", SpendReceipt(None, operation=DELETE, session=SESSION)),
        ]
        for user, verb in verbs:
            with service.unchanged():
                assert service.refusal(user, verb).reason is Reason.BAD_RECEIPT
        service.clock.advance(300)
        with service.unchanged():
            late = SpendReceipt(receipt, operation=DELETE, session=SESSION)
            assert service.refusal("alice", late).reason is Reason.BAD_RECEIPT

    def test_logon_proves_no_operation(self, service):
        """A logon's receipt is taken by nothing."""
        phone = service.phone("alice")
        receipt = service.perform("alice", finish(service.ask("alice"), service.code(phone))).receipt
        refusal = service.refusal("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))
        assert refusal.reason is Reason.BAD_RECEIPT

    def test_no_record(self, service):
        """Without a record there is no receipt."""
        phone = service.phone("alice")
        receipt = service.receipt("alice", phone, DELETE)
        service.perform("alice", EraseAccount(by=ROOT))
        for verb in (SpendReceipt, CheckReceipt):
            refusal = service.refusal("alice", verb(receipt, operation=DELETE, session=SESSION))
            assert refusal.reason is Reason.NO_ACCOUNT

    @pytest.mark.requirement("V19")
    def test_the_device_is_gone(self, service):
        """A receipt dies with the device that earned it."""
        phone = service.phone("alice")
        receipt = service.receipt("alice", phone, DELETE)
        service.perform("alice", Unbind(by=ROOT))
        refusal = service.refusal("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))
        assert refusal.reason is Reason.BAD_RECEIPT


class TestCheckReceipt:
    def test_several_times(self, service):
        """A check spends nothing: it passes several times, and then the receipt still passes once."""
        phone = service.phone("alice")
        receipt = service.receipt("alice", phone, DELETE)
        with service.unchanged():
            for _ in range(3):
                assert service.perform("alice", CheckReceipt(receipt, operation=DELETE, session=SESSION)) is None
            wrong = CheckReceipt(receipt, operation=DELETE, session=OTHER_SESSION)
            assert service.refusal("alice", wrong).reason is Reason.BAD_RECEIPT
        service.perform("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))


class TestOperation:
    def test_bounds(self):
        """The name of an operation is 1 to 200 characters, its subject text or nothing."""
        assert Operation("x" * 200, "").subject == ""
        for name in ("", "x" * 201, " ", "a\n", None, 5):
            with pytest.raises(ValueError if isinstance(name, str) else TypeError, match="name"):
                Operation(name)
        with pytest.raises(TypeError, match="subject"):
            Operation("server.delete", 5)

    def test_freshness_is_the_policys(self, services):
        """How long a receipt lives is the policy's."""
        from ram_mfa import Lifetimes

        service = services(policy=MFAPolicy.ram(issuer="Example", lifetimes=Lifetimes(receipt=10)))
        phone = service.phone("alice")
        receipt = service.receipt("alice", phone, DELETE)
        service.clock.advance(10)
        refusal = service.refusal("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))
        assert refusal.reason is Reason.BAD_RECEIPT
