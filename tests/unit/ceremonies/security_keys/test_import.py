# SPDX-License-Identifier: Apache-2.0
"""Keys that another library registered through U2F are brought over, and log on from browsers of today."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ram_mfa import Administrator, EventType, ImportSecurityKey, Kind, Owner, Reason, Unbind
from ram_mfa.encoding.base64url import encode
from ram_mfa.policy import DevicePolicy
from ram_mfa.testing import SoftSecurityKey
from tests.support import rounds
from tests.support.key_apis import KeyAPI, answer
from tests.support.legacy import registered
from tests.support.service import APP_ID, ORIGIN, PARTY, ROOT, SESSION, Services, finish

OTHER_APP_ID = "https://example.com/u2f/facets.json"

FORMS = {
    "python-u2flib-server's JSON": lambda legacy: json.dumps(legacy.kept),
    "the same as a dict": lambda legacy: legacy.kept,
    "without its AppID": lambda legacy: {name: legacy.kept[name] for name in ("version", "keyHandle", "publicKey")},
    "without transports": lambda legacy: legacy.kept | {"transports": None},
    "the raw message": lambda legacy: legacy.raw,
}


def brought(what, *, app_id=APP_ID, **how):
    return ImportSecurityKey(what, app_id=app_id, by=ROOT, **how, create=True)


def logs_on(service, key, api, user="alice"):
    asked = service.ask(user)
    return service.perform(user, finish(asked, answer(api, key, asked)))


class TestImported:
    @pytest.mark.requirement("U14", "U10", "B1")
    @pytest.mark.standard("WebAuthn Level 3 #sctn-appid-extension", "ram_mfa.ImportSecurityKey")
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("api", KeyAPI, ids=lambda api: api.value)
    def test_logs_on(self, service, form, api):
        """However it was kept, the key logs on: in a browser through ``appid``, in a legacy client through U2F."""
        legacy = registered()
        bound = service.perform("alice", brought(FORMS[form](legacy), name="Old key"))
        assert (bound.kind, bound.name, bound.bound_by, bound.proof) == (
            Kind.SECURITY_KEY,
            "Old key",
            "administrator root",
            None,
        )
        (device,) = service.account("alice").devices
        assert (device.rp_id, device.app_id, device.sign_count) == (None, APP_ID, 0)
        assert device.credential_id == legacy.key_handle
        (event,) = service.events(EventType.DEVICE_BOUND)
        assert event.device == bound.id
        asked = service.ask("alice")
        assert asked.options["extensions"] == {"appid": APP_ID}
        assert asked.u2f["appId"] == APP_ID
        proof = logs_on(service, legacy.key, api)
        assert (proof.user, proof.device, proof.phishing_resistant) == ("alice", bound.id, True)
        assert service.account("alice").devices[0].sign_count == 1

    def test_another_app_id_than_the_policy_has(self, services):
        """A key keeps the AppID of its registration, whatever the site registers under now."""
        for api in KeyAPI:
            service, legacy = services(), registered(app_id=OTHER_APP_ID)
            service.perform("alice", brought(legacy.kept, app_id=OTHER_APP_ID))
            assert service.ask("alice").options["extensions"] == {"appid": OTHER_APP_ID}
            assert logs_on(service, legacy.key, api).user == "alice"

    @pytest.mark.requirement("B10")
    def test_beside_a_key_of_today(self, services):
        """Under a policy that allows it, old and new keys are bound together, and each logs on."""
        service = services(devices=DevicePolicy(max_devices=3))
        legacy, other, new = registered(), registered(), service.key("alice")
        for one in (legacy, other):
            service.perform("alice", brought(one.kept))
        for key in (new, legacy.key, other.key, new):
            assert logs_on(service, key, KeyAPI.WEBAUTHN).user == "alice"

    @pytest.mark.parametrize(
        ("named", "kept"),
        [
            (["usb", "nfc"], ("usb", "nfc")),
            (["bt", "ble", "usb"], ("ble", "usb")),
            (["usb-internal"], ("internal",)),
            (["usb"] * 1_000, ("usb",)),
            (["\ud800", "x" * 100_000, 5, None, ["usb"]], ()),
            ("usb", ()),
            (5, ()),
        ],
        ids=lambda value: str(value)[:12].encode("ascii", "replace").decode(),
    )
    def test_transports(self, services, named, kept):
        """Of the transports that were kept, those that a browser has a word for are handed on."""
        service, legacy = services(), registered()
        service.perform("alice", brought(legacy.kept | {"transports": named}))
        assert service.account("alice").devices[0].transports == kept
        assert logs_on(service, legacy.key, KeyAPI.WEBAUTHN).user == "alice"

    @pytest.mark.parametrize("length", [1, 255])
    def test_key_handles(self, service, length):
        """Key handles of every length that U2F has."""
        legacy = registered(key=SoftSecurityKey(credential_id_length=length))
        service.perform("alice", brought(legacy.raw))
        assert len(service.account("alice").devices[0].credential_id) == length
        assert logs_on(service, legacy.key, KeyAPI.WEBAUTHN).user == "alice"


def refused(service, verb, reason=Reason.BAD_IMPORT, user="alice"):
    """Check that nothing is bound, claimed or written."""
    with service.unchanged():
        assert service.refusal(user, verb).reason is reason


OFF_CURVE = encode(b"\x04" + b"\x01" * 64)
INFINITY = encode(b"\x00")
COMPRESSED = encode(b"\x02" + b"\x01" * 32)


class TestRefused:
    @pytest.mark.requirement("U14", "V33")
    def test_wrong_app_id(self, service):
        """A registration that names its AppID is imported under that one, to the letter."""
        legacy = registered()
        for other in (OTHER_APP_ID, APP_ID + "/", APP_ID.upper(), APP_ID.replace("https", "http")):
            refused(service, brought(legacy.kept, app_id=other))
            refused(service, brought(legacy.kept | {"appId": other}))

    @pytest.mark.parametrize(
        "app_id",
        [
            "",
            "example.com",
            "http://example.com/app",
            "https://",
            "https://example.com/#a",
            "\ud800",
            "x" * 5_000,
        ],
        ids=lambda text: repr(text)[:16],
    )
    def test_no_app_id(self, service, app_id):
        """What no client takes for an AppID is none: a request that names it would shut out the user's other keys."""
        legacy = registered()
        refused(service, brought(legacy.raw, app_id=app_id))
        refused(service, brought(legacy.kept, app_id=app_id))

    def test_a_key_of_another_app_id(self, service):
        """Imported under an AppID that is not its own, a key does not answer: nobody is let in by a guess."""
        legacy = registered(app_id=OTHER_APP_ID)
        service.perform("alice", brought(legacy.raw))
        asked = service.ask("alice")
        assert legacy.key.u2f_sign(asked.u2f, ORIGIN) == {"errorCode": 4}

    @pytest.mark.requirement("V34", "U4", "U17")
    @pytest.mark.parametrize(
        "changes",
        [
            {"publicKey": OFF_CURVE},
            {"publicKey": INFINITY},
            {"publicKey": COMPRESSED},
            {"publicKey": ""},
            {"publicKey": None},
            {"publicKey": 5},
            {"keyHandle": ""},
            {"keyHandle": encode(bytes(256))},
            {"keyHandle": "AA=="},
            {"keyHandle": "A+/A"},
            {"keyHandle": "AB"},
            {"keyHandle": ["AAAA"]},
            {"keyHandle": None},
            {"version": "U2F_V1"},
            {"version": None},
            {"appId": None},
            {"appId": ["https://example.com"]},
        ],
        ids=lambda changes: str(changes)[:40],
    )
    def test_malformed(self, service, changes):
        """A member that is not what it should be, a key that is no point of the curve, another version."""
        kept = registered().kept | changes
        refused(service, brought(kept))
        refused(service, brought(json.dumps(kept)))

    @pytest.mark.parametrize("name", ["keyHandle", "publicKey"])
    def test_missing(self, service, name):
        """Neither the key handle nor the public key may be missing."""
        kept = registered().kept
        del kept[name]
        refused(service, brought(kept))

    @pytest.mark.requirement("U12")
    def test_names_twice(self, service):
        """A document that names a member twice says two things, and is refused."""
        legacy, other = registered(), registered()
        text = json.dumps(legacy.kept)
        for name in legacy.kept:
            refused(service, brought(text[:-1] + f', "{name}": {json.dumps(other.kept[name])}}}'))

    @pytest.mark.requirement("U1")
    def test_raw_messages(self, services):
        """Every cut of the raw message and every byte behind it."""
        service, legacy = services(), registered()
        for size in range(0, len(legacy.raw), 7):
            refused(service, brought(legacy.raw[:size]))
        refused(service, brought(legacy.raw[:-1]))
        refused(service, brought(legacy.raw + b"\x00"))
        refused(service, brought(bytearray(legacy.raw)))
        refused(service, brought(legacy.raw[:1] + b"\x04" + b"\x01" * 64 + legacy.raw[66:]))

    @pytest.mark.requirement("S7")
    def test_twice(self, services):
        """The same key twice: neither for the same user, nor for another, nor after it was unbound there."""
        service, legacy = services(devices=DevicePolicy(max_devices=3)), registered()
        service.perform("alice", brought(legacy.kept))
        refused(service, brought(legacy.raw), Reason.CREDENTIAL_TAKEN)
        refused(service, brought(legacy.kept), Reason.CREDENTIAL_TAKEN, user="bob")
        service.perform("alice", Unbind(by=ROOT))
        refused(service, brought(legacy.kept), Reason.CREDENTIAL_TAKEN, user="bob")
        service.perform("alice", brought(legacy.kept))

    def test_who_may(self, service):
        """An import is an administrator's."""
        legacy = registered()
        for by in (Owner.first_device("ticket", session=SESSION), Owner("receipt", session=SESSION)):
            refused(service, ImportSecurityKey(legacy.kept, app_id=APP_ID, by=by, create=True), Reason.NOT_AUTHORISED)
        service.perform(
            "alice", ImportSecurityKey(legacy.kept, app_id=APP_ID, by=Administrator("another"), create=True)
        )

    def test_names(self, service):
        """A device's name is 1 to 64 printable characters here as well."""
        for name in ("", " ", "\n", "x" * 65, "\ud800"):
            refused(service, brought(registered().kept, name=name), Reason.BAD_NAME)

    @pytest.mark.requirement("B10")
    def test_rules_of_kinds(self, services):
        """An import goes through the policy's rules: one kind, so many devices, a site to use them at."""
        service = services()
        service.phone("alice")
        refused(service, brought(registered().kept), Reason.OTHER_KIND_BOUND)
        service.key("bob")
        refused(service, brought(registered().kept), Reason.TOO_MANY_DEVICES, user="bob")
        siteless = services(relying_party=None)
        assert siteless.refusal("alice", brought(registered().kept)).reason in {
            Reason.BAD_IMPORT,
            Reason.KIND_NOT_ALLOWED,
        }
        assert PARTY.app_id == APP_ID


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


