# SPDX-License-Identifier: Apache-2.0
"""Bind a U2F security key: by an administrator, at the user's next logon, or by the user.

Plug the key into the computer, tap its button, confirm. Each scenario goes through a browser's WebAuthn and through
the U2F JavaScript API of a legacy client.
"""

from __future__ import annotations

import base64

import pytest

from ram_mfa import (
    Administrator,
    BeginLogon,
    ConfirmSecurityKey,
    Describe,
    Enrolment,
    EventType,
    FinishLogon,
    ImportSecurityKey,
    Kind,
    MustBind,
    NotRequired,
    OfferSecurityKey,
    OpenAccount,
    Owner,
    Proof,
    ProofOf,
    Reason,
    SelfManagement,
    Unbind,
)
from ram_mfa.encoding.base64url import encode
from ram_mfa.testing import KeyFault, SoftSecurityKey, new_session
from ram_mfa.u2f import RegistrationResponse
from tests.support.key_apis import KeyAPI, answer, registration
from tests.support.service import PARTY, ROOT


def b64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


apis = pytest.mark.parametrize("api", KeyAPI, ids=lambda api: api.value)


def logs_on(service, user, key, api):
    """The user logs on with user name and password, and then taps the key."""
    session = new_session()
    asked = service.ask(user, session=session)
    assert asked.kinds == (Kind.SECURITY_KEY,)
    proof = service.perform(user, FinishLogon(asked.id, answer(api, key, asked), session=session))
    assert isinstance(proof, Proof)
    assert proof.phishing_resistant
    return proof.user == user


@apis
class TestByAnAdministrator:
    @pytest.mark.requirement("B1", "V23")
    def test_in_the_console(self, service, api):
        """An administrator opens the user's page, enables a security key, and the key is plugged in and tapped."""
        session = new_session()
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        offer = service.perform(
            "alice",
            OfferSecurityKey(by=ROOT, account_name="alice@example", name="Blue key", session=session, create=True),
        )
        assert service.perform("alice", Describe()).devices == ()
        # Plug the key in, and tap its button; the browser hands its registration over.
        key = SoftSecurityKey()
        told = registration(api, key, offer)
        # Confirm the bind.
        bound = service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session))
        assert (bound.name, bound.kind, bound.bound_by) == ("Blue key", Kind.SECURITY_KEY, "administrator root")
        assert bound.proof is None
        # From now on each logon asks for the key.
        assert logs_on(service, "alice", key, api)
        (event,) = service.events(EventType.DEVICE_BOUND)
        assert (event.user, event.actor, event.device) == ("alice", "administrator root", bound.id)

    def test_a_key_that_answers_for_another_site(self, service, api):
        """What a key says to another site binds nothing; the page stays, and the right answer still confirms."""
        session = new_session()
        offer = service.perform(
            "alice", OfferSecurityKey(by=ROOT, account_name="alice@example", session=session, create=True)
        )
        key = SoftSecurityKey()
        for fault in (KeyFault.WRONG_ORIGIN, KeyFault.WRONG_CHALLENGE, KeyFault.WRONG_RP_ID_HASH, KeyFault.WRONG_TYPE):
            key.faults = frozenset({fault})
            told = registration(api, key, offer)
            key.faults = frozenset()
            verb = ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session)
            assert service.refusal("alice", verb).reason is Reason.BAD_REGISTRATION
        told = registration(api, key, offer)
        verb = ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session)
        assert service.perform("alice", verb).kind is Kind.SECURITY_KEY

    @pytest.mark.requirement("B12")
    def test_another_administrator(self, service, api):
        """Who began must finish: another administrator, or the same in another window, starts over."""
        session = new_session()
        offer = service.perform(
            "alice", OfferSecurityKey(by=ROOT, account_name="alice@example", session=session, create=True)
        )
        told = registration(api, SoftSecurityKey(), offer)
        other = ConfirmSecurityKey(told, offer=offer.id, by=Administrator("another"), session=session)
        assert service.refusal("alice", other).reason is Reason.OFFER_GONE
        elsewhere = ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=new_session())
        assert service.refusal("alice", elsewhere).reason is Reason.FOREIGN_TICKET

    def test_one_key_for_two_users(self, service, api):
        """One key on one desk serves several users: it holds a credential for each, and each is good for its own."""
        key, session = SoftSecurityKey(), new_session()
        for user in ("alice", "bob"):
            offer = service.perform(user, OfferSecurityKey(by=ROOT, account_name=user, session=session, create=True))
            told = registration(api, key, offer)
            service.perform(user, ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session))
        assert logs_on(service, "alice", key, api)
        assert logs_on(service, "bob", key, api)

    @pytest.mark.requirement("S7")
    def test_a_credential_of_somebody_else(self, service, api):
        """A credential that one user bound is never bound by another, even after the first unbound it."""
        key, session = SoftSecurityKey(), new_session()
        offer = service.perform("alice", OfferSecurityKey(by=ROOT, account_name="alice", session=session, create=True))
        told = registration(api, key, offer)
        service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session))
        if api is KeyAPI.U2F:
            kept = RegistrationResponse.parse(b64(told["registrationData"]))
            key_handle, public_key = kept.key_handle, kept.public_key
        else:
            key_handle, public_key = b64(told["id"]), b64(told["response"]["publicKey"])[-65:]
        brought = {"keyHandle": encode(key_handle), "publicKey": encode(public_key)}
        verb = ImportSecurityKey(brought, app_id=PARTY.app_id, by=ROOT, create=True)
        assert service.refusal("bob", verb).reason is Reason.CREDENTIAL_TAKEN
        service.perform("alice", Unbind(by=ROOT))
        assert service.refusal("bob", verb).reason is Reason.CREDENTIAL_TAKEN
        # Alice may have it back.
        assert service.perform("alice", verb).kind is Kind.SECURITY_KEY


