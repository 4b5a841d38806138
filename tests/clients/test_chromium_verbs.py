# SPDX-License-Identifier: Apache-2.0
"""The whole life of a security key in Chromium: offered, bound, used, lost to a clone, and brought over from U2F."""

from __future__ import annotations

import base64
import json

import pytest

from ram_mfa import (
    MFA,
    Administrator,
    AESGCMSeal,
    Assertion,
    BeginLogon,
    BeginStepUp,
    ConfirmSecurityKey,
    Describe,
    FinishLogon,
    FinishStepUp,
    ImportSecurityKey,
    MFAPolicy,
    OfferSecurityKey,
    Operation,
    Refused,
    RelyingParty,
    SecurityKeyPolicy,
    Unbind,
)
from ram_mfa.policy import DevicePolicy
from ram_mfa.refusals import Advice, Kind, Reason
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import SoftSecurityKey, new_session
from ram_mfa.u2f import RegisterRequest
from ram_mfa.webauthn import AttestationLevel, AttestationPolicy
from tests.support.chromium import SITE, PageRefused, create, get

ROOT = Administrator("root")
APP_ID = f"https://{SITE}/u2f/facets.json"
USER = "alice"


@pytest.fixture(params=["u2f", "ctap2"])
def protocol(request):
    return request.param


@pytest.fixture
def page(browser):
    with browser.page(browser.localhost) as opened:
        yield opened


@pytest.fixture
def secured(browser):
    with browser.page(browser.site) as opened:
        yield opened


def service(*origins, rp_id="localhost", app_id=None):
    party = RelyingParty(id=rp_id, origins=origins, name="Example Cloud", app_id=app_id)
    policy = MFAPolicy.ram(
        issuer="Example Cloud",
        relying_party=party,
        devices=DevicePolicy(max_devices=3),
        security_keys=SecurityKeyPolicy(attestation=AttestationPolicy(level=AttestationLevel.UNVERIFIED_ALLOWED)),
    )
    seal = AESGCMSeal({"2026": bytes(range(32))}, seal_with="2026")
    return MFA(MemoryStore(), policy, seal=seal, create=True)


def bind(mfa, page, session=None):
    session = session or new_session()
    offer = mfa.perform(USER, OfferSecurityKey(ROOT, account_name="alice@example", session=session, create=True))
    answer = json.dumps(create(page, offer.options))
    return mfa.perform(USER, ConfirmSecurityKey(answer, offer=offer.id, by=ROOT, session=session))


def answered(mfa, page, session):
    """Return the ticket of a logon and the browser's answer to it."""
    challenge = mfa.perform(USER, BeginLogon(session=session))
    return challenge.id, Assertion(json.dumps(get(page, challenge.options)))


def log_on(mfa, page):
    session = new_session()
    ticket, answer = answered(mfa, page, session)
    return mfa.perform(ticket.user, FinishLogon(ticket, answer, session=session))


def refused(reason, action, *, check=None):
    with pytest.raises(Refused) as caught:
        action()
    assert (caught.value.refusal.reason, caught.value.refusal.check) == (reason, check)
    return caught.value.refusal


