# SPDX-License-Identifier: Apache-2.0
"""What to do next: after a device is bound, each logon asks for user name and password, and then for the device."""

from __future__ import annotations

import pytest

from ram_mfa import (
    Advice,
    BeginLogon,
    Challenge,
    ConfirmSecurityKey,
    Describe,
    DevicePolicy,
    EventType,
    FinishLogon,
    Kind,
    KindRule,
    OfferSecurityKey,
    Proof,
    ProofOf,
    Reason,
    Requirement,
    RequireMFA,
    TOTPCode,
    UnknownUsers,
)
from ram_mfa.testing import KeyFault, SoftSecurityKey, new_session
from tests.support.key_apis import KeyAPI, answer, registration
from tests.support.service import ROOT, SESSION


class TestWithAVirtualDevice:
    def test_enter_the_code(self, service):
        """Enter user name and password, then the code that the app shows."""
        phone, session = service.phone("alice"), new_session()
        # 1. User name and password are the application's; then it begins the logon.
        asked = service.perform("alice", BeginLogon(session=session))
        assert isinstance(asked, Challenge)
        assert (asked.id.user, asked.kinds, asked.options) == ("alice", (Kind.VIRTUAL,), None)
        # 2. Enter the verification code.
        proof = service.perform(asked.id.user, FinishLogon(asked.id, service.code(phone), session=session))
        assert isinstance(proof, Proof)
        assert (proof.user, proof.purpose, proof.kind) == ("alice", ProofOf.LOGON, Kind.VIRTUAL)
        assert not proof.phishing_resistant
        assert service.perform("alice", Describe()).devices[0].last_used_at == service.clock()
        assert [event.user for event in service.events(EventType.LOGON_PROVED)] == ["alice"]

    def test_a_wrong_code(self, service):
        """A mistyped code is refused with the advice to type again, on the same page; the right one passes."""
        phone, session = service.phone("alice"), new_session()
        asked = service.ask("alice", session=session)
        refusal = service.refusal("alice", FinishLogon(asked.id, service.wrong(phone), session=session))
        assert (refusal.reason, refusal.advice, refusal.retry_after) == (Reason.WRONG_CODE, Advice.RETYPE, 0)
        assert service.perform("alice", FinishLogon(asked.id, service.code(phone), session=session)).user == "alice"

    @pytest.mark.requirement("O7")
    def test_not_the_latest_unused_code(self, service):
        """A code logs on once: a second logon in its 30 seconds waits for the next one."""
        phone = service.phone("alice")
        first, second = service.ask("alice"), service.ask("alice")
        service.perform("alice", FinishLogon(first.id, service.code(phone), session=SESSION))
        used = FinishLogon(second.id, service.code(phone), session=SESSION)
        assert service.refusal("alice", used).reason is Reason.REPLAYED_CODE
        service.clock.advance(phone.period)
        verb = FinishLogon(second.id, service.code(phone), session=SESSION)
        assert service.perform("alice", verb).user == "alice"

    def test_a_phone_whose_clock_is_off(self, service):
        """A code of two minutes ago is refused: the phone's clock must be right, or the device resynchronised."""
        phone = service.phone("alice")
        phone.drift = -120
        service.clock.advance(300)
        asked = service.ask("alice")
        verb = FinishLogon(asked.id, service.code(phone), session=SESSION)
        assert service.refusal("alice", verb).reason is Reason.WRONG_CODE

    def test_too_many_wrong_codes(self, service):
        """After five wrong codes the page says how long to wait; then the right code passes."""
        phone = service.phone("alice")
        asked = service.ask("alice")
        for _ in range(5):
            service.refusal("alice", FinishLogon(asked.id, service.wrong(phone), session=SESSION))
        refusal = service.refusal("alice", FinishLogon(asked.id, service.code(phone), session=SESSION))
        assert (refusal.reason, refusal.advice, refusal.retry_after) == (Reason.THROTTLED, Advice.WAIT, 30)
        service.clock.advance(refusal.retry_after)
        proof = service.perform("alice", FinishLogon(asked.id, service.code(phone), session=SESSION))
        assert proof.user == "alice"


