# SPDX-License-Identifier: Apache-2.0
"""Attestation certificates, the DER below them and the X.509 between."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa.attestation_certificates.certificates import TRANSPORTS_OID
from ram_mfa.attestation_certificates.x509 import read_name
from ram_mfa.encoding.der import DERReader, bits, oid
from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.u2f import AttestationCertificate, RegistrationResponse, Transport, verify_chain
from tests.support import certificates as make
from tests.support import u2f_examples as example
from tests.support import vectors
from tests.support.certificates import tlv

EXAMPLE = RegistrationResponse.parse(example.RESPONSE_81).certificate


def judged():
    """Return (vector, raw certificate) of every judged registration whose certificate was judged too."""
    for vector in vectors("u2f_registration"):
        if vector["expected"]["outcome"] != "invalid":
            yield vector, RegistrationResponse.parse(bytes.fromhex(vector["raw"])).certificate


class TestParse:
    @pytest.mark.requirement("U5")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.u2f.AttestationCertificate.parse")
    def test_fields(self):
        """What the certificate says is what another reader reads in it."""
        other = x509.load_der_x509_certificate(EXAMPLE)
        certificate = AttestationCertificate.parse(EXAMPLE)
        point = other.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        assert certificate.der == certificate.repaired == EXAMPLE
        assert certificate.sha256 == hashlib.sha256(EXAMPLE).digest()
        assert certificate.public_key == point
        assert certificate.p256 is certificate.any_key()
        assert certificate.key_identifier == hashlib.sha1(point).digest()
        assert certificate.key_identifier == x509.SubjectKeyIdentifier.from_public_key(other.public_key()).digest
        assert certificate.fields.version == 3
        assert certificate.fields.signed == other.tbs_certificate_bytes
        assert certificate.fields.signature == other.signature
        assert certificate.fields.not_before == other.not_valid_before_utc.timestamp()
        assert certificate.fields.not_after == other.not_valid_after_utc.timestamp()
        assert certificate.subject == (("2.5.4.3", "PilotGnubby-0.4.1-47901280001155957352"),)

    def test_kept(self):
        """A certificate is parsed once: batches of keys share theirs. Equal bytes are equal certificates."""
        assert AttestationCertificate.parse(EXAMPLE) is AttestationCertificate.parse(bytes(bytearray(EXAMPLE)))
        assert AttestationCertificate.parse(make.make()) != AttestationCertificate.parse(EXAMPLE)
        assert EXAMPLE.hex() not in repr(AttestationCertificate.parse(make.make()))

    def test_bounded(self):
        """However many certificates come, 128 are kept."""
        from ram_mfa.attestation_certificates import certificates

        for serial in range(150):
            certificates._parse(make.by_hand(serial=tlv(2, bytes((1, serial)))))
        assert certificates._parse.cache_info().currsize == certificates._parse.cache_info().maxsize == 128

    @pytest.mark.requirement("U6")
    def test_judged(self):
        """Every judged certificate: fingerprint, validity and transports."""
        for vector, der in judged():
            facts = vector.get("certificate")
            if not facts:
                continue
            certificate = AttestationCertificate.parse(der)
            dates = tuple(dt.datetime.fromisoformat(facts[name]).timestamp() for name in ("not_before", "not_after"))
            transports = certificate.transports
            assert certificate.sha256.hex() == facts["sha256"] == vector["expected"]["parse"]["certificate_sha256"]
            assert (certificate.fields.not_before, certificate.fields.not_after) == dates
            if facts.get("u2f_transports", "malformed") == "malformed":
                assert transports is None
            else:
                assert [transport.value for transport in transports] == facts["u2f_transports"]
            assert (certificate.repaired != der) is facts.get("needs_unused_bits_fix", False)

    @pytest.mark.requirement("U6", "A37")
    def test_repaired(self, monkeypatch):
        """A listed certificate, whose RSA signature claims one unused bit, is repaired in that byte, and chains."""
        from ram_mfa.attestation_certificates import certificates

        root = make.make("rsa root", extensions=[make.CA])
        good = make.make("leaf", "rsa root")
        faulty = good[:-257] + b"\x01" + good[-256:]
        monkeypatch.setattr(certificates, "_UNUSED_BITS_FAULT", {hashlib.sha256(faulty).digest()})
        certificate = AttestationCertificate.parse(faulty)
        assert certificate.der == faulty
        assert certificate.repaired == good
        assert certificate.sha256 == hashlib.sha256(faulty).digest()
        assert certificate.fields.signature == good[-256:]
        assert verify_chain([certificate], roots=[root], at=make.VALID).subject[0][1] == "rsa root"
        # One bit beside it, and it is not listed: nothing is altered, and no chain holds.
        other = AttestationCertificate.parse(faulty[:-1] + bytes((faulty[-1] ^ 0x80,)))
        assert other.repaired == other.der
        assert other.fields.signature is None
        with pytest.raises(VerificationError):
            verify_chain([other], roots=[root], at=make.VALID)

    @pytest.mark.requirement("U6")
    def test_repaired_as_judged(self):
        """Of the six with a known fault the judged one is repaired in one byte, and then chains to its root."""
        for vector, der in judged():
            if not vector.get("certificate", {}).get("needs_unused_bits_fix"):
                continue
            certificate = AttestationCertificate.parse(der)
            different = [at for at in range(len(der)) if der[at] != certificate.repaired[at]]
            assert different == [len(der) - 257]
            assert (der[-257], certificate.repaired[-257]) == (1, 0)
            assert certificate.fields.signature == der[-256:]
            assert certificate.der == der
            roots = [base64.b64decode(root["der"]) for root in vectors("attestation_roots")]
            assert (
                verify_chain([certificate], roots=roots, at=1_600_000_000)
                .subject[0][1]
                .startswith("Yubico U2F Root CA")
            )
            # One bit beside it, and it is no longer one of the six: nothing is altered, and no chain holds.
            other = AttestationCertificate.parse(der[:-1] + bytes((der[-1] ^ 0x80,)))
            assert other.repaired == other.der
            assert other.fields.signature is None
            with pytest.raises(VerificationError):
                verify_chain([other], roots=roots, at=1_600_000_000)
            return
        pytest.fail("none of the judged certificates needs the repair")

    @pytest.mark.requirement("U6")
    def test_six(self):
        """Six fingerprints and no more."""
        from ram_mfa.attestation_certificates import certificates

        assert len(certificates._UNUSED_BITS_FAULT) == 6
        assert {len(fingerprint) for fingerprint in certificates._UNUSED_BITS_FAULT} == {32}

    def test_by_hand(self):
        """The certificate that the tests below break is whole."""
        der = make.by_hand()
        assert AttestationCertificate.parse(der).p256
        assert x509.load_der_x509_certificate(der).serial_number == 7

    @pytest.mark.requirement("U1", "V35")
    @pytest.mark.parametrize(
        "wrong",
        [
            {"version": tlv(0xA0, tlv(2, b"\x03"))},
            {"version": tlv(0xA0, tlv(2, b""))},
            {"version": tlv(0xA0, tlv(2, b"\x02"), tlv(2, b"\x02"))},
            {"version": tlv(0xA0)},
            {"version": b""} | {"serial": b""},
            {"serial": tlv(2)},
            {"serial": tlv(4, b"\x07")},
            {"outer": tlv(0x30, make.oid("1.2.840.10045.4.3.3"))},
            {"inner": tlv(0x31)},
            {"inner": tlv(0x30), "outer": tlv(0x30)},
            {"inner": tlv(0x30, tlv(6)), "outer": tlv(0x30, tlv(6))},
            {"issuer": tlv(0x31)},
            {"issuer": tlv(0x30, tlv(0x30))},
            {"subject": tlv(0x30, tlv(0x31, tlv(0x30, make.oid("2.5.4.3"))))},
            {"subject": tlv(0x30, tlv(0x31, tlv(0x30, make.oid("2.5.4.3"), tlv(0x0C), tlv(0x0C))))},
            {"dates": (tlv(0x17, b"200101000000Z"),)},
            {"dates": (tlv(0x17, b"200101000000Z"),) * 3},
            {"validity": tlv(0x31, tlv(0x17, b"200101000000Z"), tlv(0x17, b"300101000000Z"))},
            {"algorithm": tlv(0x30)},
            {"algorithm": tlv(0x30, make.EC_KEY, make.P256, make.P256)},
            {"key_info": tlv(0x30, tlv(0x30, make.EC_KEY, make.P256))},
            {
                "key_info": tlv(
                    0x30, tlv(0x30, make.EC_KEY, make.P256), tlv(3, b"\x00" + make.point(make.key_pair())), tlv(5)
                )
            },
            {"public_key": b"\x01" + make.point(make.key_pair())},
            {"public_key": b"\x00" + bytes(65)},
            {"public_key": b"\x00\x04" + bytes(64)},
            {"public_key": b"\x00\x02" + make.point(make.key_pair())[1:33]},
            {"public_key": b"\x00" + make.point(make.key_pair()) + b"\x00"},
            {"tail": tlv(0x30)},
            {"tail": tlv(0x81, b"\x00x") + tlv(0x82, b"\x00x") + tlv(0xA4)},
            {"extensions": (), "behind": tlv(5)},
            {"tail": tlv(0xA3, tlv(0x30)) + tlv(0xA3, tlv(0x30))},
            {"unused": b"\x08"},
        ],
    )
    def test_malformed(self, wrong):
        """A certificate with one value missing, doubled or of another kind is refused."""
        with pytest.raises(MalformedMessage):
            AttestationCertificate.parse(make.by_hand(**wrong))

    @pytest.mark.parametrize(
        "time",
        [
            tlv(0x17, b"2001010000Z"),
            tlv(0x17, b"200101000000+0000"),
            tlv(0x17, b"200101000000"),
            tlv(0x17, b"2001010000000"),
            tlv(0x17, b"201301000000Z"),
            tlv(0x17, b"200001000000Z"),
            tlv(0x17, b"200100000000Z"),
            tlv(0x17, b"210229000000Z"),
            tlv(0x17, b"200101240000Z"),
            tlv(0x17, b"200101006000Z"),
            tlv(0x17, b"200101000060Z"),
            tlv(0x17, b"20010100 000Z"),
            tlv(0x17, b"2001010000\xb20Z"),
            tlv(0x17, b"20200101000000Z"),
            tlv(0x18, b"200101000000Z"),
            tlv(0x18, b"20200101000000.5Z"),
            tlv(0x18, b"00000101000000Z"),
            tlv(0x16, b"200101000000Z"),
        ],
    )
    def test_times(self, time):
        """A time that is none, or is written in another way, is refused."""
        with pytest.raises(MalformedMessage):
            AttestationCertificate.parse(make.by_hand(dates=(time, tlv(0x17, b"300101000000Z"))))

    @pytest.mark.parametrize(
        ("time", "moment"),
        [
            (tlv(0x17, b"200229235959Z"), dt.datetime(2020, 2, 29, 23, 59, 59, tzinfo=dt.UTC)),
            (tlv(0x17, b"500101000000Z"), dt.datetime(1950, 1, 1, tzinfo=dt.UTC)),
            (tlv(0x17, b"491231235959Z"), dt.datetime(2049, 12, 31, 23, 59, 59, tzinfo=dt.UTC)),
            (tlv(0x18, b"99991231235959Z"), dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)),
        ],
    )
    def test_moments(self, time, moment):
        """Two digits of a year stand for 1950 to 2049, four for themselves."""
        assert AttestationCertificate.parse(make.by_hand(dates=(time, time))).fields.not_after == moment.timestamp()

    @pytest.mark.parametrize(
        "der", [b"", b"\x30\x00", EXAMPLE[:-1], EXAMPLE + b"\x00", b"\x31" + EXAMPLE[1:], None, "x"]
    )
    def test_no_certificate(self, der):
        """Nothing may be missing and nothing may follow."""
        with pytest.raises(MalformedMessage):
            AttestationCertificate.parse(der)

    def test_size(self):
        """What is above 16,384 bytes is not read."""
        padding = make.extension_der("1.2.3", bytes(16_000))
        assert AttestationCertificate.parse(make.by_hand(extensions=[padding]))
        with pytest.raises(MalformedMessage):
            AttestationCertificate.parse(make.by_hand(extensions=[padding, make.extension_der("1.2.4", bytes(300))]))

    def test_unique_identifiers(self):
        """The two identifiers of version 2 are read over."""
        tail = tlv(0x81, b"\x00x") + tlv(0x82, b"\x00x") + tlv(0xA3, tlv(0x30, make.extension_der("1.2.3", b"x")))
        assert AttestationCertificate.parse(make.by_hand(tail=tail)).extension("1.2.3").value == b"x"
        assert AttestationCertificate.parse(make.by_hand(version=b"")).fields.version == 1


class TestKeys:
    @pytest.mark.requirement("U5")
    @pytest.mark.parametrize("kind", ["p384", "rsa", "ed25519"])
    def test_other_kinds(self, kind):
        """A key of another kind loads as what it is, and is never taken for one on P-256."""
        certificate = AttestationCertificate.parse(make.make(kind))
        with pytest.raises(VerificationError) as refused:
            assert certificate.p256
        assert refused.value.check is Check.CERTIFICATE
        key = make.key_pair(kind).public_key()
        assert certificate.any_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == key.public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    @pytest.mark.parametrize("algorithm", [tlv(0x30, make.oid("1.2.3.4")), tlv(0x30, make.EC_KEY, make.oid("1.2.3.4"))])
    def test_unknown_kinds(self, algorithm):
        """A key that nobody knows is carried, and refused when it is asked for."""
        certificate = AttestationCertificate.parse(make.by_hand(algorithm=algorithm))
        with pytest.raises(VerificationError):
            assert certificate.p256
        with pytest.raises(MalformedMessage):
            certificate.any_key()


class TestTransports:
    @pytest.mark.requirement("U6")
    @pytest.mark.standard(
        "FIDO U2F Authenticator Transports Extension 3", "ram_mfa.u2f.AttestationCertificate.transports"
    )
    @pytest.mark.parametrize(
        ("value", "transports"),
        [
            ("03020780", "bt"),
            ("03020640", "ble"),
            ("03020520", "usb"),
            ("03020430", "usb nfc"),
            ("030204d0", "bt ble nfc"),
            ("03020308", "usb-internal"),
            ("030203f8", "bt ble usb nfc usb-internal"),
            ("03020420", "usb"),
            ("030200ff", "bt ble usb nfc usb-internal"),
            ("030206e0", "bt ble"),
            ("0303077f80", "ble usb nfc usb-internal"),
            ("030100", ""),
        ],
    )
    def test_bits(self, value, transports):
        """Each bit is a transport, in the order of the standard; unused bits are not looked at."""
        certificate = AttestationCertificate.parse(make.make(extensions=[(bytes.fromhex(value), False)]))
        assert tuple(transport.value for transport in certificate.transports) == tuple(transports.split())
        assert all(isinstance(transport, Transport) for transport in certificate.transports)

    @pytest.mark.requirement("U6")
    @pytest.mark.parametrize(
        "value",
        ["", "aa80", "03", "0300", "030104", "03020880", "0302078000", "04020780", "23020780", "0381020780", "0500"],
    )
    def test_malformed(self, value):
        """A value that is no bit string says nothing, and stops nothing."""
        certificate = AttestationCertificate.parse(make.make(extensions=[(bytes.fromhex(value), False)]))
        assert certificate.transports is None
        assert certificate.p256

    @pytest.mark.requirement("U6", "V35")
    @pytest.mark.parametrize(
        "extensions",
        [
            [make.extension_der(TRANSPORTS_OID, b"\x03\x02\x05\x20")] * 2,
            [tlv(0x30)],
            [tlv(0x30, make.oid("1.2.3"))],
            [tlv(0x30, make.oid("1.2.3"), tlv(4), tlv(4))],
            [tlv(0x30, make.oid("1.2.3"), tlv(1, b"\xff"))],
            [tlv(0x30, tlv(6, b"\x80\x01"), tlv(4))],
            [tlv(0x31)],
            [make.extension_der(TRANSPORTS_OID, b"\x03\x02\x05\x20"), b"\x30\x05"],
        ],
    )
    def test_odd_lists(self, extensions):
        """A list that names an extension twice, or does not parse, says nothing and stops no registration."""
        certificate = AttestationCertificate.parse(make.by_hand(extensions=extensions))
        assert certificate.fields.extensions is None
        assert certificate.transports is None
        assert certificate.extension(TRANSPORTS_OID) is None

    def test_list_of_another_kind(self):
        """A list that is no sequence, or is followed by something, is unreadable too."""
        for tail in (tlv(0xA3, tlv(0x31)), tlv(0xA3, tlv(0x30), tlv(0x30)), tlv(0xA3)):
            assert AttestationCertificate.parse(make.by_hand(tail=tail)).fields.extensions is None

    def test_written_default(self):
        """``critical FALSE`` is left out in DER; where an issuer writes it, it means that."""
        written = [make.extension_der("1.2.3", b"", tlv(1, octet)) for octet in (b"\x00", b"\xff")]
        assert [
            AttestationCertificate.parse(make.by_hand(extensions=[one])).extension("1.2.3").critical for one in written
        ] == [False, True]

    def test_none(self):
        """No extension, no claim."""
        assert AttestationCertificate.parse(make.make()).transports is None


class TestNames:
    def test_pairs(self):
        """Each attribute of each part, in its order; text that is no UTF-8 is read as Latin-1."""
        attribute = lambda kind, value: tlv(0x30, make.oid(kind), tlv(0x14, value))
        name = tlv(
            0x30,
            tlv(0x31, attribute("2.5.4.6", b"SE"), attribute("2.5.4.10", b"\xc5")),
            tlv(0x31, attribute("2.5.4.3", b"x")),
        )
        assert read_name(name) == (("2.5.4.6", "SE"), ("2.5.4.10", "\u00c5"), ("2.5.4.3", "x"))
        assert AttestationCertificate.parse(make.by_hand(subject=name)).subject == read_name(name)
        with pytest.raises(MalformedMessage):
            read_name(name + b"\x00")


class TestDER:
    @given(st.binary(max_size=300), st.integers(0, 0xFF))
    def test_one_form(self, contents, tag):
        """A value is read as it was written, whatever its length; a tag of several bytes is refused."""
        reader = DERReader(tlv(tag, contents) + b"rest", "test")
        if tag & 0x1F == 0x1F:
            with pytest.raises(MalformedMessage):
                reader.take("value")
            return
        element = reader.take("value", tag)
        assert (element.tag, element.contents, element.whole) == (tag, contents, tlv(tag, contents))
        assert reader.offset == len(element.whole)
        with pytest.raises(MalformedMessage) as refused:
            reader.end("value")
        assert refused.value.offset == reader.offset

    @pytest.mark.parametrize(
        "data",
        [
            "",
            "04",
            "0480",
            "048100",
            "04817f" + "00" * 127,
            "04820080" + "00" * 128,
            "0483000100" + "00" * 256,
            "0481",
            "048201",
            "0402ff",
            "0485000000000100",
            "04ff" + "00" * 127,
        ],
    )
    def test_lengths(self, data):
        """Lengths that are indefinite, padded, cut or beyond the end are refused."""
        with pytest.raises(MalformedMessage):
            DERReader(bytes.fromhex(data), "test").take("value")

    @given(
        st.tuples(st.integers(0, 2), st.integers(0, 39)) | st.tuples(st.just(2), st.integers(0, 10**9)),
        st.lists(st.integers(0, 10**12), max_size=4),
    )
    def test_oids(self, first, rest):
        """Object identifiers are read as they were written."""
        dotted = ".".join(map(str, (*first, *rest)))
        assert oid(make.oid(dotted)[2:], message="test", field="test") == dotted

    @pytest.mark.parametrize("contents", [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x86", b"\x2a" * 65])
    def test_no_oids(self, contents):
        """Padded, cut, empty and very long identifiers are refused."""
        with pytest.raises(MalformedMessage):
            oid(contents, message="test", field="test")

    @pytest.mark.parametrize("contents", [b"", b"\x01", b"\x08\x00", b"\xff\x00"])
    def test_no_bits(self, contents):
        """A bit string needs a count of unused bits from 0 to 7, and bits for it to count."""
        with pytest.raises(MalformedMessage):
            bits(contents, message="test", field="test")
        assert bits(b"\x00", message="test", field="test") == (b"", 0)
