# SPDX-License-Identifier: Apache-2.0
"""Devices of a kind or model that the policy no longer allows: refused at once, or kept, as the policy says."""

from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    Advice,
    Assertion,
    AttestationLevel,
    AttestationPolicy,
    BeginLogon,
    BeginStepUp,
    Challenge,
    Describe,
    DevicePolicy,
    DisallowedDevices,
    ImportSecurityKey,
    Kind,
    KindRule,
    MFAPolicy,
    OfferVirtualDevice,
    Reason,
    Remembered,
    RememberMachine,
    SecurityKeyPolicy,
    SpendReceipt,
    Unbind,
)
from ram_mfa.encoding.base64url import encode
from tests.support.service import APP_ID, DELETE, ORIGIN, PARTY, ROOT, SESSION, finish

KEYS_ONLY = frozenset({Kind.SECURITY_KEY})
MARK = "mark"
A, B, C = "a" * 40, "b" * 40, "c" * 40
"""Models, as the key identifiers of their certificates."""
pytestmark = pytest.mark.requirement("A24")


@attrs.define
class Rules:
    """A policy that a test changes."""

    devices: DevicePolicy = DevicePolicy(rule=KindRule.ANY_MIX, max_devices=4)
    attestation: AttestationPolicy = AttestationPolicy()

    def __call__(self):
        return MFAPolicy.ram(
            issuer="Example",
            relying_party=PARTY,
            remember=RememberMachine(),
            devices=self.devices,
            security_keys=SecurityKeyPolicy(attestation=self.attestation),
        )


@pytest.fixture
def rules():
    return Rules()


@pytest.fixture
def service(services, rules):
    return services(policy=rules)


def only_keys(rules, disallowed=DisallowedDevices.REFUSE):
    rules.devices = attrs.evolve(rules.devices, kinds=KEYS_ONLY, disallowed=disallowed)


def remembered(service, evidence):
    """Remember a machine with a phone or a key, and return its cookie."""
    ask = service.ask("alice", mark=MARK)
    verb = finish(ask, evidence(ask), remember="Laptop", password_mark=MARK)
    return service.perform("alice", verb).machine


def back(service, cookie):
    return service.perform("alice", BeginLogon(session=SESSION, machine=cookie, password_mark=MARK))


def refused(service, verb):
    with service.unchanged():
        refusal = service.refusal("alice", verb)
    assert (refusal.reason, refusal.advice) == (Reason.DEVICE_NOT_ALLOWED, Advice.ASK_ADMINISTRATOR)


class TestKinds:
    def test_refused_at_once(self, service, rules):
        """No code, ticket, receipt or machine of a phone counts once the policy allows security keys only."""
        phone = service.phone("alice")
        cookie = remembered(service, lambda _: service.code(phone))
        receipt = service.receipt("alice", phone, DELETE)
        service.clock.advance(30)
        ask = service.ask("alice")
        only_keys(rules)
        refused(service, BeginLogon(session=SESSION))
        refused(service, BeginLogon(session=SESSION, machine=cookie, password_mark=MARK))
        refused(service, BeginStepUp(DELETE, session=SESSION))
        refused(service, finish(ask, service.code(phone)))
        spend = SpendReceipt(receipt, operation=DELETE, session=SESSION)
        assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT

    def test_what_another_device_proved_counts(self, service, rules):
        """Beside an allowed key the phone is not asked for, and only the machine that the key proved counts."""
        phone, key = service.phone("alice"), service.key("alice")
        by_phone = remembered(service, lambda _: service.code(phone))
        by_key = remembered(service, lambda ask: Assertion(key.get(ask.options, ORIGIN)))
        only_keys(rules)
        assert isinstance(back(service, by_key), Remembered)
        ask = back(service, by_phone)
        assert isinstance(ask, Challenge)
        assert ask.kinds == (Kind.SECURITY_KEY,)
        assert len(ask.devices) == 1

    def test_kept_where_the_policy_says_so(self, service, rules):
        """Kept, a phone and its machine go on until it is unbound; another one cannot be bound."""
        phone = service.phone("alice")
        cookie = remembered(service, lambda _: service.code(phone))
        service.clock.advance(30)
        only_keys(rules, DisallowedDevices.KEEP)
        assert isinstance(back(service, cookie), Remembered)
        assert service.perform("alice", finish(service.ask("alice"), service.code(phone))).user == "alice"
        service.perform("alice", Unbind(by=ROOT))
        offer = OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True)
        assert service.refusal("alice", offer).reason is Reason.KIND_NOT_ALLOWED

    def test_said(self, service, rules):
        """Describe and the credential report say which devices the policy no longer allows."""
        service.phone("alice")
        service.key("alice")
        only_keys(rules)
        assert [view.allowed for view in service.perform("alice", Describe()).devices] == [False, True]
        (row,) = service.run(service.mfa.credential_report())
        assert (row.disallowed, row.mfa_active, row.devices) == (1, True, 2)
        service.perform("alice", Unbind(service.account("alice").devices[1].id, by=ROOT))
        (row,) = service.run(service.mfa.credential_report())
        assert (row.disallowed, row.mfa_active, row.must_bind) == (1, False, False)

    def test_turned_back(self, service, rules):
        """Nothing was written: once the policy allows them again, devices answer as before."""
        phone = service.phone("alice")
        only_keys(rules)
        refused(service, BeginLogon(session=SESSION))
        rules.devices = DevicePolicy()
        service.clock.advance(30)
        assert service.perform("alice", finish(service.ask("alice"), service.code(phone))).user == "alice"