@pytest.mark.parametrize("api", KeyAPI, ids=lambda api: api.value)
class TestWithASecurityKey:
    def bind(self, service, api):
        key, session = SoftSecurityKey(), new_session()
        offer = service.perform("alice", OfferSecurityKey(by=ROOT, account_name="alice", session=session, create=True))
        told = registration(api, key, offer)
        service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session))
        return key

    def test_tap_the_key(self, service, api):
        """Enter user name and password, then pass the U2F authentication."""
        key, session = self.bind(service, api), new_session()
        asked = service.perform("alice", BeginLogon(session=session))
        assert isinstance(asked, Challenge)
        assert asked.kinds == (Kind.SECURITY_KEY,)
        proof = service.perform("alice", FinishLogon(asked.id, answer(api, key, asked), session=session))
        assert isinstance(proof, Proof)
        assert (proof.user, proof.purpose, proof.kind) == ("alice", ProofOf.LOGON, Kind.SECURITY_KEY)
        assert proof.phishing_resistant

    @pytest.mark.requirement("V26")
    def test_an_answer_is_good_once(self, service, api):
        """What the key signed logs on once; whoever took it down along the way has nothing."""
        key, session = self.bind(service, api), new_session()
        asked = service.ask("alice", session=session)
        verb = FinishLogon(asked.id, answer(api, key, asked), session=session)
        service.perform("alice", verb)
        assert service.refusal("alice", verb).reason is Reason.SPENT_TICKET

    def test_nobody_touched_it(self, service, api):
        """An answer that nobody tapped for is refused, and the page asks afresh."""
        key, session = self.bind(service, api), new_session()
        asked = service.ask("alice", session=session)
        key.faults = frozenset({KeyFault.NO_USER_PRESENCE})
        refusal = service.refusal("alice", FinishLogon(asked.id, answer(api, key, asked), session=session))
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "user presence")
        key.faults = frozenset()
        evidence = answer(api, key, refusal.next_challenge)
        assert (
            service.perform("alice", FinishLogon(refusal.next_challenge.id, evidence, session=session)).user == "alice"
        )

    def test_a_code_instead(self, service, api):
        """A user whose device is a key is not let in by a code, whatever the code."""
        self.bind(service, api)
        session = new_session()
        asked = service.ask("alice", session=session)
        for code in ("000000", "123456", ""):
            refusal = service.refusal("alice", FinishLogon(asked.id, TOTPCode(code), session=session))
            assert refusal.reason is Reason.WRONG_EVIDENCE


class TestOfWhomMFAIsRequired:
    """Security settings: MFA for all users, or as each user's own setting says."""

    def outcome(self, service, user):
        return type(service.perform(user, BeginLogon(session=new_session()))).__name__

    def test_as_each_user_is_set(self, service):
        """By default each user's own setting decides, and a device once bound is always asked for."""
        service.perform("alice", RequireMFA(required=False, by=ROOT))
        service.perform("bob", RequireMFA(required=True, by=ROOT))
        service.phone("carol")
        service.perform("carol", RequireMFA(required=False, by=ROOT))
        assert [self.outcome(service, user) for user in ("alice", "bob", "carol")] == [
            "NotRequired",
            "MustBind",
            "Challenge",
        ]
        service.perform("alice", RequireMFA(required=True, by=ROOT))
        assert self.outcome(service, "alice") == "MustBind"

    def test_of_everybody(self, services):
        """Where MFA is mandatory, a user's own setting frees nobody."""
        service = services(requirement=Requirement.EVERYBODY)
        service.perform("alice", RequireMFA(required=False, by=ROOT))
        assert self.outcome(service, "alice") == "MustBind"

    def test_of_nobody(self, services):
        """Where nobody must use MFA, a device that is bound is asked for all the same."""
        service = services(requirement=Requirement.NOBODY)
        service.perform("alice", RequireMFA(required=True, by=ROOT))
        service.phone("bob")
        assert [self.outcome(service, user) for user in ("alice", "bob")] == ["NotRequired", "Challenge"]

    @pytest.mark.requirement("B19", "V16")
    def test_a_user_nobody_opened(self, services):
        """A user without a record is refused, unless the policy says otherwise by name."""
        refusing = services()
        assert refusing.refusal("alice", BeginLogon(session=new_session())).reason is Reason.NO_ACCOUNT
        assert self.outcome(services(unknown_users=UnknownUsers.MUST_BIND), "alice") == "MustBind"
        assert self.outcome(services(unknown_users=UnknownUsers.NOT_REQUIRED), "alice") == "NotRequired"

    def test_a_spare_key(self, services):
        """Where a second key of the kind is allowed, either logs on."""
        service = services(devices=DevicePolicy(max_devices=2))
        keys = [service.key("alice", name="Blue"), service.key("alice", name="Red")]
        for key in keys:
            session = new_session()
            asked = service.ask("alice", session=session)
            assert [name for _, name in asked.devices] == ["Blue", "Red"]
            evidence = answer(KeyAPI.WEBAUTHN, key, asked)
            assert service.perform("alice", FinishLogon(asked.id, evidence, session=session)).user == "alice"

    def test_either_kind(self, services):
        """Where any mix of kinds is allowed, the user chooses at each logon."""
        service = services(devices=DevicePolicy(rule=KindRule.ANY_MIX, max_devices=2))
        phone, key = service.phone("alice"), service.key("alice")
        session = new_session()
        asked = service.ask("alice", session=session)
        assert asked.kinds == (Kind.VIRTUAL, Kind.SECURITY_KEY)
        assert service.perform("alice", FinishLogon(asked.id, service.code(phone), session=session)).user == "alice"
        asked = service.ask("alice", session=session)
        evidence = answer(KeyAPI.WEBAUTHN, key, asked)
        assert service.perform("alice", FinishLogon(asked.id, evidence, session=session)).user == "alice"
