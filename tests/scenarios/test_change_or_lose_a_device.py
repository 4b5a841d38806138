# SPDX-License-Identifier: Apache-2.0
"""Important: how the type of a device is changed, and what to do where an app was uninstalled or a key is lost."""

from __future__ import annotations

import pytest

from ram_mfa import (
    Advice,
    BeginLogon,
    BeginStepUp,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    Enrolment,
    FinishLogon,
    FinishStepUp,
    Kind,
    MustBind,
    NotRequired,
    OfferSecurityKey,
    OfferVirtualDevice,
    Operation,
    Owner,
    Reason,
    RequireMFA,
    ResetMFA,
    ResyncVirtualDevice,
    TOTPCode,
    Unbind,
)
from ram_mfa.testing import AuthenticatorApp, ClientRefused, SoftSecurityKey, new_session
from tests.support.key_apis import KeyAPI, answer, registration
from tests.support.service import ROOT, SESSION


def bind_at_logon(service, kind):
    """Log on, and bind what the dialog box asks for: the phone, or the key."""
    session = new_session()
    must = service.perform("alice", BeginLogon(session=session))
    assert isinstance(must, MustBind)
    me = Enrolment(must.id, session=session)
    if kind is Kind.VIRTUAL:
        offer = service.perform("alice", OfferVirtualDevice(by=me, account_name="alice", session=session, create=True))
        phone = AuthenticatorApp.scan(offer.key_uri)
        code = phone.code_at(service.clock())
        bound = service.perform("alice", ConfirmVirtualDevice([code], offer=offer.id, by=me, session=session))
        device = phone
    else:
        offer = service.perform("alice", OfferSecurityKey(by=me, account_name="alice", session=session, create=True))
        device = SoftSecurityKey()
        told = registration(KeyAPI.WEBAUTHN, device, offer)
        bound = service.perform("alice", ConfirmSecurityKey(told, offer=offer.id, by=me, session=session))
    assert bound.proof.user == "alice"
    return device


def bind(service, kind):
    """An administrator binds a device of the kind."""
    return service.phone("alice") if kind is Kind.VIRTUAL else service.key("alice")


def evidence(service, device, asked):
    """What the device answers to a challenge."""
    if isinstance(device, AuthenticatorApp):
        service.clock.advance(device.period)
        return service.code(device)
    return answer(KeyAPI.WEBAUTHN, device, asked)


def logs_on(service, device):
    session = new_session()
    asked = service.ask("alice", session=session)
    return service.perform("alice", FinishLogon(asked.id, evidence(service, device, asked), session=session)).user


both = pytest.mark.parametrize("kind", Kind, ids=["virtual", "key"])


def other(kind):
    return Kind.SECURITY_KEY if kind is Kind.VIRTUAL else Kind.VIRTUAL


def offer_of(kind, **how):
    return (OfferVirtualDevice if kind is Kind.VIRTUAL else OfferSecurityKey)(account_name="alice", create=True, **how)


@both
class TestChangeTheType:
    @pytest.mark.requirement("B10")
    def test_one_type_at_a_time(self, service, kind):
        """While a device of one type is bound, none of the other type is: not even by an administrator."""
        bind(service, kind)
        refusal = service.refusal("alice", offer_of(other(kind), by=ROOT, session=new_session()))
        assert (refusal.reason, refusal.advice) == (Reason.OTHER_KIND_BOUND, Advice.NOT_ALLOWED)
        refusal = service.refusal("alice", offer_of(kind, by=ROOT, session=new_session()))
        assert refusal.reason is Reason.TOO_MANY_DEVICES

    @pytest.mark.requirement("B4", "B10")
    def test_by_the_user(self, service, kind):
        """The user logs on, unbinds the device with a proof of it, and binds a device of the other type."""
        device, session = bind(service, kind), new_session()
        asked = service.perform("alice", BeginStepUp(Operation.UNBIND, session=session))
        verb = FinishStepUp(asked.id, evidence(service, device, asked), operation=Operation.UNBIND, session=session)
        me = Owner(service.perform("alice", verb).receipt, session=session)
        assert service.perform("alice", Unbind(by=me)).kind is kind
        new = bind_at_logon(service, other(kind))
        assert logs_on(service, new) == "alice"
        assert [one.kind for one in service.perform("alice", Describe()).devices] == [other(kind)]

    def test_by_an_administrator(self, service, kind):
        """An administrator unbinds the device, and binds one of the other type."""
        bind(service, kind)
        service.perform("alice", Unbind(by=ROOT))
        assert logs_on(service, bind(service, other(kind))) == "alice"

    @pytest.mark.requirement("B10", "B12")
    def test_an_offer_of_before(self, service, kind):
        """An offer of the one type, made before a device of the other was bound, binds nothing beside it, nor later."""
        session = new_session()
        offer = service.perform("alice", offer_of(kind, by=ROOT, session=session))
        bind(service, other(kind))
        if kind is Kind.VIRTUAL:
            code = AuthenticatorApp.scan(offer.key_uri).code_at(service.clock())
            verb = ConfirmVirtualDevice([code], offer=offer.id, by=ROOT, session=session)
        else:
            told = registration(KeyAPI.WEBAUTHN, SoftSecurityKey(), offer)
            verb = ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=session)
        assert service.refusal("alice", verb).reason is Reason.FOREIGN_TICKET
        service.perform("alice", Unbind(by=ROOT))
        assert service.refusal("alice", verb).reason is Reason.FOREIGN_TICKET


