# SPDX-License-Identifier: Apache-2.0
"""Authenticator and browser in one, made of parts that can each be wrong: for tests of the relying party's side."""

from __future__ import annotations

import datetime
import hashlib
import json
from functools import cache
from typing import Any

import attrs
import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ram_mfa.encoding.base64url import encode
from ram_mfa.operations.selftest import vectors as printed

ORIGIN = "https://login.example.com"
RP_ID = "example.com"
CHALLENGE = bytes(range(32))
ID = bytes(range(64, 128))
AAGUID = bytes.fromhex("cb69481e8ff7403993ec0a2729a154a8")
AT_2030 = 1_893_456_000
_WEEK = datetime.timedelta(days=7)

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80

_CURVES = {-7: (1, 32, ec.SECP256R1), -35: (2, 48, ec.SECP384R1), -36: (3, 66, ec.SECP521R1)}
_CURVES |= {-9: _CURVES[-7], -51: _CURVES[-35], -52: _CURVES[-36]}
_HASHES = {1: hashes.SHA256, 2: hashes.SHA384, 3: hashes.SHA512}


@attrs.frozen
class KeyPair:
    """A private key with the algorithm it is used with."""

    algorithm: int
    private: Any

    @classmethod
    def make(cls, algorithm: int = -7) -> KeyPair:
        if algorithm in _CURVES:
            return cls(algorithm, ec.generate_private_key(_CURVES[algorithm][2]()))
        if algorithm in (-8, -19):
            return cls(algorithm, ed25519.Ed25519PrivateKey.generate())
        if algorithm == -53:
            return cls(algorithm, ed448.Ed448PrivateKey.generate())
        return cls(algorithm, rsa.generate_private_key(65537, 2048))

    @property
    def point(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        size = _CURVES[self.algorithm][1]
        return b"\x04" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")

    @property
    def members(self) -> dict[int, Any]:
        """The COSE key, as a dict that may be spoilt."""
        if self.algorithm in _CURVES:
            crv, size, _ = _CURVES[self.algorithm]
            point = self.point
            return {1: 2, 3: self.algorithm, -1: crv, -2: point[1 : size + 1], -3: point[size + 1 :]}
        public = self.private.public_key()
        if self.algorithm == -257:
            numbers = public.public_numbers()
            n = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
            return {1: 3, 3: -257, -1: n, -2: numbers.e.to_bytes(3, "big")}
        crv = 7 if self.algorithm == -53 else 6
        return {1: 1, 3: self.algorithm, -1: crv, -2: public.public_bytes_raw()}

    @property
    def cose(self) -> bytes:
        return cbor2.dumps(self.members)

    def sign(self, data: bytes) -> bytes:
        if self.algorithm in _CURVES:
            return self.private.sign(data, ec.ECDSA(_HASHES[_CURVES[self.algorithm][0]]()))
        if self.algorithm == -257:
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(data)


def key_pair(algorithm: int = -7, name: str = "") -> KeyPair:
    """Return one key pair for the whole run by algorithm and name."""
    return _key_pair(algorithm, name)


@cache
def _key_pair(algorithm: int, name: str) -> KeyPair:
    return KeyPair.make(algorithm)


SUBJECT = {"C": "SE", "O": "Example Keys", "OU": "Authenticator Attestation", "CN": "Example Key 1"}
_NAMES = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
}
AAGUID_OID = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


def name(parts: Any) -> x509.Name:
    pairs = parts.items() if isinstance(parts, dict) else parts
    return x509.Name([x509.NameAttribute(_NAMES[kind], text) for kind, text in pairs])


def certificate(
    key: KeyPair,
    *,
    subject: Any = SUBJECT,
    issuer: Any = None,
    issuer_key: KeyPair | None = None,
    authority: bool | None = False,
    aaguid: bytes | None = None,
    aaguid_critical: bool = False,
    start: int = AT_2030,
) -> bytes:
    """Return a certificate, DER, valid for a week around ``start``."""
    moment = datetime.datetime.fromtimestamp(start, datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer or subject))
        .public_key(key.private.public_key())
        .serial_number(7)
        .not_valid_before(moment - _WEEK)
        .not_valid_after(moment + _WEEK)
    )
    if authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if aaguid is not None:
        value = x509.UnrecognizedExtension(AAGUID_OID, b"\x04\x10" + aaguid)
        builder = builder.add_extension(value, critical=aaguid_critical)
    signer = (issuer_key or key).private
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer, algorithm).public_bytes(Encoding.DER)


ROOT_NAME = {"C": "SE", "O": "Example Keys", "CN": "Root"}


