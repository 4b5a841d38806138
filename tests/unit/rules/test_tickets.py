# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import (
    Advice,
    Assertion,
    BeginLogon,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    DevicePolicy,
    Enrolment,
    FinishLogon,
    FinishStepUp,
    ForgetMachines,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    PasswordChanged,
    Reason,
    RequireMFA,
    SpendReceipt,
    Ticket,
    TOTPCode,
    Unbind,
    UnknownUsers,
)
from ram_mfa.account import MAX_SPENT
from ram_mfa.rules.tickets import operation_subject
from tests.support.service import DELETE, ORIGIN, OTHER_SESSION, ROOT, SESSION, finish

SKEW = 60
"""Seconds: the policy's default."""
LONGEST = 600
"""Seconds: the longest lifetime of the policy's default."""


def refused(service, user, verb):
    """Check that a ticket is refused, the person starts over, and nothing is written or counted; return why."""
    with service.unchanged():
        refusal = service.refusal(user, verb)
    assert refusal.advice is Advice.START_OVER
    assert refusal.next_challenge is None
    return refusal.reason


def answer(key, ask):
    return Assertion(key.get(ask.options, ORIGIN))


@pytest.mark.requirement("B12", "V14")
class TestForeign:
    def test_another_session(self, service):
        """A finish from another session is foreign, and not counted; the ticket lives in its own."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        assert (
            refused(service, "alice", finish(ask, service.code(phone), session=OTHER_SESSION)) is Reason.FOREIGN_TICKET
        )
        assert service.perform("alice", finish(ask, service.code(phone))).user == "alice"

    def test_another_user(self, service):
        """A ticket begun as one user is none of another, whatever the codes say."""
        phone, other = service.phone("alice"), service.phone("bob")
        ask = service.ask("alice")
        for code in (service.code(phone), service.code(other)):
            assert refused(service, "bob", finish(ask, code)) is Reason.FOREIGN_TICKET
        renamed = Ticket(ask.id[: Ticket.HEAD] + service.ask("bob").id[Ticket.HEAD :])
        assert (
            refused(service, "bob", FinishLogon(renamed, service.code(other), session=SESSION)) is Reason.FOREIGN_TICKET
        )

    def test_another_store(self, services):
        """Another store's ticket is foreign, for the same user, session and device."""
        one, other = services(), services()
        phone = one.phone("alice")
        other.phone("alice")
        other.plant("alice", devices=one.account("alice").devices, epoch=one.account("alice").epoch)
        ask = one.ask("alice")
        assert refused(other, "alice", finish(ask, other.code(phone))) is Reason.FOREIGN_TICKET

    @pytest.mark.requirement("S11", "V20")
    def test_another_tenant(self, service):
        """A tenant's ticket is none of another's user of the same name."""
        phone = service.phone("alice")
        tenant = attrs.evolve(service, mfa=service.mfa.for_tenant("t", service.mfa._engine.policy()))
        tenant.phone("alice")
        ask = tenant.ask("alice")
        assert refused(service, "alice", finish(ask, service.code(phone))) is Reason.FOREIGN_TICKET

    def test_another_purpose(self, service):
        """A logon's ticket finishes no step-up, an operation's no other, nor the same for another subject."""
        phone = service.phone("alice")
        logon, step_up = service.ask("alice"), service.ask("alice", operation=DELETE)
        code = service.code(phone)
        for ask, operation in (
            (logon, DELETE),
            (step_up, None),
            (step_up, Operation("server.delete")),
            (step_up, Operation("server.delete", "")),
            (step_up, Operation("server.delete", "i-0816")),
            (step_up, Operation("server.stop", "i-0815")),
            (step_up, Operation.BIND),
        ):
            assert refused(service, "alice", finish(ask, code, operation=operation)) is Reason.FOREIGN_TICKET
        assert service.perform("alice", finish(step_up, code, operation=DELETE)).operation == DELETE

    def test_no_two_verbs_take_one_ticket(self, services):
        """Whatever ticket there is, the verb that it was made for takes it, and no other."""
        service = services(unknown_users=UnknownUsers.MUST_BIND, devices=DevicePolicy(max_devices=4))
        phone = service.phone("alice")
        must = service.perform("bob", BeginLogon(session=SESSION))
        service.perform(
            "bob", OfferVirtualDevice(Enrolment(must.id, session=SESSION), account_name="b", session=SESSION)
        )
        receipt = service.receipt("alice", phone, DELETE)
        service.clock.advance(30)
        logon = service.perform("alice", finish(service.ask("alice"), service.code(phone)))
        tickets = {
            "logon": service.ask("alice").id,
            "step-up": service.ask("alice", operation=DELETE).id,
            "enrolment": must.id,
            "offer": service.perform(
                "alice", OfferVirtualDevice(ROOT, account_name="a", session=SESSION, create=True)
            ).id,
            "receipt": receipt,
            "logon receipt": logon.receipt,
        }
        code = TOTPCode(phone.code_at(service.clock() + 30))
        verbs = {
            "logon": lambda text: FinishLogon(text, code, session=SESSION),
            "step-up": lambda text: FinishStepUp(text, code, operation=DELETE, session=SESSION),
            "offer": lambda text: ConfirmVirtualDevice(["000000"], offer=text, by=ROOT, session=SESSION),
            "key offer": lambda text: ConfirmSecurityKey("{}", offer=text, by=ROOT, session=SESSION),
        }
        for made_for, ticket in tickets.items():
            for taken_by, verb in verbs.items():
                if made_for != taken_by:
                    with service.unchanged():
                        assert service.refusal("alice", verb(ticket)).reason is Reason.FOREIGN_TICKET
            if made_for != "receipt":
                spend = SpendReceipt(ticket, operation=DELETE, session=SESSION)
                with service.unchanged():
                    assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT
            if made_for != "enrolment":
                by = Enrolment(ticket, session=SESSION)
                with service.unchanged():
                    offer = OfferVirtualDevice(by, account_name="b", session=SESSION, create=True)
                    assert service.refusal("bob", offer).reason is Reason.FOREIGN_TICKET


