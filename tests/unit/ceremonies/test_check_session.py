# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle

import attrs
import pytest

from ram_mfa import (
    Advice,
    BeginLogon,
    CheckSession,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    DevicePolicy,
    Enrolment,
    EraseAccount,
    FinishLogon,
    ForgetMachines,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    PasswordChanged,
    Reason,
    Refused,
    RememberMachine,
    RenameDevice,
    Requirement,
    RequireMFA,
    ResetMFA,
    SessionAlive,
    Unbind,
    UnknownUsers,
)
from ram_mfa.engine.records import user_key
from ram_mfa.testing import AuthenticatorApp, SoftSecurityKey
from tests.support.service import DELETE, ORIGIN, OTHER_SESSION, ROOT, SESSION, StoreWithHistory, finish

MARK = "a hash of the stored hash"


def alive(service, mark, user="alice"):
    """Return whether a session is alive; nothing is written to find out."""
    with service.unchanged():
        try:
            outcome = service.perform(user, CheckSession(mark))
        except Refused as refused:
            refusal = refused.refusal
            assert (refusal.reason, refusal.advice) == (Reason.SESSION_ENDED, Advice.START_OVER)
            return False
    assert outcome == SessionAlive()
    assert not hasattr(outcome, "user")
    return True


def logged_on(service, phone, user="alice"):
    return service.perform(user, finish(service.ask(user), service.code(phone))).session_mark


@pytest.mark.requirement("W3")
class TestAdmissions:
    def test_each_has_a_mark(self, services):
        """A proof of logon, a remembered machine and a logon without MFA each begin a session that is alive."""
        service = services(remember=RememberMachine())
        phone = service.phone("alice")
        verb = finish(service.ask("alice", mark=MARK), service.code(phone), remember="Laptop", password_mark=MARK)
        proof = service.perform("alice", verb)
        remembered = service.perform("alice", BeginLogon(session=SESSION, machine=proof.machine, password_mark=MARK))
        service.perform("bob", OpenAccount(required=False, by=ROOT))
        not_required = service.perform("bob", BeginLogon(session=SESSION))
        for user, admission in (("alice", proof), ("alice", remembered), ("bob", not_required)):
            assert admission.user == user
            assert alive(service, admission.session_mark, user)
            assert admission.session_mark not in repr(admission)
            assert pickle.loads(pickle.dumps(admission.session_mark)) == admission.session_mark

    def test_a_step_up_has_none(self, service):
        """A step-up begins no session, and neither does a receipt that is spent."""
        phone = service.phone("alice")
        proof = service.perform(
            "alice", finish(service.ask("alice", operation=DELETE), service.code(phone), operation=DELETE)
        )
        assert proof.session_mark is None

    def test_an_enrolment(self, service):
        """The proof of a forced bind begins a session under the epoch that the bind began."""
        service.perform("alice", OpenAccount(by=ROOT))
        by = Enrolment(service.perform("alice", BeginLogon(session=SESSION)).id, session=SESSION)
        offer = service.perform("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION))
        code = AuthenticatorApp.scan(offer.key_uri).code_at(service.clock())
        bound = service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=by, session=SESSION))
        assert alive(service, bound.proof.session_mark)
        assert bound.session_mark is None

    @pytest.mark.parametrize("mark", ["", None, "A" * 43, "A" * 42, "\ud800", "é" * 43, b"bytes", 5])
    def test_made_up(self, services, mark):
        """A made-up mark is refused, with a record and without."""
        service = services(unknown_users=UnknownUsers.NOT_REQUIRED)
        service.phone("alice")
        assert not alive(service, mark)
        assert not alive(service, mark, "nobody")

    def test_of_another(self, services):
        """A mark is of one user, one tenant and one store."""
        service, other = services(), services()
        phone = service.phone("alice")
        service.phone("bob")
        mark = logged_on(service, phone)
        tenant = attrs.evolve(service, mfa=service.mfa.for_tenant("t", service.mfa._engine.policy()))
        tenant.phone("alice")
        other.phone("alice")
        other.plant("alice", epoch=service.account("alice").epoch)
        assert alive(service, mark)
        assert not alive(service, mark, "bob")
        assert not alive(tenant, mark)
        assert not alive(other, mark)

    def test_never_a_ticket(self, service):
        """No ticket, receipt or part of one is a mark, and a mark is no ticket."""
        phone = service.phone("alice")
        asked = service.ask("alice")
        proof = service.perform("alice", finish(asked, service.code(phone)))
        for text in (asked.id, asked.logon, proof.receipt, asked.id[45:88], asked.logon[45:88]):
            assert not alive(service, text)
        verb = FinishLogon(proof.session_mark, service.code(phone), session=SESSION)
        assert service.refusal("alice", verb).reason is Reason.FOREIGN_TICKET


