# SPDX-License-Identifier: Apache-2.0
"""Every truncation, every one-byte extension, every single-bit flip, and mutated inputs by the hundred thousand."""

from __future__ import annotations

import json

import cbor2
import pytest

from ram_mfa.errors import MalformedMessage, VerificationError
from ram_mfa.webauthn import (
    AuthenticationResponse,
    AuthenticatorData,
    ClientData,
    Credential,
    RegistrationResponse,
    load_public_key,
    verify_authentication,
    verify_registration,
)
from ram_mfa.webauthn.attestation import AttestationObject
from tests.support import real, rounds
from tests.support.mutation import drive, mutations
from tests.support.webauthn import (
    CHALLENGE,
    ID,
    ORIGIN,
    RP_ID,
    UP,
    attestation_object,
    authenticator_data,
    client_data,
    key_pair,
    packed_statement,
    registration,
    signed_assertion,
    u2f_statement,
    w3c,
    w3c_assertion,
    w3c_registration,
)

REGISTERED = ["fido-u2f-es256", "packed-es256", "packed-self-es256", "none-es256"]
WHERE = {"rp_id": "example.org", "origins": ["https://example.org"]}
REFUSED = (MalformedMessage, VerificationError)


def register(anchor, *, attestation=None, client=None):
    given = w3c()[anchor]["registration"]
    response = RegistrationResponse(
        id=given["credential_id"],
        client_data_json=given["clientDataJSON"] if client is None else client,
        attestation_object=given["attestationObject"] if attestation is None else attestation,
    )
    return verify_registration(response, challenge=given["challenge"], **WHERE)


def authenticate(anchor, *, data=None, client=None, signature=None):
    given = w3c()[anchor]["authentication"]
    credential = AttestationObject.parse(w3c()[anchor]["registration"]["attestationObject"]).credential
    response = AuthenticationResponse(
        id=credential.id,
        client_data_json=given["clientDataJSON"] if client is None else client,
        authenticator_data=given["authenticatorData"] if data is None else data,
        signature=given["signature"] if signature is None else signature,
    )
    stored = Credential(id=credential.id, public_key=credential.public_key, sign_count=0)
    return verify_authentication(response, credential=stored, challenge=given["challenge"], **WHERE)


def passes(ceremony, anchor, **changes):
    """Return what the ceremony gives, or None where it refuses; anything but the documented errors goes through."""
    try:
        return ceremony(anchor, **changes)
    except REFUSED:
        return None


def flips(data, step=1):
    for bit in range(0, 8 * len(data), step):
        yield bit, data[: bit >> 3] + bytes([data[bit >> 3] ^ 1 << (bit & 7)]) + data[(bit >> 3) + 1 :]


@pytest.mark.requirement("U1", "V35")
class TestTruncationsAndExtensions:
    @pytest.mark.parametrize("anchor", REGISTERED)
    def test_registrations(self, anchor):
        """No prefix of either part is accepted, and no byte may follow."""
        given = w3c()[anchor]["registration"]
        assert register(anchor).id == given["credential_id"]
        for part, name in (("attestationObject", "attestation"), ("clientDataJSON", "client")):
            for size in range(len(given[part])):
                assert passes(register, anchor, **{name: given[part][:size]}) is None
        for byte in range(256):
            assert passes(register, anchor, attestation=given["attestationObject"] + bytes([byte])) is None

    @pytest.mark.parametrize("anchor", ["fido-u2f-es256", "packed-self-es256", "packed-es256"])
    def test_client_data_extended(self, anchor):
        """A byte more is another message, white space too: the statement's signature is over the bytes."""
        given = w3c()[anchor]["registration"]
        for byte in range(256):
            assert passes(register, anchor, client=given["clientDataJSON"] + bytes([byte])) is None
            assert passes(register, anchor, client=bytes([byte]) + given["clientDataJSON"]) is None

    @pytest.mark.parametrize(
        "anchor", ["fido-u2f-es256", "packed-ed448", "packed-rs256", "packed-eddsa", "packed-es512"]
    )
    def test_assertions(self, anchor):
        given = w3c()[anchor]["authentication"]
        assert authenticate(anchor).sign_count == 0
        for part, name in (("authenticatorData", "data"), ("clientDataJSON", "client"), ("signature", "signature")):
            for size in range(len(given[part])):
                assert passes(authenticate, anchor, **{name: given[part][:size]}) is None
            for byte in range(256):
                assert passes(authenticate, anchor, **{name: given[part] + bytes([byte])}) is None