class TestModels:
    def bound(self, service, *models):
        """Bind a key of these models."""
        key = service.key("alice")
        (device,) = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(device, models=models, attestation="trusted"),))
        return key

    @pytest.mark.parametrize(
        ("accepted", "denied", "allowed"),
        [
            (None, (), True),
            (None, (B,), False),
            (None, (C,), True),
            ((A,), (), True),
            ((C,), (), False),
        ],
    )
    def test_lists(self, service, rules, accepted, denied, allowed):
        """A key answers while none of its models is denied, and one is accepted where the policy lists those."""
        key = self.bound(service, A, B)
        ask = service.ask("alice")
        answer = Assertion(key.get(ask.options, ORIGIN))
        rules.attestation = AttestationPolicy(
            level=AttestationLevel.CHAINED, roots=[key.attestation.root], accepted=accepted, denied=denied
        )
        if allowed:
            assert service.perform("alice", finish(ask, answer)).user == "alice"
        else:
            refused(service, finish(ask, answer))
            refused(service, BeginLogon(session=SESSION))

    def test_kept(self, service, rules):
        """Kept where the policy says so."""
        key = self.bound(service, A)
        rules.devices = DevicePolicy(disallowed=DisallowedDevices.KEEP)
        rules.attestation = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[key.attestation.root], denied=[A])
        ask = service.ask("alice")
        assert service.perform("alice", finish(ask, Assertion(key.get(ask.options, ORIGIN)))).user == "alice"

    def test_imports(self, service, rules):
        """A key whose model nobody proved is not imported where only some models are accepted."""
        key = self.bound(service, A)
        (device,) = service.account("alice").devices
        rules.attestation = AttestationPolicy(
            level=AttestationLevel.CHAINED, roots=[key.attestation.root], accepted=[A]
        )
        registration = {"keyHandle": encode(b"handle"), "publicKey": encode(device.public_key)}
        verb = ImportSecurityKey(registration, app_id=APP_ID, by=ROOT, create=True)
        assert service.refusal("bob", verb).reason is Reason.DEVICE_NOT_ALLOWED


class TestMachines:
    @pytest.mark.requirement("A26", "B17")
    def test_a_second_bind_ends_them(self, service):
        """A second device ends the machines that the first one proved, as a rebind does."""
        phone = service.phone("alice")
        cookie = remembered(service, lambda _: service.code(phone))
        service.key("alice")
        assert isinstance(back(service, cookie), Challenge)
        assert service.account("alice").machines == ()

    @pytest.mark.requirement("A26", "B17", "V30")
    def test_a_clone_alarm_ends_them(self, service):
        """A sign count that went back ends all machines: whoever has the copy may have remembered one."""
        key = service.key("alice")
        thief = key.clone()
        cookie = remembered(service, lambda ask: Assertion(key.get(ask.options, ORIGIN)))
        assert isinstance(back(service, cookie), Remembered)
        ask = service.ask("alice")
        refusal = service.refusal("alice", finish(ask, Assertion(thief.get(ask.options, ORIGIN))))
        assert refusal.reason is Reason.CLONED_KEY
        assert isinstance(back(service, cookie), Challenge)
        assert service.account("alice").machines == ()
