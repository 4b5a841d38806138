# SPDX-License-Identifier: Apache-2.0
"""A metadata service of the tests: BLOBs signed under a root that is made here, of which each part can be wrong."""

from __future__ import annotations

import base64
import json
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ram_mfa.encoding.base64url import encode
from tests.support.webauthn import AAGUID, certificate, key_pair, root

SERVICE_ROOT = {"C": "US", "O": "Example Metadata", "CN": "Service Root"}
SIGNER = {"C": "US", "O": "Example Metadata", "CN": "mds.example"}
MODEL = str(uuid.UUID(bytes=AAGUID))


def service_root(name="service root"):
    return certificate(key_pair(name=name), subject=SERVICE_ROOT, authority=True)


def signer_certificate(algorithm=-7, issuer="service root"):
    return certificate(
        key_pair(algorithm, "signer"), subject=SIGNER, issuer=SERVICE_ROOT, issuer_key=key_pair(name=issuer)
    )


def base64_of(der):
    return base64.b64encode(der).decode()


def report(status="FIDO_CERTIFIED_L1", effective="2029-01-01", **more):
    members = {"status": status, "effectiveDate": effective} | more
    return {name: value for name, value in members.items() if value is not None}


def entry(*reports, aaguid=MODEL, roots=None, description="Example Key 1", **more):
    """Return an entry for the model of `tests.support.webauthn`, certified unless reports are given."""
    statement = {
        "description": description,
        "attestationRootCertificates": [base64_of(root())] if roots is None else roots,
    }
    members = {"aaguid": aaguid, "metadataStatement": statement, "statusReports": list(reports) or [report()]} | more
    return {name: value for name, value in members.items() if value is not None}


def payload(*entries, **changes):
    members = {"legalHeader": "none", "no": 7, "nextUpdate": "2030-02-01", "entries": list(entries) or [entry()]}
    members |= changes
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


def blob(*entries, algorithm=-7, path=None, header=None, body=None, signature=None, **changes):
    """Return a BLOB, signed with ES256 (-7) or RS256 (-257)."""
    path = [signer_certificate(algorithm)] if path is None else path
    members = {"alg": "ES256" if algorithm == -7 else "RS256", "typ": "JWT", "x5c": [base64_of(der) for der in path]}
    members |= header or {}
    head = encode(json.dumps({name: value for name, value in members.items() if value is not ...}).encode())
    signed = f"{head}.{encode(payload(*entries, **changes) if body is None else body)}"
    return f"{signed}.{encode(sign(signed.encode(), algorithm) if signature is None else signature)}"


def sign(data, algorithm=-7):
    private = key_pair(algorithm, "signer").private
    if algorithm == -257:
        return private.sign(data, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
