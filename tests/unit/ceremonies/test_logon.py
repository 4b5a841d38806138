# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa import (
    Advice,
    Assertion,
    BeginLogon,
    BeginStepUp,
    Challenge,
    DevicePolicy,
    EraseAccount,
    EventType,
    FinishLogon,
    Kind,
    MFAPolicy,
    MustBind,
    NotRequired,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    PolicyRule,
    ProofOf,
    Reason,
    Remembered,
    RememberMachine,
    Requirement,
    RequireMFA,
    ResetMFA,
    SpendReceipt,
    TOTPCode,
    Unbind,
    UnknownUsers,
)
from ram_mfa.account import MAX_OLD_MARKS
from ram_mfa.rules.tickets import Purpose, fresh, sealed_ticket
from tests.support.service import APP_ID, DELETE, ORIGIN, PARTY, ROOT, SESSION, finish


class TestBegin:
    @pytest.mark.requirement("B19", "V16", "V17")
    @pytest.mark.parametrize("user", ["alice", "Alice", "alice ", "ALICE"])
    def test_absence_never_passes(self, service, user):
        """A user without a record, or misspelt, is refused: never "not required"."""
        with service.unchanged():
            refusal = service.refusal(user, BeginLogon(session=SESSION))
        assert (refusal.reason, refusal.advice) == (Reason.NO_ACCOUNT, Advice.ASK_ADMINISTRATOR)

    def test_unopened_by_name(self, services):
        """A policy may say by name what becomes of users without a record."""
        waived = services(unknown_users=UnknownUsers.NOT_REQUIRED)
        outcome = waived.perform("alice", BeginLogon(session=SESSION))
        assert isinstance(outcome, NotRequired)
        assert (outcome.user, outcome.why) == ("alice", PolicyRule.UNKNOWN_USERS)
        forced = services(unknown_users=UnknownUsers.MUST_BIND)
        must = forced.perform("alice", BeginLogon(session=SESSION))
        assert isinstance(must, MustBind)
        assert (must.kinds, must.expires_at) == (tuple(Kind), forced.clock() + 600)
        assert set(forced.store.records) == set(waived.store.records)

    @pytest.mark.requirement("B11")
    @pytest.mark.parametrize("requirement", Requirement)
    @pytest.mark.parametrize("required", [True, False])
    def test_without_a_device(self, services, requirement, required):
        """Without a device the user must bind where MFA is required, and else it is said which rule waives it."""
        service = services(requirement=requirement)
        service.perform("alice", OpenAccount(required=required, by=ROOT))
        outcome = service.perform("alice", BeginLogon(session=SESSION))
        if service.mfa._engine.policy().must_use_mfa(required=required).allowed:
            assert isinstance(outcome, MustBind)
            assert not hasattr(outcome, "user")
        else:
            assert isinstance(outcome, NotRequired)
            assert outcome.user == "alice"
            assert outcome.why.value == f"requirement.{requirement.value.replace(' ', '-')}"
            assert service.observed[-1].type is EventType.MFA_SKIPPED
            assert service.observed[-1].detail == outcome.why.value

    @pytest.mark.requirement("V17")
    @pytest.mark.parametrize("requirement", Requirement)
    def test_a_bound_device_is_always_asked_for(self, services, requirement):
        """Whatever the requirement, a user with a device is asked for it."""
        service = services(requirement=requirement)
        service.phone("alice")
        service.perform("alice", RequireMFA(required=False, by=ROOT))
        assert isinstance(service.perform("alice", BeginLogon(session=SESSION)), Challenge)

    def test_challenge_for_a_phone(self, service):
        """A challenge says who may answer, with what, and until when."""
        service.phone("alice", name="Phone")
        ask = service.ask("alice")
        assert ask.id.user == "alice"
        assert ask.kinds == (Kind.VIRTUAL,)
        assert ask.devices == ((service.account("alice").devices[0].id, "Phone"),)
        assert (ask.options, ask.u2f, ask.may_remember) == (None, None, False)
        assert ask.expires_at == service.clock() + 300

    def test_challenge_for_a_key(self, service):
        """For a key it holds WebAuthn request options; the U2F request is for keys registered through U2F."""
        service.key("alice", name="Key")
        ask = service.ask("alice")
        key = service.account("alice").devices[0]
        assert ask.kinds == (Kind.SECURITY_KEY,)
        assert ask.options["rpId"] == "example.com"
        assert [one["id"] for one in ask.options["allowCredentials"]] == [key.id]
        assert "appid" not in ask.options.get("extensions", {})
        assert ask.u2f is None

    def test_may_remember(self, services):
        """A challenge says whether the box "remember this machine" may be shown."""
        service = services(remember=RememberMachine())
        service.phone("alice")
        assert service.ask("alice").may_remember

    def test_both_kinds(self, services):
        """Where the policy has any mix, either kind may answer."""
        service = services(policy=MFAPolicy.aws(issuer="Example", relying_party=PARTY))
        service.phone("alice")
        key = service.key("alice")
        ask = service.ask("alice")
        assert ask.kinds == (Kind.VIRTUAL, Kind.SECURITY_KEY)
        assert len(ask.devices) == 2
        assert service.perform("alice", finish(ask, Assertion(key.get(ask.options, ORIGIN)))).phishing_resistant

    def test_a_site_taken_away(self, services):
        """A key cannot be asked where the policy names no site any more; nothing passes for it."""
        parties = [PARTY]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", relying_party=parties[0]))
        key = service.key("alice")
        ask = service.ask("alice")
        parties[0] = None
        refusal = service.refusal("alice", BeginLogon(session=SESSION))
        assert (refusal.reason, refusal.advice) == (Reason.DEVICE_NOT_ALLOWED, Advice.ASK_ADMINISTRATOR)
        for response in (Assertion(key.get(ask.options, ORIGIN)), Assertion("{}")):
            assert service.refusal("alice", finish(ask, response)).reason is Reason.DEVICE_NOT_ALLOWED

    @pytest.mark.requirement("A36")
    @pytest.mark.parametrize(
        ("session", "error"),
        [
            *(("", ValueError), ("alice", ValueError), ("x" * 21, ValueError), ("x" * 4_097, ValueError)),
            *((None, TypeError), (5, TypeError), (b"x" * 22, TypeError)),
        ],
    )
    def test_session(self, session, error):
        """Sessions that are all the same, or can be guessed, bind nothing: a short one is the developer's error."""
        with pytest.raises(error, match="session must be"):
            BeginLogon(session=session)
        with pytest.raises(error, match="session must be"):
            FinishLogon("", TOTPCode(""), session=session)
        assert BeginLogon(session="x" * 22)

    @pytest.mark.requirement("A36")
    def test_a_session_that_is_the_user_id(self, service):
        """The user id is known to others, and is no session: nothing begins in it."""
        user = "alice@a-long-company-name.example"
        service.phone(user)
        with service.unchanged():
            for verb in (
                BeginLogon(session=user),
                BeginStepUp(Operation("server.delete"), session=user),
                OfferVirtualDevice(ROOT, account_name="alice", session=user, create=True),
                OfferSecurityKey(ROOT, account_name="alice", session=user, create=True),
            ):
                assert service.refusal(user, verb).reason is Reason.BAD_SESSION

    def test_mark_with_a_machine(self):
        """Where a machine is presented or remembered the password mark is required."""
        with pytest.raises(ValueError, match="password_mark"):
            BeginLogon(session=SESSION, machine="cookie")
        with pytest.raises(ValueError, match="password_mark"):
            FinishLogon("", TOTPCode(""), session=SESSION, remember="Laptop")


