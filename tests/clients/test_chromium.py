# SPDX-License-Identifier: Apache-2.0
"""Chromium's virtual authenticators register and log on, and the library's verification judges what really comes."""

from __future__ import annotations

import base64
import json
import os

import pytest

from ram_mfa.errors import Check, VerificationError
from ram_mfa.testing import SoftSecurityKey
from ram_mfa.u2f import (
    FINISH_ENROLLMENT,
    RegisterRequest,
    RegisterResponse,
    application_parameter,
    challenge_parameter,
)
from ram_mfa.u2f import verify_registration as verify_u2f_registration
from ram_mfa.webauthn import (
    AttestationLevel,
    AttestationPolicy,
    AuthenticationResponse,
    Credential,
    CredentialDescriptor,
    RegistrationResponse,
    creation_options,
    request_options,
    verify_authentication,
    verify_registration,
)
from ram_mfa.webauthn.options import OFFERED
from tests.support.chromium import SITE, PageRefused, create, get

ATTESTED = AttestationPolicy(level=AttestationLevel.UNVERIFIED_ALLOWED)
FORMATS = {"u2f": "fido-u2f", "ctap2": "packed"}


@pytest.fixture(params=list(FORMATS))
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


def new_options(challenge, *, rp_id="localhost", attestation="direct", **changes):
    return creation_options(
        challenge=challenge,
        rp_id=rp_id,
        rp_name="Example Cloud",
        user_handle=os.urandom(32),
        user_name="alice",
        attestation=attestation,
        **changes,
    )


def register(page, *, rp_id="localhost", attestation="direct", origins=None, challenge=None, **changes):
    sent = os.urandom(32)
    answer = create(page, new_options(sent, rp_id=rp_id, attestation=attestation, **changes))
    return verify_registration(
        RegistrationResponse.from_json(json.dumps(answer)),
        challenge=challenge or sent,
        rp_id=rp_id,
        origins=origins or [page.origin],
        algorithms=OFFERED,
        attestation=ATTESTED if attestation == "direct" else AttestationPolicy(),
    )


def stored(registered, sign_count=None):
    count = registered.sign_count if sign_count is None else sign_count
    return Credential(id=registered.id, public_key=registered.public_key, sign_count=count)


def asked(credential, challenge, *, rp_id="localhost", app_id=None):
    return request_options(challenge=challenge, rp_id=rp_id, allow=[CredentialDescriptor(credential.id)], app_id=app_id)


def verified(answer, credential, challenge, *, origin, rp_id="localhost", app_id=None):
    return verify_authentication(
        AuthenticationResponse.from_json(json.dumps(answer)),
        credential=credential,
        challenge=challenge,
        rp_id=rp_id,
        origins=[origin],
        app_id=app_id,
    )


def log_on(page, credential, *, rp_id="localhost", app_id=None):
    challenge = os.urandom(32)
    answer = get(page, asked(credential, challenge, rp_id=rp_id, app_id=app_id))
    return verified(answer, credential, challenge, origin=page.origin, rp_id=rp_id, app_id=app_id)


def refused_by_browser(name, action):
    with pytest.raises(PageRefused) as refused:
        action()
    assert refused.value.name == name


def refused_by_library(check, action):
    with pytest.raises(VerificationError) as refused:
        action()
    assert refused.value.check is check


class TestRegisterAndLogOn:
    @pytest.mark.parametrize("attestation", ["direct", "none"])
    def test_whole_way(self, page, protocol, attestation):
        """Both kinds of authenticator register with attestation and without, and log on with a count that goes up."""
        page.plug(protocol)
        registered = register(page, attestation=attestation)
        assert registered.attestation.format == (FORMATS[protocol] if attestation == "direct" else "none")
        first = log_on(page, stored(registered))
        second = log_on(page, stored(registered, first.sign_count))
        assert second.sign_count > first.sign_count > 0

    def test_several_keys(self, page, protocol):
        """Of several plugged in, the one that is touched and has the credential answers."""
        mine = page.plug(protocol)
        registered = register(page)
        page.plug("ctap2", automaticPresenceSimulation=False)
        assert log_on(page, stored(registered)).credential_id == registered.id
        assert len(mine.credentials()) == 1

    def test_https(self, browser, secured, protocol):
        """It is the same over HTTPS, from a page below the RP ID's domain."""
        secured.plug(protocol)
        registered = register(secured, rp_id="example.test")
        log_on(secured, stored(registered), rp_id="example.test")

    def test_user_verification(self, page):
        """A key that recognises its user says so where that is preferred."""
        page.plug("ctap2", hasUserVerification=True, isUserVerified=True)
        assert register(page, user_verification="preferred").user_verified