@pytest.mark.requirement("B12", "V20")
class TestAltered:
    def test_every_character(self, service):
        """A ticket with any character changed is foreign."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        for place in range(len(ask.id)):
            other = "A" if ask.id[place] != "A" else "B"
            text = ask.id[:place] + other + ask.id[place + 1 :]
            reason = refused(service, "alice", FinishLogon(text, service.code(phone), session=SESSION))
            assert reason is Reason.FOREIGN_TICKET
        service.perform("alice", finish(ask, service.code(phone)))

    @pytest.mark.parametrize(
        "text",
        ["", "A", "A" * 88, "A" * 95, "é" * 95, "A" * 5_000, None, 5, b"A" * 95, ["A"], "=" * 95],
        ids=lambda text: str(text)[:5],
    )
    def test_no_ticket(self, service, text):
        """What is no ticket at all is foreign: no crash, whatever came in the form."""
        phone = service.phone("alice")
        assert (
            refused(service, "alice", FinishLogon(text, service.code(phone), session=SESSION)) is Reason.FOREIGN_TICKET
        )

    def test_cut_and_grown(self, service):
        """Cut anywhere or with something behind it, it is foreign; in other letters for the same bytes too."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        texts = [ask.id[:length] for length in range(0, len(ask.id), 7)]
        texts += [ask.id + "A", ask.id + "=", ask.id + "\n", " " + ask.id, ask.id.swapcase()]
        for text in texts:
            reason = refused(service, "alice", FinishLogon(text, service.code(phone), session=SESSION))
            assert reason is Reason.FOREIGN_TICKET


