# SPDX-License-Identifier: Apache-2.0
"""Registrations and authentications, verified."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.signatures.p256 import ORDER
from ram_mfa.u2f import (
    FINISH_ENROLLMENT,
    GET_ASSERTION,
    AttestationCertificate,
    AuthenticationResponse,
    ClientData,
    RegistrationResponse,
    application_parameter,
    challenge_parameter,
    verify_authentication,
    verify_registration,
)
from ram_mfa.u2f.verification import authentication_signed_data, registration_signed_data
from tests.support import certificates as make
from tests.support import u2f_examples as example
from tests.support import vectors
from tests.support.certificates import APP, CHALLENGE

EXAMPLE_81 = {
    "application_parameter": application_parameter(example.APP_ID_81),
    "challenge_parameter": challenge_parameter(example.CLIENT_DATA_81),
}
EXAMPLE_82 = {
    "application_parameter": application_parameter(example.APP_ID_82),
    "challenge_parameter": challenge_parameter(example.CLIENT_DATA_82),
    "public_key": example.PUBLIC_KEY_82,
}
MADE = {"application_parameter": APP, "challenge_parameter": CHALLENGE}
PUBLIC_KEY = make.point(make.key_pair("user"))

# Where one changed bit in the example's registration is taken: no signature of the message covers these parts of its
# certificate, and none of them says which key, whose, or for whom. (part of the certificate, bits taken, of bits there)
UNSIGNED_BITS = (
    ("version: 1, 2 or 3", 1, 24),
    ("serial number", 80, 80),
    ("issuer", 127, 184),
    ("validity", 48, 240),
    ("subject", 335, 392),
    ("signature", 563, 568),
)


def register(raw, **parameters):
    message = RegistrationResponse.parse(raw)
    return message, verify_registration(message, **parameters)


def authenticate(raw, *, previous_counter=None, **parameters):
    return verify_authentication(AuthenticationResponse.parse(raw), previous_counter=previous_counter, **parameters)


def refused(check, verify, *arguments, **named):
    with pytest.raises(VerificationError) as error:
        verify(*arguments, **named)
    assert error.value.check is check


def flips(raw):
    """Yield (bit, raw with that bit changed) for every bit."""
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 0x80 >> bit % 8
        yield bit, bytes(changed)


class TestRegistration:
    @pytest.mark.requirement("U1", "U2", "U3")
    @pytest.mark.standard("FIDO U2F Raw 8.1", "ram_mfa.u2f.verify_registration")
    def test_example(self):
        """The standard's example verifies, and what is signed is what the standard prints."""
        message, certificate = register(example.RESPONSE_81, **EXAMPLE_81)
        assert certificate == AttestationCertificate.parse(message.certificate)
        parts = {"key_handle": message.key_handle, "public_key": message.public_key}
        assert registration_signed_data(**EXAMPLE_81, **parts) == example.SIGNED_81

    @pytest.mark.requirement("U3", "U5")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.u2f.verify_registration")
    def test_made(self):
        """A registration by another key verifies, with its own parameters and no others."""
        raw = make.registration(make.make())
        assert register(raw, **MADE)[1].p256
        for wrong in ({"application_parameter": CHALLENGE}, {"challenge_parameter": APP}, EXAMPLE_81):
            refused(Check.SIGNATURE, register, raw, **{**MADE, **wrong})
        swapped = {"application_parameter": CHALLENGE, "challenge_parameter": APP}
        refused(Check.SIGNATURE, register, raw, **swapped)

    @pytest.mark.requirement("U3")
    @pytest.mark.parametrize(
        "other", [{"key_handle": b"\x12" * 64}, {"private": make.key_pair("other")}, {"app": CHALLENGE}]
    )
    def test_parts(self, other):
        """Key handle, public key and parameters are signed: a signature over others does not fit."""
        good, signed = (RegistrationResponse.parse(make.registration(make.make(), **one)) for one in ({}, other))
        message = RegistrationResponse(good.public_key, good.key_handle, good.certificate, signed.signature)
        refused(Check.SIGNATURE, verify_registration, message, **MADE)

    @pytest.mark.requirement("U5", "V32")
    def test_whose_certificate(self):
        """The signature is by the key in the certificate, and not by the new key."""
        raw = make.registration(make.make(), attestation=make.key_pair("user"))
        refused(Check.SIGNATURE, register, raw, **MADE)

    @pytest.mark.requirement("U5")
    @pytest.mark.parametrize("kind", ["p384", "rsa", "ed25519"])
    def test_other_keys(self, kind):
        """A certificate whose key is not on P-256 attests nothing."""
        refused(Check.CERTIFICATE, register, make.registration(make.make(kind)), **MADE)

    @pytest.mark.requirement("U1", "U5", "V35")
    @pytest.mark.parametrize(
        "certificate",
        [
            b"\x30\x00",
            make.tlv(0x30, bytes(40)),
            make.by_hand(public_key=b"\x00\x04" + bytes(64)),
            make.by_hand(serial=b""),
        ],
    )
    def test_malformed_certificate(self, certificate):
        """A certificate that says where it ends and is none all the same is refused as malformed."""
        with pytest.raises(MalformedMessage):
            register(make.registration(certificate), **MADE)

    @pytest.mark.requirement("U3", "U18")
    def test_every_bit(self):
        """Every changed bit is refused, but for a written list that leaves key and handle as they are.

        A chain finds those too: the list is what an unverified attestation means.
        """
        good, certificate = register(example.RESPONSE_81, **EXAMPLE_81)
        start = 1 + 65 + 1 + len(good.key_handle)
        fields, der = certificate.fields, good.certificate
        places = {}
        for name, part in (
            ("version: 1, 2 or 3", der[11:14]),
            ("serial number", der[14:24]),
            ("issuer", fields.issuer[2:]),
            ("validity", der[63:93]),
            ("subject", fields.subject[2:]),
            ("signature", der[-71:]),
        ):
            at = der.index(part, 93 if name == "subject" else 0) if name != "signature" else len(der) - 71
            places[name] = range((start + at) * 8, (start + at + len(part)) * 8)
        taken = dict.fromkeys(places, 0)
        for bit, raw in flips(example.RESPONSE_81):
            try:
                message, _ = register(raw, **EXAMPLE_81)
            except (MalformedMessage, VerificationError):
                continue
            (place,) = (name for name, bits in places.items() if bit in bits)
            taken[place] += 1
            assert (message.public_key, message.key_handle) == (good.public_key, good.key_handle)
            assert AttestationCertificate.parse(message.certificate).public_key == certificate.public_key
        assert tuple((name, taken[name], len(places[name])) for name in places) == UNSIGNED_BITS

    def test_callers_faults(self):
        """Parameters of another size are the caller's fault."""
        message = RegistrationResponse.parse(example.RESPONSE_81)
        for name in EXAMPLE_81:
            for size in (0, 31, 33):
                with pytest.raises(ValueError, match="32 bytes") as wrong:
                    verify_registration(message, **{**EXAMPLE_81, name: bytes(size)})
                assert not isinstance(wrong.value, MalformedMessage)


