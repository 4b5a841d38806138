# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from ram_mfa import (
    MFA,
    AESGCMSeal,
    AsyncMFA,
    BeginLogon,
    Describe,
    DevicePolicy,
    Kind,
    MFAPolicy,
    OpenAccount,
    Operation,
    Owner,
    ProofOf,
    Reason,
    RecoveryCodes,
    Refused,
    RelyingParty,
    TOTPPolicy,
    UnsafeAdministrator,
)
from ram_mfa.stores.memory import AsyncMemoryStore, MemoryStore
from ram_mfa.testing import ManualClock, SoftSecurityKey, enrolled, enrolled_key, new_session, proved, recovery_sheet

PARTY = RelyingParty(id="example.com", origins=["https://console.example.com"])
SEAL = AESGCMSeal({"1": bytes(32)}, seal_with="1")
DELETE = Operation("server.delete", "i-0815")


@pytest.fixture
def clock():
    return ManualClock()


def service(clock, **rules):
    policy = MFAPolicy.ram(issuer="Example", **{"relying_party": PARTY, **rules})
    return MFA(MemoryStore(), policy, seal=SEAL, clock=clock, create=True)


class TestEnrolled:
    def test_phone(self, clock):
        """A user who has no record gets one, and a phone whose present code still logs on."""
        mfa = service(clock)
        phone = enrolled(mfa, "alice", name="My phone")
        (device,) = mfa.perform("alice", Describe()).devices
        assert (device.name, device.kind) == ("My phone", Kind.VIRTUAL)
        assert proved(mfa, "alice", phone).device == device.id

    @pytest.mark.parametrize("codes", [1, 2])
    @pytest.mark.parametrize(("backward", "forward"), [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)])
    def test_any_window(self, clock, codes, backward, forward):
        """Whatever window and number of codes the policy has, the phone binds and, a step later, logs on."""
        mfa = service(clock, totp=TOTPPolicy(backward=backward, forward=forward, codes=codes))
        phone = enrolled(mfa, "alice")
        clock.advance(30)
        assert proved(mfa, "alice", phone).user == "alice"

    def test_key(self, clock):
        """A security key is bound, a new U2F key unless one is given."""
        mfa = service(clock, devices=DevicePolicy(max_devices=2))
        first, given = enrolled_key(mfa, "alice", name="First"), SoftSecurityKey(algorithm=-8)
        assert enrolled_key(mfa, "alice", key=given, name="Second") is given
        assert [device.name for device in mfa.perform("alice", Describe()).devices] == ["First", "Second"]
        assert proved(mfa, "alice", first).phishing_resistant

    def test_actor(self, clock):
        """The actor may be another one, in the session of their own proof."""
        mfa = service(clock)
        mfa.perform("alice", OpenAccount(required=True, by=UnsafeAdministrator("a script")))
        session = new_session()
        begun = mfa.perform("alice", BeginLogon(session=session))
        enrolled(mfa, "alice", by=Owner.first_device(begun.logon, session=session))
        (device,) = mfa.perform("alice", Describe()).devices
        assert device.bound_by == "owner"
        enrolled(mfa, "bob", by=UnsafeAdministrator("a script"))

    def test_refused(self, clock):
        """What the policy does not allow is refused as the verb refuses it."""
        mfa = service(clock)
        enrolled(mfa, "alice")
        with pytest.raises(Refused) as refused:
            enrolled_key(mfa, "alice")
        assert refused.value.refusal.reason is Reason.OTHER_KIND_BOUND

    def test_no_relying_party(self, clock):
        """Without a site no key can be bound."""
        with pytest.raises(Refused) as refused:
            enrolled_key(service(clock, relying_party=None), "alice")
        assert refused.value.refusal.reason is Reason.KIND_NOT_ALLOWED


class TestProved:
    def test_logon_and_step_up(self, clock):
        """A proof is of a logon, or of the operation that is named."""
        mfa = service(clock)
        phone = enrolled(mfa, "alice")
        logon, step_up = proved(mfa, "alice", phone), proved(mfa, "alice", phone, operation=DELETE)
        assert (logon.purpose, logon.operation) == (ProofOf.LOGON, None)
        assert (step_up.purpose, step_up.operation) == (ProofOf.STEP_UP, DELETE)

    def test_codes_run_out(self, clock):
        """At one moment a phone proves as often as it has unused codes, and again when the clock moved."""
        mfa = service(clock)
        phone = enrolled(mfa, "alice")
        for _ in range(2):
            proved(mfa, "alice", phone)
        with pytest.raises(Refused) as refused:
            proved(mfa, "alice", phone)
        assert refused.value.refusal.reason is Reason.REPLAYED_CODE
        clock.advance(30)
        proved(mfa, "alice", phone)

    def test_key(self, clock):
        """A key proves as often as it is asked."""
        mfa = service(clock)
        key = enrolled_key(mfa, "alice")
        for operation in (None, None, DELETE, DELETE):
            assert proved(mfa, "alice", key, operation=operation).operation == operation

    def test_drifted_phone(self, clock):
        """A phone that is far off is refused as a wrong code, and not tried again."""
        mfa = service(clock)
        phone = enrolled(mfa, "alice")
        phone.drift = 3_600
        with pytest.raises(Refused) as refused:
            proved(mfa, "alice", phone)
        assert refused.value.refusal.reason is Reason.WRONG_CODE

    def test_nothing_asked(self, clock):
        """A logon that asks for no device, or for another kind of it, proves nothing."""
        mfa = service(clock)
        phone, key = enrolled(mfa, "alice"), enrolled_key(mfa, "bob")
        mfa.perform("carol", OpenAccount(required=False, by=UnsafeAdministrator("a script")))
        with pytest.raises(AssertionError, match="no challenge"):
            proved(mfa, "carol", phone)
        with pytest.raises(AssertionError, match="for no security key"):
            proved(mfa, "alice", key)


class TestAsync:
    def test_whole_way(self, clock):
        """Each action is awaited where the MFA is."""

        async def life():
            policy = MFAPolicy.ram(issuer="Example", relying_party=PARTY)
            mfa = AsyncMFA(AsyncMemoryStore(), policy, seal=SEAL, clock=clock, create=True)
            phone, key = await enrolled(mfa, "alice"), await enrolled_key(mfa, "bob")
            proofs = [await proved(mfa, "alice", phone) for _ in range(2)]
            proofs.append(await proved(mfa, "bob", key, operation=DELETE))
            with pytest.raises(Refused):
                await proved(mfa, "alice", phone)
            return [proof.user for proof in proofs]

        assert asyncio.run(life()) == ["alice", "alice", "bob"]


class TestNewSession:
    def test_each_is_another(self):
        """No two sessions are the same."""
        assert len({new_session() for _ in range(100)}) == 100


class TestRecoverySheet:
    def test_made(self, clock):
        """The user's codes, after a step-up with the device, over either driver."""
        rules = {"recovery_codes": RecoveryCodes(count=3)}
        mfa = service(clock, **rules)
        assert len(recovery_sheet(mfa, "alice", enrolled(mfa, "alice")).codes) == 3
        assert mfa.perform("alice", Describe()).recovery_codes == 3
        key = enrolled_key(mfa, "bob")
        assert recovery_sheet(mfa, "bob", key).user == "bob"

        async def over_the_other():
            policy = MFAPolicy.ram(issuer="Example", **rules)
            mfa = AsyncMFA(AsyncMemoryStore(), policy, seal=SEAL, clock=clock, create=True)
            return await recovery_sheet(mfa, "alice", await enrolled(mfa, "alice"))

        assert len(asyncio.run(over_the_other()).codes) == 3