class TestFinish:
    @pytest.mark.requirement("V40")
    def test_proof_of_a_code(self, service):
        """A right code gives a proof: of a logon, by that device, not resistant to phishing."""
        phone = service.phone("alice")
        proof = service.perform("alice", finish(service.ask("alice"), service.code(phone)))
        assert (proof.user, proof.purpose, proof.operation) == ("alice", ProofOf.LOGON, None)
        assert (proof.kind, proof.phishing_resistant, proof.machine) == (Kind.VIRTUAL, False, None)
        assert proof.at == service.clock()
        device = service.account("alice").devices[0]
        assert (proof.device, device.last_used_at) == (device.id, service.clock())
        event = service.observed[-1]
        assert (event.type, event.user, event.device, event.at) == (
            EventType.LOGON_PROVED,
            "alice",
            device.id,
            service.clock(),
        )

    def test_proof_of_a_key(self, service):
        """A key's answer gives a proof that resists phishing."""
        key = service.key("alice")
        ask = service.ask("alice")
        proof = service.perform("alice", finish(ask, Assertion(key.get(ask.options, ORIGIN))))
        assert (proof.kind, proof.phishing_resistant) == (Kind.SECURITY_KEY, True)

    @pytest.mark.requirement("V15", "A33")
    def test_outcomes_are_objects(self, services):
        """Every outcome is true, as objects are, and only those that let somebody in name a user."""
        service = services(unknown_users=UnknownUsers.NOT_REQUIRED)
        phone = service.phone("alice")
        service.perform("bob", OpenAccount(by=ROOT))
        outcomes = [
            service.perform("carol", BeginLogon(session=SESSION)),
            service.perform("bob", BeginLogon(session=SESSION)),
            service.perform("alice", finish(service.ask("alice"), service.code(phone))),
            Remembered("alice", "machine", 5.0, "mark"),
            service.ask("alice"),
        ]
        assert all(outcomes)
        assert [hasattr(outcome, "user") for outcome in outcomes] == [True, False, True, True, False]

    @pytest.mark.requirement("O7", "V1", "V3")
    @pytest.mark.standard("RFC 6238 5.2", "ram_mfa.rules.totp_check.match_one")
    def test_a_code_once(self, service):
        """An accepted code is refused in every ceremony after it, and so is each of an earlier step."""
        phone = service.phone("alice")
        service.clock.advance(300)
        current, earlier = service.code(phone), service.code(phone, steps=-1)
        service.perform("alice", finish(service.ask("alice"), current))
        for code in (current, earlier, current):
            with service.unchanged():
                refusal = service.refusal("alice", finish(service.ask("alice"), code))
            assert (refusal.reason, refusal.advice) == (Reason.REPLAYED_CODE, Advice.RETYPE)
            assert refusal.next_challenge is not None
        for seconds, reason in ((30, Reason.REPLAYED_CODE), (30, Reason.WRONG_CODE)):
            service.clock.advance(seconds)
            assert service.refusal("alice", finish(service.ask("alice"), current)).reason is reason

    @pytest.mark.requirement("O7", "O8", "V6")
    @pytest.mark.parametrize("offset", range(-4, 5))
    def test_window(self, service, offset):
        """One step back and one forward are accepted, and no other."""
        phone = service.phone("alice")
        service.clock.advance(3_000)
        verb = finish(service.ask("alice"), service.code(phone, steps=offset))
        if -1 <= offset <= 1:
            assert service.perform("alice", verb).user == "alice"
        else:
            assert service.refusal("alice", verb).reason is Reason.WRONG_CODE

    @pytest.mark.requirement("O22")
    def test_the_code_that_bound(self, service):
        """The code that confirmed the binding does not log on."""
        phone = service.phone("alice")
        refusal = service.refusal("alice", finish(service.ask("alice"), service.code(phone, steps=-1)))
        assert refusal.reason is Reason.REPLAYED_CODE

    @pytest.mark.requirement("O6")
    def test_a_device_keeps_its_own(self, services):
        """A device bound under other digits, period and window keeps its digits and period."""
        from ram_mfa import TOTPPolicy

        totps = [TOTPPolicy(digits=8, period=60)]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", totp=totps[0]))
        phone = service.phone("alice")
        totps[0] = TOTPPolicy()
        code = service.code(phone)
        assert len(code.code) == 8
        assert service.perform("alice", finish(service.ask("alice"), code)).user == "alice"

    def test_a_clock_before_its_time(self, services):
        """At the very beginning of time, and with a drift behind it, codes are verified all the same."""
        import attrs

        from ram_mfa.testing import ManualClock

        service = services(clock=ManualClock(1_000))
        phone = service.phone("alice")
        device = service.account("alice").devices[0]
        service.plant("alice", devices=(attrs.evolve(device, drift=-10, last_step=-1),))
        service.clock.set(100)
        proof = service.perform("alice", finish(service.ask("alice"), TOTPCode(phone.code_at(0))))
        assert proof.at == 100

    def test_several_phones(self, services):
        """Where several are bound a code must name its device, and another's device is unknown."""
        service = services(devices=DevicePolicy(max_devices=2))
        phone, other = service.phone("alice"), service.phone("alice")
        first, second = service.account("alice").devices
        ask = service.ask("alice")
        with service.unchanged():
            refusal = service.refusal("alice", finish(ask, service.code(phone)))
            assert (refusal.reason, refusal.advice) == (Reason.NAME_THE_DEVICE, Advice.RETYPE)
            assert refusal.next_challenge is not None
            code = TOTPCode(service.code(phone).code, "another")
            assert service.refusal("alice", finish(ask, code)).reason is Reason.UNKNOWN_DEVICE
        crossed = TOTPCode(service.code(phone).code, second.id)
        assert service.refusal("alice", finish(ask, crossed)).reason is Reason.WRONG_CODE
        assert service.perform("alice", finish(ask, TOTPCode(service.code(other).code, second.id))).device == second.id
        ask = service.ask("alice")
        assert service.perform("alice", finish(ask, TOTPCode(service.code(phone).code, first.id))).device == first.id

    def test_evidence_of_another_kind(self, service):
        """A code where a key is bound, a key's answer where a phone is, or no evidence at all: refused, not counted."""
        service.phone("alice")
        service.key("bob")
        with service.unchanged():
            refusal = service.refusal("alice", finish(service.ask("alice"), Assertion("{}")))
            assert refusal.reason is Reason.WRONG_EVIDENCE
            unforeseen = finish(service.ask("alice"), TOTPCode("000000"))
            object.__setattr__(unforeseen, "evidence", "000000")
            assert service.refusal("alice", unforeseen).reason is Reason.WRONG_EVIDENCE
            refusal = service.refusal("bob", finish(service.ask("bob"), TOTPCode("000000")))
            assert refusal.reason is Reason.WRONG_EVIDENCE
            assert isinstance(refusal.next_challenge, Challenge)

    @pytest.mark.parametrize("evidence", [None, "000000", object(), TOTPCode])
    def test_no_evidence(self, evidence):
        """What is none of the three evidences is the developer's error, when the verb is built."""
        with pytest.raises(TypeError, match=r"FinishLogon\.evidence must be"):
            FinishLogon("", evidence, session=SESSION)

    def test_no_record(self, service):
        """The ticket of a user whose record is gone is foreign; were there one for no record, it passes nothing."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        code = service.code(phone)
        service.perform("alice", EraseAccount(by=ROOT))
        assert service.refusal("alice", finish(ask, code)).reason is Reason.FOREIGN_TICKET
        moment = service.context("alice")
        stamp = fresh(moment, Purpose.LOGON, lifetime=300)
        ticket = sealed_ticket(None, moment, stamp, purpose=Purpose.LOGON, session=SESSION)
        assert service.refusal("alice", FinishLogon(ticket, code, session=SESSION)).reason is Reason.NO_ACCOUNT

    @pytest.mark.requirement("B5", "B7")
    @pytest.mark.parametrize("change", [Unbind, ResetMFA])
    def test_a_lost_device(self, service, change):
        """From the unbind on, the lost device's codes pass nowhere, and the user must bind again."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        service.perform("alice", change(by=ROOT))
        assert service.refusal("alice", finish(ask, service.code(phone))).advice is Advice.START_OVER
        assert isinstance(service.perform("alice", BeginLogon(session=SESSION)), MustBind)

    @pytest.mark.requirement("O20", "V36")
    def test_nothing_typed_is_shown(self, service):
        """No repr of verb, evidence, proof, refusal or event holds the code, the ticket, the session or the mark."""
        phone = service.phone("alice")
        ask = service.ask("alice", mark="the mark")
        code = service.code(phone)
        verb = FinishLogon(ask.id, code, session=SESSION, remember="Laptop", password_mark="the mark")
        wrong = service.refusal("alice", finish(service.ask("alice"), service.wrong(phone)))
        shown = repr((verb, code, ask, wrong, service.perform("alice", verb), service.observed))
        shown += repr(BeginLogon(session=SESSION, machine="cookie", password_mark="the mark"))
        shown += repr(Assertion("secret answer"))
        for hidden in (str(code.code), str(ask.id), SESSION, "the mark", "cookie", "secret answer"):
            assert hidden not in shown