class TestRefusedByTheBrowser:
    def test_excluded(self, page, protocol):
        """A key that is registered already is not registered again: InvalidStateError."""
        page.plug(protocol)
        known = CredentialDescriptor(register(page).id)
        refused_by_browser("InvalidStateError", lambda: register(page, exclude=[known]))

    def test_wrong_site(self, browser, secured, protocol):
        """A page of another site may not ask for the RP ID at all: SecurityError."""
        secured.plug(protocol)
        registered = register(secured, rp_id=SITE)
        phishing = secured.visit(browser.origin("console.evil.test"))
        refused_by_browser("SecurityError", lambda: log_on(phishing, stored(registered), rp_id=SITE))

    def test_untouched(self, page, protocol):
        """Without a touch nothing comes back: NotAllowedError when the time is over."""
        key = page.plug(protocol)
        registered = register(page)
        key.touch(simulated=False)
        options = {**asked(stored(registered), os.urandom(32)), "timeout": 500}
        refused_by_browser("NotAllowedError", lambda: get(page, options))

    def test_u2f_cannot_verify_its_user(self, page):
        """Where user verification is required, a U2F key is not even asked."""
        page.plug("u2f")
        refused_by_browser("NotAllowedError", lambda: register(page, user_verification="required", timeout=1))

    def test_no_app_id_on_localhost(self, page):
        """The appid extension never works on http://localhost."""
        page.plug("u2f")
        registered = register(page)
        refused_by_browser("SecurityError", lambda: log_on(page, stored(registered), app_id="https://localhost"))


class TestRefusedByTheLibrary:
    @pytest.mark.requirement("V27")
    def test_wrong_origin(self, browser, secured, protocol):
        """What another page of the same domain was given is refused by its origin, at registration and at logon."""
        secured.plug(protocol)
        registered = register(secured, rp_id="example.test")
        neighbour = secured.visit(browser.origin("shop.example.test"))
        refused_by_library(Check.ORIGIN, lambda: register(neighbour, rp_id="example.test", origins=[browser.site]))
        challenge = os.urandom(32)
        answer = get(neighbour, asked(stored(registered), challenge, rp_id="example.test"))
        refused_by_library(
            Check.ORIGIN,
            lambda: verified(answer, stored(registered), challenge, origin=browser.site, rp_id="example.test"),
        )
        verified(answer, stored(registered), challenge, origin=neighbour.origin, rp_id="example.test")

    def test_framed(self, browser, secured, protocol):
        """An answer given in a frame of another page says so, and is refused unless that page is named."""
        secured.plug(protocol)
        registered = register(secured, rp_id=SITE)
        framing = secured.visit(browser.origin("portal.example.test"))
        framed = framing.frame(browser.site)
        challenge = os.urandom(32)
        answer = get(framed, asked(stored(registered), challenge, rp_id=SITE))

        def judged(**allowed):
            return verify_authentication(
                AuthenticationResponse.from_json(answer),
                credential=stored(registered),
                challenge=challenge,
                rp_id=SITE,
                origins=[browser.site],
                **allowed,
            )

        refused_by_library(Check.CROSS_ORIGIN, judged)
        refused_by_library(Check.TOP_ORIGIN, lambda: judged(cross_origin=True, top_origins=[browser.site]))
        assert judged(cross_origin=True, top_origins=[framing.origin]).credential_id == registered.id

    @pytest.mark.requirement("V26", "U9")
    def test_replayed(self, page, protocol):
        """An assertion is refused by its challenge in the next ceremony, and by its count in its own."""
        page.plug(protocol)
        registered = register(page)
        challenge = os.urandom(32)
        answer = get(page, asked(stored(registered), challenge))
        last = verified(answer, stored(registered), challenge, origin=page.origin).sign_count
        again = stored(registered, last)
        refused_by_library(Check.CHALLENGE, lambda: verified(answer, again, os.urandom(32), origin=page.origin))
        refused_by_library(Check.SIGN_COUNT, lambda: verified(answer, again, challenge, origin=page.origin))

    def test_replayed_registration(self, page, protocol):
        """A registration is refused by its challenge in the next ceremony."""
        page.plug(protocol)
        refused_by_library(Check.CHALLENGE, lambda: register(page, challenge=os.urandom(32)))

    @pytest.mark.requirement("U9")
    def test_cloned(self, page, protocol):
        """Of a credential and its copy in a second authenticator, the second to answer is refused by its count."""
        original = page.plug(protocol)
        registered = register(page)
        (secret,) = original.credentials()
        last = log_on(page, stored(registered)).sign_count
        original.unplug()
        # The copy was taken before that logon, and a U2F credential does not know its RP ID's name.
        page.plug(protocol).add(**{"rpId": "localhost", **secret})
        refused_by_library(Check.SIGN_COUNT, lambda: log_on(page, stored(registered, last)))

    def test_another_users_key(self, page, protocol):
        """A signature by one credential is none by another."""
        page.plug(protocol)
        mine, another = register(page), register(page)
        challenge = os.urandom(32)
        answer = get(page, asked(stored(another), challenge))
        refused_by_library(Check.CREDENTIAL_ID, lambda: verified(answer, stored(mine), challenge, origin=page.origin))


