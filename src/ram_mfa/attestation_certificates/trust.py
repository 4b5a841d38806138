# SPDX-License-Identifier: Apache-2.0
"""Validation of an attestation certificate's path to a configured root.

RFC 5280, sections 4.2.1 and 6.1 (https://www.rfc-editor.org/rfc/rfc5280#section-6.1); W3C Web Authentication Level 3,
"Registering a New Credential" (https://www.w3.org/TR/webauthn-3/#reg-ceremony-verify-attestation: the path ends in an
acceptable root, or its first certificate is itself acceptable).

Invariant: validation fails closed. Without roots nothing is trusted; a time outside a validity period, an unknown
critical extension, and an issuer that is not a certification authority are refused. Revocation is not checked, since
nothing here uses the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from ..encoding.der import BIT_STRING, BOOLEAN, INTEGER, DERReader, bits
from ..errors import Check, MalformedMessage, VerificationError
from .certificates import AttestationCertificate
from .x509 import MESSAGE

MAX_PATH: Final = 8
"""The maximum number of certificates in a path."""

_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_KEY_USAGE: Final = "2.5.29.15"
_KNOWN: Final = frozenset(
    {
        _BASIC_CONSTRAINTS,
        _KEY_USAGE,
        "2.5.29.17",  # subject alternative name, which is not used here
        "2.5.29.32",  # certificate policies
        "2.5.29.37",  # extended key usage, which the caller checks where its format demands one
        "1.3.6.1.4.1.45724.1.1.4",  # FIDO: AAGUID
        "1.3.6.1.4.1.45724.2.1.1",  # FIDO: transports
    }
)
_KEY_CERT_SIGN: Final = 0x04
# SHA-1 and MD5 are left out: a collision makes a certificate that no authority issued.
_ECDSA: Final = {
    "1.2.840.10045.4.3.2": ec.ECDSA(hashes.SHA256()),
    "1.2.840.10045.4.3.3": ec.ECDSA(hashes.SHA384()),
    "1.2.840.10045.4.3.4": ec.ECDSA(hashes.SHA512()),
}
_RSA: Final = {
    "1.2.840.113549.1.1.11": hashes.SHA256(),
    "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(),
}
_ED25519: Final = "1.3.101.112"


@attrs.frozen
class TrustRoots:
    """The certificates that the path of an attestation may end in, parsed once.

    Attributes:
        certificates: roots, or accepted certificates of individual models.
    """

    certificates: tuple[AttestationCertificate, ...]
    _by_subject: dict[bytes, tuple[AttestationCertificate, ...]] = attrs.field(eq=False, repr=False)

    @classmethod
    def of(cls, certificates: Iterable[AttestationCertificate | bytes]) -> TrustRoots:
        """Return the set of these certificates, given parsed or as DER.

        Raises:
            ValueError: one of them is not a certificate, an error of configuration.
        """
        try:
            parsed = tuple(_parsed(certificate) for certificate in certificates)
        except MalformedMessage as error:
            raise ValueError(f"one of the roots is not a certificate: {error.problem}") from None
        by_subject: dict[bytes, tuple[AttestationCertificate, ...]] = {}
        for certificate in parsed:
            subject = certificate.fields.subject
            by_subject[subject] = (*by_subject.get(subject, ()), certificate)
        return cls(parsed, by_subject)

    def named(self, subject: bytes) -> tuple[AttestationCertificate, ...]:
        """Return the certificates with that subject (a Name in DER, compared as bytes)."""
        return self._by_subject.get(subject, ())


def verify_chain(
    path: Sequence[AttestationCertificate | bytes],
    *,
    roots: TrustRoots | Iterable[AttestationCertificate | bytes],
    at: float,
) -> AttestationCertificate:
    """Return the root, or the accepted certificate, that a path of certificates ends in.

    1. The path is not empty and not longer than `MAX_PATH`, and there are roots.
    2. Each certificate on the path is valid at that time and has no critical extension that is unknown here.
    3. If the first certificate is itself an accepted one, return it. (WebAuthn: it "equals" an acceptable certificate.)
    4. If a root issued it (the names match, the root may issue, and the signature verifies), return the root.
    5. Otherwise the next certificate of the path must have issued it in the same sense; continue with it at step 2.

    Args:
        path: the attestation certificate first, each followed by its issuer; the root may be left out.
        roots: the trusted certificates; with none, nothing is trusted.
        at: the time at which every certificate must be valid, in seconds since the epoch.

    Raises:
        MalformedMessage: a member of the path is not a certificate.
        VerificationError: ``Check.CERTIFICATE``, a certificate is not valid; ``Check.TRUST_PATH``, the path leads to no
            root.
    """
    if not isinstance(roots, TrustRoots):
        roots = TrustRoots.of(roots)
    # (1)
    if not roots.certificates:
        raise VerificationError(Check.TRUST_PATH, "no roots are configured")
    if not 0 < len(path) <= MAX_PATH:
        raise VerificationError(Check.TRUST_PATH, f"not 1 to {MAX_PATH} certificates")
    certificates = [_parsed(certificate) for certificate in path]
    depth = 0
    while True:
        certificate = certificates[depth]
        # (2) RFC 5280 6.1.3 (a) and 6.1.4 (o)
        _check_valid(certificate, at)
        # (3)
        if depth == 0 and certificate in roots.named(certificate.fields.subject):
            return certificate
        # (4) RFC 5280 6.1.3 (a) (1) and (4), 6.1.4 (k) to (n)
        for root in roots.named(certificate.fields.issuer):
            if _signed_by(certificate, root):
                _check_valid(root, at)
                _check_issuer(root, below=depth, anchor=True)
                return root
        # (5)
        depth += 1
        if depth == len(certificates):
            raise VerificationError(Check.TRUST_PATH, "the path ends in no root")
        issuer = certificates[depth]
        if issuer.fields.subject != certificate.fields.issuer or not _signed_by(certificate, issuer):
            raise VerificationError(Check.TRUST_PATH, "a certificate was not issued by the next one")
        _check_issuer(issuer, below=depth - 1, anchor=False)


def _parsed(certificate: AttestationCertificate | bytes) -> AttestationCertificate:
    if isinstance(certificate, AttestationCertificate):
        return certificate
    return AttestationCertificate.parse(certificate)


def _check_valid(certificate: AttestationCertificate, at: float) -> None:
    """Check the dates, the last second included, and that no critical extension is unknown."""
    fields = certificate.fields
    if not fields.not_before <= at < fields.not_after + 1:
        raise VerificationError(Check.CERTIFICATE, "not valid at that time")
    if fields.extensions is None:
        raise VerificationError(Check.CERTIFICATE, "its extensions cannot be read")
    if any(extension.critical and oid not in _KNOWN for oid, extension in fields.extensions.items()):
        raise VerificationError(Check.CERTIFICATE, "an extension is critical and unknown")


def _check_issuer(certificate: AttestationCertificate, *, below: int, anchor: bool) -> None:
    """Check that a certificate may issue others.

    Args:
        certificate: the issuer.
        below: the number of issuers between it and the first certificate.
        anchor: whether it is a root; only a root may be of version 1, which has no extensions that restrict it.
    """
    constraints, usage = certificate.extension(_BASIC_CONSTRAINTS), certificate.extension(_KEY_USAGE)
    fields = certificate.fields
    if anchor and fields.version == 1 and not fields.extensions and fields.issuer == fields.subject:
        return
    try:
        authority, max_below = _basic_constraints(constraints.value) if constraints else (False, None)
        may_sign = usage is None or _key_usage(usage.value) & _KEY_CERT_SIGN
    except MalformedMessage:
        raise VerificationError(Check.CERTIFICATE, "basic constraints or key usage cannot be read") from None
    if not authority or not may_sign:
        raise VerificationError(Check.CERTIFICATE, "an issuer is not a certification authority")
    if max_below is not None and below > max_below:
        raise VerificationError(Check.CERTIFICATE, "the path is longer than an issuer allows")


def _basic_constraints(value: bytes) -> tuple[bool, int | None]:
    """Read BasicConstraints (4.2.1.9): whether it is an authority, and the maximum number of issuers below it."""
    outside = DERReader(value, MESSAGE)
    inside = outside.enter("basicConstraints")
    outside.end("basicConstraints")
    authority = inside.peek() == BOOLEAN and inside.take("cA", BOOLEAN).contents == b"\xff"
    max_below = None
    if inside:
        max_below = int.from_bytes(inside.take("pathLenConstraint", INTEGER).contents, "big", signed=True)
    inside.end("basicConstraints")
    return authority, max_below


def _key_usage(value: bytes) -> int:
    """Read the first eight bits of KeyUsage (4.2.1.3)."""
    reader = DERReader(value, MESSAGE)
    octets, _ = bits(reader.take("keyUsage", BIT_STRING).contents, message=MESSAGE, field="keyUsage")
    reader.end("keyUsage")
    return octets[0] if octets else 0


def _signed_by(certificate: AttestationCertificate, issuer: AttestationCertificate) -> bool:
    """Return whether the certificate's signature is the issuer's, made with an algorithm that is still secure."""
    fields = certificate.fields
    name, signature, signed = fields.signature_algorithm, fields.signature, fields.signed
    if signature is None:
        return False
    try:
        match issuer.any_key():
            case ec.EllipticCurvePublicKey() as key if name in _ECDSA:
                key.verify(signature, signed, _ECDSA[name])
            case rsa.RSAPublicKey() as key if name in _RSA:
                key.verify(signature, signed, padding.PKCS1v15(), _RSA[name])
            case ed25519.Ed25519PublicKey() as key if name == _ED25519:
                key.verify(signature, signed)
            case _:
                return False
    except (InvalidSignature, MalformedMessage):
        return False
    return True
