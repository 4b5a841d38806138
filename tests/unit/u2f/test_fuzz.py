# SPDX-License-Identifier: Apache-2.0
"""Every parser of the package against damaged inputs: 200,000 each where all rounds are run.

Nothing but the two documented errors comes out, what is taken is written back to the letter, and no damaged message
verifies. The slowest input and its time stand in the report (``pytest -rA``, and the properties of a JUnit file); no
time is judged.
"""

from __future__ import annotations

import json

import pytest

from ram_mfa.encoding.base64url import encode
from ram_mfa.u2f import (
    AppID,
    AttestationCertificate,
    AuthenticationRequest,
    AuthenticationResponse,
    ClientData,
    CommandAPDU,
    ErrorResponse,
    Origin,
    RegisterRequest,
    RegisterResponse,
    RegistrationRequest,
    RegistrationResponse,
    ResponseAPDU,
    SignRequest,
    SignResponse,
    VersionRequest,
    application_parameter,
    challenge_parameter,
    parse_facet,
    read_trusted_facets,
    trusted_facets_document,
    verify_authentication,
    verify_chain,
    verify_registration,
)
from tests.support import certificates as make
from tests.support import rounds
from tests.support import u2f_examples as example
from tests.support.mutation import drive, mutations

ROUNDS = rounds(200_000)
ROOT = make.make("root", extensions=[make.CA])
LEAF = make.make("leaf", "root", extensions=[(b"\x03\x02\x05\x20", False)])
REGISTRATIONS = (example.RESPONSE_81, make.registration(LEAF))
APP_ID = AppID.parse("https://login.example.com/app-id.json")
KEYS = [{"version": "U2F_V2", "keyHandle": encode(b"k" * 64), "transports": ["usb"], "appId": str(APP_ID)}]
FACETS = ["https://login.example.com/", "https://www.example.com:8443", "ios:bundle-id:com.example"]
CODES = {"errorCode": 4, "errorMessage": "none"}
RESPONSE = {
    "version": "U2F_V2",
    "registrationData": encode(example.RESPONSE_81),
    "clientData": encode(example.CLIENT_DATA_81),
}
SIGNED = {
    "keyHandle": encode(b"k" * 64),
    "signatureData": encode(example.RESPONSE_82),
    "clientData": encode(example.CLIENT_DATA_82),
}


def documents(*values):
    return tuple(json.dumps(value).encode() for value in values)


def same(parse):
    """A parser whose every message is written back as it came."""

    def check(raw):
        assert bytes(parse(raw)) == raw

    return check


def text(parse):
    """A parser of text; damaged bytes are its text in Latin-1."""

    def check(raw):
        assert str(parse(raw.decode("latin-1"))) == raw.decode("latin-1")

    return check


def command(raw):
    assert CommandAPDU.parse(bytes(CommandAPDU.parse(raw))) == CommandAPDU.parse(raw)


def carried(raw):
    """A command, read as each request in turn."""
    parsed = CommandAPDU.parse(raw)
    kind = {1: RegistrationRequest, 2: AuthenticationRequest}.get(parsed.ins, VersionRequest)
    assert kind.from_apdu(parsed).apdu().data == parsed.data


def facet(raw):
    claimed = raw.decode("latin-1")
    assert str(parse_facet(claimed)) in (claimed, claimed.removesuffix("/"))


def certificate(raw):
    """A certificate, and everything that can be asked of it."""
    parsed = AttestationCertificate.parse(raw)
    assert parsed.der == raw
    assert parsed.transports is None or len(parsed.transports) <= 5
    assert isinstance(parsed.subject, tuple)
    parsed.any_key()


def chain(raw):
    """A damaged leaf or root never chains."""
    assert verify_chain([raw, ROOT], roots=[ROOT], at=make.VALID).der == ROOT
    assert raw in (LEAF, ROOT)


def response(parse, good):
    """A parser of JSON: an error, or a response that is written back as a whole."""

    def check(raw):
        parsed = parse(raw)
        assert isinstance(parsed, ErrorResponse) or parse(parsed.to_json()) == parsed

    return check


def request(parse):
    def check(raw):
        assert parse(parse(raw).to_json()) == parse(raw)

    return check


def facets(raw):
    for found in read_trusted_facets(raw, app_id=APP_ID, private_label="example.com"):
        assert not isinstance(found, Origin) or (found.secure and ("." + found.host).endswith(".example.com"))