class TestExpired:
    @pytest.mark.parametrize(("seconds", "lives"), [(0, True), (299.999, True), (300, False), (100_000, False)])
    def test_to_the_moment(self, service, seconds, lives):
        """A challenge lives five minutes, and not one moment more."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        assert ask.expires_at == service.clock() + 300
        service.clock.advance(seconds)
        verb = finish(ask, service.code(phone))
        if lives:
            assert service.perform("alice", verb).user == "alice"
        else:
            assert refused(service, "alice", verb) is Reason.EXPIRED_TICKET


@pytest.mark.requirement("V26", "B21")
class TestAnswered:
    def test_once(self, service):
        """A ticket that was answered rightly does not pass again with an unused code, or with a wrong one."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        service.perform("alice", finish(ask, service.code(phone)))
        for code in (service.code(phone, steps=1), service.wrong(phone)):
            assert refused(service, "alice", finish(ask, code)) is Reason.SPENT_TICKET

    def test_a_wrong_code_takes_no_slot(self, service):
        """After a wrong code the ticket lives; a fresh one comes with the refusal, and is another one."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        again = service.refusal("alice", finish(ask, service.wrong(phone))).next_challenge
        assert again.id != ask.id
        assert service.perform("alice", finish(ask, service.code(phone))).user == "alice"
        assert service.perform("alice", finish(again, service.code(phone, steps=1))).user == "alice"

    def test_a_wrong_answer_of_a_key_takes_one(self, service):
        """A wrong answer of a key spends its ticket; the fresh one that is handed back lives."""
        key = service.key("alice")
        ask, other = service.ask("alice"), service.ask("alice")
        again = service.refusal("alice", finish(other, answer(key, ask))).next_challenge
        assert refused(service, "alice", finish(other, answer(key, other))) is Reason.SPENT_TICKET
        assert service.perform("alice", finish(again, answer(key, again))).user == "alice"

    def test_slots_of_wrong_answers(self, service):
        """Where eight wrong answers live, the ninth is told to wait: nothing is written and its ticket lives."""
        key = service.key("alice")
        early = service.ask("alice")
        for turn in range(MAX_SPENT):
            service.clock.advance(1)
            ask = service.ask("alice")
            refusal = service.refusal("alice", finish(ask, answer(key, early)))
            assert refusal.reason is Reason.WRONG_ANSWER, turn
        service.clock.advance(1)
        ask = service.ask("alice")
        with service.unchanged():
            refusal = service.refusal("alice", finish(ask, answer(key, early)))
        assert (refusal.reason, refusal.advice) == (Reason.THROTTLED, Advice.WAIT)
        assert refusal.retry_after == LONGEST + 2 * SKEW - MAX_SPENT
        assert service.perform("alice", finish(ask, answer(key, ask))).user == "alice"
        service.clock.advance(refusal.retry_after)
        ask = service.ask("alice")
        assert service.refusal("alice", finish(ask, answer(key, early))).reason is Reason.WRONG_ANSWER

    def test_slots_of_right_answers(self, service):
        """Where eight right answers live, the oldest goes, and nothing issued up to it passes any more."""
        key = service.key("alice")
        asks = []
        for _ in range(MAX_SPENT + 3):
            asks.append(service.ask("alice"))
            service.clock.advance(1)
        for ask in asks[2:]:
            assert service.perform("alice", finish(ask, answer(key, ask))).user == "alice"
        assert len(service.account("alice").answered) == MAX_SPENT
        for ask in asks[:3]:
            assert refused(service, "alice", finish(ask, answer(key, ask))) is Reason.EXPIRED_TICKET
        for ask in asks[3:]:
            assert refused(service, "alice", finish(ask, answer(key, ask))) is Reason.SPENT_TICKET
        service.ask("alice")
        ask = service.ask("alice")
        assert service.perform("alice", finish(ask, answer(key, ask))).user == "alice"

    def test_slots_are_freed(self, service):
        """A spent ticket is forgotten when none of its age lives by the slowest clock of any host, never sooner."""
        key = service.key("alice")
        ask = service.ask("alice")
        service.perform("alice", finish(ask, answer(key, ask)))
        for wait, living in ((LONGEST + 2 * SKEW - 1, 2), (1, 2), (LONGEST + 2 * SKEW, 1)):
            service.clock.advance(wait)
            later = service.ask("alice")
            service.perform("alice", finish(later, answer(key, later)))
            assert len(service.account("alice").answered) == living
        assert refused(service, "alice", finish(ask, answer(key, ask))) is Reason.EXPIRED_TICKET


@pytest.mark.requirement("B12", "V19")
class TestOlderThanAChange:
    def changes(self, service):
        def bind():
            service.phone("alice")

        def unbind():
            service.phone("alice")
            service.perform("alice", Unbind(service.account("alice").devices[-1].id, by=ROOT))

        def password():
            service.perform("alice", PasswordChanged())

        return {"bind": bind, "unbind": unbind, "password": password}

    @pytest.mark.parametrize("change", ["bind", "unbind", "password"])
    def test_dies(self, services, change):
        """A bind, an unbind and a password change kill every ticket and receipt made before."""
        service = services(devices=DevicePolicy(max_devices=4))
        phone = service.phone("alice")
        receipt = service.receipt("alice", phone, DELETE)
        service.clock.advance(30)
        ask, step_up = service.ask("alice"), service.ask("alice", operation=DELETE)
        self.changes(service)[change]()
        code = TOTPCode(phone.code_at(service.clock()), service.account("alice").devices[0].id)
        assert refused(service, "alice", finish(ask, code)) is Reason.FOREIGN_TICKET
        assert refused(service, "alice", finish(step_up, code, operation=DELETE)) is Reason.FOREIGN_TICKET
        with service.unchanged():
            spend = SpendReceipt(receipt, operation=DELETE, session=SESSION)
            assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT

    def test_offers_too(self, service):
        """And every offer."""
        service.perform("alice", OpenAccount(by=ROOT))
        offer = service.perform("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
        service.perform("alice", PasswordChanged())
        assert service.account("alice").offers == ()
        confirm = ConfirmVirtualDevice(["000000"], offer=offer.id, by=ROOT, session=SESSION)
        assert refused(service, "alice", confirm) is Reason.FOREIGN_TICKET

    def test_settings_change_nothing(self, service):
        """A change of a setting is no change of devices: challenges live on."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        service.perform("alice", RequireMFA(required=False, by=ROOT))
        service.refusal("alice", ForgetMachines(by=ROOT))
        assert service.perform("alice", finish(ask, service.code(phone))).user == "alice"


