# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import cbor2
import pytest

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.webauthn import AttestationPolicy
from ram_mfa.webauthn.attestation import AttestationObject, AttestationType, verify_statement
from tests.support.webauthn import (
    ID,
    RP_ID,
    attestation_object,
    authenticator_data,
    certificate,
    client_data,
    key_pair,
    leaf,
    u2f_statement,
)

CLIENT = client_data()
HASH = hashlib.sha256(CLIENT).digest()
KEY = key_pair()

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-fido-u2f-attestation", "ram_mfa.webauthn.attestation.verify_statement"
)


def verify(statement, *, policy=None, client_data_hash=HASH, **data):
    raw = attestation_object("fido-u2f", statement, authenticator_data(**({"key": KEY.cose} | data)))
    return verify_statement(AttestationObject.parse(raw), client_data_hash, policy=policy or AttestationPolicy())


def refused_by(statement, **arguments):
    with pytest.raises(VerificationError) as refused:
        verify(statement, **arguments)
    return refused.value.check


class TestFidoU2f:
    def test_a_genuine_one(self):
        """The certificate that came is the trust path; whose it is, is judged later."""
        statement = verify(u2f_statement(CLIENT, RP_ID, KEY))
        assert (statement.format, statement.type) == ("fido-u2f", AttestationType.CERTIFIED)
        assert [one.der for one in statement.path] == [leaf()]

    @pytest.mark.parametrize(
        "changes",
        [
            {"x5c": ...},
            {"sig": ...},
            {"alg": -7},
            {"ver": "U2F_V2"},
            {1: 2},
            {"x5c": []},
            {"x5c": None},
            {"x5c": leaf()},
            {"x5c": [leaf(), leaf()]},
            {"x5c": [leaf().hex()]},
            {"x5c": [b""]},
            {"x5c": [leaf()[:-1]]},
            {"x5c": [leaf() + b"\x00"]},
            {"x5c": [b"junk"]},
            {"x5c": {"0": leaf()}},
            {"sig": None},
            {"sig": "text"},
            {"sig": [1]},
        ],
    )
    def test_its_form(self, changes):
        """Step 1 and 2: exactly one certificate and one signature."""
        statement = {
            key: value for key, value in (u2f_statement(CLIENT, RP_ID, KEY) | changes).items() if value is not ...
        }
        with pytest.raises(MalformedMessage):
            verify(statement)

    @pytest.mark.parametrize("wrong", [None, [], "x", 7, b""])
    def test_what_is_no_map(self, wrong):
        with pytest.raises(MalformedMessage):
            verify(wrong)

    @pytest.mark.parametrize("number", [-35, -8, -257])
    @pytest.mark.requirement("U5")
    def test_the_certificate_s_key_is_on_p256(self, number):
        """Step 2, for a statement that is otherwise genuine."""
        signer = key_pair(number, "other")
        signed = b"\x00" + hashlib.sha256(RP_ID.encode()).digest() + HASH + ID + KEY.point
        assert refused_by({"x5c": [certificate(signer)], "sig": signer.sign(signed)}) is Check.CERTIFICATE

    @pytest.mark.parametrize("number", [-8, -35, -257, -9])
    def test_the_credential_s_key_is_es256(self, number):
        """Step 4: no other algorithm, and not the same curve under another name."""
        pair = key_pair(number)
        signed = b"\x00" + hashlib.sha256(RP_ID.encode()).digest() + HASH + ID + (pair.point if number == -9 else b"")
        statement = {"x5c": [leaf()], "sig": key_pair(name="attestation").sign(signed)}
        assert refused_by(statement, key=pair.cose) is Check.ALGORITHM

    def test_a_key_off_the_curve(self):
        """Step 4: the key is validated before anything is verified with its bytes."""
        members = KEY.members
        with pytest.raises(MalformedMessage):
            verify(u2f_statement(CLIENT, RP_ID, KEY), key=cbor2.dumps(members | {-3: members[-2]}))

    def test_a_key_handle_of_255_bytes(self):
        """Its length is one byte on the wire: 256 are refused, although WebAuthn allows more."""
        longest = bytes(255)
        statement = u2f_statement(CLIENT, RP_ID, KEY, credential_id=longest)
        assert verify(statement, credential_id=longest).path
        statement = u2f_statement(CLIENT, RP_ID, KEY, credential_id=bytes(256))
        assert refused_by(statement, credential_id=bytes(256)) is Check.CREDENTIAL_ID

    @pytest.mark.requirement("U3")
    def test_what_is_signed(self):
        """Steps 5 and 6: RP ID, client data, key handle and public key, each under the signature."""
        good = u2f_statement(CLIENT, RP_ID, KEY)
        assert refused_by(good, rp_id="example.org") is Check.SIGNATURE
        assert refused_by(good, client_data_hash=bytes(32)) is Check.SIGNATURE
        assert refused_by(good, credential_id=ID[:-1] + b"\x00") is Check.SIGNATURE
        assert refused_by(good, credential_id=ID + KEY.point[:1]) is Check.SIGNATURE
        assert refused_by(good, key=key_pair(name="other").cose) is Check.SIGNATURE
        assert refused_by(good | {"x5c": [certificate(KEY)]}) is Check.SIGNATURE
        assert refused_by(good | {"sig": good["sig"] + b"\x00"}) is Check.SIGNATURE
        assert refused_by(good | {"sig": b""}) is Check.SIGNATURE
        signed = b"\x05" + hashlib.sha256(RP_ID.encode()).digest() + HASH + ID + KEY.point
        assert refused_by(good | {"sig": key_pair(name="attestation").sign(signed)}) is Check.SIGNATURE

    def test_a_non_zero_aaguid(self):
        """Not covered by the signature: accepted and ignored, as W3C's own vector needs, or refused where said."""
        policy = AttestationPolicy(require_zero_aaguid=True)
        good = u2f_statement(CLIENT, RP_ID, KEY)
        assert verify(good).path
        assert verify(good, aaguid=bytes(16), policy=policy).path
        assert refused_by(good, policy=policy) is Check.MODEL
