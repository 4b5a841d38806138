# SPDX-License-Identifier: Apache-2.0
"""The JSON of u2f.register and u2f.sign."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.encoding.base64url import encode
from ram_mfa.errors import MalformedMessage
from ram_mfa.testing import SoftSecurityKey
from ram_mfa.u2f import (
    FINISH_ENROLLMENT,
    GET_ASSERTION,
    ErrorCode,
    ErrorResponse,
    RegisteredKey,
    RegisterRequest,
    RegisterResponse,
    SignRequest,
    SignResponse,
    application_parameter,
    challenge_parameter,
    verify_authentication,
    verify_registration,
)
from tests.support import u2f_examples as example

APP_ID = "https://login.example.com/app-id.json"
ORIGIN = "https://login.example.com"
CHALLENGE = bytes(range(32))
KEYS = (RegisteredKey(b"\x01" * 64), RegisteredKey(b"\x02", "https://old.example.com", ("usb", "nfc")))

REGISTERED = {
    "version": "U2F_V2",
    "registrationData": encode(example.RESPONSE_81),
    "clientData": encode(example.CLIENT_DATA_81),
}
SIGNED = {
    "keyHandle": encode(example.REQUEST_82[66:]),
    "signatureData": encode(example.RESPONSE_82),
    "clientData": encode(example.CLIENT_DATA_82),
}


class TestRequests:
    @pytest.mark.requirement("U13", "U17")
    @pytest.mark.standard("FIDO U2F JavaScript 3.2", "ram_mfa.u2f.RegisterRequest")
    def test_register(self):
        """The arguments of u2f.register, both ways."""
        request = RegisterRequest(APP_ID, CHALLENGE, KEYS)
        written = request.to_json()
        assert written == {
            "appId": APP_ID,
            "registerRequests": [{"version": "U2F_V2", "challenge": encode(CHALLENGE)}],
            "registeredKeys": [
                {"version": "U2F_V2", "keyHandle": encode(b"\x01" * 64)},
                {
                    "version": "U2F_V2",
                    "keyHandle": encode(b"\x02"),
                    "appId": "https://old.example.com",
                    "transports": ["usb", "nfc"],
                },
            ],
        }
        for form in (written, json.dumps(written), json.dumps(written).encode()):
            assert RegisterRequest.parse(form) == request
        assert (
            RegisterRequest.parse({name: written[name] for name in ("appId", "registerRequests")}).registered_keys == ()
        )

    @pytest.mark.requirement("U13", "U17")
    @pytest.mark.standard("FIDO U2F JavaScript 3.3", "ram_mfa.u2f.SignRequest")
    def test_sign(self):
        """The arguments of u2f.sign, both ways."""
        request = SignRequest(APP_ID, CHALLENGE, KEYS)
        written = request.to_json()
        assert list(written) == ["appId", "challenge", "registeredKeys"]
        assert SignRequest.parse(json.dumps(written)) == request

    def test_versions(self):
        """Requests and keys of another version are passed over, and one of U2F_V2 must be among the requests."""
        written = RegisterRequest(APP_ID, CHALLENGE, KEYS[:1]).to_json()
        old = {"version": "U2F_V1", "challenge": "AA", "keyHandle": "AA"}
        for name in ("registerRequests", "registeredKeys"):
            written[name] = [old, *written[name]]
        assert RegisterRequest.parse(written) == RegisterRequest(APP_ID, CHALLENGE, KEYS[:1])
        with pytest.raises(MalformedMessage):
            RegisterRequest.parse({**written, "registerRequests": [old]})

    @pytest.mark.requirement("U17", "V35")
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("appId", None),
            ("challenge", "AA=="),
            ("challenge", "AB"),
            ("challenge", 5),
            ("registeredKeys", {}),
            ("registeredKeys", ["x"]),
            ("registeredKeys", [{}] * 65),
            ("registeredKeys", [{"version": "U2F_V2"}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": ""}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": encode(bytes(256))}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": "AA", "appId": None}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": "AA", "transports": "usb"}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": "AA", "transports": [5]}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": "AA", "transports": [""]}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": "AA", "transports": ["u" * 65]}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": "AA", "transports": ["usb"] * 17}]),
            ("registeredKeys", [{"version": "U2F_V2", "keyHandle": "AA", "appId": "\ud800"}]),
            ("appId", "\ud800"),
            ("appId", "a" * 65_537),
        ],
    )
    def test_malformed(self, name, value):
        """A member of another kind, or in another encoding, is refused."""
        written = {**SignRequest(APP_ID, CHALLENGE, KEYS).to_json(), name: value}
        with pytest.raises(MalformedMessage):
            SignRequest.parse(written)


class TestResponses:
    @pytest.mark.standard("FIDO U2F JavaScript 3.2", "ram_mfa.u2f.RegisterResponse.parse")
    def test_register(self):
        """The standard's example of a registration, through JSON and back."""
        for form in (REGISTERED, json.dumps(REGISTERED)):
            response = RegisterResponse.parse(form)
            assert isinstance(response, RegisterResponse)
            assert bytes(response.registration) == example.RESPONSE_81
            assert bytes(response.client_data) == example.CLIENT_DATA_81
            assert response.to_json() == REGISTERED

    @pytest.mark.standard("FIDO U2F JavaScript 3.3", "ram_mfa.u2f.SignResponse.parse")
    def test_sign(self):
        """The standard's example of an authentication, through JSON and back."""
        response = SignResponse.parse(json.dumps(SIGNED))
        assert isinstance(response, SignResponse)
        assert response.key_handle == example.REQUEST_82[66:]
        assert bytes(response.authentication) == example.RESPONSE_82
        assert response.to_json() == SIGNED

    def test_tolerated(self):
        """Early clients left the version out, wrote error code 0, and sent what they were asked along."""
        early = {**REGISTERED, "errorCode": 0, "appId": APP_ID, "challenge": "x", "sessionId": None}
        del early["version"]
        assert RegisterResponse.parse(early) == RegisterResponse.parse(REGISTERED)

    @pytest.mark.standard("FIDO U2F JavaScript 3.1", "ram_mfa.u2f.ErrorResponse")
    @pytest.mark.parametrize("parse", [RegisterResponse.parse, SignResponse.parse])
    @pytest.mark.parametrize("code", list(ErrorCode))
    def test_errors(self, parse, code):
        """The five error codes are answers of their own, whatever else is there."""
        assert parse({"errorCode": int(code)}) == ErrorResponse(code)
        assert parse({"errorCode": int(code), "errorMessage": "words"} | REGISTERED | SIGNED) == ErrorResponse(
            code, "words"
        )
        assert parse(json.dumps({"errorCode": int(code), "errorMessage": 5})) == ErrorResponse(code)

    @pytest.mark.requirement("U17", "V35")
    @pytest.mark.parametrize(
        ("parse", "good"),
        [(RegisterResponse.parse, REGISTERED), (SignResponse.parse, SIGNED)],
        ids=["register", "sign"],
    )
    def test_malformed(self, parse, good):
        """Every member must be there, be a string, and have the one encoding of its value."""
        for name, text in good.items():
            others = [
                None,
                5,
                [],
                "",
                text + "=",
                text[:-1] + "=",
                text[:-1],
                " " + text,
                text + "\n",
                text[:4] + "+" + text[5:],
            ]
            for other in others:
                with pytest.raises(MalformedMessage):
                    parse({**good, name: other})
        for code in (-1, 6, True, "1", 1.0, None, []):
            with pytest.raises(MalformedMessage):
                parse({**good, "errorCode": code})
        for document in (
            "",
            "[]",
            "null",
            b"\xff",
            json.dumps(good)[:-1],
            '{"errorCode": 1, "errorCode": 0}',
            None,
            5,
            " " * 131_073,
        ):
            with pytest.raises(MalformedMessage):
                parse(document)

    @given(
        st.dictionaries(
            st.sampled_from(["errorCode", *REGISTERED, *SIGNED]),
            st.integers() | st.text() | st.none() | st.lists(st.text()),
        )
    )
    def test_anything(self, members):
        """Whatever the members are, the answer is a response, an error, or MalformedMessage."""
        for parse in (RegisterResponse.parse, SignResponse.parse):
            try:
                assert isinstance(parse(members), ErrorResponse)
            except MalformedMessage:
                continue


