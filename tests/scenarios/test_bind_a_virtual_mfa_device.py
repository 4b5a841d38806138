# SPDX-License-Identifier: Apache-2.0
"""Bind a virtual MFA device: by an administrator, at the user's next logon, or by the user.

Prerequisite: an authenticator app on the user's phone. It scans the QR code, or the user types account and key.
"""

from __future__ import annotations

import pytest

from ram_mfa import (
    BeginLogon,
    Challenge,
    ConfirmVirtualDevice,
    Describe,
    Enrolment,
    EventType,
    FinishLogon,
    Kind,
    MustBind,
    NotRequired,
    OfferVirtualDevice,
    OpenAccount,
    Owner,
    Proof,
    ProofOf,
    Reason,
    SelfManagement,
    TOTPCode,
    TOTPPolicy,
)
from ram_mfa.testing import AuthenticatorApp, new_session
from tests.support.service import ROOT


def scan(offer):
    """Scan the QR code: the way that is recommended."""
    return AuthenticatorApp.scan(offer.key_uri)


def type_in(offer):
    """Type in the account and the key that stand beside the QR code."""
    return AuthenticatorApp.typed(offer.account_name, offer.setup_key)


ways = pytest.mark.parametrize("put_into_the_app", [scan, type_in])


def logs_on(service, user, phone):
    """The user logs on with user name and password, and then with the code that the app shows next."""
    service.clock.advance(phone.period)
    session = new_session()
    asked = service.perform(user, BeginLogon(session=session))
    assert isinstance(asked, Challenge)
    assert asked.kinds == (Kind.VIRTUAL,)
    proof = service.perform(user, FinishLogon(asked.id, TOTPCode(phone.code_at(service.clock())), session=session))
    assert isinstance(proof, Proof)
    return proof.user == user


