# SPDX-License-Identifier: Apache-2.0
"""The certificate reader compared with ``cryptography.x509``: the same fields, and a closed list of differences."""

from __future__ import annotations

import datetime as dt
import hashlib
import warnings

import cryptography
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.attestation_certificates.x509 import read_name
from ram_mfa.encoding.der import DERReader
from ram_mfa.errors import MalformedMessage
from ram_mfa.u2f import AttestationCertificate
from tests.support import certificates as make
from tests.support.certificates import tlv

COMPARED = 50
"""The release of ``cryptography`` that the differences are listed of: older ones make and accept other certificates."""

pytestmark = [
    pytest.mark.requirement("U5"),
    pytest.mark.skipif(
        int(cryptography.__version__.partition(".")[0]) < COMPARED,
        reason=f"the differences are those from cryptography {COMPARED}",
    ),
]

KEYS = {
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
TEXT_OIDS = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.LOCALITY_NAME)

attributes = st.builds(
    x509.NameAttribute, st.sampled_from(TEXT_OIDS), st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
)
names = st.builds(x509.Name, st.lists(attributes, max_size=4))
FIRST, LAST = dt.datetime.fromisoformat("1950-01-01"), dt.datetime.fromisoformat("9999-12-31")
times = st.datetimes(FIRST, LAST).map(lambda at: at.replace(microsecond=0))
known = st.sampled_from(
    [
        x509.BasicConstraints(ca=True, path_length=2),
        x509.BasicConstraints(ca=False, path_length=None),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectAlternativeName([x509.DNSName("example.com")]),
        x509.SubjectKeyIdentifier(b"k" * 20),
    ]
)
unknown = st.builds(
    lambda last, value: x509.UnrecognizedExtension(ObjectIdentifier(f"1.3.6.1.4.1.45724.{last}"), value),
    st.integers(0, 2**40),
    st.binary(max_size=200),
)
extension_lists = st.lists(
    st.tuples(known | unknown, st.booleans()), max_size=8, unique_by=lambda pair: pair[0].oid.dotted_string
)


@st.composite
def certificates(draw):
    """Return a certificate, DER, that ``cryptography`` makes and signs."""
    signer = KEYS[draw(st.sampled_from(sorted(KEYS)))]
    first, second = sorted((draw(times), draw(times)))
    builder = (
        x509.CertificateBuilder()
        .subject_name(draw(names))
        .issuer_name(draw(names))
        .public_key(KEYS[draw(st.sampled_from(sorted(KEYS)))].public_key())
        .serial_number(draw(st.integers(1, 2**159 - 1)))
        .not_valid_before(first)
        .not_valid_after(second)
    )
    for extension, critical in draw(extension_lists):
        builder = builder.add_extension(extension, critical)
    digest = draw(st.sampled_from([hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]))
    return builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else digest).public_bytes(
        Encoding.DER
    )


