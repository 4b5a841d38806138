# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa import (
    BeginLogon,
    DevicePolicy,
    EventType,
    Kind,
    MFAPolicy,
    MustBind,
    NotRequired,
    Operation,
    Owner,
    Reason,
    RememberMachine,
    Requirement,
    RequireMFA,
    ResetMFA,
    SelfManagement,
    SpendReceipt,
    Unbind,
)
from tests.support.service import DELETE, PARTY, ROOT, SESSION, finish


class TestUnbind:
    @pytest.mark.requirement("B5", "B17")
    def test_ends_all(self, services):
        """An unbind ends the device and, with the same swap, every receipt, ticket, offer and machine."""
        service = services(remember=RememberMachine())
        phone = service.phone("alice", name="Phone")
        verb = finish(service.ask("alice", mark="m"), service.code(phone), remember="Laptop", password_mark="m")
        cookie = service.perform("alice", verb).machine
        receipt = service.receipt("alice", phone, DELETE)
        swaps = service.store.swaps
        view = service.perform("alice", Unbind(by=ROOT))
        assert service.store.swaps == swaps + 1
        assert (view.name, view.kind) == ("Phone", Kind.VIRTUAL)
        account = service.account("alice")
        assert (account.devices, account.machines, account.answered) == ((), (), ())
        begin = BeginLogon(session=SESSION, machine=cookie, password_mark="m")
        assert isinstance(service.perform("alice", begin), MustBind)
        refusal = service.refusal("alice", SpendReceipt(receipt, operation=DELETE, session=SESSION))
        assert refusal.reason is Reason.BAD_RECEIPT
        event = service.events(EventType.DEVICE_UNBOUND)[0]
        assert (event.device, event.actor, event.detail) == (view.id, "administrator root", "virtual MFA device")

    def test_not_required(self, service):
        """Where MFA is not required of the user, the next logon is without it."""
        service.phone("alice")
        service.perform("alice", RequireMFA(required=False, by=ROOT))
        service.perform("alice", Unbind(by=ROOT))
        assert isinstance(service.perform("alice", BeginLogon(session=SESSION)), NotRequired)

    def test_which_device(self, services):
        """One is named where several are bound, and the others stay."""
        service = services(policy=MFAPolicy.aws(issuer="Example", relying_party=PARTY))
        assert service.refusal("alice", Unbind(by=ROOT)).reason is Reason.NO_ACCOUNT
        phone = service.phone("alice")
        service.key("alice")
        first, key = service.account("alice").devices
        assert service.refusal("alice", Unbind(by=ROOT)).reason is Reason.NAME_THE_DEVICE
        assert service.refusal("alice", Unbind("another", by=ROOT)).reason is Reason.UNKNOWN_DEVICE
        assert service.perform("alice", Unbind(key.id, by=ROOT)).kind is Kind.SECURITY_KEY
        assert [device.id for device in service.account("alice").devices] == [first.id]
        assert service.perform("alice", finish(service.ask("alice"), service.code(phone))).user == "alice"
        service.perform("alice", Unbind(by=ROOT))
        assert service.refusal("alice", Unbind(by=ROOT)).reason is Reason.NO_DEVICE

    @pytest.mark.requirement("B4", "V22")
    def test_by_the_owner(self, service):
        """The owner shows a receipt for unbinding; the day's budget stays spent."""
        phone = service.phone("alice")
        service.refusal("alice", finish(service.ask("alice"), service.wrong(phone)))
        for by in (
            Owner(None, session=SESSION),
            service.first_device("alice"),
            service.owner("alice", phone, Operation.RENAME),
        ):
            with service.unchanged():
                refusal = service.refusal("alice", Unbind(by=by))
            assert refusal.reason in {Reason.PROOF_NEEDED, Reason.NOT_AUTHORISED, Reason.BAD_RECEIPT}
        service.perform("alice", Unbind(by=service.owner("alice", phone, Operation.UNBIND)))
        account = service.account("alice")
        assert (account.devices, len(account.wrong)) == ((), 1)

    @pytest.mark.requirement("B4")
    def test_owners_may_not(self, services):
        """Where the policy leaves devices to administrators, a receipt helps nobody."""
        rules = [SelfManagement.ALLOWED]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", self_management=rules[0]))
        phone = service.phone("alice")
        by = service.owner("alice", phone, Operation.UNBIND)
        rules[0] = SelfManagement.NOT_ALLOWED
        assert service.refusal("alice", Unbind(by=by)).reason is Reason.NOT_AUTHORISED

    def test_change_of_kind(self, service):
        """To change kinds, unbind, then bind the other."""
        service.phone("alice")
        service.perform("alice", Unbind(by=ROOT))
        service.key("alice")
        assert [device.kind for device in service.account("alice").devices] == [Kind.SECURITY_KEY]


class TestReset:
    @pytest.mark.requirement("B6", "B7")
    def test_as_opened(self, services):
        """A reset takes everything away and requires a new binding, of a user of whom MFA was not required too."""
        service = services(devices=DevicePolicy(max_devices=2), remember=RememberMachine())
        phone = service.phone("alice")
        service.perform("alice", RequireMFA(required=False, by=ROOT))
        verb = finish(service.ask("alice", mark="m"), service.code(phone), remember="Laptop", password_mark="m")
        service.perform("alice", verb)
        service.refusal("alice", finish(service.ask("alice"), service.wrong(phone)))
        before = service.account("alice")
        view = service.perform("alice", ResetMFA(by=ROOT))
        assert (view.devices, view.machines, view.required, view.must_bind) == ((), (), True, True)
        after = service.account("alice")
        assert (after.wrong, after.password_mark, after.handle) == ((), None, before.handle)
        assert after.epoch != before.epoch
        assert isinstance(service.perform("alice", BeginLogon(session=SESSION)), MustBind)
        assert service.observed[-1].type is EventType.MFA_RESET or service.events(EventType.MFA_RESET)

    def test_where_nobody_must(self, services):
        """Where the policy requires MFA of nobody, the view says so."""
        service = services(requirement=Requirement.NOBODY)
        service.phone("alice")
        assert not service.perform("alice", ResetMFA(by=ROOT)).must_bind

    def test_refused(self, service):
        """Only an administrator resets, and only what is there."""
        assert service.refusal("alice", ResetMFA(by=ROOT)).reason is Reason.NO_ACCOUNT
        phone = service.phone("alice")
        by = service.owner("alice", phone, Operation.UNBIND)
        assert service.refusal("alice", ResetMFA(by=by)).reason is Reason.NOT_AUTHORISED
