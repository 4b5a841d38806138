# SPDX-License-Identifier: Apache-2.0
"""Chains of attestation certificates."""

from __future__ import annotations

import base64
import datetime as dt
import math

import pytest
from cryptography import x509

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.u2f import AttestationCertificate, RegistrationResponse, TrustRoots, verify_chain
from tests.support import certificates as make
from tests.support import vectors
from tests.support.certificates import CA, VALID, tlv

DAY = 86_400
NO_CA = (x509.BasicConstraints(ca=False, path_length=None), True)


def path_length(length):
    return (x509.BasicConstraints(ca=True, path_length=length), True)


def key_usage(*, sign, critical=True):
    others = dict.fromkeys(
        [
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    return (x509.KeyUsage(digital_signature=True, key_cert_sign=sign, **others), critical)


ROOT = make.make("root", extensions=[CA])
INTERMEDIATE = make.make("intermediate", "root", extensions=[CA])
LEAF = make.make("leaf", "root", extensions=[NO_CA])
DEEP = make.make("leaf", "intermediate", extensions=[NO_CA])
SELF = make.make("alone")


def refused(path, *, roots, at=VALID, check=Check.TRUST_PATH):
    with pytest.raises(VerificationError) as error:
        verify_chain(path, roots=roots, at=at)
    assert error.value.check is check


class TestAccepted:
    @pytest.mark.requirement("U5", "V32")
    @pytest.mark.standard("FIDO U2F Raw 4.3", "ram_mfa.u2f.verify_chain")
    @pytest.mark.parametrize(
        ("path", "roots", "anchor"),
        [
            ([LEAF], [ROOT], ROOT),
            ([LEAF, ROOT], [ROOT], ROOT),
            ([DEEP, INTERMEDIATE], [ROOT], ROOT),
            ([DEEP, INTERMEDIATE, ROOT], [SELF, ROOT], ROOT),
            ([DEEP], [INTERMEDIATE], INTERMEDIATE),
            ([DEEP, INTERMEDIATE], [INTERMEDIATE], INTERMEDIATE),
            ([LEAF], [LEAF], LEAF),
            ([SELF], [SELF], SELF),
            ([SELF, ROOT], [SELF], SELF),
            (
                [LEAF],
                [make.make("root", key=make.key_pair("other"), signer=make.key_pair("other"), extensions=[CA]), ROOT],
                ROOT,
            ),
        ],
    )
    def test_paths(self, path, roots, anchor):
        """A path ends in a root, which may be left out or stand in it; or its first certificate is an accepted one."""
        assert verify_chain(path, roots=roots, at=VALID) == AttestationCertificate.parse(anchor)
        parsed = [AttestationCertificate.parse(der) for der in path]
        assert (
            verify_chain(parsed, roots=TrustRoots.of(map(AttestationCertificate.parse, roots)), at=VALID).der == anchor
        )

    @pytest.mark.parametrize("kind", ["root", "p384 root", "rsa root", "ed25519 root"])
    @pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
    def test_algorithms(self, kind, algorithm):
        """ECDSA and RSA with SHA-2, and Ed25519."""
        root = make.make(kind, extensions=[CA], algorithm=algorithm)
        leaf = make.make("leaf", kind, algorithm=algorithm)
        assert verify_chain([leaf], roots=[root], at=VALID).der == root

    @pytest.mark.parametrize(
        "extensions",
        [
            [CA, key_usage(sign=True)],
            [path_length(0)],
            [(x509.BasicConstraints(ca=True, path_length=None), False)],
            [CA, (x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.2.3")]), True)],
            [CA, (b"\x01\x02", False)],
        ],
    )
    def test_issuers(self, extensions):
        """Roots that say that they may issue, whatever else they say that is known or not critical."""
        root = make.make("root", extensions=extensions)
        assert verify_chain([LEAF], roots=[root], at=VALID).der == root

    def test_version_1(self):
        """A root of version 1 cannot say what it may do, whoever chose it did; no other issuer is let off."""
        root = make.by_hand(
            private=make.key_pair("root"), version=b"", issuer=make.name_der("root"), subject=make.name_der("root")
        )
        leaf = make.by_hand(
            private=make.key_pair("root"), public_key=b"\0" + make.point(make.key_pair()), issuer=make.name_der("root")
        )
        assert verify_chain([leaf], roots=[root], at=VALID).der == root
        middle = make.by_hand(
            private=make.key_pair("root"), version=b"", issuer=make.name_der("top"), subject=make.name_der("root")
        )
        refused([leaf], roots=[middle], check=Check.CERTIFICATE)

    def test_judged(self):
        """Every judged registration chains to the root that it was judged to chain to, or to none."""
        named = {root["name"]: base64.b64decode(root["der"]) for root in vectors("attestation_roots")}
        roots, seen = TrustRoots.of(named.values()), 0
        for vector in vectors("u2f_registration"):
            chain = vector.get("chain")
            if not chain or vector["expected"]["outcome"] == "invalid":
                continue
            path = [RegistrationResponse.parse(bytes.fromhex(vector["raw"])).certificate]
            at = dt.datetime.fromisoformat(chain["valid_at"]).timestamp()
            if chain["root"]:
                assert verify_chain(path, roots=roots, at=at).der == named[chain["root"]]
                seen += 1
            else:
                refused(path, roots=roots, at=at)
        assert seen


class TestRefused:
    @pytest.mark.requirement("U5", "V32")
    def test_no_roots(self):
        """Without roots nothing is trusted."""
        refused([LEAF, ROOT], roots=[])
        refused([SELF], roots=TrustRoots.of([]))

    @pytest.mark.parametrize("path", [[], [LEAF] * 9])
    def test_length(self, path):
        """A path has 1 to 8 certificates."""
        refused(path, roots=[ROOT])

    @pytest.mark.requirement("V32")
    @pytest.mark.parametrize(
        ("path", "roots"),
        [
            ([LEAF], [SELF]),
            ([SELF], [ROOT]),
            ([DEEP], [ROOT]),
            ([DEEP, ROOT], [ROOT]),
            ([DEEP, SELF, ROOT], [ROOT]),
            ([DEEP, INTERMEDIATE, SELF], [SELF]),
            ([ROOT, LEAF], [LEAF]),
            ([LEAF], [make.make("root", key=make.key_pair("other"), signer=make.key_pair("other"), extensions=[CA])]),
            ([make.make("leaf", "root", signer=make.key_pair("other"))], [ROOT]),
            ([make.make("leaf", "intermediate", signer=make.key_pair("root")), INTERMEDIATE], [ROOT]),
            ([LEAF[:-1] + bytes((LEAF[-1] ^ 1,))], [ROOT]),
        ],
    )
    def test_other_paths(self, path, roots):
        """Unknown roots, missing links, links out of order, names without signatures and signatures without names."""
        refused(path, roots=roots)

    @pytest.mark.requirement("V32")
    @pytest.mark.parametrize(
        "extensions",
        [
            [],
            [NO_CA],
            [CA, key_usage(sign=False)],
            [CA, key_usage(sign=False, critical=False)],
            [(b"\x30\x03\x01\x01\xff", False)],
        ],
    )
    def test_no_authority(self, extensions):
        """A certificate that may not issue issues nothing, in the path or as a root: an accepted leaf is no CA."""
        issuer = make.make("intermediate", "root", extensions=extensions)
        refused([DEEP, issuer], roots=[ROOT], check=Check.CERTIFICATE)
        refused([DEEP], roots=[issuer], check=Check.CERTIFICATE)

    @pytest.mark.parametrize(
        "value", ["", "3003010100", "30030101", "3003010101", "020101", "30030101ff00", "300602010001" + "01ff", "3000"]
    )
    def test_odd_constraints(self, value):
        """Basic constraints that cannot be read, or whose TRUE is not DER's, make no authority."""
        constraints = make.extension_der("2.5.29.19", bytes.fromhex(value))
        name = make.name_der("root")
        root = make.by_hand(private=make.key_pair("root"), issuer=name, subject=name, extensions=[constraints])
        refused([LEAF], roots=[root], check=Check.CERTIFICATE)

    @pytest.mark.parametrize("value", ["", "03", "0500", "030100", "03020780", "0302010600"])
    def test_odd_usage(self, value):
        """A key usage that cannot be read, or is empty, lets nobody issue."""
        good = make.extension_der("2.5.29.19", bytes.fromhex("30030101ff"))
        name = make.name_der("root")
        extensions = [good, make.extension_der("2.5.29.15", bytes.fromhex(value))]
        root = make.by_hand(private=make.key_pair("root"), issuer=name, subject=name, extensions=extensions)
        refused([LEAF], roots=[root], check=Check.CERTIFICATE)

    def test_path_length(self):
        """An issuer that allows no issuer below it has none below it."""
        middle = make.make("intermediate", "root", extensions=[CA])
        for length, ends in ((0, False), (1, True)):
            root = make.make("root", extensions=[path_length(length)])
            if ends:
                assert verify_chain([DEEP, middle], roots=[root], at=VALID).der == root
            else:
                refused([DEEP, middle], roots=[root], check=Check.CERTIFICATE)
        low = make.make("low", "root", extensions=[path_length(0)])
        path = [DEEP, make.make("intermediate", "low", extensions=[CA]), low]
        refused(path, roots=[ROOT], check=Check.CERTIFICATE)

    @pytest.mark.requirement("U5")
    @pytest.mark.parametrize("who", ["leaf", "intermediate", "root", "accepted"])
    def test_dates(self, who):
        """Everything on the way is valid from the first second to the last, and not one beside them."""
        begin, end = (make.NOT_BEFORE + dt.timedelta(days=100), make.NOT_BEFORE + dt.timedelta(days=200))
        dates = {"not_before": begin, "not_after": end}
        of = lambda name: dates if name == who else {}
        root = make.make("root", extensions=[CA], **of("root"))
        middle = make.make("intermediate", "root", extensions=[CA], **of("intermediate"))
        leaf = make.make("leaf", "intermediate", **of("leaf"))
        path, roots = [leaf, middle], [root]
        if who == "accepted":
            path = roots = [make.make("alone", **dates)]
        for at in (begin.timestamp(), end.timestamp(), end.timestamp() + 0.9):
            assert verify_chain(path, roots=roots, at=at)
        for at in (begin.timestamp() - 1, end.timestamp() + 1, 0, math.inf, -math.inf, math.nan):
            refused(path, roots=roots, at=at, check=Check.CERTIFICATE)

    @pytest.mark.parametrize("who", ["leaf", "intermediate", "root", "accepted"])
    def test_critical(self, who):
        """A critical extension that nobody here knows, and a list that cannot be read, refuse the whole path."""
        odd = [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b""), True)]
        of = lambda name: odd if name == who else []
        root = make.make("root", extensions=[CA, *of("root")])
        middle = make.make("intermediate", "root", extensions=[CA, *of("intermediate")])
        path, roots = [make.make("leaf", "intermediate", extensions=of("leaf")), middle], [root]
        if who == "accepted":
            path = roots = [make.make("alone", extensions=odd)]
        refused(path, roots=roots, check=Check.CERTIFICATE)
        unreadable = make.by_hand(extensions=[tlv(0x30)])
        refused([unreadable], roots=[unreadable], check=Check.CERTIFICATE)

    @pytest.mark.parametrize(
        "algorithm", ["1.2.840.10045.4.1", "1.2.840.113549.1.1.5", "1.2.840.113549.1.1.11", "1.3.101.112", "1.2.3"]
    )
    def test_algorithms(self, algorithm):
        """SHA-1, an algorithm of another kind of key, and an unknown one verify nothing."""
        name = tlv(0x30, make.oid(algorithm))
        leaf = make.by_hand(private=make.key_pair("root"), issuer=make.name_der("root"), inner=name, outer=name)
        refused([leaf], roots=[ROOT])

    def test_unloadable_issuer(self):
        """An issuer whose key is of no known kind issued nothing."""
        odd = make.by_hand(
            issuer=make.name_der("root"), subject=make.name_der("root"), algorithm=tlv(0x30, make.oid("1.2.3"))
        )
        refused([LEAF], roots=[odd])

    @pytest.mark.requirement("V35")
    def test_malformed(self):
        """What is no certificate in a path is the peer's fault; among the roots it is the configuration's."""
        for path in ([b"x"], [LEAF, b""], [None]):
            with pytest.raises(MalformedMessage):
                verify_chain(path, roots=[ROOT], at=VALID)
        with pytest.raises(ValueError, match="root") as wrong:
            verify_chain([LEAF], roots=[b"x"], at=VALID)
        assert not isinstance(wrong.value, MalformedMessage)