@both
class TestLostDevice:
    """The app was uninstalled, or the key is lost: the user cannot log on, and an administrator helps."""

    @pytest.mark.parametrize("how", [Unbind, ResetMFA])
    @pytest.mark.requirement("B5", "B6", "B7")
    def test_unbind_and_bind_again(self, service, kind, how):
        """An administrator unbinds the device; the user is made to bind another at the next logon, where MFA is
        required, and the lost one is of no use to whoever finds it.
        """
        lost = bind(service, kind)
        session = "the session of one browser"
        asked = service.ask("alice", session=session)
        service.perform("alice", how(by=ROOT))
        # Whoever found it, and even had begun a logon before, is not in.
        verb = FinishLogon(asked.id, evidence(service, lost, asked), session=session)
        assert service.refusal("alice", verb).reason is Reason.FOREIGN_TICKET
        new = bind_at_logon(service, kind)
        # Nor after the user has bound a new one.
        asked = service.ask("alice", session=session)
        if kind is Kind.VIRTUAL:
            stale = evidence(service, lost, asked)
            assert service.refusal("alice", FinishLogon(asked.id, stale, session=session)).reason is Reason.WRONG_CODE
        else:
            with pytest.raises(ClientRefused):
                lost.get(asked.options, "https://console.example.com")
        assert logs_on(service, new) == "alice"

    def test_where_mfa_is_not_required(self, service, kind):
        """Where MFA is not required of the user, the user logs on without it after the unbind, and may bind again."""
        bind(service, kind)
        service.perform("alice", RequireMFA(required=False, by=ROOT))
        service.perform("alice", Unbind(by=ROOT))
        assert isinstance(service.perform("alice", BeginLogon(session=new_session())), NotRequired)
        assert logs_on(service, bind(service, kind)) == "alice"

    @pytest.mark.requirement("B4", "V22")
    def test_the_user_alone_cannot(self, service, kind):
        """With the password alone nobody takes a device off: the user who lost it asks an administrator."""
        bind(service, kind)
        session = new_session()
        for me in (
            Owner("no receipt", session=session),
            service.first_device("alice", session=session),
            Enrolment("no ticket", session=session),
        ):
            assert service.refusal("alice", Unbind(by=me)).advice in {Advice.PROVE_AGAIN, Advice.NOT_ALLOWED}
            assert service.refusal("alice", offer_of(kind, by=me, session=session)).advice in {
                Advice.PROVE_AGAIN,
                Advice.START_OVER,
            }
        assert len(service.perform("alice", Describe()).devices) == 1

    def test_where_it_turns_up_again(self, service, kind):
        """A device that was unbound and turns up again is bound like any other; until then it is of no use."""
        lost = bind(service, kind)
        service.perform("alice", Unbind(by=ROOT))
        assert isinstance(service.perform("alice", BeginLogon(session=new_session())), MustBind)
        if kind is Kind.SECURITY_KEY:
            service.key("alice", key=lost)
            assert logs_on(service, lost) == "alice"
        else:
            assert logs_on(service, service.phone("alice")) == "alice"


class TestAPhoneWhoseClockIsOff:
    @pytest.mark.requirement("O11")
    def test_resynchronise(self, service):
        """An administrator enters two consecutive codes of a phone whose clock is two minutes off; then it logs on."""
        phone = service.phone("alice")
        phone.drift = -120
        service.clock.advance(600)
        codes = phone.codes_at(service.clock() - phone.period)
        service.perform("alice", ResyncVirtualDevice(codes=codes, by=ROOT))
        asked = service.ask("alice")
        used = FinishLogon(asked.id, TOTPCode(codes[1]), session=SESSION)
        assert service.refusal("alice", used).reason is Reason.REPLAYED_CODE
        assert logs_on(service, phone) == "alice"
