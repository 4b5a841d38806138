# SPDX-License-Identifier: Apache-2.0
"""The key pairs of a soft key: creation, signatures, and encodings of public keys.

COSE key types and algorithms: RFC 9053 (https://www.rfc-editor.org/rfc/rfc9053) sections 2 and 7, RFC 8812 section 2
for RS256. Deterministic ECDSA is RFC 6979.
"""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from .entropy import Entropy
from .faults import KeyFault

ES256, EDDSA, ES384, ES512, ED448, RS256 = -7, -8, -35, -36, -53, -257

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | rsa.RSAPrivateKey


@attrs.frozen
class _Curve:
    """Parameters of a curve for COSE and ECDSA."""

    curve: ec.EllipticCurve
    identifier: int
    order: int
    hash: hashes.HashAlgorithm


# The orders: SEC 2, version 2.0, sections 2.4.2, 2.5.1 and 2.6.1.
P256_ORDER = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
_CURVES = {
    ES256: _Curve(
        ec.SECP256R1(),
        1,
        P256_ORDER,
        hashes.SHA256(),
    ),
    ES384: _Curve(
        ec.SECP384R1(),
        2,
        0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_C7634D81_F4372DDF_581A0DB2_48B0A77A_ECEC196A_CCC52973,
        hashes.SHA384(),
    ),
    ES512: _Curve(
        ec.SECP521R1(),
        3,
        (1 << 521) - 0x5_AE79787C_40D06994_8033FEB7_08F65A2F_C44A3647_7663B851_449048E1_6EC79BF7,
        hashes.SHA512(),
    ),
}
# ES256K, which this library never requests.
_UNREQUESTED = -47
ALGORITHMS = (*_CURVES, EDDSA, ED448, RS256)


@attrs.frozen
class KeyPair:
    """Private key that signs with one COSE algorithm.

    Attributes:
        algorithm: its COSE number.
    """

    algorithm: int
    _private: PrivateKey = attrs.field(repr=False)
    _decided: bool = attrs.field(repr=False)

    @classmethod
    def make(cls, algorithm: int, entropy: Entropy) -> KeyPair:
        """Return a new pair. A seed does not determine the primes of RSA.

        Raises:
            ValueError: no key pair here speaks that algorithm.
        """
        private: PrivateKey
        if algorithm in _CURVES:
            curve = _CURVES[algorithm]
            # Eight bytes more than the order has: the bias of the modulus is below 2^-64.
            number = int.from_bytes(entropy.draw(curve.order.bit_length() // 8 + 9), "big")
            private = ec.derive_private_key(1 + number % (curve.order - 1), curve.curve)
        elif algorithm == EDDSA:
            private = ed25519.Ed25519PrivateKey.from_private_bytes(entropy.draw(32))
        elif algorithm == ED448:
            private = ed448.Ed448PrivateKey.from_private_bytes(entropy.draw(57))
        elif algorithm == RS256:
            private = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        else:
            raise ValueError(f"a soft key has no COSE algorithm {algorithm}")
        return cls(algorithm, private, entropy.decided)

    @property
    def spki(self) -> bytes:
        """The public key as a DER SubjectPublicKeyInfo, which is what a browser's ``getPublicKey`` gives."""
        return self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def pkcs8(self) -> bytes:
        """The private key as a DER PrivateKeyInfo: with it, a virtual authenticator elsewhere plays this key."""
        return self._private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def point(self, faults: frozenset[KeyFault] = frozenset()) -> bytes:
        """Return the public key as an uncompressed point: 0x04, x, y."""
        assert isinstance(self._private, ec.EllipticCurvePrivateKey)
        point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        if KeyFault.OFF_CURVE_KEY in faults:
            # Each x has two points, y and p - y, and their lowest bits differ; y with that bit turned is neither.
            point = point[:-1] + bytes((point[-1] ^ 1,))
        return point

    def cose(self, faults: frozenset[KeyFault] = frozenset()) -> bytes:
        """Return the public key as a COSE_Key in canonical CBOR."""
        named = _UNREQUESTED if KeyFault.WRONG_ALGORITHM in faults else self.algorithm
        members: dict[int, Any]
        match self._private:
            case ec.EllipticCurvePrivateKey():
                xy = self.point(faults)[1:]
                size = len(xy) // 2
                curve = _CURVES[self.algorithm].identifier
                members = {1: 2, 3: named, -1: curve, -2: xy[:size], -3: xy[size:]}
            case ed25519.Ed25519PrivateKey():
                members = {1: 1, 3: named, -1: 6, -2: self._private.public_key().public_bytes_raw()}
            case ed448.Ed448PrivateKey():
                members = {1: 1, 3: named, -1: 7, -2: self._private.public_key().public_bytes_raw()}
            case rsa.RSAPrivateKey():
                numbers = self._private.public_key().public_numbers()
                modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
                members = {1: 3, 3: named, -1: modulus, -2: numbers.e.to_bytes(3, "big")}
        return cbor2.dumps(members, canonical=True)

    def sign(self, data: bytes, faults: frozenset[KeyFault] = frozenset()) -> bytes:
        """Return the signature over ``data``; of ECDSA its DER form."""
        wrong = KeyFault.WRONG_ALGORITHM in faults
        match self._private:
            case ec.EllipticCurvePrivateKey():
                curve = _CURVES[self.algorithm]
                # No algorithm here uses SHA3-256.
                hash_ = hashes.SHA3_256() if wrong else curve.hash
                scheme = ec.ECDSA(hash_, deterministic_signing=True) if self._decided else ec.ECDSA(hash_)
                signature = self._private.sign(data, scheme)
                return _high_s(signature, curve.order) if KeyFault.HIGH_S_SIGNATURE in faults else signature
            case rsa.RSAPrivateKey():
                return self._private.sign(data, padding.PKCS1v15(), hashes.SHA512() if wrong else hashes.SHA256())
            case _:
                # EdDSA has no choice of a hash: a signature over a hash of the data stands in for a wrong one.
                return self._private.sign(hashlib.sha256(data).digest() if wrong else data)


def _high_s(signature: bytes, order: int) -> bytes:
    """Return the signature's other form, or itself where it has the larger s already; both verify."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, max(s, order - s))