@pytest.fixture
def imported(browser, secured):
    """A key that a legacy client registered through U2F, now plugged into a browser of today."""
    app_id = f"https://{SITE}/u2f/facets.json"
    key, challenge = SoftSecurityKey(), os.urandom(32)
    answer = key.u2f_register(RegisterRequest(app_id, challenge).to_json(), f"https://{SITE}")
    response = RegisterResponse.parse(answer)
    response.client_data.check(typ=FINISH_ENROLLMENT, challenge=challenge, facets=[f"https://{SITE}"])
    verify_u2f_registration(
        response.registration,
        application_parameter=application_parameter(app_id),
        challenge_parameter=challenge_parameter(response.client_data),
    )
    handle = response.registration.key_handle
    secured.plug("u2f").add(
        credentialId=base64.b64encode(handle).decode(),
        isResidentCredential=False,
        rpId=app_id,
        privateKey=base64.b64encode(key.memory.credentials[handle].key_pair.pkcs8).decode(),
        signCount=key.counter,
    )
    return Credential(id=handle, public_key=response.registration.public_key, sign_count=0, app_id=app_id)


class TestAppID:
    @pytest.mark.requirement("U14")
    def test_imported(self, secured, imported):
        """A key registered through U2F logs on from a browser through the appid extension, count and all."""
        first = log_on(secured, imported, rp_id=SITE, app_id=imported.app_id)
        assert first.app_id_used
        later = Credential(
            id=imported.id,
            public_key=imported.public_key,
            sign_count=first.sign_count,
            app_id=imported.app_id,
        )
        assert log_on(secured, later, rp_id=SITE, app_id=imported.app_id).sign_count > first.sign_count

    def test_not_asked(self, secured, imported):
        """Without the extension the browser finds no such key."""
        options = {**asked(imported, os.urandom(32), rp_id=SITE), "timeout": 500}
        refused_by_browser("NotAllowedError", lambda: get(secured, options))

    def test_foreign_app_id(self, secured, imported):
        """An AppID of another site is a SecurityError."""
        refused_by_browser(
            "SecurityError", lambda: log_on(secured, imported, rp_id=SITE, app_id="https://console.evil.test")
        )

    def test_of_another_credential(self, secured, imported):
        """An answer under the AppID is refused for a credential that was not registered under it."""
        challenge = os.urandom(32)
        answer = get(secured, asked(imported, challenge, rp_id=SITE, app_id=imported.app_id))
        webauthn = Credential(id=imported.id, public_key=imported.public_key, sign_count=0)
        for credential, app_id in ((webauthn, imported.app_id), (imported, None)):
            refused_by_library(
                Check.APP_ID,
                lambda credential=credential, app_id=app_id: verified(
                    answer, credential, challenge, origin=secured.origin, rp_id=SITE, app_id=app_id
                ),
            )

    def test_registered_today(self, secured, protocol):
        """A key registered through WebAuthn and asked with appid answers under the RP ID."""
        secured.plug(protocol)
        registered = register(secured, rp_id=SITE)
        app_id = f"https://{SITE}/u2f/facets.json"
        assert not log_on(secured, stored(registered), rp_id=SITE, app_id=app_id).app_id_used

    def test_exclude(self, secured, imported):
        """A key registered through U2F is not registered again where appidExclude names its AppID."""
        known = CredentialDescriptor(imported.id)
        refused_by_browser(
            "InvalidStateError",
            lambda: register(secured, rp_id=SITE, exclude=[known], app_id_exclude=imported.app_id),
        )
