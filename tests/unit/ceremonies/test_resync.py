# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    Advice,
    DevicePolicy,
    EraseAccount,
    EventType,
    MFAPolicy,
    Operation,
    Owner,
    Reason,
    RenameDevice,
    ResyncVirtualDevice,
    TOTPCode,
    TOTPPolicy,
)
from tests.support.service import PARTY, ROOT, SESSION, finish


def resync(codes, *, by=ROOT, device=None):
    return ResyncVirtualDevice(device, codes=codes, by=by)


def device(service):
    return service.account("alice").devices[0]


def shown(service, phone, *steps):
    """Return the codes of these steps, counted from the server's present one."""
    return [phone.code_at(service.clock() + step * phone.period) for step in steps]


class TestResync:
    @pytest.mark.requirement("O11")
    @pytest.mark.standard("RFC 6238 6", "ram_mfa.ResyncVirtualDevice")
    @pytest.mark.parametrize("ahead", [-10, -7, -2, -1, 0, 1, 5, 10])
    def test_sets_the_drift(self, service, ahead):
        """Two consecutive codes of an app whose clock is off set the drift, and from then on its codes log on."""
        phone = service.phone("alice")
        service.clock.advance(3_000)
        phone.drift = ahead * 30
        view = service.perform("alice", resync(shown(service, phone, -1, 0)))
        assert view.id == device(service).id
        assert device(service).drift == ahead
        last = int(service.clock() // 30) + ahead
        assert device(service).accepted[-2:] == (last - 1, last)  # both codes are spent
        event = service.observed[-1]
        assert (event.type, event.detail) == (EventType.DEVICE_RESYNCED, f"drift {ahead}")
        service.clock.advance(30)
        assert service.perform("alice", finish(service.ask("alice"), service.code(phone))).user == "alice"

    @pytest.mark.requirement("O11")
    @pytest.mark.parametrize("ahead", [-12, -11, 11, 12, 1_000])
    def test_bounded(self, service, ahead):
        """No drift beyond ten steps is set: a wrong try, counted."""
        phone = service.phone("alice")
        service.clock.advance(40_000)
        phone.drift = ahead * 30
        assert service.refusal("alice", resync(shown(service, phone, -1, 0))).reason is Reason.WRONG_CODE
        assert (device(service).drift, device(service).failures) == (0, 1)

    def test_the_policys_bound(self, services):
        """The bound is the policy's; where it is none, no drift is set."""
        service = services(totp=TOTPPolicy(drift=0))
        phone = service.phone("alice")
        service.clock.advance(3_000)
        phone.drift = 30
        assert service.refusal("alice", resync(shown(service, phone, -1, 0))).reason is Reason.WRONG_CODE
        phone.drift = 0
        assert service.perform("alice", resync(shown(service, phone, -1, 0))).id

    @pytest.mark.parametrize("steps", [(0,), (0, 0), (0, -1), (-1, 1), (-2, 0), (-2, -1, 0), ()])
    def test_two_consecutive_codes(self, service, steps):
        """One code, three, the same twice, out of order, or with a gap: a wrong try."""
        phone = service.phone("alice")
        service.clock.advance(3_000)
        assert service.refusal("alice", resync(shown(service, phone, *steps))).reason is Reason.WRONG_CODE
        assert device(service).failures == 1

    @pytest.mark.requirement("O7", "O22")
    def test_consumes_both(self, service):
        """Both codes are consumed, and none that was consumed before makes a drift."""
        phone = service.phone("alice")
        service.clock.advance(3_000)
        service.perform("alice", finish(service.ask("alice"), service.code(phone)))
        with service.unchanged():
            for steps in ((-1, 0), (0, 1), (-5, -4)):
                refusal = service.refusal("alice", resync(shown(service, phone, *steps)))
                assert (refusal.reason, refusal.advice) == (Reason.REPLAYED_CODE, Advice.RETYPE)
        service.perform("alice", resync(shown(service, phone, 1, 2)))
        service.clock.advance(60)
        for step in (-1, 0):
            refusal = service.refusal("alice", finish(service.ask("alice"), service.code(phone, steps=step)))
            assert refusal.reason in {Reason.REPLAYED_CODE, Reason.WRONG_CODE}

    @pytest.mark.requirement("O15")
    def test_opens_the_gate(self, service):
        """A resync is a success: it clears the device's count, never the day's budget."""
        phone = service.phone("alice")
        service.clock.advance(3_000)
        service.refusal("alice", finish(service.ask("alice"), service.wrong(phone)))
        service.perform("alice", resync(shown(service, phone, -1, 0)))
        assert device(service).failures == 0
        assert len(service.account("alice").wrong) == 1

    def test_by_the_owner(self, service):
        """The owner shows a receipt for it; it is spent by a success, and a wrong try leaves it."""
        phone = service.phone("alice")
        service.clock.advance(3_000)
        by = service.owner("alice", phone, Operation.RESYNC)
        service.clock.advance(90)
        assert service.refusal("alice", resync(["000000", "000000"], by=by)).reason is Reason.WRONG_CODE
        service.perform("alice", resync(shown(service, phone, -1, 0), by=by))
        service.clock.advance(90)
        refusal = service.refusal("alice", resync(shown(service, phone, -1, 0), by=by))
        assert (refusal.reason, refusal.advice) == (Reason.BAD_RECEIPT, Advice.PROVE_AGAIN)

    def test_which_device(self, services):
        """Of several devices one is named; another kind has no clock; without any there is none."""
        service = services(policy=MFAPolicy.aws(issuer="Example", relying_party=PARTY))
        assert service.refusal("alice", resync([])).reason is Reason.NO_ACCOUNT
        phone = service.phone("alice")
        service.key("alice")
        first, key = service.account("alice").devices
        service.clock.advance(3_000)
        codes = shown(service, phone, -1, 0)
        assert service.refusal("alice", resync(codes)).reason is Reason.NAME_THE_DEVICE
        assert service.refusal("alice", resync(codes, device="another")).reason is Reason.UNKNOWN_DEVICE
        assert service.refusal("alice", resync(codes, device=key.id)).reason is Reason.UNKNOWN_DEVICE
        assert service.perform("alice", resync(codes, device=first.id)).id == first.id
        service.plant("alice", devices=())
        assert service.refusal("alice", resync(codes)).reason is Reason.NO_DEVICE

    @pytest.mark.requirement("S12")
    def test_after_lost_history(self, service):
        """Codes of a history that was lost make no drift: they may have been accepted in it."""
        phone = service.phone("alice")
        service.clock.advance(3_000)
        service.run(service.mfa.declare_restored())
        codes = shown(service, phone, -1, 0)
        assert service.refusal("alice", resync(codes)).reason is Reason.REPLAYED_CODE


class TestRename:
    def test_renamed(self, service):
        """A device gets another name, and nothing else changes but the record's bytes."""
        service.phone("alice")
        before = service.account("alice")
        view = service.perform("alice", RenameDevice(name="Work phone", by=ROOT))
        assert view.name == "Work phone"
        renamed = attrs.evolve(before.devices[0], name="Work phone")
        assert service.account("alice") == attrs.evolve(before, devices=(renamed,))
        assert service.observed[-1].type is EventType.DEVICE_RENAMED

    @pytest.mark.parametrize("name", ["", "x" * 65, "a\x00", " ", "\ud800"])
    def test_names(self, service, name):
        """A name is 1 to 64 printable characters."""
        service.phone("alice")
        with service.unchanged():
            refusal = service.refusal("alice", RenameDevice(name=name, by=ROOT))
        assert refusal.reason is Reason.BAD_NAME

    def test_which_device(self, services):
        """One is named where several are bound."""
        service = services(devices=DevicePolicy(max_devices=2))
        assert service.refusal("alice", RenameDevice(name="a", by=ROOT)).reason is Reason.NO_ACCOUNT
        service.phone("alice")
        service.phone("alice")
        second = service.account("alice").devices[1].id
        assert service.refusal("alice", RenameDevice(name="a", by=ROOT)).reason is Reason.NAME_THE_DEVICE
        service.perform("alice", RenameDevice(second, name="Second", by=ROOT))
        assert [one.name for one in service.account("alice").devices] == ["virtual MFA device", "Second"]

    def test_by_the_owner(self, service):
        """The owner shows a receipt for it, which is spent; challenges live on."""
        phone = service.phone("alice")
        by = service.owner("alice", phone, Operation.RENAME)
        ask = service.ask("alice")
        service.perform("alice", RenameDevice(name="Mine", by=by))
        assert service.refusal("alice", RenameDevice(name="Mine", by=by)).reason is Reason.BAD_RECEIPT
        other = Owner("A" * 95, session=SESSION)
        assert service.refusal("alice", RenameDevice(name="Mine", by=other)).reason is Reason.BAD_RECEIPT
        code = TOTPCode(phone.code_at(service.clock() + 30))
        assert service.perform("alice", finish(ask, code)).user == "alice"
        service.perform("alice", EraseAccount(by=ROOT))
        assert service.refusal("alice", RenameDevice(name="Mine", by=by)).reason is Reason.NO_ACCOUNT