@pytest.mark.requirement("W3")
class TestEnds:
    @pytest.mark.parametrize(
        "change",
        [PasswordChanged(), ResetMFA(ROOT), Unbind(by=ROOT), EraseAccount(ROOT)],
        ids=["a new password", "a reset", "an unbind", "an erased record"],
    )
    @pytest.mark.parametrize("unknown_users", UnknownUsers)
    def test_with_each_change(self, services, change, unknown_users):
        """A new password, a reset, an unbind and an erased record end every session, whatever the policy says."""
        service = services(unknown_users=unknown_users)
        mark = logged_on(service, service.phone("alice"))
        service.perform("alice", change)
        assert not alive(service, mark)

    def test_with_a_device_more(self, services):
        """A device that an administrator binds ends every session too."""
        service = services(devices=DevicePolicy(max_devices=3))
        mark = logged_on(service, service.phone("alice"))
        service.phone("alice", name="another")
        assert not alive(service, mark)

    def test_with_a_discarded_record(self, services):
        """A record that cannot be read raises; discarded, it ends the sessions."""
        service = services(unknown_users=UnknownUsers.NOT_REQUIRED)
        mark = logged_on(service, service.phone("alice"))
        service.store.put(user_key("", "alice"), b"nothing that the library ever wrote")
        service.run(service.mfa.discard("alice", ROOT, unsafe_any_seal=True))
        assert not alive(service, mark)

    def test_with_a_move(self, service):
        """A user id that is given up ends its sessions; under the new one the user logs on again."""
        mark = logged_on(service, service.phone("alice"))
        service.run(service.mfa.move("alice", "alice2", ROOT))
        assert not alive(service, mark)
        assert not alive(service, mark, "alice2")

    def test_with_another_mark_of_the_password(self, service):
        """The first finish under a new mark ends the sessions of the old one."""
        phone = service.phone("alice")
        old = service.perform("alice", finish(service.ask("alice", mark="1"), service.code(phone), password_mark="1"))
        service.clock.advance(30)
        new = service.perform("alice", finish(service.ask("alice", mark="2"), service.code(phone), password_mark="2"))
        assert not alive(service, old.session_mark)
        assert alive(service, new.session_mark)

    def test_with_a_new_ticket_key(self, service):
        """A ticket key that leaked may have signed marks: with a new one every session ends."""
        mark = logged_on(service, service.phone("alice"))
        service.run(service.mfa.renew_tickets())
        assert not alive(service, mark)

    @pytest.mark.requirement("S12")
    def test_with_a_lost_history(self, services):
        """After a promotion or a restore an ended session does not come back: all end, and new ones are alive."""
        service = services(store=StoreWithHistory())
        phone = service.phone("alice")
        mark = logged_on(service, phone)
        before = service.store.records
        service.perform("alice", PasswordChanged())
        assert not alive(service, mark)
        for key, record in before.items():
            service.store.put(key, record)  # an older state: its epoch is the one of the mark
        service.store.history = "2"
        service.perform("bob", OpenAccount(required=False, by=ROOT))  # whoever comes first notes the loss
        assert not alive(service, mark)
        service.clock.advance(600)
        assert alive(service, logged_on(service, phone))

    def test_with_a_restore_that_is_declared(self, service):
        """A restore that the store does not notice is declared, and ends all sessions."""
        mark = logged_on(service, service.phone("alice"))
        service.run(service.mfa.declare_restored())
        assert not alive(service, mark)

    def test_not_with_settings(self, services):
        """A name, a requirement and machines that are forgotten end no session."""
        service = services(remember=RememberMachine())
        phone = service.phone("alice")
        verb = finish(service.ask("alice", mark=MARK), service.code(phone), remember="Laptop", password_mark=MARK)
        mark = service.perform("alice", verb).session_mark
        for change in (RenameDevice(name="Phone", by=ROOT), RequireMFA(required=False, by=ROOT), ForgetMachines(ROOT)):
            service.perform("alice", change)
        service.refusal("alice", finish(service.ask("alice"), service.wrong(phone)))
        service.clock.advance(365 * 86_400)
        assert alive(service, mark)