class TestThroughU2F:
    def test_both_doors(self, service):
        """A key registered through U2F answers U2F requests, and WebAuthn ones through ``appid``."""
        from ram_mfa import ConfirmSecurityKey, OfferSecurityKey, U2FSignature
        from ram_mfa.testing import SoftSecurityKey

        key = SoftSecurityKey()
        offer = service.perform("alice", OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True))
        response = key.u2f_register(offer.u2f, ORIGIN)
        service.perform("alice", ConfirmSecurityKey(response, offer=offer.id, by=ROOT, session=SESSION))
        ask = service.ask("alice")
        assert ask.u2f["appId"] == ask.options["extensions"]["appid"] == APP_ID
        assert service.perform("alice", finish(ask, U2FSignature(key.u2f_sign(ask.u2f, ORIGIN)))).phishing_resistant
        ask = service.ask("alice")
        assert service.perform("alice", finish(ask, Assertion(key.get(ask.options, ORIGIN)))).phishing_resistant


@pytest.mark.requirement("A12", "B12")
class TestRenewedChallenge:
    def test_expires_with_the_first(self, service):
        """However often a challenge is renewed by wrong codes, a password checked once is good for five minutes."""
        phone = service.phone("alice")
        ask = service.ask("alice")
        for _ in range(4):
            service.clock.advance(60)
            again = service.refusal("alice", finish(ask, service.wrong(phone))).next_challenge
            assert again.expires_at == ask.expires_at
            ask = again
        service.clock.advance(60)
        refusal = service.refusal("alice", finish(ask, service.code(phone)))
        assert (refusal.reason, refusal.advice) == (Reason.EXPIRED_TICKET, Advice.START_OVER)

    def test_of_a_step_up(self, service):
        """A step-up's challenge too, and it stays one for the same operation."""
        phone = service.phone("alice")
        ask = service.ask("alice", operation=DELETE)
        service.clock.advance(200)
        again = service.refusal("alice", finish(ask, service.wrong(phone), operation=DELETE)).next_challenge
        assert again.expires_at == ask.expires_at
        assert service.perform("alice", finish(again, service.code(phone), operation=DELETE)).operation == DELETE

    @pytest.mark.parametrize(("begun", "finished"), [("old", "new"), ("old", None), (None, "new")])
    def test_bound_to_the_password(self, service, begun, finished):
        """A challenge, renewed or not, is answered under the password mark that it was begun with, and no other."""
        phone = service.phone("alice")
        ask = service.ask("alice", mark=begun)
        again = service.refusal("alice", finish(ask, service.wrong(phone), password_mark=begun)).next_challenge
        for one in (ask, again):
            with service.unchanged():
                refusal = service.refusal("alice", finish(one, service.code(phone), password_mark=finished))
            assert (refusal.reason, refusal.advice) == (Reason.FOREIGN_TICKET, Advice.START_OVER)
        assert service.perform("alice", finish(again, service.code(phone), password_mark=begun)).user == "alice"


