# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ram_mfa.errors import Check, MalformedMessage, VerificationError
from ram_mfa.signatures.cose import algorithm_of, verify_signature
from ram_mfa.webauthn import COSEAlgorithm, load_public_key
from tests.support.webauthn import key_pair

ALL = [int(algorithm) for algorithm in COSEAlgorithm]
pytestmark = pytest.mark.standard("WebAuthn Level 3 #sctn-alg-identifier", "ram_mfa.signatures.cose.load_public_key")


class TestLoadPublicKey:
    @pytest.mark.parametrize("number", ALL)
    def test_every_algorithm_verifies(self, number):
        """A signature holds over its data, and over no other, and with no bit changed."""
        pair = key_pair(number)
        key = load_public_key(pair.cose)
        assert key.algorithm == number
        signature = pair.sign(b"data")
        assert key.verify(signature, b"data") is None
        changed = signature[:-1] + bytes([signature[-1] ^ 1])
        for wrong, data in ((signature, b"date"), (changed, b"data"), (b"", b"data"), (signature + b"\x00", b"data")):
            with pytest.raises(VerificationError) as refused:
                key.verify(wrong, data)
            assert refused.value.check is Check.SIGNATURE

    def test_a_point_stands_for_an_es256_key(self):
        """U2F stores 65 bytes; they are the same key."""
        pair = key_pair()
        assert load_public_key(pair.point) == load_public_key(pair.cose)
        assert load_public_key(pair.cose).point == pair.point
        assert load_public_key(key_pair(-35).cose).point is None

    def test_members_in_another_order(self):
        """A stored key may come from a library that wrote them so."""
        members = dict(reversed(key_pair().members.items()))
        assert load_public_key(cbor2.dumps(members)) == load_public_key(key_pair().cose)

    @pytest.mark.parametrize("number", ALL)
    def test_exactly_the_members_that_the_algorithm_needs(self, number):
        """One missing or one more (key_ops, a key id, a private key) is refused; so is each of another type."""
        members = key_pair(number).members
        for name in members:
            for value in (None, "2", b"", [], 1.0, True, 999):
                with pytest.raises((MalformedMessage, VerificationError)):
                    load_public_key(cbor2.dumps(members | {name: value}))
            with pytest.raises((MalformedMessage, VerificationError)):
                load_public_key(cbor2.dumps({key: value for key, value in members.items() if key != name}))
        for name in (2, 4, 5, -4, "alg"):
            with pytest.raises(MalformedMessage):
                load_public_key(cbor2.dumps(members | {name: b"x"}))

    @pytest.mark.parametrize("number", ALL)
    def test_an_algorithm_has_its_own_keys(self, number):
        """No key of one kind or curve passes under an algorithm of another."""
        for other in ALL:
            same = {-9: -7, -19: -8, -51: -35, -52: -36}
            members = key_pair(other).members | {3: number}
            if same.get(other, other) == same.get(number, number):
                assert load_public_key(cbor2.dumps(members)).algorithm == number
            else:
                with pytest.raises(MalformedMessage):
                    load_public_key(cbor2.dumps(members))

    @pytest.mark.parametrize("number", [-7, -9, -35, -36])
    @pytest.mark.requirement("V34", "U4")
    def test_the_point_is_on_the_curve(self, number):
        """Off the curve, at infinity, compressed, hybrid, a byte longer or shorter: refused when it is loaded."""
        members = key_pair(number).members
        x, y = members[-2], members[-3]
        size = len(x)
        for wrong in (
            {-3: y[:-1] + bytes([y[-1] ^ 1])},
            {-2: bytes(size), -3: bytes(size)},
            {-2: b"\xff" * size, -3: b"\xff" * size},
            {-3: True},
            {-3: False},
            {-2: x[1:]},
            {-2: b"\x00" + x},
            {-2: y, -3: x},
        ):
            with pytest.raises(MalformedMessage):
                load_public_key(cbor2.dumps(members | wrong))

    def test_points_of_u2f(self):
        """Sixty-five bytes that are no point, or in the compressed or hybrid form, are refused."""
        point = key_pair().point
        for wrong in (
            point[:64] + bytes([point[64] ^ 1]),
            b"\x06" + point[1:],
            b"\x07" + point[1:],
            b"\x02" + point[1:33],
            b"\x00",
            b"",
            b"\x04" + bytes(64),
            point + b"\x00",
            point[:-1],
        ):
            with pytest.raises(MalformedMessage):
                load_public_key(wrong)

    @pytest.mark.parametrize(
        ("n", "e"),
        [
            (lambda n: n >> 1024, 65537),
            (lambda n: (n >> 1) | 1, 65537),
            (lambda n: n + 1, 65537),
            (lambda n: n << 7_000 | 1, 65537),
            (lambda n: n, 3),
            (lambda n: n, 65_536),
            (lambda n: n, 65_538),
            (lambda n: n, 1),
            (lambda n: n, 2**32 + 1),
            (lambda n: n, 0),
        ],
    )
    def test_rsa_numbers(self, n, e):
        """A modulus below 2,048 or above 8,192 bits or even, an exponent that is small, even or huge: refused."""
        numbers = key_pair(-257).private.public_key().public_numbers()
        n = n(numbers.n)
        members = {
            1: 3,
            3: -257,
            -1: n.to_bytes((n.bit_length() + 7) // 8, "big"),
            -2: e.to_bytes((e.bit_length() + 7) // 8, "big"),
        }
        with pytest.raises(MalformedMessage):
            load_public_key(cbor2.dumps(members))

    def test_rsa_leading_zeros(self):
        """One zero before a set bit, as DER writes it, is taken; any other is refused."""
        members = key_pair(-257).members
        assert load_public_key(cbor2.dumps(members | {-1: b"\x00" + members[-1]})).algorithm == -257
        for wrong in ({-1: b"\x00\x00" + members[-1]}, {-2: b"\x00" + members[-2]}, {-2: b"\x00"}, {-1: b""}):
            with pytest.raises(MalformedMessage):
                load_public_key(cbor2.dumps(members | wrong))

    def test_what_is_no_map(self):
        for wrong in (
            b"\x80",
            b"\x60",
            b"\xa0",
            cbor2.dumps({"kty": 2}),
            key_pair().cose + b"\x00",
            key_pair().cose[:-1],
        ):
            with pytest.raises(MalformedMessage):
                load_public_key(wrong)

    @pytest.mark.parametrize("number", [-37, -38, -39, -47, -48, -49, -50, -258, -259, -65535, 0, 7, 2**40])
    def test_algorithms_outside_the_list(self, number):
        """RSA-PSS, RS384, RS512, RS1, ES256K, ML-DSA and what is to come: one documented answer."""
        with pytest.raises(VerificationError) as refused:
            load_public_key(cbor2.dumps({1: 2, 3: number}))
        assert refused.value.check is Check.ALGORITHM

    def test_what_is_no_algorithm(self):
        for wrong in (None, "ES256", b"", -7.0, True, []):
            with pytest.raises(MalformedMessage):
                algorithm_of(wrong)

    def test_keys_are_kept_and_verdicts_are_not(self):
        """The same bytes give the same loaded key; a wrong key is verified anew each time."""
        key = load_public_key(key_pair().cose)
        assert load_public_key(bytes(key_pair().cose)) is key
        assert load_public_key.cache_parameters()["maxsize"] == 1_024
        misses = load_public_key.cache_info().misses
        for _ in range(2):
            with pytest.raises(MalformedMessage):
                load_public_key(b"\x80")
        assert load_public_key.cache_info().misses == misses + 2


class TestVerifySignature:
    @pytest.mark.parametrize("number", ALL)
    def test_a_key_of_another_kind(self, number):
        """A certificate's key is used with no algorithm but its own, whatever the statement says."""
        curves = {-7: ec.SECP384R1(), -9: ec.SECP384R1(), -35: ec.SECP256R1(), -51: ec.SECP521R1()}
        key = (
            rsa.generate_private_key(65537, 2048).public_key()
            if number in (-8, -19, -53)
            else ec.generate_private_key(curves.get(number, ec.SECP256R1())).public_key()
        )
        with pytest.raises(VerificationError) as refused:
            verify_signature(key, COSEAlgorithm(number), b"", b"")
        assert refused.value.check is Check.ALGORITHM
