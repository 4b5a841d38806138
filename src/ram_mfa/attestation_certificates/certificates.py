# SPDX-License-Identifier: Apache-2.0
"""Attestation certificates, which identify the model of a security key.

FIDO U2F Raw Message Formats 1.2, section 4.3; FIDO U2F Authenticator Transports Extension 1.2, section 3
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-authenticator-transports-extension-v1.2-ps-20170411.html);
RFC 5280, sections 4 and 6 (https://www.rfc-editor.org/rfc/rfc5280); W3C Web Authentication Level 3,
"Registering a New Credential", the steps on attestation (https://www.w3.org/TR/webauthn-3/#sctn-registering-a-new-credential).

Invariant: the contents of a certificate are unverified claims until `trust.verify_chain` returns.
"""

from __future__ import annotations

import enum
import hashlib
from functools import lru_cache
from typing import Final

import attrs
from cryptography.hazmat.primitives.asymmetric import ec

from ..encoding.der import BIT_STRING, DERReader, bits
from ..errors import Check, MalformedMessage, VerificationError
from ..signatures.p256 import load_p256
from .public_keys import EC_PUBLIC_KEY, P256, CertificateKey, load_certificate_key
from .x509 import MESSAGE, Extension, Fields, read_fields, read_name

MAX_SIZE: Final = 16_384
"""The maximum size of a certificate in bytes; those of security keys have 300 to 1,100."""

TRANSPORTS_OID: Final = "1.3.6.1.4.1.45724.2.1.1"

# SHA-256 of six certificates of early Yubico keys ("Yubico U2F EE Serial 776137165" and five others). The BIT STRING of
# their signature declares one unused bit although all bits are used; the faulty count is the 257th byte from the end,
# before the 256 bytes of an RSA signature. Published by Yubico as $FIXCERTS in php-u2flib-server
# (https://github.com/Yubico/php-u2flib-server/blob/master/src/u2flib_server/U2F.php), and by subject as FIXSIG in
# java-webauthn-server (https://github.com/Yubico/java-webauthn-server, com.yubico.internal.util.CertificateParser).
_UNUSED_BITS_FAULT: Final = frozenset(
    map(
        bytes.fromhex,
        (
            "349bca1031f8c82c4ceca38b9cebf1a69df9fb3b94eed99eb3fb9aa3822d26e8",
            "dd574527df608e47ae45fbba75a2afdd5c20fd94a02419381813cd55a2a3398f",
            "1d8764f0f7cd1352df6150045c8f638e517270e8b5dda1c63ade9c2280240cae",
            "d0edc9a91a1677435a953390865d208c55b3183c6759c9b5a7ff494c322558eb",
            "6073c436dcd064a48127ddbf6032ac1a66fd59a0c24434f070d4e564c124c897",
            "ca993121846c464d666096d35f13bf44c1b05af205f9b4a1e00cf6cc10c5e511",
        ),
    )
)


class Transport(enum.Enum):
    """A way to reach a security key, by its bit in the transports extension."""

    BLUETOOTH = "bt"
    BLE = "ble"
    USB = "usb"
    NFC = "nfc"
    USB_INTERNAL = "usb-internal"


@attrs.frozen
class AttestationCertificate:
    """A certificate presented by a security key or its vendor. Two are equal when their bytes are.

    Attributes:
        der: the bytes as received.
        repaired: the bytes that were parsed; they differ from ``der`` for the six certificates with a known fault.
        sha256: SHA-256 of ``der``, 32 bytes.
        key_identifier: SHA-1 of the subject public key, 20 bytes: how FIDO's metadata names a U2F model
            (RFC 5280, 4.2.1.2, method 1; it identifies, it does not protect).
        fields: the contents of the certificate, unverified.
    """

    der: bytes
    repaired: bytes = attrs.field(eq=False, repr=False)
    sha256: bytes = attrs.field(eq=False, repr=False)
    key_identifier: bytes = attrs.field(eq=False)
    fields: Fields = attrs.field(eq=False, repr=False)
    _key: ec.EllipticCurvePublicKey | None = attrs.field(eq=False, repr=False, alias="key")

    @staticmethod
    def parse(der: bytes) -> AttestationCertificate:
        """Return the certificate that ``der`` encodes. The last 128 are cached, parsed, with their keys.

        Args:
            der: one certificate, with nothing after it.

        Raises:
            MalformedMessage: it is not a certificate, is above 16,384 bytes, or its P-256 key is not a point of the
                curve.
        """
        if not isinstance(der, bytes):
            raise MalformedMessage(MESSAGE, "certificate", "not bytes")
        if len(der) > MAX_SIZE:
            raise MalformedMessage(MESSAGE, "certificate", f"longer than {MAX_SIZE} bytes")
        return _parse(der)

    @property
    def public_key(self) -> bytes:
        """The subject public key as the certificate holds it; ``0x04 || x || y`` for P-256."""
        return self.fields.key_bits

    @property
    def p256(self) -> ec.EllipticCurvePublicKey:
        """The subject public key, loaded.

        Raises:
            VerificationError: ``Check.CERTIFICATE``, the key is of another kind or curve.
        """
        if self._key is None:
            raise VerificationError(Check.CERTIFICATE, "its public key is not on P-256")
        return self._key

    def any_key(self) -> CertificateKey:
        """Return the subject public key: EC on a NIST curve, RSA, Ed25519 or Ed448, of bounded size.

        Raises:
            MalformedMessage: it is of another kind or size, or invalid.
        """
        fields = self.fields
        return self._key or load_certificate_key(fields.key_algorithm, fields.key_parameters, fields.key_bits)

    @property
    def subject(self) -> tuple[tuple[str, str], ...]:
        """The subject's name as (OID, text) pairs."""
        return read_name(self.fields.subject)

    @property
    def transports(self) -> tuple[Transport, ...] | None:
        """The transports that the transports extension claims, in the order of its bits.

        None where the extension is absent or cannot be read: it is a hint for user interfaces, and must not stop a
        registration.
        """
        extension = self.extension(TRANSPORTS_OID)
        if extension is None:
            return None
        try:
            reader = DERReader(extension.value, MESSAGE)
            octets, unused = bits(reader.take("transports", BIT_STRING).contents, message=MESSAGE, field="transports")
            reader.end("transports")
        except MalformedMessage:
            return None
        flags = int.from_bytes(octets[:1], "big") & (0xFF << unused if len(octets) == 1 else 0xFF)
        return tuple(transport for at, transport in enumerate(Transport) if flags & 0x80 >> at)

    def extension(self, oid: str) -> Extension | None:
        """Return an extension by its dotted OID; None where it is absent or the list cannot be read."""
        return (self.fields.extensions or {}).get(oid)


@lru_cache(maxsize=128)
def _parse(der: bytes) -> AttestationCertificate:
    """Parse a certificate, repair a known fault, and load the key; errors are not cached."""
    fingerprint = hashlib.sha256(der).digest()
    repaired = der
    if fingerprint in _UNUSED_BITS_FAULT:
        repaired = der[:-257] + b"\x00" + der[-256:]
    fields = read_fields(repaired)
    on_p256 = fields.key_algorithm == EC_PUBLIC_KEY and fields.key_parameters == P256
    return AttestationCertificate(
        der=der,
        repaired=repaired,
        sha256=fingerprint,
        key_identifier=hashlib.sha1(fields.key_bits, usedforsecurity=False).digest(),
        fields=fields,
        key=load_p256(fields.key_bits, message=MESSAGE) if on_p256 else None,
    )
