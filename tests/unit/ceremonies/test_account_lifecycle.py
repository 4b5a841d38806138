# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa import (
    Advice,
    BeginLogon,
    Describe,
    Enrolment,
    EraseAccount,
    EventType,
    ImportSecurityKey,
    ImportVirtualDevice,
    Kind,
    MustBind,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    PasswordChanged,
    Reason,
    Requirement,
    RequireMFA,
    UnknownUsers,
)
from tests.support.legacy import registered
from tests.support.service import APP_ID, ROOT, SESSION, finish


@pytest.mark.requirement("A36")
class TestNoAccountByAccident:
    def test_offers_and_imports(self, services):
        """An administrator's offer or import for a user without a record makes none, unless it is said."""
        service = services()
        uri = "otpauth://totp/Example:bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example"
        for number, (kind, first, fields) in enumerate(
            [
                (OfferVirtualDevice, (ROOT,), {"account_name": "bob", "session": SESSION}),
                (OfferSecurityKey, (ROOT,), {"account_name": "bob", "session": SESSION}),
                (ImportVirtualDevice, (uri,), {"last_step": None, "by": ROOT}),
                (ImportSecurityKey, (registered().kept,), {"app_id": APP_ID, "by": ROOT}),
            ]
        ):
            user = f"bob {number}"
            with service.unchanged():
                assert service.refusal(user, kind(*first, **fields)).reason is Reason.NO_ACCOUNT
            service.perform(user, kind(*first, **fields, create=True))
            assert service.account(user).required is True


class TestOpenAccount:
    @pytest.mark.parametrize("required", [True, False])
    def test_opened(self, service, required):
        """An administrator opens a user's record and says whether MFA is required."""
        view = service.perform("alice", OpenAccount(required=required, by=ROOT))
        assert (view.user, view.required, view.must_bind, view.created_at) == (
            "alice",
            required,
            required,
            service.clock(),
        )
        assert (view.devices, view.machines, view.waiting) == ((), (), ())
        event = service.observed[-1]
        assert (event.type, event.actor) == (EventType.ACCOUNT_OPENED, "administrator root")
        assert event.detail == ("required" if required else "not required")

    def test_once(self, service):
        """A record that is there is not opened again."""
        service.perform("alice", OpenAccount(by=ROOT))
        with service.unchanged():
            refusal = service.refusal("alice", OpenAccount(by=ROOT))
        assert (refusal.reason, refusal.advice) == (Reason.ACCOUNT_EXISTS, Advice.ALREADY_DONE)

    def test_random(self, service):
        """Handle and epoch are random, for two users by one verb too."""
        verb = OpenAccount(by=ROOT)
        for user in ("alice", "bob"):
            service.perform(user, verb)
        one, other = service.account("alice"), service.account("bob")
        assert len({one.handle, other.handle}) == len({one.epoch, other.epoch}) == 2


class TestRequireMFA:
    def test_changed(self, service):
        """The setting is changed and told; the same again writes nothing."""
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        assert service.perform("alice", RequireMFA(by=ROOT)).must_bind
        assert service.observed[-1].type is EventType.REQUIREMENT_CHANGED
        with service.unchanged():
            assert service.perform("alice", RequireMFA(by=ROOT)).required
        assert not service.perform("alice", RequireMFA(required=False, by=ROOT)).required

    def test_without_a_record(self, service):
        """A user without a record gets one."""
        assert service.perform("alice", RequireMFA(by=ROOT)).must_bind
        assert isinstance(service.perform("alice", BeginLogon(session=SESSION)), MustBind)

    def test_nobody(self, services):
        """Where the policy requires it of nobody, the setting is kept and the view says what it comes to."""
        service = services(requirement=Requirement.NOBODY)
        view = service.perform("alice", RequireMFA(by=ROOT))
        assert (view.required, view.must_bind) == (True, False)


class TestPasswordChanged:
    @pytest.mark.requirement("B7", "B17")
    def test_devices_stay(self, service):
        """A password change neither removes nor satisfies MFA."""
        phone = service.phone("alice")
        before = service.account("alice")
        service.perform("alice", PasswordChanged())
        after = service.account("alice")
        assert after.devices == before.devices
        assert after.epoch != before.epoch
        assert service.observed[-1].type is EventType.PASSWORD_CHANGED
        assert service.perform("alice", finish(service.ask("alice"), service.code(phone))).user == "alice"

    def test_without_a_record(self, service):
        """For a user without a record there is nothing to end."""
        with service.unchanged():
            assert service.perform("alice", PasswordChanged()).session_mark is None
        assert service.observed == []

    @pytest.mark.requirement("B7")
    def test_an_enrolment_of_the_old_password(self, services):
        """Where users without a record must bind, what the old password began is ended too."""
        service = services(unknown_users=UnknownUsers.MUST_BIND)
        must = service.perform("alice", BeginLogon(session=SESSION))
        service.perform("alice", PasswordChanged())
        by = Enrolment(must.id, session=SESSION)
        refusal = service.refusal("alice", OfferVirtualDevice(by, account_name="alice", session=SESSION, create=True))
        assert refusal.reason is Reason.FOREIGN_TICKET
        assert isinstance(service.perform("alice", BeginLogon(session=SESSION)), MustBind)


class TestEraseAccount:
    def test_erased(self, service):
        """All that is remembered of a user is erased; absence then refuses."""
        service.phone("alice")
        service.perform("alice", EraseAccount(by=ROOT))
        assert len(service.store.records) == 1
        assert service.observed[-1].type is EventType.ACCOUNT_ERASED
        assert service.refusal("alice", BeginLogon(session=SESSION)).reason is Reason.NO_ACCOUNT
        assert service.refusal("alice", EraseAccount(by=ROOT)).reason is Reason.NO_ACCOUNT


class TestDescribe:
    def test_view(self, service):
        """A view holds what may be seen: devices, machines, settings and what is waiting; no secret, no handle."""
        assert service.refusal("alice", Describe()).reason is Reason.NO_ACCOUNT
        service.perform("alice", OpenAccount(by=ROOT))
        service.perform("alice", OfferVirtualDevice(ROOT, account_name="alice", session=SESSION, create=True))
        service.perform("alice", OfferSecurityKey(ROOT, account_name="alice", session=SESSION, create=True))
        with service.unchanged():
            view = service.perform("alice", Describe())
        assert view.waiting == (Kind.VIRTUAL, Kind.SECURITY_KEY)
        account = service.account("alice")
        for hidden in (account.handle, account.epoch, account.offers[0].secret):
            assert repr(bytes(hidden)) not in repr(view)
        service.clock.advance(600)
        assert service.perform("alice", Describe()).waiting == ()

    def test_bound(self, service):
        """A bound device is shown with who bound it, when, and its last use."""
        service.phone("alice", name="Phone")
        view = service.perform("alice", Describe())
        (device,) = view.devices
        assert (device.name, device.bound_by, device.disabled) == ("Phone", "administrator the test", False)
        assert (view.must_bind, view.required) == (False, True)


class TestOnlyAdministrators:
    @pytest.mark.requirement("B4")
    def test_refused(self, service):
        """No owner opens, requires or erases, with whatever receipt."""
        phone = service.phone("alice")
        by = service.owner("alice", phone, Operation.UNBIND)
        for verb in (OpenAccount(by=by), RequireMFA(by=by), EraseAccount(by=by)):
            with service.unchanged():
                assert service.refusal("alice", verb).reason is Reason.NOT_AUTHORISED
