# SPDX-License-Identifier: Apache-2.0
"""Certificates made for tests, good and odd, and raw registrations signed under them."""

from __future__ import annotations

import datetime as dt
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID, ObjectIdentifier

NOT_BEFORE, NOT_AFTER = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
VALID = dt.datetime(2025, 1, 1, tzinfo=dt.UTC).timestamp()
TRANSPORTS = ObjectIdentifier("1.3.6.1.4.1.45724.2.1.1")
ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())
CA = (x509.BasicConstraints(ca=True, path_length=None), True)


@cache
def key_pair(name="leaf"):
    """Return the key pair of that name, the same throughout a run."""
    if name.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if name.startswith("ed25519"):
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if name.startswith("p384") else ec.SECP256R1())


def point(private):
    """Return the public key as 65 bytes."""
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(
    subject="leaf",
    issuer=None,
    *,
    key=None,
    signer=None,
    extensions=(),
    not_before=NOT_BEFORE,
    not_after=NOT_AFTER,
    algorithm="sha256",
):
    """Return a certificate, DER; each name has its own key pair, and ``issuer`` None signs itself.

    Args:
        extensions: (extension, critical) pairs; bytes for an extension's value stand under the transports' OID.
    """
    key, signer = key or key_pair(subject), signer or key_pair(issuer or subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name_of(subject))
        .issuer_name(name_of(issuer or subject))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for extension, critical in extensions:
        value = x509.UnrecognizedExtension(TRANSPORTS, extension) if isinstance(extension, bytes) else extension
        builder = builder.add_extension(value, critical)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else getattr(hashes, algorithm.upper())()
    return builder.sign(signer, digest).public_bytes(Encoding.DER)


def tlv(tag, *contents):
    """Return one DER value."""
    body = b"".join(contents)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def oid(dotted):
    """Return an OBJECT IDENTIFIER, DER."""
    first, second, *rest = map(int, dotted.split("."))
    out = b""
    for arc in (40 * first + second, *rest):
        octets = bytes((arc & 0x7F,))
        while arc := arc >> 7:
            octets = bytes((0x80 | arc & 0x7F,)) + octets
        out += octets
    return tlv(0x06, out)


EC_KEY, P256 = oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")
ECDSA_ALGORITHM = tlv(0x30, oid("1.2.840.10045.4.3.2"))


def name_der(text):
    return tlv(0x30, tlv(0x31, tlv(0x30, oid("2.5.4.3"), tlv(0x0C, text.encode()))))


def extension_der(dotted, value, *middle):
    return tlv(0x30, oid(dotted), *middle, tlv(0x04, value))


def by_hand(
    *,
    private=None,
    version=tlv(0xA0, tlv(0x02, b"\x02")),
    serial=tlv(0x02, b"\x07"),
    inner=ECDSA_ALGORITHM,
    outer=ECDSA_ALGORITHM,
    issuer=name_der("leaf"),
    dates=(tlv(0x17, b"200101000000Z"), tlv(0x17, b"300101000000Z")),
    validity=None,
    subject=name_der("leaf"),
    algorithm=tlv(0x30, EC_KEY, P256),
    public_key=None,
    key_info=None,
    tail=b"",
    extensions=None,
    unused=b"\x00",
    behind=b"",
):
    """Return a self-signed certificate put together value by value, so that any of them can be wrong."""
    private = private or key_pair("leaf")
    public_key = public_key or b"\x00" + point(private)
    if extensions is not None:
        tail += tlv(0xA3, tlv(0x30, *extensions))
    tbs = tlv(
        0x30,
        version,
        serial,
        inner,
        issuer,
        validity or tlv(0x30, *dates),
        subject,
        key_info or tlv(0x30, algorithm, tlv(0x03, public_key)),
        tail,
    )
    signature = private.sign(tbs, ECDSA_SHA256)
    return tlv(0x30, tbs, outer, tlv(0x03, unused, signature), behind)


APP, CHALLENGE = b"\xaa" * 32, b"\xcc" * 32


def registration(certificate, *, attestation=None, private=None, key_handle=b"\x11" * 64, app=APP, challenge=CHALLENGE):
    """Return a raw registration, signed under the certificate's key pair."""
    public_key = point(private or key_pair("user"))
    signed = b"\x00" + app + challenge + key_handle + public_key
    signature = (attestation or key_pair("leaf")).sign(signed, ECDSA_SHA256)
    return b"\x05" + public_key + bytes((len(key_handle),)) + key_handle + certificate + signature


def authentication(*, private=None, user_presence=1, counter=1, app=APP, challenge=CHALLENGE):
    """Return a raw authentication, signed under the user's key pair."""
    state = bytes((user_presence,)) + counter.to_bytes(4, "big")
    return state + (private or key_pair("user")).sign(app + state + challenge, ECDSA_SHA256)