class TestBeginning:
    @pytest.mark.requirement("V7")
    def test_writes_nothing(self, service):
        """Beginnings write nothing and evict nothing: after hundreds of them the first still passes."""
        phone = service.phone("alice")
        first = service.ask("alice")
        with service.unchanged():
            for turn in range(200):
                service.ask("alice", session=f"the session of browser {turn}")
                service.ask("alice", operation=DELETE)
        assert service.perform("alice", finish(first, service.code(phone))).user == "alice"

    @pytest.mark.requirement("U16")
    def test_every_challenge_is_another(self, service):
        """No two beginnings give the same ticket or challenge, of the same user, session and moment either."""
        service.key("alice")
        asks = [service.ask("alice") for _ in range(100)]
        assert len({ask.id for ask in asks}) == 100
        assert len({ask.options["challenge"] for ask in asks}) == 100
        assert {len(ask.options["challenge"]) for ask in asks} == {43}

    def test_key_offers_too(self, service):
        """An offer's ticket names its user and fits a form."""
        offer = service.perform("älice", OfferSecurityKey(ROOT, account_name="a", session=SESSION, create=True))
        assert offer.id.user == "älice"
        assert offer.id.isascii()


names = st.text(min_size=1, max_size=6).filter(lambda name: name.isprintable() and not name.isspace())


class TestSubjects:
    @pytest.mark.requirement("V20")
    @given(
        one=st.tuples(names, st.none() | st.text(max_size=6)),
        other=st.tuples(names, st.none() | st.text(max_size=6)),
    )
    def test_no_two_operations_are_one(self, one, other):
        """However name and subject are cut, two operations are one only where they are equal."""
        same = operation_subject(Operation(*one)) == operation_subject(Operation(*other))
        assert same is (one == other)