class TestBitFlips:
    @pytest.mark.parametrize(
        "anchor", ["fido-u2f-es256", "packed-es384", "packed-es512", "packed-ed448", "packed-eddsa", "packed-rs256"]
    )
    def test_assertions(self, anchor):
        """Every single bit of authenticator data, client data and signature counts."""
        given = w3c()[anchor]["authentication"]
        step = 1 if real or anchor == "fido-u2f-es256" else 7
        for part, name in (("authenticatorData", "data"), ("clientDataJSON", "client"), ("signature", "signature")):
            for bit, changed in flips(given[part], step):
                assert passes(authenticate, anchor, **{name: changed}) is None, (part, bit)

    def test_packed_registrations(self):
        """Self attestation covers everything: no bit may change. With a certificate, only bits of that may."""
        for bit, changed in flips(w3c()["packed-self-es256"]["registration"]["attestationObject"]):
            assert passes(register, "packed-self-es256", attestation=changed) is None, bit
        given = w3c()["packed-es256"]["registration"]["attestationObject"]
        certificate = cbor2.loads(given)["attStmt"]["x5c"][0]
        start = given.index(certificate)
        for bit, changed in flips(given, 1 if real else 3):
            if passes(register, "packed-es256", attestation=changed) is not None:
                assert start <= bit >> 3 < start + len(certificate), bit

    @pytest.mark.parametrize("anchor", ["fido-u2f-es256", "packed-es256", "packed-self-es256"])
    def test_client_data(self, anchor):
        for bit, changed in flips(w3c()[anchor]["registration"]["clientDataJSON"]):
            assert passes(register, anchor, client=changed) is None, bit

    @pytest.mark.requirement("U3")
    def test_u2f_registrations(self):
        """All are refused but those on this list, and they leave id, public key, RP ID and count as they were.

        The signature does not cover, and a registration in this format never reports:

        - flags: RFU1, UV, BE, RFU2 (UP must be set, BS needs BE, AT and ED must match what follows);
        - signCount and aaguid: all bits;
        - the certificate, but for what must parse and for its public key, which the signature does not hold under
          where it is another; nothing of it is believed before it chains to a root, which no such certificate does.
        """
        given = w3c()["fido-u2f-es256"]["registration"]
        raw = given["attestationObject"]
        good = register("fido-u2f-es256")
        parsed = AttestationObject.parse(raw)
        data_at, certificate = raw.index(parsed.authenticator_data.raw), parsed.statement["x5c"][0]
        certificate_at = raw.index(certificate)
        certificate_bits = range(8 * certificate_at, 8 * (certificate_at + len(certificate)))
        point_at = raw.index(b"\x03\x42\x00\x04", certificate_at) + 3
        point_bits = range(8 * point_at, 8 * (point_at + 65))
        flags_at = 8 * (data_at + 32)
        uncovered = {flags_at + bit for bit in (1, 2, 3, 5)} | set(range(flags_at + 8, 8 * (data_at + 37 + 16)))
        through, through_certificate = set(), 0
        for bit, changed in flips(raw):
            credential = passes(register, "fido-u2f-es256", attestation=changed)
            if credential is None:
                continue
            assert (credential.id, credential.public_key, credential.sign_count) == (good.id, good.public_key, 0)
            assert (credential.aaguid, credential.user_verified, credential.backup_eligible) == (
                bytes(16),
                False,
                False,
            )
            if bit in certificate_bits:
                assert bit not in point_bits
                assert credential.attestation.models == good.attestation.models
                through_certificate += 1
            else:
                assert credential.attestation == good.attestation
                through.add(bit)
        assert through == uncovered
        assert 0 < through_certificate < len(certificate_bits)


def text(response):
    return json.dumps(response).encode()


KEY = key_pair()
CREATE, GET = client_data(), client_data("webauthn.get")
PACKED_DATA = authenticator_data(key=key_pair(-8).cose, extensions=cbor2.dumps({"credProtect": 2}))


def u2f_registration(**changes):
    attestation = attestation_object("fido-u2f", u2f_statement(CREATE, RP_ID, KEY), authenticator_data(key=KEY.cose))
    return registration(CREATE, attestation, **changes)


def packed_registration():
    return registration(CREATE, attestation_object("packed", packed_statement(CREATE, PACKED_DATA), PACKED_DATA))


def whole_registration(raw):
    return verify_registration(RegistrationResponse.from_json(raw), challenge=CHALLENGE, rp_id=RP_ID, origins=[ORIGIN])