class TestWithAKey:
    def test_both_ceremonies(self):
        """A soft key's own client registers and signs, and both answers verify."""
        key = SoftSecurityKey()
        asked = RegisterRequest(APP_ID, CHALLENGE)
        answer = RegisterResponse.parse(key.u2f_register(asked.to_json(), origin=ORIGIN))
        assert isinstance(answer, RegisterResponse)
        answer.client_data.check(typ=FINISH_ENROLLMENT, challenge=CHALLENGE, facets=[ORIGIN])
        app = application_parameter(APP_ID)
        verify_registration(
            answer.registration, application_parameter=app, challenge_parameter=challenge_parameter(answer.client_data)
        )
        keys = (RegisteredKey(answer.registration.key_handle),)
        signed = SignResponse.parse(key.u2f_sign(SignRequest(APP_ID, CHALLENGE, keys).to_json(), origin=ORIGIN))
        assert isinstance(signed, SignResponse)
        assert signed.key_handle == answer.registration.key_handle
        signed.client_data.check(typ=GET_ASSERTION, challenge=CHALLENGE, facets=[ORIGIN])
        verify_authentication(
            signed.authentication,
            public_key=answer.registration.public_key,
            application_parameter=app,
            challenge_parameter=challenge_parameter(signed.client_data),
        )
        again = key.u2f_register(RegisterRequest(APP_ID, CHALLENGE, keys).to_json(), origin=ORIGIN)
        assert RegisterResponse.parse(again) == ErrorResponse(ErrorCode.DEVICE_INELIGIBLE)