class TestSecurityKeyInChromium:
    def test_bind_log_on_and_step_up(self, page, protocol):
        """A key is bound, logs on as often as it is asked, and proves a sensitive operation."""
        page.plug(protocol)
        mfa = service(page.origin)
        bound = bind(mfa, page)
        assert bound.kind is Kind.SECURITY_KEY
        for _ in range(2):
            proof = log_on(mfa, page)
            assert (proof.user, proof.device, proof.phishing_resistant) == (USER, bound.id, True)
        operation, session = Operation("server.delete", "i-0815"), new_session()
        challenge = mfa.perform(USER, BeginStepUp(operation, session=session))
        answer = Assertion(get(page, challenge.options))
        proof = mfa.perform(USER, FinishStepUp(challenge.id, answer, operation=operation, session=session))
        assert proof.operation == operation

    def test_excluded(self, page, protocol):
        """The options of a second bind exclude the first key, and the browser obeys."""
        page.plug(protocol)
        mfa = service(page.origin)
        bind(mfa, page)
        with pytest.raises(PageRefused) as excluded:
            bind(mfa, page)
        assert excluded.value.name == "InvalidStateError"

    def test_two_keys(self, page):
        """Of two keys of one user whichever is touched logs on."""
        first = page.plug("u2f")
        mfa = service(page.origin)
        ids = [bind(mfa, page).id]
        first.touch(simulated=False)
        second = page.plug("u2f")
        ids.append(bind(mfa, page).id)
        assert log_on(mfa, page).device == ids[1]
        second.touch(simulated=False)
        first.touch(simulated=True)
        assert log_on(mfa, page).device == ids[0]

    @pytest.mark.requirement("V27")
    def test_wrong_origin(self, browser, secured, protocol):
        """What a neighbouring page was given binds nothing and logs on nobody; the fresh challenge then passes."""
        secured.plug(protocol)
        mfa = service(browser.site, rp_id="example.test")
        bind(mfa, secured)
        neighbour = secured.visit(browser.origin("shop.example.test"))
        session = new_session()
        ticket, answer = answered(mfa, neighbour, session)
        refusal = refused(
            Reason.WRONG_ANSWER,
            lambda: mfa.perform(USER, FinishLogon(ticket, answer, session=session)),
            check="origin",
        )
        again = refusal.next_challenge
        home = neighbour.visit(browser.site)
        answer = Assertion(get(home, again.options))
        assert mfa.perform(USER, FinishLogon(again.id, answer, session=session)).user == USER

    def test_wrong_origin_at_binding(self, browser, secured):
        """A registration made on a neighbouring page is not accepted."""
        secured.plug("u2f")
        neighbour = secured.visit(browser.origin("shop.example.test"))
        mfa = service(browser.site, rp_id="example.test")
        refused(Reason.BAD_REGISTRATION, lambda: bind(mfa, neighbour), check="origin")
        assert mfa.perform(USER, Describe()).devices == ()

    @pytest.mark.requirement("V26")
    def test_replayed(self, page, protocol):
        """An answer that logged on is worth nothing a second time, under its own ticket or under another."""
        page.plug(protocol)
        mfa, session = service(page.origin), new_session()
        bind(mfa, page)
        ticket, answer = answered(mfa, page, session)
        mfa.perform(USER, FinishLogon(ticket, answer, session=session))
        spent = refused(Reason.SPENT_TICKET, lambda: mfa.perform(USER, FinishLogon(ticket, answer, session=session)))
        assert spent.advice is Advice.START_OVER
        fresh = mfa.perform(USER, BeginLogon(session=session))
        refused(
            Reason.WRONG_ANSWER,
            lambda: mfa.perform(USER, FinishLogon(fresh.id, answer, session=session)),
            check="challenge",
        )

    @pytest.mark.requirement("V14")
    def test_another_session(self, page):
        """An answer given in one browser session logs on in no other."""
        page.plug("u2f")
        mfa = service(page.origin)
        bind(mfa, page)
        ticket, answer = answered(mfa, page, new_session())
        refused(Reason.FOREIGN_TICKET, lambda: mfa.perform(USER, FinishLogon(ticket, answer, session=new_session())))

    @pytest.mark.requirement("U9")
    def test_cloned(self, page, protocol):
        """A copy whose count went back is refused, and the administrator can see it."""
        original = page.plug(protocol)
        mfa = service(page.origin)
        bind(mfa, page)
        (secret,) = original.credentials()
        log_on(mfa, page)
        original.unplug()
        page.plug(protocol).add(**{"rpId": "localhost", **secret})
        refused(Reason.CLONED_KEY, lambda: log_on(mfa, page), check="sign count")
        (device,) = mfa.perform(USER, Describe()).devices
        assert device.cloned_at is not None

    def test_unbound(self, page):
        """An answer to a challenge from before the key was unbound logs nobody on."""
        page.plug("u2f")
        mfa, session = service(page.origin), new_session()
        bind(mfa, page)
        ticket, answer = answered(mfa, page, session)
        mfa.perform(USER, Unbind(by=ROOT))
        with pytest.raises(Refused):
            mfa.perform(USER, FinishLogon(ticket, answer, session=session))


class TestKeysFromU2F:
    def plugged(self, secured, key):
        """Put the soft key's one registration into a virtual authenticator."""
        (handle,) = key.credential_ids
        return secured.plug("u2f").add(
            credentialId=base64.b64encode(handle).decode(),
            isResidentCredential=False,
            rpId=APP_ID,
            privateKey=base64.b64encode(key.memory.credentials[handle].key_pair.pkcs8).decode(),
            signCount=key.counter,
        )

    @pytest.mark.parametrize("form", ["python-u2flib-server", "raw"])
    def test_imported(self, secured, form):
        """A registration that another library kept is imported, and logs on over HTTPS through the appid extension."""
        mfa, key = service(secured.origin, rp_id=SITE), SoftSecurityKey()
        answer = key.u2f_register(RegisterRequest(APP_ID, b"c" * 32).to_json(), f"https://{SITE}")
        raw = base64.urlsafe_b64decode(answer["registrationData"] + "==")
        kept = raw
        if form == "python-u2flib-server":
            public_key, handle = (
                base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (raw[1:66], raw[67:131])
            )
            kept = json.dumps({"version": "U2F_V2", "publicKey": public_key, "keyHandle": handle, "appId": APP_ID})
        mfa.perform(USER, ImportSecurityKey(kept, app_id=APP_ID, by=ROOT, create=True))
        self.plugged(secured, key)
        assert [log_on(mfa, secured).user for _ in range(2)] == [USER, USER]

    def test_bound_by_a_legacy_client(self, secured):
        """A key that a legacy client bound through the U2F request of the offer logs on from a browser of today."""
        mfa, key, session = (
            service(secured.origin, f"https://{SITE}", rp_id=SITE, app_id=APP_ID),
            SoftSecurityKey(),
            new_session(),
        )
        offer = mfa.perform(USER, OfferSecurityKey(ROOT, account_name="alice@example", session=session, create=True))
        answer = key.u2f_register(offer.u2f, f"https://{SITE}")
        bound = mfa.perform(USER, ConfirmSecurityKey(answer, offer=offer.id, by=ROOT, session=session))
        self.plugged(secured, key)
        assert log_on(mfa, secured).device == bound.id

    def test_not_registered_again(self, secured):
        """The options of another bind exclude the imported key under its AppID."""
        mfa, key = service(secured.origin, rp_id=SITE), SoftSecurityKey()
        answer = key.u2f_register(RegisterRequest(APP_ID, b"c" * 32).to_json(), f"https://{SITE}")
        raw = base64.urlsafe_b64decode(answer["registrationData"] + "==")
        mfa.perform(USER, ImportSecurityKey(raw, app_id=APP_ID, by=ROOT, create=True))
        self.plugged(secured, key)
        with pytest.raises(PageRefused) as excluded:
            bind(mfa, secured)
        assert excluded.value.name == "InvalidStateError"
