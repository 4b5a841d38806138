# SPDX-License-Identifier: Apache-2.0
"""Logging on with a security key: what holds of every answer, and what is a logon's own."""

from __future__ import annotations

import pytest

from ram_mfa import EventType, FinishLogon, ProofOf, Reason, RememberMachine
from tests.support import key_ceremony
from tests.support.key_apis import KeyAPI, answer
from tests.support.key_ceremony import answers, bind, lasting  # noqa: F401 - a fixture of the classes below
from tests.support.key_faults import KINDS
from tests.support.service import DELETE, SESSION, finish


class TestRightAnswers(key_ceremony.RightAnswers):
    @answers
    def test_the_proof(self, service, kind, api):
        """The proof is of a logon, and told as one."""
        key = bind(service, kind)
        proof = self.proves(service, key, api)
        assert (proof.purpose, proof.operation, proof.machine) == (ProofOf.LOGON, None, None)
        assert service.observed[-1].type is EventType.LOGON_PROVED
        assert service.observed[-1].device == proof.device

    @answers
    def test_remembered(self, services, kind, api):
        """A key remembers a machine as a code does, where the policy allows it and the user ticks it."""
        service = services(remember=RememberMachine())
        key, asked = bind(service, kind), service.ask("alice", mark="m")
        assert asked.may_remember
        evidence = answer(api, key, asked)
        verb = FinishLogon(asked.id, evidence, session=SESSION, remember="Laptop", password_mark="m")
        assert service.perform("alice", verb).machine is not None

    def test_a_wrong_answer_remembers_nothing(self, services):
        """A wrong answer leaves no machine and no mark behind."""
        service = services(remember=RememberMachine())
        bind(service, KINDS[0])
        asked = service.ask("alice", mark="m")
        evidence = key_ceremony.evidence_of(KeyAPI.WEBAUTHN, {})
        verb = FinishLogon(asked.id, evidence, session=SESSION, remember="Laptop", password_mark="m")
        service.refusal("alice", verb)
        assert service.account("alice").machines == ()


class TestFaults(key_ceremony.Faults):
    pass


class TestOtherKeys(key_ceremony.OtherKeys):
    pass


class TestTickets(key_ceremony.Tickets):
    @pytest.mark.requirement("B12", "B14")
    @answers
    def test_another_purpose(self, service, kind, api):
        """The challenge of a logon steps up for nothing, and that of a step-up logs nobody on."""
        key = bind(service, kind)
        logon, step_up = service.ask("alice"), service.ask("alice", operation=DELETE)
        for asked, operation in ((logon, DELETE), (step_up, None)):
            evidence = answer(api, key, asked)
            self.dead(service, finish(asked, evidence, operation=operation), Reason.FOREIGN_TICKET)
        # Nor does the signature under the one pass under the other.
        evidence = answer(api, key, step_up)
        assert self.refused(service, logon, evidence).check == "challenge"


class TestSignCounts(key_ceremony.SignCounts):
    pass


class TestWhateverCame(key_ceremony.WhateverCame):
    pass