@cache
def root() -> bytes:
    return certificate(key_pair(name="root"), subject=ROOT_NAME, authority=True)


@cache
def leaf(aaguid: bytes | None = AAGUID) -> bytes:
    """An attestation certificate of ``key_pair(name="attestation")``, issued by ``root()``."""
    return certificate(key_pair(name="attestation"), issuer=ROOT_NAME, issuer_key=key_pair(name="root"), aaguid=aaguid)


def client_data(kind: str = "webauthn.create", **changes: Any) -> bytes:
    members = {"type": kind, "challenge": encode(CHALLENGE), "origin": ORIGIN, "crossOrigin": False} | changes
    return json.dumps({key: value for key, value in members.items() if value is not ...}).encode()


def authenticator_data(
    *,
    rp_id: str = RP_ID,
    flags: int = UP,
    count: int = 0,
    key: bytes | None = None,
    credential_id: bytes = ID,
    aaguid: bytes = AAGUID,
    extensions: bytes = b"",
    tail: bytes = b"",
) -> bytes:
    """Return authenticator data; AT and ED are set where there is something."""
    flags |= (AT if key is not None else 0) | (ED if extensions else 0)
    data = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")
    if key is not None:
        data += aaguid + len(credential_id).to_bytes(2, "big") + credential_id + key
    return data + extensions + tail


def attestation_object(fmt: Any, statement: Any, data: bytes) -> bytes:
    return cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": data})


def u2f_statement(client: bytes, data_rp_id: str, key: KeyPair, *, credential_id: bytes = ID, **changes: Any) -> dict:
    signed = b"\x00" + hashlib.sha256(data_rp_id.encode()).digest() + hashlib.sha256(client).digest()
    signature = key_pair(name="attestation").sign(signed + credential_id + key.point)
    return {"x5c": [leaf()], "sig": signature} | changes


def packed_statement(client: bytes, data: bytes, signer: KeyPair | None = None, **changes: Any) -> dict:
    signer = signer or key_pair(name="attestation")
    signature = signer.sign(data + hashlib.sha256(client).digest())
    return {"alg": signer.algorithm, "sig": signature, "x5c": [leaf()]} | changes


def registration(client: bytes, attestation: bytes, *, credential_id: bytes = ID, **changes: Any) -> dict[str, Any]:
    """Return RegistrationResponseJSON."""
    response = {
        "clientDataJSON": encode(client),
        "attestationObject": encode(attestation),
        "transports": ["usb"],
    }
    return _credential(credential_id, response, changes)


def assertion(
    client: bytes, data: bytes, signature: bytes, *, credential_id: bytes = ID, **changes: Any
) -> dict[str, Any]:
    """Return AuthenticationResponseJSON."""
    response = {
        "clientDataJSON": encode(client),
        "authenticatorData": encode(data),
        "signature": encode(signature),
    }
    return _credential(credential_id, response, changes)


def signed_assertion(key: KeyPair, client: bytes, data: bytes, **changes: Any) -> dict[str, Any]:
    return assertion(client, data, key.sign(data + hashlib.sha256(client).digest()), **changes)


def _credential(credential_id: bytes, response: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of members of ``response`` are named with a leading ``response_``."""
    for key, value in changes.items():
        if key.startswith("response_"):
            response[key.removeprefix("response_")] = value
    outer = {
        "id": encode(credential_id),
        "rawId": encode(credential_id),
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "response": {key: value for key, value in response.items() if value is not ...},
        "clientExtensionResults": {},
    }
    outer |= {key: value for key, value in changes.items() if not key.startswith("response_")}
    return {key: value for key, value in outer.items() if value is not ...}


@cache
def w3c() -> dict[str, Any]:
    """Return the test vectors that Web Authentication Level 3 prints, with bytes as bytes, by their anchor."""
    document = printed.load("w3c_level3")
    return {
        one["anchor"]: {
            part: {key: bytes.fromhex(value) for key, value in one[part].items()}
            for part in ("registration", "authentication")
        }
        for one in document["vectors"]
    }


def w3c_root() -> bytes:
    return bytes.fromhex(printed.load("w3c_level3")["attestation_ca_cert"])


def w3c_registration(anchor: str) -> dict[str, Any]:
    given = w3c()[anchor]["registration"]
    return registration(given["clientDataJSON"], given["attestationObject"], credential_id=given["credential_id"])


def w3c_assertion(anchor: str) -> dict[str, Any]:
    given = w3c()[anchor]["authentication"]
    return assertion(
        given["clientDataJSON"],
        given["authenticatorData"],
        given["signature"],
        credential_id=w3c()[anchor]["registration"]["credential_id"],
    )