class TestByAnAdministrator:
    @ways
    @pytest.mark.requirement("B1", "B6", "V23")
    def test_in_the_console(self, service, put_into_the_app):
        """An administrator opens the user's page, enables a virtual MFA device, and the user's app confirms it."""
        session = new_session()
        # Create the user; later, choose the user and its Authentication tab, and enable a virtual MFA device.
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        offer = service.perform(
            "alice",
            OfferVirtualDevice(
                by=ROOT, account_name="alice@example", name="Alice's phone", session=session, create=True
            ),
        )
        # The QR code is on the page; nothing is bound yet, and a logon asks for nothing.
        assert service.perform("alice", Describe()).devices == ()
        assert service.perform("alice", Describe()).waiting == (Kind.VIRTUAL,)
        assert isinstance(service.perform("alice", BeginLogon(session=new_session())), NotRequired)
        # The app has an entry named for the issuer and the account.
        phone = put_into_the_app(offer)
        assert phone.account == "alice@example"
        assert phone.issuer in {"Example", None}
        # Enter the verification code, and confirm the bind.
        code = phone.code_at(service.clock())
        bound = service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=session))
        assert (bound.name, bound.kind, bound.bound_by) == ("Alice's phone", Kind.VIRTUAL, "administrator root")
        assert bound.bound_at == service.clock()
        assert bound.proof is None
        # From now on each logon asks for a code.
        assert logs_on(service, "alice", phone)
        (event,) = service.events(EventType.DEVICE_BOUND)
        assert (event.user, event.actor, event.device) == ("alice", "administrator root", bound.id)

    def test_a_user_without_a_record(self, service):
        """Enabling a device for a user whom nobody opened yet opens the user, with MFA required from then on."""
        session = new_session()
        offer = service.perform(
            "alice", OfferVirtualDevice(by=ROOT, account_name="alice@example", session=session, create=True)
        )
        view = service.perform("alice", Describe())
        assert view.required
        assert view.must_bind
        phone = scan(offer)
        code = phone.code_at(service.clock())
        service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=session))
        assert logs_on(service, "alice", phone)

    def test_a_wrong_code_binds_nothing(self, service):
        """A wrong verification code is refused, the page stays, and the right one still confirms; ten tries in all."""
        session = new_session()
        offer = service.perform(
            "alice", OfferVirtualDevice(by=ROOT, account_name="alice@example", session=session, create=True)
        )
        phone = scan(offer)

        def confirm(code):
            return ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=session)

        for _ in range(9):
            wrong = service.wrong(phone).code
            assert service.refusal("alice", confirm(wrong)).reason is Reason.WRONG_CODE
        assert service.perform("alice", Describe()).devices == ()
        assert service.perform("alice", confirm(phone.code_at(service.clock()))).kind is Kind.VIRTUAL

    def test_the_page_expires(self, service):
        """The QR page is good for ten minutes; after that the app's entry is of no use, and a new one is made."""
        session = new_session()
        offer = service.perform(
            "alice", OfferVirtualDevice(by=ROOT, account_name="alice@example", session=session, create=True)
        )
        phone = scan(offer)
        service.clock.set(offer.expires_at)
        late = ConfirmVirtualDevice([phone.code_at(service.clock())], offer=offer.id, by=ROOT, session=session)
        assert service.refusal("alice", late).reason is Reason.EXPIRED_TICKET
        again = service.perform(
            "alice", OfferVirtualDevice(by=ROOT, account_name="alice@example", session=session, create=True)
        )
        assert again.key_uri != offer.key_uri
        stale = ConfirmVirtualDevice([phone.code_at(service.clock())], offer=again.id, by=ROOT, session=session)
        assert service.refusal("alice", stale).reason is Reason.WRONG_CODE

    def test_the_page_reloads(self, service):
        """Within its ten minutes the page may be reloaded: the same QR code leaves one entry in the app."""
        session = new_session()
        verb = OfferVirtualDevice(by=ROOT, account_name="alice@example", session=session, create=True)
        offer = service.perform("alice", verb)
        service.clock.advance(599)
        again = service.perform("alice", verb)
        assert (again.id, again.key_uri) == (offer.id, offer.key_uri)

    @pytest.mark.requirement("O22")
    def test_two_codes(self, services):
        """Where the policy asks for two consecutive codes, one is not enough, nor are two in the wrong order."""
        service = services(totp=TOTPPolicy(codes=2))
        session = new_session()
        offer = service.perform(
            "alice", OfferVirtualDevice(by=ROOT, account_name="alice@example", session=session, create=True)
        )
        assert offer.codes == 2
        phone = scan(offer)
        first, second = phone.codes_at(service.clock() - phone.period)
        for codes in ([second], [second, first], [first, first], [first, second, second]):
            verb = ConfirmVirtualDevice(codes, offer=offer.id, by=ROOT, session=session)
            assert service.refusal("alice", verb).reason is Reason.WRONG_CODE
        service.perform("alice", ConfirmVirtualDevice([first, second], offer=offer.id, by=ROOT, session=session))
        # Both are used up: neither logs on.
        asked = service.ask("alice", session=session)
        for code in (first, second):
            verb = FinishLogon(asked.id, TOTPCode(code), session=session)
            assert service.refusal("alice", verb).reason is Reason.REPLAYED_CODE