class TestAuthentication:
    @pytest.mark.requirement("U7")
    @pytest.mark.standard("FIDO U2F Raw 8.2", "ram_mfa.u2f.verify_authentication")
    def test_example(self):
        """The standard's example verifies, and what is signed is what the standard prints."""
        assert authenticate(example.RESPONSE_82, **EXAMPLE_82) is None
        parameters = {name: EXAMPLE_82[name] for name in MADE}
        assert authentication_signed_data(user_presence=1, counter=1, **parameters) == example.SIGNED_82

    @pytest.mark.requirement("U7", "U13")
    @pytest.mark.standard("FIDO U2F Raw 5.4", "ram_mfa.u2f.verify_authentication")
    def test_every_bit(self):
        """Every changed bit is refused, and so is every other parameter and key."""
        for _, raw in flips(example.RESPONSE_82):
            with pytest.raises((MalformedMessage, VerificationError)):
                authenticate(raw, **EXAMPLE_82)
        for name, good in EXAMPLE_82.items():
            for _, value in flips(good):
                with pytest.raises((MalformedMessage, VerificationError)):
                    authenticate(example.RESPONSE_82, **{**EXAMPLE_82, name: value})

    @pytest.mark.requirement("U8", "V29")
    @pytest.mark.standard("FIDO U2F Raw 5.4", "ram_mfa.u2f.verify_authentication")
    def test_user_presence(self):
        """Of the 256 values of the byte exactly those with bit 0 are taken, however well they are signed."""
        for value in range(256):
            raw = make.authentication(user_presence=value)
            if value & 1:
                assert authenticate(raw, public_key=PUBLIC_KEY, **MADE) is None
            else:
                refused(Check.USER_PRESENCE, authenticate, raw, public_key=PUBLIC_KEY, **MADE)

    @pytest.mark.requirement("U7", "U9", "V30")
    @pytest.mark.standard("FIDO U2F Raw 5.4", "ram_mfa.u2f.verify_authentication")
    @pytest.mark.parametrize(
        ("previous", "counter", "taken"),
        [
            (None, 0, True),
            (None, 1, True),
            (None, 2**32 - 1, True),
            (0, 1, True),
            (0, 2**32 - 1, True),
            (1, 2, True),
            (2**31 - 1, 2**31, True),
            (2**32 - 2, 2**32 - 1, True),
            (0, 0, False),
            (1, 1, False),
            (1, 0, False),
            (2**31, 2**31 - 1, False),
            (2**31, 1, False),
            (2**32 - 1, 0, False),
            (2**32 - 1, 1, False),
            (2**32 - 1, 2**32 - 1, False),
        ],
    )
    def test_counter(self, previous, counter, taken):
        """Strictly greater, unsigned, and no wrap; None compares with nothing."""
        raw = make.authentication(counter=counter)
        named = {"public_key": PUBLIC_KEY, "previous_counter": previous, **MADE}
        if taken:
            assert authenticate(raw, **named) is None
        else:
            refused(Check.SIGN_COUNT, authenticate, raw, **named)

    @pytest.mark.requirement("U9", "U10")
    @pytest.mark.parametrize("sequence", [(0, 0, 0), (0, 0, 5, 6), (1, 2, 3), (7, 2**32 - 1)])
    def test_from_the_stored_count(self, sequence):
        """A stored 0 means "none yet" and goes in as None: who never counts is taken, who counts must rise."""
        stored = 0
        for counter in sequence:
            raw = make.authentication(counter=counter)
            assert authenticate(raw, public_key=PUBLIC_KEY, previous_counter=stored or None, **MADE) is None
            stored = counter
        if stored:
            for counter in (stored, 0):
                raw = make.authentication(counter=counter)
                refused(Check.SIGN_COUNT, authenticate, raw, public_key=PUBLIC_KEY, previous_counter=stored, **MADE)

    @pytest.mark.requirement("U9")
    def test_order(self):
        """A counter that nobody signed is no evidence of a clone: the signature is judged first."""
        raw = make.authentication(private=make.key_pair("other"), counter=1)
        refused(Check.SIGNATURE, authenticate, raw, public_key=PUBLIC_KEY, previous_counter=9, **MADE)

    @pytest.mark.requirement("U4", "V34")
    @pytest.mark.parametrize(
        "public_key", [b"", bytes(65), b"\x04" + bytes(64), PUBLIC_KEY[:-1], b"\x02" + PUBLIC_KEY[1:33]]
    )
    def test_stored_key(self, public_key):
        """A stored key that is no point on P-256 is refused before it is used."""
        with pytest.raises(MalformedMessage) as wrong:
            authenticate(make.authentication(), public_key=public_key, **MADE)
        assert wrong.value.message == "stored public key"

    @pytest.mark.requirement("U18")
    def test_malleable(self):
        """The other signature of the pair verifies as well: one message, two encodings, so neither is an identity."""
        raw = make.authentication()
        r, s = decode_dss_signature(raw[5:])
        for signature in (encode_dss_signature(r, s), encode_dss_signature(r, ORDER - s)):
            assert authenticate(raw[:5] + signature, public_key=PUBLIC_KEY, **MADE) is None

    def test_callers_faults(self):
        """Parameters of another size and counters of more than 32 bits are the caller's fault."""
        message = AuthenticationResponse.parse(example.RESPONSE_82)
        for wrong in ({"application_parameter": bytes(31)}, {"challenge_parameter": bytes(33)}):
            with pytest.raises(ValueError, match="32 bytes"):
                verify_authentication(message, **{**EXAMPLE_82, **wrong})
        for counter in (-1, 2**32):
            with pytest.raises(ValueError, match="32 bits"):
                verify_authentication(message, previous_counter=counter, **EXAMPLE_82)


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parameters(vector, typ):
    """Return the parameters of a judged vector, once its client data is checked where it has some."""
    if "client_data" not in vector:
        return {
            name: bytes.fromhex(vector[short])
            for name, short in zip(MADE, ("app_param", "challenge_param"), strict=True)
        }
    client_data = ClientData.parse(unbase64(vector["client_data"]))
    client_data.check(typ=typ, challenge=unbase64(vector["challenge"]), facets=vector["origins"])
    app = application_parameter(vector["app_id"])
    return {"application_parameter": app, "challenge_parameter": challenge_parameter(client_data)}


