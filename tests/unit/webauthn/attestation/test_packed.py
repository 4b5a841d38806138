# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import pytest
from cryptography import x509

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.webauthn.attestation import AttestationObject, AttestationType, verify_statement
from tests.support.webauthn import (
    AAGUID,
    ROOT_NAME,
    SUBJECT,
    attestation_object,
    authenticator_data,
    certificate,
    client_data,
    key_pair,
    leaf,
    packed_statement,
    root,
)

CLIENT = client_data()
HASH = hashlib.sha256(CLIENT).digest()
ALGORITHMS = [-7, -8, -9, -19, -35, -36, -51, -52, -53, -257]
SIGNER = key_pair(name="attestation")

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-packed-attestation", "ram_mfa.webauthn.attestation.verify_statement"
)


def data_of(number=-7, **changes):
    return authenticator_data(**({"key": key_pair(number).cose} | changes))


def verify(statement, data=None, client_data_hash=HASH):
    raw = attestation_object("packed", statement, data or data_of())
    return verify_statement(AttestationObject.parse(raw), client_data_hash)


def refused_by(statement, data=None, **arguments):
    with pytest.raises(VerificationError) as refused:
        verify(statement, data, **arguments)
    return refused.value.check


def certified(der, signer=SIGNER, **changes):
    """Return a statement that a certificate's key signed."""
    return packed_statement(CLIENT, data_of(), signer, x5c=[der], **changes)


class TestSelf:
    @pytest.mark.parametrize("number", ALGORITHMS)
    def test_a_genuine_one(self, number):
        """The credential signs for itself, with each algorithm."""
        data = data_of(number)
        statement = packed_statement(CLIENT, data, key_pair(number))
        del statement["x5c"]
        verified = verify(statement, data)
        assert (verified.format, verified.type, verified.path) == ("packed", AttestationType.SELF, ())

    def test_what_is_signed(self):
        data = data_of()
        statement = packed_statement(CLIENT, data, key_pair())
        del statement["x5c"]
        for wrong in (data_of(flags=5), data_of(count=1), data_of(aaguid=bytes(16)), data_of(rp_id="example.org")):
            assert refused_by(statement, wrong) is Check.SIGNATURE
        assert refused_by(statement, client_data_hash=bytes(32)) is Check.SIGNATURE
        assert refused_by(statement | {"sig": b""}) is Check.SIGNATURE

    @pytest.mark.parametrize("alg", [-8, -9, -35, -257])
    def test_the_algorithm_is_the_credential_s(self, alg):
        statement = {"alg": alg, "sig": key_pair().sign(data_of() + HASH)}
        assert refused_by(statement) is Check.ALGORITHM

    @pytest.mark.parametrize("alg", [-65535, -37, 0, 999])
    def test_an_algorithm_outside_the_list(self, alg):
        assert refused_by({"alg": alg, "sig": b""}) is Check.ALGORITHM


class TestCertified:
    @pytest.mark.parametrize("number", [-7, -8, -35, -36, -257])
    def test_a_genuine_one(self, number):
        """An attestation key of any kind speaks for a credential of any other."""
        signer = key_pair(number, "attestation of its own")
        statement = verify(certified(certificate(signer, issuer=ROOT_NAME, issuer_key=key_pair(name="root")), signer))
        assert (statement.type, len(statement.path)) == (AttestationType.CERTIFIED, 1)

    def test_a_chain(self):
        statement = verify(packed_statement(CLIENT, data_of(), x5c=[leaf(), root()]))
        assert [one.der for one in statement.path] == [leaf(), root()]

    @pytest.mark.parametrize(
        "changes",
        [
            {"alg": ...},
            {"sig": ...},
            {"ecdaaKeyId": b"x"},
            {1: 2},
            {"alg": "ES256"},
            {"alg": None},
            {"alg": True},
            {"sig": "text"},
            {"x5c": []},
            {"x5c": None},
            {"x5c": leaf()},
            {"x5c": [leaf()] * 9},
            {"x5c": [leaf(), None]},
            {"x5c": [leaf(), b"junk"]},
            {"x5c": [leaf()[:-1]]},
        ],
    )
    def test_its_form(self, changes):
        statement = {key: value for key, value in (certified(leaf()) | changes).items() if value is not ...}
        with pytest.raises(MalformedMessage):
            verify(statement)

    @pytest.mark.parametrize("wrong", [None, [], {}, "x", b""])
    def test_what_is_no_statement(self, wrong):
        with pytest.raises(MalformedMessage):
            verify(wrong)

    def test_what_is_signed(self):
        statement = packed_statement(CLIENT, data_of())
        for wrong in (data_of(flags=5), data_of(count=1), data_of(rp_id="example.org"), data_of(-8)):
            assert refused_by(statement, wrong) is Check.SIGNATURE
        assert refused_by(statement, client_data_hash=bytes(32)) is Check.SIGNATURE
        assert refused_by(certified(leaf(), key_pair(name="root"))) is Check.SIGNATURE

    @pytest.mark.parametrize("alg", [-8, -35, -257, -65535])
    def test_the_algorithm_fits_the_certificate_s_key(self, alg):
        assert refused_by(certified(leaf(), alg=alg)) is Check.ALGORITHM


