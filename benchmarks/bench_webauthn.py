# SPDX-License-Identifier: Apache-2.0
"""WebAuthn: fido-u2f registrations and assertions beside the limit, one ECDSA verification, and beside other libraries.

``python -m benchmarks.bench_webauthn``. In each of 51 rounds every row does the same work in turn and in one process; a
row shows the median of its ratios to the limit's time in the same round. The limit is one P-256 verification with a key
that is loaded and was used before. Each response is read from its JSON text each time. "First seen" means that the key
cannot be in a cache: there are more of them than the cache holds. Nothing is judged here.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from ram_mfa.encoding.base64url import encode
from ram_mfa.webauthn import (
    AttestationLevel,
    AttestationPolicy,
    AuthenticationResponse,
    Credential,
    RegistrationResponse,
    verify_authentication,
    verify_registration,
)

ROUNDS = 51
KEYS = 1_100
HOT = 50
SAMPLE = 150
ECDSA = ec.ECDSA(hashes.SHA256())
RP_ID, ORIGIN, CHALLENGE = "example.com", "https://login.example.com", bytes(range(32))
WHERE = {"challenge": CHALLENGE, "rp_id": RP_ID, "origins": (ORIGIN,)}
FROM, UNTIL = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2025, 1, 1, tzinfo=dt.UTC).timestamp()

Row = tuple[Callable[[Any], object], Sequence[Any]]


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def certificate(subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey) -> bytes:
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (issuer, subject)]
    builder = x509.CertificateBuilder(names[0], names[1], key.public_key(), 7, FROM, UNTIL)
    builder = builder.add_extension(x509.BasicConstraints(ca=subject == issuer, path_length=None), critical=True)
    return builder.sign(by, hashes.SHA256()).public_bytes(Encoding.DER)


def es256_cose_key(public_key: bytes) -> bytes:
    """Return the COSE key of a point on P-256, with algorithm ES256."""
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: public_key[1:33], -3: public_key[33:]})


def client_data(kind: str) -> bytes:
    members = {"type": kind, "challenge": encode(CHALLENGE), "origin": ORIGIN, "crossOrigin": False}
    return json.dumps(members, separators=(",", ":")).encode()


def as_json(handle: bytes, response: dict[str, Any]) -> str:
    outer = {"id": encode(handle), "rawId": encode(handle), "type": "public-key", "response": response}
    return json.dumps(outer | {"authenticatorAttachment": "cross-platform", "clientExtensionResults": {}})


def registration(user: ec.EllipticCurvePrivateKey, leaf: bytes, attestation: ec.EllipticCurvePrivateKey) -> str:
    client, public_key, rp = client_data("webauthn.create"), point(user), hashlib.sha256(RP_ID.encode()).digest()
    handle = hashlib.sha512(public_key).digest()
    data = rp + b"\x41" + bytes(20) + b"\x00\x40" + handle + es256_cose_key(public_key)
    signature = attestation.sign(b"\0" + rp + hashlib.sha256(client).digest() + handle + public_key, ECDSA)
    statement = {"x5c": [leaf], "sig": signature}
    attestation_object = cbor2.dumps({"fmt": "fido-u2f", "attStmt": statement, "authData": data})
    response = {"clientDataJSON": encode(client), "attestationObject": encode(attestation_object)}
    return as_json(handle, response | {"transports": ["usb"]})


def assertion(user: ec.EllipticCurvePrivateKey) -> tuple[str, Credential, tuple[Any, bytes, bytes]]:
    client, public_key = client_data("webauthn.get"), point(user)
    handle = hashlib.sha512(public_key).digest()
    data = hashlib.sha256(RP_ID.encode()).digest() + b"\x01\0\0\0\x08"
    signed = data + hashlib.sha256(client).digest()
    signature = user.sign(signed, ECDSA)
    response = {"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature)}
    credential = Credential(id=handle, public_key=es256_cose_key(public_key), sign_count=7)
    return as_json(handle, response), credential, (user.public_key(), signature, signed)


def register(text: str) -> object:
    return verify_registration(RegistrationResponse.from_json(text), **WHERE)


def authenticate(case: tuple[str, Credential]) -> object:
    return verify_authentication(AuthenticationResponse.from_json(case[0]), credential=case[1], **WHERE)


def rows() -> dict[str, Row]:
    """Return name -> (work, what it is done on)."""
    users = [ec.generate_private_key(ec.SECP256R1()) for _ in range(KEYS)]
    root, batch = users[0], users[1]
    root_der, batch_der = certificate("root", root, "root", root), certificate("batch", batch, "root", root)
    policy = AttestationPolicy(level=AttestationLevel.CHAINED, roots=[root_der])
    registered = [registration(user, batch_der, batch) for user in users]
    answers = [assertion(user) for user in users]
    cases = [(text, credential) for text, credential, _ in answers]

    def chained(text: str) -> object:
        return verify_registration(RegistrationResponse.from_json(text), attestation=policy, at=NOW, **WHERE)

    table: dict[str, Row] = {
        "limit: one verification": (lambda case: case[0].verify(case[1], case[2], ECDSA), [one[2] for one in answers]),
        "assertion, key first seen": (authenticate, cases),
        "assertion, key seen before": (authenticate, cases[:HOT] * 3),
        "fido-u2f registration, key first seen": (register, registered),
        "fido-u2f registration, key seen before": (register, registered[:HOT] * 3),
        "fido-u2f registration and chain": (chained, registered[:HOT] * 3),
    }
    return table | by_py_webauthn(registered, cases) | by_fido2(registered, cases)


def by_py_webauthn(registered: list[str], cases: list[tuple[str, Credential]]) -> dict[str, Row]:
    if not importlib.util.find_spec("webauthn"):
        return {}
    import webauthn

    where = {"expected_challenge": CHALLENGE, "expected_rp_id": RP_ID, "expected_origin": ORIGIN}

    def answer(case: tuple[str, Credential]) -> object:
        return webauthn.verify_authentication_response(
            credential=case[0],
            credential_public_key=case[1].public_key,
            credential_current_sign_count=7,
            **where,
        )

    def enrol(text: str) -> object:
        return webauthn.verify_registration_response(credential=text, **where)

    return {
        "py_webauthn assertion": (answer, cases[:SAMPLE]),
        "py_webauthn registration": (enrol, registered[:SAMPLE]),
    }


def by_fido2(registered: list[str], cases: list[tuple[str, Credential]]) -> dict[str, Row]:
    if not importlib.util.find_spec("fido2"):
        return {}
    from fido2.server import Fido2Server
    from fido2.webauthn import Aaguid, AttestedCredentialData, PublicKeyCredentialRpEntity

    server = Fido2Server(PublicKeyCredentialRpEntity(name="Example", id=RP_ID), attestation="direct")
    state = {"challenge": encode(CHALLENGE), "user_verification": None}

    def answer(case: tuple[str, Credential]) -> object:
        key = AttestedCredentialData.create(Aaguid.NONE, case[1].id, cbor2.loads(case[1].public_key))
        return server.authenticate_complete(state, [key], json.loads(case[0]))

    def enrol(text: str) -> object:
        return server.register_complete(state, json.loads(text))

    return {
        "python-fido2 assertion": (answer, cases[:SAMPLE]),
        "python-fido2 registration": (enrol, registered[:SAMPLE]),
    }


def once(work: Callable[[Any], object], cases: Sequence[Any], start_at: int) -> float:
    """Return the time of one case, in seconds, over a part of the cases that moves on from round to round."""
    part = [cases[(start_at + i) % len(cases)] for i in range(min(SAMPLE, len(cases)))]
    start = time.perf_counter()
    for case in part:
        work(case)
    return (time.perf_counter() - start) / len(part)


def main() -> None:
    table = rows()
    for work, cases in table.values():
        for case in cases:
            work(case)
    rounds = [{name: once(work, cases, at * SAMPLE) for name, (work, cases) in table.items()} for at in range(ROUNDS)]
    limit = next(iter(table))
    print(f"{limit}: {statistics.median(one[limit] for one in rounds) * 1e6:.1f} us")
    for name in table:
        if name != limit:
            print(f"{name:40} {statistics.median(one[name] / one[limit] for one in rounds):5.2f} x")


if __name__ == "__main__":
    main()