@pytest.mark.requirement("A26", "B7")
class TestReturningMark:
    def test_clears_no_budget(self, service):
        """A mark that was seen before clears no budget of wrong codes, however the marks alternate."""
        phone = service.phone("alice")
        marks = [f"mark {number}" for number in range(3)]
        for mark in marks:
            service.refusal("alice", finish(service.ask("alice", mark=mark), service.wrong(phone), password_mark=mark))
        assert len(service.account("alice").wrong) == 1
        for turn in range(1, 4):
            service.clock.advance(60)
            mark = marks[turn % 2]
            service.refusal("alice", finish(service.ask("alice", mark=mark), service.wrong(phone), password_mark=mark))
            assert len(service.account("alice").wrong) == turn + 1

    def test_ends_what_the_old_one_began(self, service):
        """The first finish under a new mark ends the receipts that were earned under the old one."""
        phone = service.phone("alice")
        service.perform("alice", finish(service.ask("alice", mark="old"), service.code(phone), password_mark="old"))
        spend = SpendReceipt(service.receipt("alice", phone, DELETE), operation=DELETE, session=SESSION)
        service.clock.advance(30)
        service.perform("alice", finish(service.ask("alice", mark="new"), service.code(phone), password_mark="new"))
        assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT

    def test_bounded(self, service):
        """Eight old marks are remembered, each once."""
        phone = service.phone("alice")
        for number in range(2 * MAX_OLD_MARKS):
            service.clock.advance(30)
            mark = f"mark {number % (MAX_OLD_MARKS + 3)}"
            ask = service.ask("alice", mark=mark)
            service.perform("alice", finish(ask, service.code(phone), password_mark=mark))
        account = service.account("alice")
        assert len(set(account.old_marks)) == len(account.old_marks) == MAX_OLD_MARKS
