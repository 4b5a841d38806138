# SPDX-License-Identifier: Apache-2.0
"""The bridge from U2F at a logon: requested, used, and registered through U2F must agree, and nothing else passes.

WebAuthn Level 3, "FIDO AppID Extension". Each answer here is signed by the key itself over what it says.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json

import attrs
import pytest

from ram_mfa import (
    Assertion,
    ConfirmSecurityKey,
    DevicePolicy,
    ImportSecurityKey,
    OfferSecurityKey,
    Reason,
    Refused,
    U2FSignature,
)
from ram_mfa.encoding.base64url import encode
from ram_mfa.testing import SoftSecurityKey
from tests.support.key_apis import KeyAPI, registration
from tests.support.key_ceremony import bind
from tests.support.key_faults import KINDS
from tests.support.legacy import registered
from tests.support.service import APP_ID, ORIGIN, PARTY, ROOT, SESSION, finish

OTHER_APP_ID = "https://example.com/another/app-id.json"
CELLS = list(itertools.product([True, False], repeat=3))


def scene(services, *, requested, through_u2f):
    """Return a service and a key bound in it, such that a logon does or does not request this key's AppID."""
    service = services(devices=DevicePolicy(max_devices=3))
    if requested and not through_u2f:
        bind(service, KINDS[3])  # another key of the user's has that AppID
    if not requested and through_u2f:
        service.perform("alice", ImportSecurityKey(registered().kept, app_id=APP_ID, by=ROOT, create=True))
    key = bind(service, KINDS[3] if through_u2f else KINDS[0])
    if not requested and through_u2f:
        # one AppID is requested, that of the key bound first; no verb binds a second one under another
        older, newer = service.account("alice").devices
        service.plant("alice", devices=(attrs.evolve(older, app_id=OTHER_APP_ID), newer))
    asked = service.ask("alice")
    assert (asked.options["extensions"].get("appid") == APP_ID) is requested
    return service, key, asked


def signed(key, asked, *, under, used, origin=ORIGIN):
    """Return the answer of a key over the hash of an RP ID or AppID, with that output of the extension, or none."""
    (handle,) = key.credential_ids
    credential = key.memory.credentials[handle]
    members = {
        "type": "webauthn.get",
        "challenge": asked.options["challenge"],
        "origin": origin,
        "crossOrigin": False,
    }
    client_data = json.dumps(members).encode()
    data = hashlib.sha256(under.encode()).digest() + b"\x01" + key.count(credential).to_bytes(4, "big")
    signature = credential.key_pair.sign(data + hashlib.sha256(client_data).digest())
    return Assertion(
        {
            "id": encode(handle),
            "rawId": encode(handle),
            "type": "public-key",
            "response": {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(signature),
            },
            "clientExtensionResults": {} if used is None else {"appid": used},
        }
    )


@pytest.mark.requirement("V33", "U14")
@pytest.mark.standard("WebAuthn Level 3 #sctn-appid-extension", "ram_mfa.FinishLogon")
class TestTheTable:
    @pytest.mark.parametrize(("requested", "used", "through_u2f"), CELLS)
    def test_under_the_app_id(self, services, requested, used, through_u2f):
        """An answer under the AppID passes in one cell of eight: requested, used, and registered through U2F."""
        service, key, asked = scene(services, requested=requested, through_u2f=through_u2f)
        verb = finish(asked, signed(key, asked, under=APP_ID, used=used))
        if requested and used and through_u2f:
            assert service.perform("alice", verb).user == "alice"
            return
        refusal = service.refusal("alice", verb)
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "AppID" if used else "RP ID hash")

    @pytest.mark.parametrize(("requested", "used", "through_u2f"), CELLS)
    def test_under_the_rp_id(self, services, requested, used, through_u2f):
        """An answer under the RP ID is judged as if there were no extension, and never passes where one says it was."""
        service, key, asked = scene(services, requested=requested, through_u2f=through_u2f)
        verb = finish(asked, signed(key, asked, under="example.com", used=used))
        if not used:
            assert service.perform("alice", verb).user == "alice"
            return
        refusal = service.refusal("alice", verb)
        check = "RP ID hash" if requested and through_u2f else "AppID"
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, check)

    def test_one_cell(self, services):
        """Counted over the whole table: one cell of eight lets an answer under the AppID in."""
        passed = []
        for requested, used, through_u2f in CELLS:
            service, key, asked = scene(services, requested=requested, through_u2f=through_u2f)
            verb = finish(asked, signed(key, asked, under=APP_ID, used=used))
            with contextlib.suppress(Refused):
                service.perform("alice", verb)
                passed.append((requested, used, through_u2f))
        assert passed == [(True, True, True)]

    @pytest.mark.parametrize("used", [None, "true", 1, 0, [], {"appid": True}])
    def test_no_output(self, services, used):
        """Without an output, or with one that is neither true nor false, the AppID is not used."""
        service, key, asked = scene(services, requested=True, through_u2f=True)
        refusal = service.refusal("alice", finish(asked, signed(key, asked, under=APP_ID, used=used)))
        assert refusal.reason is Reason.WRONG_ANSWER
        assert refusal.check == ("RP ID hash" if used is None else "malformed authentication response: appid")

    @pytest.mark.parametrize("under", [OTHER_APP_ID, APP_ID + "/", APP_ID.upper(), "example.com/", "wrong.example", ""])
    def test_other_names(self, services, under):
        """Neither another AppID nor another form of this one."""
        service, key, asked = scene(services, requested=True, through_u2f=True)
        refusal = service.refusal("alice", finish(asked, signed(key, asked, under=under, used=True)))
        assert (refusal.reason, refusal.check) == (Reason.WRONG_ANSWER, "RP ID hash")