@pytest.mark.requirement("W3")
class TestWithoutARecord:
    def test_alive_and_ended(self, services):
        """A user without a record has a session too: it ends with a record that is opened, and a new password."""
        for change in (OpenAccount(by=ROOT), RequireMFA(by=ROOT), PasswordChanged()):
            service = services(unknown_users=UnknownUsers.NOT_REQUIRED)
            mark = service.perform("alice", BeginLogon(session=SESSION)).session_mark
            assert alive(service, mark)
            service.perform("alice", change)
            assert not alive(service, mark)

    @pytest.mark.parametrize("unknown_users", [UnknownUsers.REFUSE, UnknownUsers.MUST_BIND])
    def test_absence_never_passes(self, services, unknown_users):
        """Where the policy no longer says by name that such users need no MFA, their sessions end."""
        service = services(unknown_users=UnknownUsers.NOT_REQUIRED)
        mark = service.perform("alice", BeginLogon(session=SESSION)).session_mark
        tightened = services(unknown_users=unknown_users, store=service.store, clock=service.clock, create=False)
        assert not alive(tightened, mark)

    def test_a_record_that_an_enrolment_began(self, services):
        """A record without a bind of its own is another state than no record, though neither has an epoch."""
        forced = services(unknown_users=UnknownUsers.MUST_BIND)
        waiving = services(
            unknown_users=UnknownUsers.NOT_REQUIRED,
            requirement=Requirement.NOBODY,
            store=forced.store,
            clock=forced.clock,
            create=False,
        )
        before = waiving.perform("alice", BeginLogon(session=SESSION)).session_mark
        by = Enrolment(forced.perform("alice", BeginLogon(session=SESSION)).id, session=SESSION)
        forced.perform("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION))
        assert not alive(waiving, before)
        after = waiving.perform("alice", BeginLogon(session=SESSION)).session_mark
        assert alive(waiving, after)


@pytest.mark.requirement("W3")
class TestTheOwnersOwnSession:
    def test_a_first_device(self, service):
        """The session in which the owner binds goes on under the mark of the outcome; the others end."""
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        admitted = service.perform("alice", BeginLogon(session=SESSION))
        elsewhere = service.perform("alice", BeginLogon(session=OTHER_SESSION)).session_mark
        by = service.first_device("alice")
        offer = service.perform("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION))
        code = AuthenticatorApp.scan(offer.key_uri).code_at(service.clock())
        bound = service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=by, session=SESSION))
        assert alive(service, bound.session_mark)
        assert bound.session_mark not in repr(bound)
        assert not alive(service, admitted.session_mark)
        assert not alive(service, elsewhere)

    def test_a_security_key(self, service):
        """The same holds of a security key."""
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        by = service.first_device("alice")
        offer = service.perform("alice", OfferSecurityKey(by, account_name="alice", session=SESSION))
        created = SoftSecurityKey().create(offer.options, ORIGIN)
        bound = service.perform("alice", ConfirmSecurityKey(created, offer=offer.id, by=by, session=SESSION))
        assert alive(service, bound.session_mark)

    def test_an_unbind(self, service):
        """The session in which the owner unbinds goes on, too."""
        phone = service.phone("alice")
        mark = logged_on(service, phone)
        service.clock.advance(30)
        unbound = service.perform("alice", Unbind(by=service.owner("alice", phone, Operation.UNBIND)))
        assert alive(service, unbound.session_mark)
        assert unbound.session_mark not in repr(unbound)
        assert not alive(service, mark)

    def test_not_for_an_administrator(self, service):
        """An administrator who binds or unbinds gets no session of the user's."""
        service.perform("alice", OpenAccount(by=ROOT))
        offer = service.perform("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION))
        code = AuthenticatorApp.scan(offer.key_uri).code_at(service.clock())
        bound = service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=SESSION))
        assert bound.session_mark is None
        assert service.perform("alice", Unbind(by=ROOT)).session_mark is None

    def test_a_new_password(self, services):
        """The session that changed the password goes on if it was alive; no other, and none that was made up."""
        service = services(unknown_users=UnknownUsers.NOT_REQUIRED)
        mark = logged_on(service, service.phone("alice"))
        ended = service.perform("alice", PasswordChanged(session_mark=mark))
        assert alive(service, ended.session_mark)
        assert ended.session_mark not in repr(ended)
        assert not alive(service, mark)
        for dead in (mark, None, "", "made up", 5):
            assert service.perform("alice", PasswordChanged(session_mark=dead)).session_mark is None
        without = service.perform("carol", BeginLogon(session=SESSION)).session_mark
        goes_on = service.perform("carol", PasswordChanged(session_mark=without)).session_mark
        assert alive(service, goes_on, "carol")
