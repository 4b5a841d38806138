# SPDX-License-Identifier: Apache-2.0
"""The manufacturer of soft keys: an attestation CA, and the leaf certificate that a batch of keys carries.

Certificates follow WebAuthn Level 3, "Certificate Requirements for Packed Attestation Statements"
(https://www.w3.org/TR/webauthn-3/#sctn-packed-attestation-cert-requirements), which U2F keys meet too, and carry
the FIDO U2F authenticator transports extension. Nothing here is secret: the keys sign test data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Self

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import NameOID, ObjectIdentifier

from .entropy import Entropy
from .key_pairs import ES256, P256_ORDER, KeyPair

# FIDO U2F Authenticator Transports Extension, section 3: a bit string; the place of each name is its bit.
TRANSPORTS_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.45724.2.1.1")
TRANSPORT_BITS = ("bt", "ble", "usb", "nfc", "internal")
# WebAuthn, 8.2.1: the model, as an OCTET STRING inside the extension's value.
AAGUID_EXTENSION = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")

_NOT_BEFORE = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
_NOT_AFTER = dt.datetime(2049, 12, 31, tzinfo=dt.UTC)


@attrs.frozen
class SoftAttestation:
    """Attestation CA with one leaf certificate.

    Attributes:
        root: the CA's certificate, DER.
        leaf: the certificate that keys carry, DER.
        malformed_leaf: the same leaf, whose signature's BIT STRING declares its last bit unused although it is set.
    """

    root: bytes = attrs.field(repr=False)
    leaf: bytes = attrs.field(repr=False)
    malformed_leaf: bytes = attrs.field(repr=False)
    key_pair: KeyPair = attrs.field(repr=False)

    @classmethod
    def make(
        cls,
        *,
        transports: Sequence[str] = ("usb",),
        aaguid: bytes = bytes(16),
        name: str = "Soft Security Key",
        seed: bytes | None = None,
    ) -> Self:
        """Return a new CA with its leaf.

        Args:
            transports: names of WebAuthn's ``AuthenticatorTransport`` that the extension defines; where empty, the
                extension is left out.
            aaguid: the model, 16 bytes; zero (a U2F key has none) leaves its extension out.
            name: part of the subjects.
            seed: determines every byte where it is given.
        """
        entropy = Entropy(seed)
        root, leaf = KeyPair.make(ES256, entropy), KeyPair.make(ES256, entropy)
        root_name = _name(f"{name} Root")
        root_builder = (
            _builder(root_name, root_name, root, entropy)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_KEY_CERT_SIGN, critical=True)
        )
        leaf_builder = _builder(_name(f"{name} Batch 1"), root_name, leaf, entropy)
        leaf_builder = leaf_builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if transports:
            value = x509.UnrecognizedExtension(TRANSPORTS_EXTENSION, _transports(transports))
            leaf_builder = leaf_builder.add_extension(value, critical=False)
        if any(aaguid):
            value = x509.UnrecognizedExtension(AAGUID_EXTENSION, b"\x04\x10" + aaguid)
            leaf_builder = leaf_builder.add_extension(value, critical=False)
        body = _body(leaf_builder)
        return cls(
            root=_certificate(body=(root_body := _body(root_builder)), signature=root.sign(root_body)),
            leaf=_certificate(body=body, signature=(signature := _odd_signature(root, body))),
            malformed_leaf=_certificate(body=body, signature=signature, unused_bits=1),
            key_pair=leaf,
        )


_KEY_CERT_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _name(common_name: str) -> x509.Name:
    """Return a subject with the four attributes that WebAuthn 8.2.1 requires of a packed leaf."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Soft Keys"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, key_pair: KeyPair, entropy: Entropy) -> x509.CertificateBuilder:
    key = load_der_public_key(key_pair.spki)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(1 + int.from_bytes(entropy.draw(8), "big"))
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
    )


def _transports(names: Sequence[str]) -> bytes:
    """Return the DER BIT STRING of the transports extension, trailing zero bits left out."""
    places = sorted(TRANSPORT_BITS.index(name) for name in names)
    bits = sum(1 << (7 - place) for place in places)
    return bytes((0x03, 0x02, 7 - places[-1], bits))


def _body(builder: x509.CertificateBuilder) -> bytes:
    """Return the signed part of a certificate, DER; ``cryptography`` makes it only together with a signature."""
    return builder.sign(ec.derive_private_key(1, ec.SECP256R1()), hashes.SHA256()).tbs_certificate_bytes


def _odd_signature(key_pair: KeyPair, body: bytes) -> bytes:
    """Return a signature whose last bit is set: of s and n - s, which both verify, one is odd."""
    r, s = decode_dss_signature(key_pair.sign(body))
    return encode_dss_signature(r, s if s % 2 else P256_ORDER - s)


def _certificate(*, body: bytes, signature: bytes, unused_bits: int = 0) -> bytes:
    """Return the certificate, DER (RFC 5280, section 4.1)."""
    return _der(0x30, body + _ECDSA_WITH_SHA256 + _der(0x03, bytes((unused_bits,)) + signature))


# The AlgorithmIdentifier of RFC 5758, section 3.2.
_ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def _der(tag: int, content: bytes) -> bytes:
    """Return a DER value of fewer than 65,536 bytes."""
    size = len(content)
    length = (
        bytes((size,))
        if size < 0x80
        else b"\x81" + bytes((size,))
        if size < 0x100
        else b"\x82" + size.to_bytes(2, "big")
    )
    return bytes((tag,)) + length + content