class TestJudged:
    @pytest.mark.requirement("U1", "U3", "U11", "V34", "V35")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.u2f.RegistrationResponse")
    def test_registrations(self):
        """Every judged registration is answered as judged: valid with its parts, invalid with one of the two errors."""
        for vector in vectors("u2f_registration"):
            raw, expected = bytes.fromhex(vector["raw"]), vector["expected"]
            if expected["outcome"] == "invalid":
                with pytest.raises((MalformedMessage, VerificationError)):
                    register(raw, **parameters(vector, FINISH_ENROLLMENT))
                continue
            message, parts = RegistrationResponse.parse(raw), expected["parse"]
            assert bytes(message) == raw
            assert {name: getattr(message, name).hex() for name in ("public_key", "key_handle", "signature")} == {
                name: parts[name] for name in ("public_key", "key_handle", "signature")
            }
            assert hashlib.sha256(message.certificate).hexdigest() == parts["certificate_sha256"]
            if expected["outcome"] == "valid":
                assert verify_registration(message, **parameters(vector, FINISH_ENROLLMENT)).der == message.certificate

    @pytest.mark.requirement("U7", "U8", "U9", "U11", "V34", "V35")
    @pytest.mark.standard("FIDO U2F Raw 5.4", "ram_mfa.u2f.AuthenticationResponse")
    def test_authentications(self):
        """Every judged authentication is answered as judged."""
        for vector in vectors("u2f_authentication"):

            def verify(vector=vector):
                named = parameters(vector, GET_ASSERTION)
                named["public_key"] = bytes.fromhex(vector["public_key"])
                message = AuthenticationResponse.parse(bytes.fromhex(vector["raw"]))
                assert verify_authentication(message, previous_counter=vector.get("previous_counter"), **named) is None
                return message

            if vector["expected"]["outcome"] == "invalid":
                with pytest.raises((MalformedMessage, VerificationError)):
                    verify()
                continue
            message = verify()
            expected = vector["expected"]
            assert (message.user_presence, message.counter) == (expected["user_presence"], expected["counter"])