@pytest.mark.standard(
    "WebAuthn Level 3 #sctn-packed-attestation-cert-requirements", "ram_mfa.webauthn.attestation.verify_statement"
)
class TestCertificateRequirements:
    @pytest.mark.parametrize(
        "subject",
        [
            {"O": "x", "OU": "Authenticator Attestation", "CN": "x"},
            {"C": "SE", "OU": "Authenticator Attestation", "CN": "x"},
            {"C": "SE", "O": "x", "CN": "x"},
            {"C": "SE", "O": "x", "OU": "Authenticator Attestation"},
            {"C": "SE", "O": "x", "OU": "Authenticator attestation", "CN": "x"},
            {"C": "SE", "O": "x", "OU": "Authenticator Attestation ", "CN": "x"},
            {"C": "S1", "O": "x", "OU": "Authenticator Attestation", "CN": "x"},
            [("C", "SE"), ("O", "x"), ("OU", "Authenticator Attestation"), ("CN", "x"), ("OU", "Another")],
            [("C", "SE"), ("O", "x"), ("OU", "Another"), ("OU", "Authenticator Attestation"), ("CN", "x")],
        ],
    )
    def test_the_subject(self, subject):
        """Country, organisation, unit and common name, each once."""
        assert refused_by(certified(certificate(SIGNER, subject=subject))) is Check.CERTIFICATE

    def test_an_authority_is_none(self):
        assert refused_by(certified(certificate(SIGNER, authority=True))) is Check.CERTIFICATE

    def test_basic_constraints_may_be_missing(self):
        """Certificates of keys that were sold have none; version 3 they must be all the same."""
        assert verify(certified(certificate(SIGNER, authority=None, aaguid=AAGUID))).path
        without = certificate(SIGNER, authority=None)
        assert x509.load_der_x509_certificate(without).version is x509.Version.v3
        assert verify(certified(without)).path

    def test_version_one(self):
        """A certificate without a version is version 1, and refused."""
        plain = certificate(SIGNER, authority=None)
        assert b"\xa0\x03\x02\x01\x02" in plain
        old = plain.replace(b"\xa0\x03\x02\x01\x02", b"", 1)
        # The two lengths in front, of the certificate and of what is signed, shrink by those five bytes.
        outer, inner = int.from_bytes(old[2:4], "big") - 5, int.from_bytes(old[6:8], "big") - 5
        old = old[:2] + outer.to_bytes(2, "big") + old[4:6] + inner.to_bytes(2, "big") + old[8:]
        assert refused_by(certified(old)) is Check.CERTIFICATE

    def test_the_aaguid_in_the_certificate(self):
        """Where the certificate names a model, it is that of the authenticator data, and not critical."""
        assert verify(certified(certificate(SIGNER, aaguid=AAGUID))).path
        assert refused_by(certified(certificate(SIGNER, aaguid=bytes(16)))) is Check.MODEL
        assert refused_by(certified(certificate(SIGNER, aaguid=AAGUID[:-1]))) is Check.MODEL
        assert refused_by(certified(certificate(SIGNER, aaguid=AAGUID, aaguid_critical=True))) is Check.CERTIFICATE

    def test_country_as_given(self):
        assert verify(certified(certificate(SIGNER, subject=SUBJECT | {"C": "se"}))).path
