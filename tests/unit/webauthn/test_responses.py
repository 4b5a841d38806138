# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from ram_mfa.encoding.base64url import encode
from ram_mfa.errors import MalformedMessage
from ram_mfa.webauthn import AuthenticationResponse, RegistrationResponse
from tests.support.webauthn import ID, assertion, registration

BOTH = [
    pytest.param(RegistrationResponse, registration(b"{}", b"\xa0"), id="registration"),
    pytest.param(AuthenticationResponse, assertion(b"{}", b"data", b"signature"), id="authentication"),
]
pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #dom-publickeycredential-tojson", "ram_mfa.webauthn.RegistrationResponse.from_json"
)


def changed(good, **changes):
    """Return the object with members changed; ``...`` takes one away, ``response_`` names an inner one."""
    outer = {key: value for key, value in good.items() if key not in changes}
    inner = {key: value for key, value in good["response"].items() if f"response_{key}" not in changes}
    for key, value in changes.items():
        if value is ...:
            continue
        if key.startswith("response_"):
            inner[key.removeprefix("response_")] = value
        else:
            outer[key] = value
    return outer | ({} if "response" in changes else {"response": inner})


class TestFromJson:
    def test_a_registration(self):
        response = RegistrationResponse.from_json(
            registration(b"client", b"object", clientExtensionResults={"credProps": {"rk": False}})
        )
        assert (response.id, response.client_data_json, response.attestation_object) == (ID, b"client", b"object")
        assert (response.transports, response.authenticator_attachment) == (("usb",), "cross-platform")
        assert response.client_extension_results == {"credProps": {"rk": False}}

    def test_an_authentication(self):
        response = AuthenticationResponse.from_json(
            assertion(
                b"client", b"data", b"sig", response_userHandle=encode(b"u"), clientExtensionResults={"appid": True}
            )
        )
        assert (response.client_data_json, response.authenticator_data, response.signature) == (
            b"client",
            b"data",
            b"sig",
        )
        assert (response.user_handle, response.app_id_used) == (b"u", True)

    @pytest.mark.parametrize(("kind", "good"), BOTH)
    def test_text_bytes_and_objects(self, kind, good):
        """Text, its UTF-8 and the parsed object are one message."""
        text = json.dumps(good)
        assert kind.from_json(text) == kind.from_json(text.encode()) == kind.from_json(good)

    @pytest.mark.parametrize(("kind", "good"), BOTH)
    def test_what_clients_leave_out(self, kind, good):
        """Transports, attachment, extension results, user handle may be missing; unknown members may come."""
        for changes in (
            {"authenticatorAttachment": ...},
            {"authenticatorAttachment": None},
            {"authenticatorAttachment": "to-be-invented"},
            {"clientExtensionResults": ...},
            {"response_transports": ...},
            {"response_userHandle": None},
            {"response_userHandle": ""},
            {
                "response_publicKey": "AAAA",
                "response_publicKeyAlgorithm": -7,
                "response_authenticatorData": good["response"].get("authenticatorData", "AA"),
            },
            {"unknown": {}},
        ):
            assert kind.from_json(changed(good, **changes)).id == ID
        plain = kind.from_json(changed(good, authenticatorAttachment="to-be-invented"))
        assert plain.authenticator_attachment is None

    def test_what_says_nothing(self):
        """An empty user handle is none; without an output the AppID was not used."""
        response = AuthenticationResponse.from_json(assertion(b"", b"", b"", response_userHandle=""))
        assert (response.user_handle, response.app_id_used) == (None, False)
        assert RegistrationResponse.from_json(registration(b"", b"", response_transports=...)).transports == ()

    @pytest.mark.parametrize(("kind", "good"), BOTH)
    @pytest.mark.parametrize(
        "changes",
        [
            {"id": ...},
            {"id": None},
            {"rawId": ...},
            {"rawId": encode(ID[:-1])},
            {"id": encode(ID) + "=", "rawId": encode(ID) + "="},
            {"id": "", "rawId": ""},
            {"id": encode(bytes(1_024)), "rawId": encode(bytes(1_024))},
            {"id": 7, "rawId": 7},
            {"id": None, "rawId": None},
            {"id": "AB", "rawId": "AB"},
            {"id": ["AA"], "rawId": ["AA"]},
            {"type": ...},
            {"type": "password"},
            {"type": ["public-key"]},
            {"response": ...},
            {"response": None},
            {"response": []},
            {"response": {}},
            {"response_clientDataJSON": ...},
            {"response_clientDataJSON": None},
            {"response_clientDataJSON": "e30="},
            {"response_clientDataJSON": "e3+/"},
            {"response_clientDataJSON": " e30"},
            {"response_clientDataJSON": "e30\n"},
            {"response_clientDataJSON": {"type": "x"}},
            {"authenticatorAttachment": 1},
            {"authenticatorAttachment": ["platform"]},
            {"clientExtensionResults": None},
            {"clientExtensionResults": []},
            {"clientExtensionResults": "{}"},
        ],
    )
    @pytest.mark.requirement("U17", "V35")
    def test_refused(self, kind, good, changes):
        """One message, one encoding; any oddity is the documented error, as text and as an object."""
        wrong = changed(good, **changes)
        for value in (wrong, json.dumps(wrong)):
            with pytest.raises(MalformedMessage):
                kind.from_json(value)

    @pytest.mark.parametrize(
        "changes",
        [
            {"response_attestationObject": ...},
            {"response_attestationObject": None},
            {"response_attestationObject": "_"},
            {"response_transports": "usb"},
            {"response_transports": None},
            {"response_transports": {"usb": 1}},
            {"response_transports": ["usb"] * 17},
            {"response_transports": [""]},
            {"response_transports": ["u" * 33]},
            {"response_transports": ["\u202eusb"]},
            {"response_transports": ["us\nb"]},
            {"response_transports": [1]},
        ],
    )
    def test_registrations_refused(self, changes):
        with pytest.raises(MalformedMessage):
            RegistrationResponse.from_json(changed(registration(b"{}", b"\xa0"), **changes))

    def test_unknown_transports_are_kept(self):
        """The standard asks to store what is not known yet."""
        response = RegistrationResponse.from_json(
            registration(b"", b"", response_transports=["smart-card", "telepathy"])
        )
        assert response.transports == ("smart-card", "telepathy")

    @pytest.mark.parametrize(
        "changes",
        [
            {"response_authenticatorData": ...},
            {"response_signature": ...},
            {"response_signature": None},
            {"response_signature": 1},
            {"response_userHandle": 1},
            {"response_userHandle": "A"},
            {"response_userHandle": encode(bytes(65))},
            {"clientExtensionResults": {"appid": "true"}},
            {"clientExtensionResults": {"appid": 1}},
            {"clientExtensionResults": {"appid": None}},
        ],
    )
    def test_authentications_refused(self, changes):
        with pytest.raises(MalformedMessage):
            AuthenticationResponse.from_json(changed(assertion(b"{}", b"data", b"sig"), **changes))

    @pytest.mark.parametrize("kind", [RegistrationResponse, AuthenticationResponse])
    @pytest.mark.parametrize(
        "value",
        [
            "",
            "null",
            "[]",
            "{",
            b"\xff",
            b"\xef\xbb\xbf{}",
            "[" * 100_000,
            '{"a":' * 50_000,
            '{"id":"AA","id":"AA"}',
            "x" * 262_145,
            None,
            7,
            [],
            object(),
            bytearray(b"{}"),
        ],
    )
    def test_what_is_no_object(self, kind, value):
        with pytest.raises(MalformedMessage):
            kind.from_json(value)

    def test_one_is_not_the_other(self):
        """A registration is no authentication, and the other way round."""
        with pytest.raises(MalformedMessage, match="not that of an authentication"):
            AuthenticationResponse.from_json(registration(b"", b""))
        with pytest.raises(MalformedMessage, match="not that of a registration"):
            RegistrationResponse.from_json(assertion(b"", b"", b""))

    def test_sizes(self):
        """A credential id of 1,023 bytes is taken."""
        good = registration(b"", b"", credential_id=bytes(1_023))
        assert len(RegistrationResponse.from_json(good).id) == 1_023