class TestAtLogon:
    @ways
    @pytest.mark.requirement("B11", "O22")
    def test_required_for_enable_mfa(self, service, put_into_the_app):
        """MFA is required of a new user: the dialog box at logon offers kinds, and binding one completes the logon."""
        session = new_session()
        service.perform("alice", OpenAccount(required=True, by=ROOT))
        # The user logs on with user name and password, and comes to the dialog box; nothing else is reached.
        must = service.perform("alice", BeginLogon(session=session))
        assert isinstance(must, MustBind)
        assert must.kinds == (Kind.VIRTUAL, Kind.SECURITY_KEY)
        assert not hasattr(must, "user")
        # Select the virtual MFA device; the console shows the QR code.
        me = Enrolment(must.id, session=session)
        offer = service.perform(
            must.id.user, OfferVirtualDevice(by=me, account_name="alice@example", session=session, create=True)
        )
        phone = put_into_the_app(offer)
        # Enter the code and confirm: the device is bound, and the user is in.
        code = phone.code_at(service.clock())
        bound = service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=me, session=session))
        assert bound.bound_by == "owner at logon"
        assert isinstance(bound.proof, Proof)
        assert (bound.proof.user, bound.proof.purpose) == ("alice", ProofOf.LOGON)
        # The next logon asks for a code, and that one is used up.
        asked = service.ask("alice", session=session)
        used = FinishLogon(asked.id, TOTPCode(code), session=session)
        assert service.refusal("alice", used).reason is Reason.REPLAYED_CODE
        assert logs_on(service, "alice", phone)

    def test_the_dialog_box_is_good_once(self, service):
        """Once a device is bound, what the dialog box handed out binds no second one."""
        session = new_session()
        service.perform("alice", OpenAccount(required=True, by=ROOT))
        me = Enrolment(service.perform("alice", BeginLogon(session=session)).id, session=session)
        offer = service.perform(
            "alice", OfferVirtualDevice(by=me, account_name="alice@example", session=session, create=True)
        )
        code = scan(offer).code_at(service.clock())
        service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=me, session=session))
        again = OfferVirtualDevice(by=me, account_name="alice@example", session=session, create=True)
        assert service.refusal("alice", again).reason is Reason.PROOF_NEEDED

    def test_turned_away_and_back(self, service):
        """A user who closes the dialog box is not in, and comes to it again at the next logon."""
        service.perform("alice", OpenAccount(required=True, by=ROOT))
        for _ in range(3):
            assert isinstance(service.perform("alice", BeginLogon(session=new_session())), MustBind)
            service.clock.advance(3_600)


class TestByTheUser:
    @ways
    @pytest.mark.requirement("B2")
    def test_in_security_information_management(self, service, put_into_the_app):
        """A user who may manage its own device enables one on its Security Information Management page."""
        session = new_session()
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        # Logged on with user name and password; the page asks for the password once more.
        begun = service.perform("alice", BeginLogon(session=session))
        assert isinstance(begun, NotRequired)
        me = Owner.first_device(begun.logon, session=session)
        offer = service.perform(
            "alice", OfferVirtualDevice(by=me, account_name="alice@example", session=session, create=True)
        )
        phone = put_into_the_app(offer)
        code = phone.code_at(service.clock())
        bound = service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=me, session=session))
        assert bound.bound_by == "owner"
        assert bound.proof is None
        assert logs_on(service, "alice", phone)

    @pytest.mark.requirement("B2")
    def test_an_old_password_check(self, service):
        """A password checked longer than ten minutes ago is not enough to bind a first device."""
        session = new_session()
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        me = service.first_device("alice", session=session)
        service.clock.advance(600.001)
        verb = OfferVirtualDevice(by=me, account_name="alice@example", session=session, create=True)
        assert service.refusal("alice", verb).reason is Reason.EXPIRED_TICKET

    def test_not_allowed(self, services):
        """Where users may not manage their own devices, the page offers nothing; the administrator's does."""
        service = services(self_management=SelfManagement.NOT_ALLOWED)
        session = new_session()
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        me = service.first_device("alice", session=session)
        verb = OfferVirtualDevice(by=me, account_name="alice@example", session=session, create=True)
        assert service.refusal("alice", verb).reason is Reason.NOT_AUTHORISED
        assert service.phone("alice")

    def test_and_at_logon_all_the_same(self, services):
        """Where users may not manage their own devices, one of whom MFA is required still binds at logon."""
        service = services(self_management=SelfManagement.NOT_ALLOWED)
        session = new_session()
        service.perform("alice", OpenAccount(required=True, by=ROOT))
        me = Enrolment(service.perform("alice", BeginLogon(session=session)).id, session=session)
        offer = service.perform(
            "alice", OfferVirtualDevice(by=me, account_name="alice@example", session=session, create=True)
        )
        phone = scan(offer)
        code = phone.code_at(service.clock())
        service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=me, session=session))
        assert logs_on(service, "alice", phone)