@pytest.mark.requirement("A33")
class TestOneAppID:
    def test_a_second_is_refused(self, services):
        """A key under another AppID than the user's others is refused and told why: no request could name both."""
        service = services(devices=DevicePolicy(max_devices=3))
        other = registered(app_id=OTHER_APP_ID)
        service.perform("alice", ImportSecurityKey(other.kept, app_id=OTHER_APP_ID, by=ROOT, create=True))
        with service.unchanged():
            verb = ImportSecurityKey(registered().kept, app_id=APP_ID, by=ROOT)
            assert service.refusal("alice", verb).reason is Reason.OTHER_APP_ID
        offer = service.perform("alice", OfferSecurityKey(ROOT, account_name="alice", session=SESSION))
        told = registration(KeyAPI.U2F, SoftSecurityKey(), offer)
        confirm = ConfirmSecurityKey(told, offer=offer.id, by=ROOT, session=SESSION)
        assert service.refusal("alice", confirm).reason is Reason.OTHER_APP_ID
        bind(service, KINDS[0])  # one through WebAuthn has no AppID
        service.perform("bob", ImportSecurityKey(registered().kept, app_id=APP_ID, by=ROOT, create=True))


@pytest.mark.requirement("A33")
class TestNativeApps:
    APP = "android:apk-key-hash:" + "A" * 43

    def test_answers_of_an_app(self, services):
        """An app that the policy names logs on, through either API; one that it does not name does not."""
        named = {"webauthn": self.APP, "u2f": "ios:bundle-id:com.example"}
        party = attrs.evolve(PARTY, native_apps=list(named.values()))
        service = services(relying_party=party, devices=DevicePolicy(max_devices=3))
        key = bind(service, KINDS[3])
        for app in (*named.values(), self.APP[:-1] + "E", "ios:bundle-id:com.example.evil", ORIGIN):
            for api, own in named.items():
                asked = service.ask("alice")
                if api == "webauthn":
                    verb = finish(asked, signed(key, asked, under=APP_ID, used=True, origin=app))
                else:
                    verb = finish(asked, signed_through_u2f(key, asked, origin=app))
                if app in {ORIGIN, self.APP, own}:
                    assert service.perform("alice", verb).user == "alice"
                else:
                    assert service.refusal("alice", verb).check == "origin"


def signed_through_u2f(key, asked, *, origin):
    """Return the answer of a key to the U2F sign request, asked for by a page or app."""
    (handle,) = key.credential_ids
    credential = key.memory.credentials[handle]
    members = {"typ": "navigator.id.getAssertion", "challenge": asked.u2f["challenge"], "origin": origin}
    client_data = json.dumps(members).encode()
    count = b"\x01" + key.count(credential).to_bytes(4, "big")
    signature = credential.key_pair.sign(
        hashlib.sha256(APP_ID.encode()).digest() + count + hashlib.sha256(client_data).digest()
    )
    return U2FSignature(
        {"keyHandle": encode(handle), "clientData": encode(client_data), "signatureData": encode(count + signature)}
    )
