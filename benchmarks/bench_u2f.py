# SPDX-License-Identifier: Apache-2.0
"""U2F: raw registrations and authentications beside the limit, one ECDSA verification, and beside python-fido2.

``python -m benchmarks.bench_u2f``. In each of 51 rounds every row does the same work in turn and in one process; a row
shows the median of its ratios to the limit's time in the same round. The limit is one P-256 verification with a key
that is loaded and was used before. Messages are parsed from their bytes each time. "First seen" means that neither the
key nor the certificate can be in a cache: there are more of them than the caches hold. Nothing is judged here.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from ram_mfa.u2f import (
    AuthenticationResponse,
    RegistrationResponse,
    TrustRoots,
    verify_authentication,
    verify_chain,
    verify_registration,
)

ROUNDS = 51
KEYS = 300
HOT = 50
ECDSA = ec.ECDSA(hashes.SHA256())
APP, CHALLENGE = b"\xaa" * 32, b"\xcc" * 32
PARAMETERS = {"application_parameter": APP, "challenge_parameter": CHALLENGE}
FROM, UNTIL = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2025, 1, 1, tzinfo=dt.UTC).timestamp()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey) -> bytes:
    builder = x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), 7, FROM, UNTIL)
    builder = builder.add_extension(x509.BasicConstraints(ca=subject == issuer, path_length=None), critical=True)
    return builder.sign(by, hashes.SHA256()).public_bytes(Encoding.DER)


def registration(user: ec.EllipticCurvePrivateKey, leaf: bytes, attestation: ec.EllipticCurvePrivateKey) -> bytes:
    handle, public_key = point(user)[:64], point(user)
    signature = attestation.sign(b"\0" + APP + CHALLENGE + handle + public_key, ECDSA)
    return b"\x05" + public_key + bytes((len(handle),)) + handle + leaf + signature


def authentication(user: ec.EllipticCurvePrivateKey) -> bytes:
    state = b"\x01" + (8).to_bytes(4, "big")
    return state + user.sign(APP + state + CHALLENGE, ECDSA)


def verified(raw: bytes) -> Any:
    return verify_registration(RegistrationResponse.parse(raw), **PARAMETERS)


def rows() -> dict[str, tuple[Callable[[Any], object], Sequence[Any], int]]:
    """Return name -> (work, what it is done on, how many limits it is compared with)."""
    users = [new_key() for _ in range(KEYS)]
    root, batch = new_key(), new_key()
    root_der = certificate("root", root, "root", root)
    batch_der = certificate("batch", batch, "root", root)
    roots = TrustRoots.of([root_der])
    same = [registration(user, batch_der, batch) for user in users]
    own = [registration(user, certificate("one", user, "root", root), user) for user in users]
    signed = [(authentication(user), point(user)) for user in users]
    loaded = [
        (user.public_key(), raw[5:], APP + raw[:5] + CHALLENGE) for user, (raw, _) in zip(users, signed, strict=True)
    ]

    def authenticate(case: tuple[bytes, bytes]) -> None:
        message = AuthenticationResponse.parse(case[0])
        verify_authentication(message, public_key=case[1], previous_counter=7, **PARAMETERS)

    table: dict[str, tuple[Callable[[Any], object], Sequence[Any], int]] = {
        "limit: one verification": (lambda case: case[0].verify(case[1], case[2], ECDSA), loaded, 1),
        "authentication, key first seen": (authenticate, signed, 1),
        "authentication, key seen before": (authenticate, signed[:HOT] * 10, 1),
        "registration, certificate of a batch": (verified, same, 1),
        "registration, certificate first seen": (verified, own, 1),
        "registration and chain, of a batch": (lambda raw: verify_chain([verified(raw)], roots=roots, at=NOW), same, 2),
    }
    if importlib.util.find_spec("fido2"):
        from fido2.ctap1 import RegistrationData, SignatureData

        def peer_sign(case: tuple[bytes, bytes]) -> None:
            SignatureData(case[0]).verify(APP, CHALLENGE, case[1])

        table["fido2.ctap1 authentication"] = (peer_sign, signed, 1)
        table["fido2.ctap1 registration"] = (lambda raw: RegistrationData(raw).verify(APP, CHALLENGE), same, 1)
    return table


def once(work: Callable[[Any], object], cases: Sequence[Any]) -> float:
    """Return the time of one case, in seconds."""
    start = time.perf_counter()
    for case in cases:
        work(case)
    return (time.perf_counter() - start) / len(cases)


def main() -> None:
    table = rows()
    for work, cases, _ in table.values():
        once(work, cases)
    rounds = [{name: once(work, cases) for name, (work, cases, _) in table.items()} for _ in range(ROUNDS)]
    limit = next(iter(table))
    print(f"{limit}: {statistics.median(one[limit] for one in rounds) * 1e6:.1f} us")
    for name, (_, _, limits) in table.items():
        if name != limit:
            ratio = statistics.median(one[name] / one[limit] / limits for one in rounds)
            print(f"{name:40} {ratio:5.2f} x {limits if limits > 1 else ''}")


if __name__ == "__main__":
    main()