KEPT = registered().kept
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def lasting():
    """One service for many examples: nothing is written to it."""
    made = Services("MFA")
    yield made()
    made.close()


@pytest.mark.requirement("V35")
class TestWhateverCame:
    @settings(max_examples=rounds(2_000))
    @given(registration=JSON)
    def test_nonsense(self, lasting, registration):
        """Whatever is brought, the answer is a refusal and never another exception."""
        refused(lasting, brought(registration))

    @settings(max_examples=rounds(2_000))
    @given(changes=st.dictionaries(st.sampled_from(["version", "keyHandle", "publicKey", "appId"]), JSON, min_size=1))
    def test_nonsense_inside(self, lasting, changes):
        """The same for a registration with members replaced."""
        assume(KEPT | changes != KEPT)
        refused(lasting, brought(KEPT | changes))

    def test_deep_and_giant(self, lasting):
        """Nested without end, or as long as anybody likes."""
        for what in (
            nested(100_000),
            {"keyHandle": nested(100_000)},
            {"appId": nested(5_000)},
            "[" * 100_000,
            '{"a":' * 100_000,
            "1" * 100_000,
            json.dumps(registered().kept | {"other": "x" * 1_000_000}),
            b"\x05" * 1_000_000,
            10**5_000,
        ):
            refused(lasting, brought(what))