def load(der):
    """Return what ``cryptography`` reads; its warnings about serial numbers are not this test's subject."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_der_x509_certificate(der)


def pairs(name):
    """Return a name of ``cryptography`` as (OID, text) pairs."""
    return tuple((attribute.oid.dotted_string, attribute.value) for attribute in name)


class TestEqualFields:
    @given(certificates())
    def test_of_any_certificate(self, der):
        """Every field that is read equals the field that ``cryptography.x509`` reads."""
        certificate, other = AttestationCertificate.parse(der), load(der)
        fields, key = certificate.fields, other.public_key()
        assert fields.version == other.version.value + 1
        assert fields.issuer == other.issuer.public_bytes()
        assert fields.subject == other.subject.public_bytes()
        assert read_name(fields.issuer) == pairs(other.issuer)
        assert certificate.subject == pairs(other.subject)
        assert fields.not_before == other.not_valid_before_utc.timestamp()
        assert fields.not_after == other.not_valid_after_utc.timestamp()
        assert fields.key_info == key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert fields.key_algorithm == other.public_key_algorithm_oid.dotted_string
        assert (
            certificate.any_key().public_numbers() == key.public_numbers() if hasattr(key, "public_numbers") else True
        )
        assert certificate.any_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == fields.key_info
        assert certificate.key_identifier == x509.SubjectKeyIdentifier.from_public_key(key).digest
        assert {oid: (extension.critical, extension.value) for oid, extension in fields.extensions.items()} == {
            one.oid.dotted_string: (one.critical, one.value.public_bytes()) for one in other.extensions
        }
        assert fields.signed == other.tbs_certificate_bytes
        assert fields.signature_algorithm == other.signature_algorithm_oid.dotted_string
        assert fields.signature == other.signature
        assert certificate.sha256 == other.fingerprint(hashes.SHA256()) == hashlib.sha256(der).digest()


NULL = tlv(0x30, make.oid("1.2.840.10045.4.3.2"), tlv(5))

ONLY_WE_ACCEPT = {
    # Some issuers write the default out; it changes nothing (TestTransports.test_written_default).
    "critical FALSE": {"extensions": [make.extension_der("1.2.3", b"x", tlv(1, b"\x00"))]},
    # BER's TRUE is any octet but 0; it can only make an extension critical, which refuses a path.
    "critical 0x01": {"extensions": [make.extension_der("1.2.3", b"x", tlv(1, b"\x01"))]},
    # The default version, written out.
    "version 1": {"version": tlv(0xA0, tlv(2, b"\x00"))},
    # The serial number is not read: no issuer's list of revoked certificates is consulted.
    "padded serial number": {"serial": tlv(2, b"\x00\x07")},
    # RFC 5758 3.2 forbids parameters; the OID alone selects the algorithm.
    "ECDSA with NULL": {"inner": NULL, "outer": NULL},
    # Names are compared as bytes and shown as text; a string type that its bytes do not fit does no harm.
    "name of another string type": {
        "subject": tlv(0x30, tlv(0x31, tlv(0x30, make.oid("2.5.4.3"), tlv(0x1C, b"leaf"))))
    },
    # The extensions are None then, which stops every path but no registration (requirement U6).
    "broken extension": {"extensions": [tlv(0x30, make.oid("1.2.3"))]},
    "extensions and more": {"tail": tlv(0xA3, tlv(0x30), tlv(0x30))},
}

ONLY_CRYPTOGRAPHY_ACCEPTS = {
    # RFC 5280 4.1.1.2: it compares the two only when it verifies a signature; here a caller may verify without it.
    "two algorithms": {"outer": tlv(0x30, make.oid("1.2.840.10045.4.3.3"))},
    # It loads a key on request; a P-256 key is loaded here at once, so that no invalid point is kept (U4).
    "not a point": {"public_key": b"\x00\x04" + bytes(64)},
    "compressed point": {"public_key": b"\x00\x02" + make.point(make.key_pair())[1:33]},
}

CRYPTOGRAPHY_REFUSES_ON_REQUEST = {
    # Fields that it reads on request and then refuses, so that one bad text or extension hides all the others.
    "text not in UTF-8": (
        {"subject": tlv(0x30, tlv(0x31, tlv(0x30, make.oid("2.5.4.3"), tlv(12, b"\xc5"))))},
        "subject",
    ),
    "broken alternative name": ({"extensions": [make.extension_der("2.5.29.17", b"x")]}, "extensions"),
    "extension twice": ({"extensions": [make.extension_der("1.2.3", b"x")] * 2}, "extensions"),
}


class TestDifferences:
    """The complete list, each with its reason."""

    @pytest.mark.parametrize("odd", ONLY_WE_ACCEPT.values(), ids=ONLY_WE_ACCEPT)
    def test_only_this_reader_accepts(self, odd):
        """A certificate that ``cryptography`` refuses as a whole is read here, with a valid key."""
        der = make.by_hand(**odd)
        assert AttestationCertificate.parse(der).p256
        with pytest.raises(ValueError, match="error parsing asn1 value"):
            load(der)

    @pytest.mark.parametrize("odd", ONLY_CRYPTOGRAPHY_ACCEPTS.values(), ids=ONLY_CRYPTOGRAPHY_ACCEPTS)
    def test_only_cryptography_accepts(self, odd):
        """A certificate that ``cryptography`` loads is refused here."""
        der = make.by_hand(**odd)
        assert load(der).serial_number == 7
        with pytest.raises(MalformedMessage):
            AttestationCertificate.parse(der)

    @pytest.mark.parametrize(
        ("odd", "field"), CRYPTOGRAPHY_REFUSES_ON_REQUEST.values(), ids=CRYPTOGRAPHY_REFUSES_ON_REQUEST
    )
    def test_a_field_that_cryptography_refuses_on_request(self, odd, field):
        """A certificate that ``cryptography`` loads, and one of whose fields it refuses, is read here."""
        der = make.by_hand(**odd)
        assert AttestationCertificate.parse(der).p256
        other = load(der)
        with pytest.raises((ValueError, x509.DuplicateExtension)):
            getattr(other, field)

    def test_serial_numbers_that_are_not_positive(self):
        """Such certificates are in use, and ``cryptography`` announces that it will refuse them."""
        der = make.by_hand(serial=tlv(2, b"\xff"))
        assert AttestationCertificate.parse(der).p256
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises((ValueError, DeprecationWarning, UserWarning), match="serial"):
                _ = x509.load_der_x509_certificate(der).serial_number


def regions(der):
    """Return the name of the part that each byte of a certificate belongs to."""
    outside = DERReader(der, "test")
    tbs_start = len(der) - len(outside.enter("certificate").data)
    certificate = DERReader(der[tbs_start:], "test")
    tbs = certificate.take("TBSCertificate")
    names_of = ["version", "serial", "signature algorithm", "issuer", "validity", "subject", "key", "extensions"]
    found = ["frame"] * (tbs_start + len(tbs.whole) - len(tbs.contents))
    reader = DERReader(tbs.contents, "test")
    for name in names_of:
        found += [name] * len(reader.take(name).whole)
    for name in ("outer algorithm", "signature"):
        found += [name] * len(certificate.take(name).whole)
    assert len(found) == len(der)
    return found


class TestEveryBit:
    def test_flipped(self):
        """Whichever bit of a certificate is flipped, both readers accept the same contents or both refuse, except in
        the parts where the list above says why they differ.
        """
        der = make.by_hand(extensions=[make.extension_der("2.5.29.19", tlv(0x30, tlv(1, b"\xff")), tlv(1, b"\xff"))])
        places, read = regions(der), 0
        only_ours, only_theirs = set(), set()
        for at in range(len(der)):
            for bit in range(8):
                flipped = bytearray(der)
                flipped[at] ^= 1 << bit
                flipped = bytes(flipped)
                try:
                    fields = AttestationCertificate.parse(flipped).fields
                except MalformedMessage:
                    fields = None
                try:
                    other = load(flipped)
                except (ValueError, x509.InvalidVersion):
                    other = None
                if fields is None and other is not None:
                    only_theirs.add(places[at])
                elif fields is not None and other is None:
                    only_ours.add(places[at])
                    # A signature with unused bits that are set is carried as none at all, and no path holds
                    assert places[at] != "signature" or fields.signature is None
                elif fields is not None:
                    read += 1
                    assert fields.version == other.version.value + 1
                    assert fields.signed == other.tbs_certificate_bytes
                    assert fields.signature_algorithm == other.signature_algorithm_oid.dotted_string
                    assert fields.key_algorithm == other.public_key_algorithm_oid.dotted_string
                    assert fields.not_before == other.not_valid_before_utc.timestamp()
                    assert fields.not_after == other.not_valid_after_utc.timestamp()
                    assert fields.signature in (None, other.signature)
        assert read > 500
        # Contents that are read tolerantly: see ONLY_WE_ACCEPT
        assert only_ours <= {"version", "serial", "issuer", "subject", "key", "extensions", "signature"}
        # The same algorithm in both places, and a valid key: see ONLY_CRYPTOGRAPHY_ACCEPTS
        assert only_theirs <= {"signature algorithm", "outer algorithm", "key"}