def whole_authentication(raw):
    return verify_authentication(
        AuthenticationResponse.from_json(raw),
        credential=Credential(id=ID, public_key=KEY.cose, sign_count=0),
        challenge=CHALLENGE,
        rp_id=RP_ID,
        origins=[ORIGIN],
    )


SEEDS = {
    "client data": (ClientData.parse, [CREATE, GET, client_data(topOrigin=ORIGIN, crossOrigin=True, more={"a": [1]})]),
    "authenticator data": (
        AuthenticatorData.parse,
        [
            authenticator_data(),
            authenticator_data(key=KEY.cose),
            authenticator_data(key=key_pair(-257).cose),
            PACKED_DATA,
        ],
    ),
    "COSE key": (
        load_public_key,
        [KEY.cose, KEY.point, *(key_pair(number).cose for number in (-8, -35, -36, -53, -257))],
    ),
    "attestation object": (
        AttestationObject.parse,
        [given["registration"]["attestationObject"] for given in w3c().values()],
    ),
    "registration response": (RegistrationResponse.from_json, [text(u2f_registration()), text(packed_registration())]),
    "authentication response": (
        AuthenticationResponse.from_json,
        [
            text(signed_assertion(KEY, GET, authenticator_data(flags=UP))),
            text(w3c_assertion("fido-u2f-es256") | {"clientExtensionResults": {"appid": False}}),
        ],
    ),
}


@pytest.mark.requirement("V31", "V35")
class TestMutations:
    @pytest.mark.parametrize("name", SEEDS)
    def test_parsers(self, name):
        """Nothing but the documented errors, whatever comes."""
        parse, seeds = SEEDS[name]
        for seed in seeds:
            parse(seed)
        driven = drive(parse, mutations(seeds, rounds(200_000), seed=20_260_101))
        print(f"{name}: {driven}")
        assert driven.tried == rounds(200_000)

    def test_registrations(self):
        """What passes has the id and the public key that were signed."""
        seeds = [text(u2f_registration()), text(w3c_registration("fido-u2f-es256"))]
        driven = drive(whole_registration, mutations(seeds, rounds(200_000), seed=20_260_102))
        print(f"whole registrations: {driven}")
        for raw in driven.accepted:
            credential = whole_registration(raw)
            assert (credential.id, credential.public_key, credential.sign_count) == (ID, KEY.cose, 0)

    def test_registrations_inside(self):
        """The same, with the damage inside the attestation object, behind JSON and base64url."""
        raw = attestation_object("fido-u2f", u2f_statement(CREATE, RP_ID, KEY), authenticator_data(key=KEY.cose))

        def verify(attestation):
            response = RegistrationResponse(id=ID, client_data_json=CREATE, attestation_object=attestation)
            return verify_registration(response, challenge=CHALLENGE, rp_id=RP_ID, origins=[ORIGIN])

        driven = drive(verify, mutations([raw], rounds(200_000), seed=20_260_103))
        print(f"attestation objects, verified: {driven}")
        for attestation in driven.accepted:
            credential = verify(attestation)
            assert (credential.id, credential.public_key, credential.sign_count) == (ID, KEY.cose, 0)

    def test_assertions(self):
        """What passes is the same assertion, with its JSON encoded in another way."""
        good = signed_assertion(KEY, GET, authenticator_data(count=7))
        driven = drive(whole_authentication, mutations([text(good)], rounds(200_000), seed=20_260_104))
        print(f"whole assertions: {driven}")
        expected = AuthenticationResponse.from_json(good)
        for raw in driven.accepted:
            response = AuthenticationResponse.from_json(raw)
            assert response.authenticator_data == expected.authenticator_data
            assert response.client_data_json == expected.client_data_json
            assert response.signature == expected.signature
            assert response.id == ID

    def test_assertions_inside(self):
        """Damaged authenticator data never pass."""
        data = authenticator_data(count=7)
        good = AuthenticationResponse.from_json(signed_assertion(KEY, GET, data))

        def verify(changed):
            response = AuthenticationResponse(
                id=ID, client_data_json=GET, authenticator_data=changed, signature=good.signature
            )
            return verify_authentication(
                response,
                credential=Credential(id=ID, public_key=KEY.cose, sign_count=0),
                challenge=CHALLENGE,
                rp_id=RP_ID,
                origins=[ORIGIN],
            )

        driven = drive(verify, mutations([data], rounds(200_000), seed=20_260_105))
        print(f"authenticator data, verified: {driven}")
        assert set(driven.accepted) <= {data}
