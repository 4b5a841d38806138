# SPDX-License-Identifier: Apache-2.0
"""Credential public keys: the supported algorithms, and the conversion of COSE keys into keys that verify signatures.

Web Authentication Level 3, "Cryptographic Algorithm Identifier" (https://www.w3.org/TR/webauthn-3/#sctn-alg-identifier)
and "Attested Credential Data" (https://www.w3.org/TR/webauthn-3/#sctn-attested-credential-data); RFC 9053 (ECDSA,
EdDSA), RFC 9864 (fully specified algorithms) and RFC 8230 (RSA), at https://www.rfc-editor.org.

Invariant: a COSE key holds exactly the members that its algorithm needs, and is validated whole before anything is
verified with it. A new credential's must be in the CTAP2 canonical form too, which ``AuthenticatorData`` checks; a
stored one may come from elsewhere and have its members in another order. Loaded keys are cached, results never.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Final

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from ..encoding import cbor
from ..errors import Check, MalformedMessage, VerificationError
from . import edwards
from .p256 import PUBLIC_KEY_SIZE, load_p256

_MESSAGE = "COSE key"
_CACHED_KEYS = 1_024
_MAX_SIZE = 4_096  # an RSA key of 8,192 bits has 1,024 bytes and a few; those of algorithms to come have 2,600


class COSEAlgorithm(enum.IntEnum):
    """The signature algorithms that are verified, by their number in the IANA COSE registry.

    The names that start with ESP, ED25519 and ED448 are RFC 9864's: the same algorithms with their curve in the name.
    """

    ES256 = -7
    EDDSA = -8
    """Ed25519, and no other curve (#sctn-alg-identifier)."""
    ESP256 = -9
    ED25519 = -19
    ES384 = -35
    ES512 = -36
    ESP384 = -51
    ESP512 = -52
    ED448 = -53
    RS256 = -257


SUPPORTED: Final = tuple(COSEAlgorithm)
"""Every algorithm that is verified; the order of the registry."""

# COSE key parameters and values (RFC 9052 section 7.1, RFC 9053 section 7, RFC 8230 section 4)
_KTY, _ALG, _CRV, _X, _Y = 1, 3, -1, -2, -3
_RSA_N, _RSA_E = -1, -2
_OKP, _EC2, _RSA = 1, 2, 3


@attrs.frozen
class _CurveForm:
    """The encoding of a key on a NIST curve, and the hash of its signatures."""

    crv: int
    size: int
    curve: ec.EllipticCurve
    scheme: ec.ECDSA


_P256 = _CurveForm(1, 32, ec.SECP256R1(), ec.ECDSA(SHA256()))
_P384 = _CurveForm(2, 48, ec.SECP384R1(), ec.ECDSA(SHA384()))
_P521 = _CurveForm(3, 66, ec.SECP521R1(), ec.ECDSA(SHA512()))
_NIST: Final = {
    COSEAlgorithm.ES256: _P256,
    COSEAlgorithm.ESP256: _P256,
    COSEAlgorithm.ES384: _P384,
    COSEAlgorithm.ESP384: _P384,
    COSEAlgorithm.ES512: _P521,
    COSEAlgorithm.ESP512: _P521,
}
_CRV_ED25519, _CRV_ED448 = 6, 7
_PKCS1 = padding.PKCS1v15()
_SHA256 = SHA256()


@attrs.frozen
class PublicKey:
    """A validated public key, ready to verify.

    Attributes:
        algorithm: the one algorithm that it is used with.
        point: X9.62, ``0x04 || x || y``, 65 bytes, where the key is on P-256; else None.
    """

    algorithm: COSEAlgorithm
    point: bytes | None
    _key: PublicKeyTypes = attrs.field(eq=False, repr=False)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Verify a signature over ``data``.

        Raises:
            VerificationError: ``Check.SIGNATURE``, it is not this key's signature.
        """
        verify_signature(self._key, self.algorithm, signature, data)


def verify_signature(key: PublicKeyTypes, algorithm: COSEAlgorithm, signature: bytes, data: bytes) -> None:
    """Verify a signature with a key of whatever origin, which must be of the kind that the algorithm names.

    Args:
        key: a validated key.
        algorithm: what the signature claims to be.
        signature: DER for ECDSA, plain bytes for the others (#sctn-signature-attestation-types).
        data: what was signed, not hashed.

    Raises:
        VerificationError: ``Check.ALGORITHM``, the key is of another kind or curve; ``Check.SIGNATURE``, it does not
            hold.
    """
    nist = _NIST.get(algorithm)
    try:
        if nist is not None and isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == nist.curve.name:
            key.verify(signature, data, nist.scheme)
        elif algorithm is COSEAlgorithm.RS256 and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, _PKCS1, _SHA256)
        elif (
            algorithm in {COSEAlgorithm.EDDSA, COSEAlgorithm.ED25519} and isinstance(key, ed25519.Ed25519PublicKey)
        ) or (algorithm is COSEAlgorithm.ED448 and isinstance(key, ed448.Ed448PublicKey)):
            key.verify(signature, data)
        else:
            raise VerificationError(Check.ALGORITHM, "the key is not of the kind that the algorithm names")
    except InvalidSignature:
        raise VerificationError(Check.SIGNATURE, "not made by that key over that data") from None


def algorithm_of(number: object) -> COSEAlgorithm:
    """Return the algorithm that a COSE ``alg`` member names.

    Raises:
        MalformedMessage: it is no integer.
        VerificationError: ``Check.ALGORITHM``, none that is verified here.
    """
    if not isinstance(number, int) or isinstance(number, bool):
        raise MalformedMessage(_MESSAGE, "alg", "not an integer")
    try:
        return COSEAlgorithm(number)
    except ValueError:
        raise VerificationError(Check.ALGORITHM, f"COSE algorithm {number} is not supported") from None


@lru_cache(maxsize=_CACHED_KEYS)
def load_public_key(data: bytes) -> PublicKey:
    """Return the key that ``data`` encodes.

    Args:
        data: a COSE key, as attested credential data holds it; or a point on P-256, X9.62, 65 bytes, which is used
            with ES256 (U2F).

    Raises:
        MalformedMessage: it is no such key, or not a valid one.
        VerificationError: ``Check.ALGORITHM``, a key of an algorithm that is not supported.
    """
    if len(data) == PUBLIC_KEY_SIZE and data[0] == 0x04:
        return PublicKey(COSEAlgorithm.ES256, data, load_p256(data, message=_MESSAGE))
    members = cbor.decode(data, message=_MESSAGE, limit=_MAX_SIZE)
    if not isinstance(members, dict):
        raise MalformedMessage(_MESSAGE, "key", "not a map")
    algorithm = algorithm_of(members.get(_ALG))
    if algorithm in _NIST:
        return _load_nist(members, algorithm, _NIST[algorithm])
    if algorithm is COSEAlgorithm.RS256:
        return _load_rsa(members)
    return _load_edwards(members, algorithm)


def _load_nist(members: dict[int | str, cbor.Value], algorithm: COSEAlgorithm, form: _CurveForm) -> PublicKey:
    _check_members(members, kty=_EC2, names={_KTY, _ALG, _CRV, _X, _Y})
    if not _is(members[_CRV], form.crv):
        raise MalformedMessage(_MESSAGE, "crv", "not the curve that the algorithm names")
    point = b"\x04" + _bytes(members, _X, "x", form.size) + _bytes(members, _Y, "y", form.size)
    if form is _P256:
        return PublicKey(algorithm, point, load_p256(point, message=_MESSAGE))
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(form.curve, point)
    except ValueError:
        raise MalformedMessage(_MESSAGE, "point", "not on the curve") from None
    return PublicKey(algorithm, None, key)


def _load_edwards(members: dict[int | str, cbor.Value], algorithm: COSEAlgorithm) -> PublicKey:
    crv, curve = (_CRV_ED448, edwards.ED448) if algorithm is COSEAlgorithm.ED448 else (_CRV_ED25519, edwards.ED25519)
    _check_members(members, kty=_OKP, names={_KTY, _ALG, _CRV, _X})
    if not _is(members[_CRV], crv):
        raise MalformedMessage(_MESSAGE, "crv", "not the curve that the algorithm names")
    x = _bytes(members, _X, "x", curve.size)
    if not curve.holds(x):
        raise MalformedMessage(_MESSAGE, "x", "not a point of the curve, or one of small order")
    if crv == _CRV_ED448:
        return PublicKey(algorithm, None, ed448.Ed448PublicKey.from_public_bytes(x))
    return PublicKey(algorithm, None, ed25519.Ed25519PublicKey.from_public_bytes(x))


def _load_rsa(members: dict[int | str, cbor.Value]) -> PublicKey:
    _check_members(members, kty=_RSA, names={_KTY, _ALG, _RSA_N, _RSA_E})
    n, e = (_integer(members, name, field) for name, field in ((_RSA_N, "n"), (_RSA_E, "e")))
    # FIPS 186-5 section 5.1 (2048 bits or more) and appendix A.1.1 (e odd, above 2^16); upper bounds bound the work.
    if not (2_048 <= n.bit_length() <= 8_192 and n & 1):
        raise MalformedMessage(_MESSAGE, "n", "not an odd number of 2,048 to 8,192 bits")
    if not (1 << 16 < e < 1 << 32 and e & 1):
        raise MalformedMessage(_MESSAGE, "e", "not an odd number between 2^16 and 2^32")
    return PublicKey(COSEAlgorithm.RS256, None, rsa.RSAPublicNumbers(e, n).public_key())


def _check_members(members: dict[int | str, cbor.Value], *, kty: int, names: set[int]) -> None:
    """Check that the key has exactly these members: optional ones are forbidden (#sctn-attested-credential-data)."""
    if not _is(members.get(_KTY), kty):
        raise MalformedMessage(_MESSAGE, "kty", "not the key type that the algorithm names")
    if members.keys() != names:
        raise MalformedMessage(_MESSAGE, "members", "not exactly those that the algorithm needs")


def _is(value: cbor.Value, number: int) -> bool:
    """Return whether an item is that integer; ``True`` is not."""
    return type(value) is int and value == number


def _bytes(members: dict[int | str, cbor.Value], name: int, field: str, size: int) -> bytes:
    value = members[name]
    if not isinstance(value, bytes) or len(value) != size:
        raise MalformedMessage(_MESSAGE, field, f"not {size} bytes")
    return value


def _integer(members: dict[int | str, cbor.Value], name: int, field: str) -> int:
    value = members[name]
    # RFC 8230 forbids a leading zero; where it only says "not negative", as in DER, keys that were sold write it.
    if not isinstance(value, bytes) or not value or (value[0] == 0 and value[1:2] < b"\x80"):
        raise MalformedMessage(_MESSAGE, field, "not a number in its fewest bytes")
    return int.from_bytes(value, "big")
