# SPDX-License-Identifier: Apache-2.0
"""Stepping up with a security key: what holds of every answer, and what is a step-up's own."""

from __future__ import annotations

import pytest

from ram_mfa import (
    BeginStepUp,
    ConfirmSecurityKey,
    DevicePolicy,
    EventType,
    FinishStepUp,
    OfferSecurityKey,
    Operation,
    Owner,
    ProofOf,
    Reason,
    SpendReceipt,
    Unbind,
)
from tests.support import key_ceremony
from tests.support.key_apis import answer, registration
from tests.support.key_ceremony import answers, bind, lasting  # noqa: F401 - a fixture of the classes below
from tests.support.key_faults import KINDS
from tests.support.service import DELETE, OTHER_SESSION, ROOT, SESSION


class TestRightAnswers(key_ceremony.RightAnswers):
    operation = DELETE

    @pytest.mark.requirement("B14")
    @answers
    def test_the_proof(self, service, kind, api):
        """The proof is of the operation for its subject, and its receipt is spent once, for that alone."""
        key = bind(service, kind)
        proof = self.proves(service, key, api)
        assert (proof.purpose, proof.operation, proof.machine) == (ProofOf.STEP_UP, DELETE, None)
        event = service.observed[-1]
        assert (event.type, event.detail, event.device) == (EventType.STEP_UP_PROVED, "server.delete", proof.device)
        for operation, session in (
            (Operation("server.delete", "i-0816"), SESSION),
            (Operation("server.stop", "i-0815"), SESSION),
            (DELETE, OTHER_SESSION),
        ):
            with service.unchanged():
                spend = SpendReceipt(proof.receipt, operation=operation, session=session)
                assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT
        spent = service.perform("alice", SpendReceipt(proof.receipt, operation=DELETE, session=SESSION))
        assert (spent.device, spent.phishing_resistant) == (proof.device, True)
        with service.unchanged():
            spend = SpendReceipt(proof.receipt, operation=DELETE, session=SESSION)
            assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT

    @pytest.mark.requirement("B2", "B4", "B10", "V21", "V22")
    @answers
    def test_the_owner(self, services, kind, api):
        """With a receipt of the key the owner binds a spare one and unbinds the first; each receipt is good once."""
        service = services(devices=DevicePolicy(max_devices=2))
        key = bind(service, kind)

        def owner(operation, with_key):
            asked = service.ask("alice", operation=operation)
            evidence = answer(api, with_key, asked)
            verb = FinishStepUp(asked.id, evidence, operation=operation, session=SESSION)
            return Owner(service.perform("alice", verb).receipt, session=SESSION)

        spare, by = kind.key(), owner(Operation.BIND, key)
        offer = service.perform("alice", OfferSecurityKey(by, account_name="alice", session=SESSION, create=True))
        told = registration(kind.api, spare, offer)
        bound = service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=by, session=SESSION))
        assert bound.bound_by == "owner"
        first = service.account("alice").devices[0].id
        # The receipt died with the bind, and was for binding.
        assert service.refusal("alice", Unbind(first, by=by)).reason is Reason.BAD_RECEIPT
        service.perform("alice", Unbind(first, by=owner(Operation.UNBIND, spare)))
        assert [device.id for device in service.account("alice").devices] == [bound.id]


class TestFaults(key_ceremony.Faults):
    operation = DELETE


class TestOtherKeys(key_ceremony.OtherKeys):
    operation = DELETE


class TestTickets(key_ceremony.Tickets):
    operation = DELETE

    @pytest.mark.requirement("B12", "B14")
    @answers
    @pytest.mark.parametrize(
        "operation",
        [
            Operation("server.delete"),
            Operation("server.delete", ""),
            Operation("server.delete", "i-0816"),
            Operation("server.stop", "i-0815"),
            Operation.BIND,
            Operation.UNBIND,
        ],
        ids=lambda operation: f"{operation.name} {operation.subject}",
    )
    def test_another_operation(self, service, kind, api, operation):
        """The challenge is for one operation on one subject: for another the ticket is foreign, the answer wrong."""
        key = bind(service, kind)
        asked, other = self.ask(service), service.ask("alice", operation=operation)
        evidence = answer(api, key, asked)
        verb = FinishStepUp(asked.id, evidence, operation=operation, session=SESSION)
        self.dead(service, verb, Reason.FOREIGN_TICKET)
        verb = FinishStepUp(other.id, evidence, operation=operation, session=SESSION)
        assert service.refusal("alice", verb).check == "challenge"
        service.perform("alice", self.verb(asked, evidence))

    def test_after_an_unbind(self, service):
        """Without a device nobody steps up: there is nothing to ask for, and no answer to wait for."""
        bind(service, KINDS[0])
        service.perform("alice", Unbind(by=ROOT))
        refusal = service.refusal("alice", BeginStepUp(DELETE, session=SESSION))
        assert refusal.reason is Reason.NO_DEVICE


class TestSignCounts(key_ceremony.SignCounts):
    operation = DELETE


class TestWhateverCame(key_ceremony.WhateverCame):
    operation = DELETE
