# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    Advice,
    Assertion,
    BeginLogon,
    Challenge,
    ConfirmVirtualDevice,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    KindRule,
    Lifetimes,
    MustBind,
    NotRequired,
    OfferVirtualDevice,
    OpenAccount,
    Owner,
    PasswordChanged,
    Reason,
    Remembered,
    RememberMachine,
    RequireMFA,
    ResumeLogon,
    Ticket,
    Unbind,
    UnknownUsers,
)
from ram_mfa.testing import AuthenticatorApp
from tests.support.service import DELETE, ORIGIN, OTHER_SESSION, ROOT, SESSION, finish

MARK = "a hash of the stored hash"


def begin(service, user="alice", *, mark=MARK, **how):
    return service.perform(user, BeginLogon(session=SESSION, password_mark=mark, **how))


def resume(ticket, *, session=SESSION, mark=MARK):
    return ResumeLogon(ticket, session=session, password_mark=mark)


def refused(service, verb, user="alice"):
    """Check that a resumption is refused, the person starts over, and nothing is written; return why."""
    with service.unchanged():
        refusal = service.refusal(user, verb)
    assert refusal.advice is Advice.START_OVER
    assert refusal.next_challenge is None
    return refusal.reason


@pytest.mark.requirement("W1")
class TestChallenge:
    def test_the_page_loaded_again(self, service):
        """A logon page loaded again gets another challenge, which a right code finishes, and nothing is written."""
        phone = service.phone("alice")
        asked = begin(service)
        assert asked.logon.user == "alice"
        service.clock.advance(20)
        with service.unchanged():
            again = service.perform("alice", resume(asked.logon))
        assert isinstance(again, Challenge)
        assert again.id != asked.id
        assert (again.kinds, again.devices, again.logon) == (asked.kinds, asked.devices, asked.logon)
        assert service.perform("alice", finish(again, service.code(phone), password_mark=MARK)).user == "alice"

    def test_a_text_is_enough(self, service):
        """The ticket is plain text in a cookie; the outcome hands out the same, as a ticket that names its user."""
        service.phone("alice")
        again = service.perform("alice", resume(str(begin(service).logon)))
        assert isinstance(again.logon, Ticket)
        assert again.logon.user == "alice"

    def test_a_security_key(self, service):
        """A resumed logon asks the key for an answer to the new challenge."""
        key = service.key("alice")
        again = service.perform("alice", resume(begin(service).logon))
        evidence = Assertion(key.get(again.options, ORIGIN))
        assert service.perform("alice", finish(again, evidence, password_mark=MARK)).user == "alice"

    def test_after_wrong_answers(self, service):
        """Wrong codes leave the ticket valid, and the next challenges refer to it by holding none."""
        phone = service.phone("alice")
        asked = begin(service)
        logon = asked.logon
        for _ in range(3):
            refusal = service.refusal("alice", finish(asked, service.wrong(phone), password_mark=MARK))
            asked = refusal.next_challenge
            assert asked.logon is None
        again = service.perform("alice", resume(logon))
        assert service.perform("alice", finish(again, service.code(phone), password_mark=MARK)).user == "alice"

    def test_a_wrong_answer_under_a_new_mark(self, service):
        """A wrong answer under a mark not seen before ends the ticket, and the next challenge holds another.

        It expires with that challenge.
        """
        phone = service.phone("alice")
        service.perform("alice", finish(begin(service), service.code(phone), password_mark=MARK))
        asked = begin(service, mark="another")
        refusal = service.refusal("alice", finish(asked, service.wrong(phone), password_mark="another"))
        logon = refusal.next_challenge.logon
        assert refused(service, resume(asked.logon, mark="another")) is Reason.FOREIGN_TICKET
        again = service.perform("alice", resume(logon, mark="another"))
        assert again.expires_at == refusal.next_challenge.expires_at == asked.expires_at
        service.clock.advance(300)
        assert refused(service, resume(logon, mark="another")) is Reason.EXPIRED_TICKET

    @pytest.mark.parametrize(("age", "lives"), [(0, 300), (299, 300), (301, 299), (599, 1)])
    def test_never_longer_than_the_password(self, service, age, lives):
        """One password check is valid for ten minutes in all: a resumed challenge expires no later."""
        service.phone("alice")
        asked = begin(service)
        service.clock.advance(age)
        assert service.perform("alice", resume(asked.logon)).expires_at == service.clock() + lives

    def test_a_machine_is_not_asked_for(self, services):
        """On a remembered machine the password's own begin is over, and a resumption asks for a code."""
        service = services(remember=RememberMachine())
        phone = service.phone("alice")
        asked = begin(service)
        verb = finish(asked, service.code(phone), password_mark=MARK, remember="Laptop")
        machine = service.perform("alice", verb).machine
        assert isinstance(begin(service, machine=machine), Remembered)
        assert isinstance(service.perform("alice", resume(asked.logon)), Challenge)

    def test_no_device_that_may_answer(self, services):
        """Where no device may answer any more, a resumption is refused as a begin is."""
        service = services()
        service.phone("alice")
        asked = begin(service)
        (device,) = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(device, disabled_at=service.clock()),))
        assert service.refusal("alice", resume(asked.logon)).reason is Reason.DEVICE_DISABLED