@apis
class TestAtLogon:
    @pytest.mark.requirement("B11")
    def test_required_for_enable_mfa(self, service, api):
        """MFA is required of a new user: the dialog box at logon offers a security key, and binding it logs on."""
        session = new_session()
        service.perform("alice", OpenAccount(required=True, by=ROOT))
        must = service.perform("alice", BeginLogon(session=session))
        assert isinstance(must, MustBind)
        assert Kind.SECURITY_KEY in must.kinds
        me = Enrolment(must.id, session=session)
        offer = service.perform(
            must.id.user, OfferSecurityKey(by=me, account_name="alice@example", session=session, create=True)
        )
        key = SoftSecurityKey()
        told = registration(api, key, offer)
        bound = service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=me, session=session))
        assert bound.bound_by == "owner at logon"
        assert isinstance(bound.proof, Proof)
        assert (bound.proof.user, bound.proof.purpose) == ("alice", ProofOf.LOGON)
        assert bound.proof.phishing_resistant
        assert logs_on(service, "alice", key, api)


@apis
class TestByTheUser:
    @pytest.mark.requirement("B2")
    def test_in_security_information_management(self, service, api):
        """A user who may manage its own device enables a key on its Security Information Management page."""
        session = new_session()
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        begun = service.perform("alice", BeginLogon(session=session))
        assert isinstance(begun, NotRequired)
        me = Owner.first_device(begun.logon, session=session)
        offer = service.perform(
            "alice", OfferSecurityKey(by=me, account_name="alice@example", session=session, create=True)
        )
        key = SoftSecurityKey()
        told = registration(api, key, offer)
        bound = service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=me, session=session))
        assert bound.bound_by == "owner"
        assert logs_on(service, "alice", key, api)

    def test_not_allowed(self, services, api):
        """Where users may not manage their own devices, the page offers no key."""
        service = services(self_management=SelfManagement.NOT_ALLOWED)
        session = new_session()
        service.perform("alice", OpenAccount(required=False, by=ROOT))
        me = service.first_device("alice", session=session)
        verb = OfferSecurityKey(by=me, account_name="alice@example", session=session, create=True)
        assert service.refusal("alice", verb).reason is Reason.NOT_AUTHORISED


class TestLimits:
    def test_no_site(self, services):
        """Where the policy names no site for security keys, none is offered, and the dialog box does not name them."""
        service = services(relying_party=None)
        service.perform("alice", OpenAccount(required=True, by=ROOT))
        must = service.perform("alice", BeginLogon(session=new_session()))
        assert must.kinds == (Kind.VIRTUAL,)
        verb = OfferSecurityKey(by=ROOT, account_name="alice@example", session=new_session(), create=True)
        assert service.refusal("alice", verb).reason is Reason.KIND_NOT_ALLOWED

    def test_a_key_of_the_days_of_u2f(self, service):
        """A key bound through U2F answers a browser's WebAuthn ever after: the AppID travels in the request."""
        session = new_session()
        offer = service.perform(
            "alice", OfferSecurityKey(by=ROOT, account_name="alice@example", session=session, create=True)
        )
        key = SoftSecurityKey()
        told = registration(KeyAPI.U2F, key, offer)
        service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session))
        asked = service.ask("alice")
        assert asked.options["extensions"]["appid"] == PARTY.app_id
        assert logs_on(service, "alice", key, KeyAPI.WEBAUTHN)
        assert logs_on(service, "alice", key, KeyAPI.U2F)

    def test_a_key_bound_in_a_browser(self, service):
        """A key bound through WebAuthn is asked through WebAuthn alone: a legacy client gets no request for it."""
        service.key("alice")
        asked = service.ask("alice")
        assert asked.u2f is None
        assert "appid" not in (asked.options.get("extensions") or {})
