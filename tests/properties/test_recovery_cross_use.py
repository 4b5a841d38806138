# SPDX-License-Identifier: Apache-2.0
"""A recovery code and the ticket it earns are good for one user, one session, one purpose and one generation."""

from __future__ import annotations

import itertools

import pytest

from ram_mfa import (
    AfterRecovery,
    CheckSession,
    ConfirmVirtualDevice,
    Enrolment,
    FinishLogon,
    FinishStepUp,
    MakeRecoveryCodes,
    OfferVirtualDevice,
    Operation,
    Owner,
    PasswordChanged,
    Reason,
    Rebinding,
    RecoveryCode,
    RecoveryCodes,
    ResumeLogon,
    SpendReceipt,
    TOTPCode,
)
from ram_mfa.rules.tickets import Purpose, fresh, sealed_ticket
from tests.support.service import DELETE, OTHER_SESSION, SESSION, finish

USERS = ("alice", "bob")
SESSIONS = (SESSION, OTHER_SESSION)


@pytest.fixture
def service(services):
    return services(recovery_codes=RecoveryCodes(after_use=AfterRecovery.SUGGEST_BIND))


def paper(service, user, session, purpose):
    """Return a ticket of a purpose, made for the user in the session."""
    context = service.context(user)
    return sealed_ticket(
        service.account(user), context, fresh(context, purpose, lifetime=300), purpose=purpose, session=session
    )


def offer(text, session):
    """Return the verb that offers a device by a ticket to rebind."""
    return OfferVirtualDevice(Rebinding(text, session=session), account_name="me", session=session)


class TestTicket:
    @pytest.mark.requirement("R4", "B12")
    def test_every_ticket_as_every_user_in_every_session(self, service):
        """Of every purpose, user and session only the ticket to rebind passes, for its user in its session."""
        for user in USERS:
            service.phone(user)
        passed = []
        for made_for, made_in, purpose, user, session in itertools.product(USERS, SESSIONS, Purpose, USERS, SESSIONS):
            text = paper(service, made_for, made_in, purpose)
            mine = purpose is Purpose.REBIND and (made_for, made_in) == (user, session)
            if mine:
                passed.append(service.perform(user, offer(text, session)))
            else:
                with service.unchanged():
                    assert service.refusal(user, offer(text, session)).reason is Reason.FOREIGN_TICKET
        assert len(passed) == len(USERS) * len(SESSIONS)

    @pytest.mark.requirement("R4", "B12")
    def test_to_every_other_verb(self, service):
        """What takes another ticket, mark or receipt refuses it, and writes nothing."""
        phone = service.phone("alice")
        text, code = str(paper(service, "alice", SESSION, Purpose.REBIND)), service.code(phone)
        enrolment, owner = Enrolment(text, session=SESSION), Owner(text, session=SESSION)
        verbs = (
            FinishLogon(text, code, session=SESSION),
            FinishLogon(text, RecoveryCode("0" * 20), session=SESSION),
            FinishStepUp(text, code, operation=DELETE, session=SESSION),
            ResumeLogon(text, session=SESSION),
            CheckSession(text),
            SpendReceipt(text, operation=DELETE, session=SESSION),
            ConfirmVirtualDevice([str(code.code)], offer=text, by=Rebinding(text, session=SESSION), session=SESSION),
            MakeRecoveryCodes(by=owner),
            *(OfferVirtualDevice(by, account_name="me", session=SESSION) for by in (enrolment, owner)),
            OfferVirtualDevice(Owner.first_device(text, session=SESSION), account_name="me", session=SESSION),
        )
        for verb in verbs:
            with service.unchanged():
                service.refusal("alice", verb)

    @pytest.mark.requirement("R4")
    def test_of_before_a_change(self, service):
        """It ends with the epoch."""
        service.phone("alice")
        text = paper(service, "alice", SESSION, Purpose.REBIND)
        service.perform("alice", PasswordChanged())
        assert service.refusal("alice", offer(text, SESSION)).reason is Reason.FOREIGN_TICKET


class TestCode:
    @pytest.mark.requirement("R2", "B12")
    def test_every_code_as_every_user_in_every_generation(self, service):
        """Of the codes of two users and two generations only those of the user's last sheet pass, each once."""
        sheets = {}
        for user in USERS:
            phone = service.phone(user)
            for generation in range(2):
                by = service.owner(user, phone, Operation.RECOVERY)
                sheets[user, generation] = service.perform(user, MakeRecoveryCodes(by=by)).codes
        for (owner, generation), user in itertools.product(sheets, USERS):
            for code in sheets[owner, generation][:2]:
                verb = finish(service.ask(user), RecoveryCode(code))
                if (owner, generation) == (user, 1):
                    assert service.perform(user, verb).user == user
                    verb = finish(service.ask(user), RecoveryCode(code))
                with service.unchanged():
                    assert service.refusal(user, verb).reason is Reason.WRONG_RECOVERY_CODE

    def test_as_another_kind_of_evidence(self, service):
        """A recovery code is no verification code, and the reverse."""
        phone = service.phone("alice")
        by = service.owner("alice", phone, Operation.RECOVERY)
        code = service.perform("alice", MakeRecoveryCodes(by=by)).codes[0]
        service.clock.advance(60)
        crossed = finish(service.ask("alice"), RecoveryCode(service.code(phone).code))
        assert service.refusal("alice", crossed).reason is Reason.WRONG_RECOVERY_CODE
        assert service.refusal("alice", finish(service.ask("alice"), TOTPCode(code))).reason is Reason.WRONG_CODE