@pytest.mark.requirement("W1")
class TestMustBind:
    @pytest.mark.parametrize("record", [True, False])
    def test_the_same_offer(self, services, record):
        """The page of a forced bind loaded again shows the same QR code, and its code binds and logs on."""
        service = services(unknown_users=UnknownUsers.MUST_BIND)
        if record:
            service.perform("alice", OpenAccount(by=ROOT))
        must = begin(service)
        by = Enrolment(must.id, session=SESSION)
        first = service.perform("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION))
        service.clock.advance(60)
        again = service.perform("alice", resume(must.logon))
        assert isinstance(again, MustBind)
        assert (again.kinds, again.logon) == (must.kinds, must.logon)
        assert again.expires_at == must.expires_at
        by = Enrolment(again.id, session=SESSION)
        offer = service.perform("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION))
        assert offer.key_uri == first.key_uri
        code = AuthenticatorApp.scan(offer.key_uri).code_at(service.clock())
        verb = ConfirmVirtualDevice([code], offer=offer.id, by=by, session=SESSION)
        assert service.perform("alice", verb).proof.user == "alice"
        assert refused(service, resume(must.logon)) is Reason.FOREIGN_TICKET

    def test_required_meanwhile(self, services):
        """Whoever was logged on without MFA, of whom it is required since, may bind."""
        service = services()
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        logon = begin(service).logon
        service.perform("alice", RequireMFA(required=True, by=ROOT))
        assert isinstance(service.perform("alice", resume(logon)), MustBind)


@pytest.mark.requirement("W1")
class TestRefused:
    @pytest.mark.parametrize("unknown_users", [UnknownUsers.NOT_REQUIRED, UnknownUsers.MUST_BIND, UnknownUsers.REFUSE])
    def test_not_required_any_more(self, services, unknown_users):
        """Where MFA is no longer required the logon starts over: a resumption never admits anybody."""
        service = services(unknown_users=unknown_users)
        service.perform("alice", OpenAccount(by=ROOT))
        logon = begin(service).logon
        service.perform("alice", RequireMFA(required=False, by=ROOT))
        assert refused(service, resume(logon)) is Reason.NOT_REQUIRED
        assert isinstance(begin(service), NotRequired)
        assert refused(service, resume(begin(service).logon)) is Reason.NOT_REQUIRED

    def test_without_a_record(self, services):
        """A user without a record, of whom nothing is required, starts over; where such users are refused, an
        administrator is asked.
        """
        waived = services(unknown_users=UnknownUsers.NOT_REQUIRED)
        logon = begin(waived).logon
        assert refused(waived, resume(logon)) is Reason.NOT_REQUIRED
        refusing = services(store=waived.store, clock=waived.clock, create=False)
        assert refusing.refusal("alice", resume(logon)).reason is Reason.NO_ACCOUNT

    @pytest.mark.parametrize("kind", ["another session", "another mark", "no mark", "another user", "made up"])
    def test_foreign(self, service, kind):
        """Another session's, another mark's, another user's or a made-up ticket is foreign."""
        service.phone("alice")
        service.phone("bob")
        logon = begin(service).logon
        verb, user = {
            "another session": (resume(logon, session=OTHER_SESSION), "alice"),
            "another mark": (resume(logon, mark="another"), "alice"),
            "no mark": (resume(logon, mark=None), "alice"),
            "another user": (resume(logon), "bob"),
            "made up": (resume("A" * 95), "alice"),
        }[kind]
        assert refused(service, verb, user) is Reason.FOREIGN_TICKET

    def test_a_mark_where_there_was_none(self, service):
        """A ticket of a begin without a mark is resumed without one."""
        service.phone("alice")
        logon = begin(service, mark=None).logon
        assert refused(service, resume(logon)) is Reason.FOREIGN_TICKET
        assert isinstance(service.perform("alice", resume(logon, mark=None)), Challenge)

    @pytest.mark.parametrize(
        "change",
        [PasswordChanged(), Unbind(by=ROOT), EraseAccount(ROOT)],
        ids=["a new password", "an unbind", "an erased record"],
    )
    def test_older_than_a_change(self, service, change):
        """A new password, an unbind or an erased record ends the ticket."""
        service.phone("alice")
        logon = begin(service).logon
        service.perform("alice", change)
        assert refused(service, resume(logon)) is Reason.FOREIGN_TICKET

    def test_expired(self, services):
        """The ticket expires ten minutes after the password was right, or sooner where the policy says so."""
        for service, seconds in ((services(), 600), (services(lifetimes=Lifetimes(password=30)), 30)):
            service.phone("alice")
            logon = begin(service).logon
            service.clock.advance(seconds - 1)
            assert isinstance(service.perform("alice", resume(logon)), Challenge)
            service.clock.advance(1)
            assert refused(service, resume(logon)) is Reason.EXPIRED_TICKET

    def test_never_a_challenge(self, service):
        """A first-factor ticket finishes nothing, whatever the code."""
        phone = service.phone("alice")
        asked = begin(service)
        planted = attrs.evolve(asked, id=asked.logon)
        assert refused(service, finish(planted, service.code(phone), password_mark=MARK)) is Reason.FOREIGN_TICKET
        assert refused(service, resume(asked.id)) is Reason.FOREIGN_TICKET


@pytest.mark.requirement("W2")
class TestFirstDevice:
    def offer(self, by, session=SESSION):
        return OfferVirtualDevice(by, account_name="alice", session=session)

    def test_the_mark_where_it_is_given(self, service):
        """A password mark that is given must be the one of the begin."""
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        logon = begin(service).logon
        other = Owner.first_device(logon, session=SESSION, password_mark="another")
        assert refused(service, self.offer(other)) is Reason.FOREIGN_TICKET
        for mark in (MARK, None):
            by = Owner.first_device(logon, session=SESSION, password_mark=mark)
            assert service.perform("alice", self.offer(by)).codes == 1

    @pytest.mark.parametrize("stale", ["a new password", "another session", "an enrolment's ticket", "made up"])
    def test_refused(self, service, stale):
        """Only the ticket of the present password in this session binds a first device; a time never does."""
        service.perform("alice", OpenAccount(by=ROOT))
        must = begin(service)
        ticket, session = must.logon, SESSION
        if stale == "a new password":
            service.perform("alice", PasswordChanged())
        session = OTHER_SESSION if stale == "another session" else SESSION
        ticket = {"an enrolment's ticket": must.id, "made up": service.clock()}.get(stale, ticket)
        by = Owner.first_device(ticket, session=session)
        assert refused(service, self.offer(by, session)) is Reason.FOREIGN_TICKET

    def test_an_owner_who_shows_nothing(self, service):
        """An owner with neither receipt nor ticket has proved nothing."""
        service.perform("alice", OpenAccount(by=ROOT))
        assert service.refusal("alice", self.offer(Owner(None, session=SESSION))).reason is Reason.PROOF_NEEDED


@pytest.mark.requirement("W1")
class TestRetryAfter:
    def test_a_closed_gate(self, service):
        """A begin, a resumption and a step-up show for how long the gate stays closed; an open gate shows none."""
        phone = service.phone("alice")
        asked = begin(service)
        assert asked.retry_after is None
        for _ in range(5):
            refusal = service.refusal("alice", finish(asked, service.wrong(phone), password_mark=MARK))
        assert refusal.next_challenge.retry_after == refusal.retry_after == 30
        service.clock.advance(10)
        for verb in (BeginLogon(session=SESSION, password_mark=MARK), resume(asked.logon)):
            assert service.perform("alice", verb).retry_after == 20
        assert service.ask("alice", operation=DELETE).retry_after == 20
        service.clock.advance(20)
        assert begin(service).retry_after is None

    def test_the_first_gate_to_open(self, services):
        """Of several virtual devices the first that may answer counts; security keys do not wait."""
        service = services(devices=DevicePolicy(rule=KindRule.ANY_MIX, max_devices=4))
        phone = service.phone("alice")
        service.key("alice")
        wrong = service.wrong(phone)
        for _ in range(5):
            service.refusal("alice", finish(begin(service), wrong, password_mark=MARK))
        assert begin(service).retry_after == 30
        service.phone("alice", name="another")
        assert begin(service).retry_after is None

    def test_a_security_key_alone(self, service):
        """Where only a security key may answer there is nothing to wait for."""
        service.key("alice")
        assert begin(service).retry_after is None