PARSERS = {
    "registration response": (same(RegistrationResponse.parse), REGISTRATIONS),
    "authentication response": (same(AuthenticationResponse.parse), (example.RESPONSE_82, make.authentication())),
    "registration request": (same(RegistrationRequest.parse), (example.REQUEST_81,)),
    "authentication request": (same(AuthenticationRequest.parse), (example.REQUEST_82,)),
    "version request": (same(VersionRequest.parse), (b"",)),
    "command APDU": (
        command,
        tuple(
            bytes(one.apdu(extended=extended))
            for one in (RegistrationRequest.parse(example.REQUEST_81), VersionRequest())
            for extended in (True, False)
        ),
    ),
    "command to request": (
        carried,
        (
            bytes(RegistrationRequest.parse(example.REQUEST_81).apdu()),
            bytes(AuthenticationRequest.parse(example.REQUEST_82).apdu()),
            bytes(VersionRequest().apdu()),
        ),
    ),
    "response APDU": (same(ResponseAPDU.parse), (bytes(ResponseAPDU(example.RESPONSE_82)), b"\x6a\x80")),
    "client data": (same(ClientData.parse), (example.CLIENT_DATA_81, example.CLIENT_DATA_82)),
    "certificate": (
        certificate,
        (LEAF, ROOT, make.make("rsa"), RegistrationResponse.parse(example.RESPONSE_81).certificate),
    ),
    "certificate chain": (chain, (LEAF,)),
    "origin": (
        text(Origin.parse),
        (b"https://login.example.com", b"http://localhost:8080", b"https://[2001:db8::1]:1"),
    ),
    "facet": (facet, (b"https://login.example.com/", b"ios:bundle-id:com.example.login")),
    "AppID": (text(AppID.parse), (str(APP_ID).encode(), b"https://a.test:8443/a/b?c=d")),
    "trusted facets": (
        facets,
        (trusted_facets_document(APP_ID, facets=FACETS, private_label="example.com").encode(),),
    ),
    "register response": (response(RegisterResponse.parse, RESPONSE), documents(RESPONSE, CODES)),
    "sign response": (response(SignResponse.parse, SIGNED), documents(SIGNED, CODES)),
    "register request": (
        request(RegisterRequest.parse),
        documents(
            {
                "appId": str(APP_ID),
                "registerRequests": [{"version": "U2F_V2", "challenge": "AAAA"}],
                "registeredKeys": KEYS,
            }
        ),
    ),
    "sign request": (
        request(SignRequest.parse),
        documents({"appId": str(APP_ID), "challenge": "AAAA", "registeredKeys": KEYS}),
    ),
}


@pytest.mark.requirement("V35")
@pytest.mark.parametrize("name", PARSERS)
def test_parsers(name, record_property):
    """The documented errors, or a value that is written back as it came."""
    parse, seeds = PARSERS[name]
    for seed in seeds:
        parse(seed)
    driven = drive(parse, mutations(seeds, ROUNDS, seed=list(PARSERS).index(name)))
    record_property(f"fuzz: {name}", str(driven))
    print(f"{name}: {driven}")
    assert driven.tried == ROUNDS


@pytest.mark.requirement("U3", "V35")
def test_registrations(record_property):
    """A damaged registration verifies only where the damage is in the certificate, and beside its key."""
    public = {
        "application_parameter": application_parameter(example.APP_ID_81),
        "challenge_parameter": challenge_parameter(example.CLIENT_DATA_81),
    }
    good = RegistrationResponse.parse(example.RESPONSE_81)
    key = AttestationCertificate.parse(good.certificate).public_key

    def verify(raw):
        message = RegistrationResponse.parse(raw)
        attested = verify_registration(message, **public)
        assert (message.public_key, message.key_handle, message.signature) == (
            good.public_key,
            good.key_handle,
            good.signature,
        )
        assert attested.public_key == key

    driven = drive(verify, mutations((example.RESPONSE_81,), ROUNDS, seed=100))
    record_property("fuzz: registration, verified", str(driven))
    print(f"registration, verified: {driven}")
    assert driven.tried == ROUNDS


@pytest.mark.requirement("U7", "V35")
def test_authentications(record_property):
    """No damaged authentication verifies."""
    named = {
        "application_parameter": application_parameter(example.APP_ID_82),
        "challenge_parameter": challenge_parameter(example.CLIENT_DATA_82),
        "public_key": example.PUBLIC_KEY_82,
    }
    driven = drive(
        lambda raw: verify_authentication(AuthenticationResponse.parse(raw), **named),
        mutations((example.RESPONSE_82,), ROUNDS, seed=101),
    )
    record_property("fuzz: authentication, verified", str(driven))
    print(f"authentication, verified: {driven}")
    assert set(driven.accepted) <= {example.RESPONSE_82}
    assert driven.tried == ROUNDS


class TestTheFuzzer:
    def test_repeatable(self):
        """One seed, one sequence; another seed, another."""
        first, second, other = (list(mutations((b"abc", b"defgh"), 500, seed)) for seed in (1, 1, 2))
        assert first == second != other
        assert len(set(first)) > 300

    def test_finds(self):
        """An error that is not documented is found, and the input that shows it is named."""

        def fragile(raw):
            if raw[1:2] == b"b":
                return raw[3]
            raise ValueError

        with pytest.raises((IndexError, ValueError)) as found:
            drive(fragile, mutations((b"abcd",), 500, seed=1))
        assert found.value.__notes__[0].startswith("input: ")
