# SPDX-License-Identifier: Apache-2.0
"""The WebAuthn client: a browser with a soft key plugged in.

WebAuthn Level 3 (https://www.w3.org/TR/webauthn-3/): options go in as ``parseCreationOptionsFromJSON`` and
``parseRequestOptionsFromJSON`` take them, answers come out as ``PublicKeyCredential.toJSON`` gives them. A U2F key is
reached as CTAP 2.1, "Interoperating with CTAP1/U2F authenticators", says: its attestation is ``fido-u2f``, a CTAP2
key's is ``packed``, and where the relying party asks for none it is ``none``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import cbor2

from ...encoding.base64url import encode
from .chip import Chip, Credential
from .client import (
    ClientRefused,
    application,
    as_json,
    challenge_of,
    check_app_id,
    check_rp_id,
    host_of,
    origin_of,
    unbase64url,
)
from .faults import KeyFault
from .key_pairs import ES256

_UP, _UV, _AT = 0x01, 0x04, 0x40
_CREATE, _GET = "webauthn.create", "webauthn.get"


def create(key: Chip, options: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Answer ``navigator.credentials.create`` on a page of that origin.

    Raises:
        ClientRefused: SecurityError, NotSupportedError, InvalidStateError or NotAllowedError, as in a browser.
    """
    rp_id = options["rp"].get("id") or host_of(origin)
    check_rp_id(rp_id, origin)
    extensions = options.get("extensions") or {}
    applications = [rp_id]
    if "appidExclude" in extensions:
        check_app_id(extensions["appidExclude"], origin)
        applications.append(extensions["appidExclude"])
    verified = _verified(key, options.get("authenticatorSelection") or {})
    algorithm = ES256 if key.algorithm is None else key.algorithm
    offered = [one["alg"] for one in options["pubKeyCredParams"] if one["type"] == "public-key"]
    # "Create a new credential": an empty list of parameters means these two.
    if algorithm not in (offered or (-7, -257)):
        raise ClientRefused("NotSupportedError", "the key supports none of the algorithms")
    if not key.touched:
        raise ClientRefused("NotAllowedError", "the user did not touch the key")
    if _known(key, options.get("excludeCredentials") or (), applications) is not None:
        raise ClientRefused("InvalidStateError", "the key is registered already")

    client_data = _client_data(key, _CREATE, options["challenge"], origin)
    client_data_hash = hashlib.sha256(client_data).digest()
    conveyed = options.get("attestation", "none") != "none"
    app, flags = application(rp_id, key.faults), _AT | _presence(key) | verified
    if key.algorithm is None:
        raw = key.register(app, client_data_hash)
        credential = key.find(raw.key_handle, app)
        assert credential is not None
        # The browser makes the authenticator data of a U2F key's answer: no model, and no counter yet.
        data = _attested(key, credential, flags=flags, count=0, aaguid=bytes(16))
        fmt, statement = "fido-u2f", {"x5c": list(raw.certificates), "sig": raw.signature}
    else:
        credential = key.make(app, algorithm)
        data = _attested(
            key, credential, flags=flags, count=key.count(credential), aaguid=key.aaguid if conveyed else bytes(16)
        )
        fmt, statement = "packed", _packed(key, credential, data + client_data_hash)
    if not conveyed:
        fmt, statement = "none", {}
    attestation = cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": data}, canonical=True)
    response = {
        "clientDataJSON": encode(client_data),
        "attestationObject": encode(attestation + (b"\x00" if KeyFault.TRAILING_BYTES in key.faults else b"")),
        "authenticatorData": encode(data),
        "publicKey": encode(credential.key_pair.spki),
        "publicKeyAlgorithm": algorithm,
        "transports": list(key.transports),
    }
    results = {"appidExclude": True} if "appidExclude" in extensions else {}
    return _credential(credential, response, results)


def get(key: Chip, options: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Answer ``navigator.credentials.get`` on a page of that origin.

    A credential that was registered under the RP ID answers for it; one that was registered through U2F answers where
    the request names its AppID in the ``appid`` extension.

    Raises:
        ClientRefused: SecurityError or NotAllowedError, as in a browser.
    """
    rp_id = options.get("rpId") or host_of(origin)
    check_rp_id(rp_id, origin)
    applications, app_id = [rp_id], (options.get("extensions") or {}).get("appid")
    if app_id is not None:
        check_app_id(app_id, origin)
        applications.append(app_id)
    verified = _verified(key, options)
    known = _known(key, options.get("allowCredentials") or (), applications)
    if known is None or not key.touched:
        raise ClientRefused("NotAllowedError", "no key answered")
    credential, identifier = known

    client_data = _client_data(key, _GET, options["challenge"], origin)
    data = application(identifier, key.faults) + bytes((_presence(key) | verified,))
    data += key.count(credential).to_bytes(4, "big") + (b"\x00" if KeyFault.TRAILING_BYTES in key.faults else b"")
    response = {
        "clientDataJSON": encode(client_data),
        "authenticatorData": encode(data),
        "signature": encode(credential.key_pair.sign(data + hashlib.sha256(client_data).digest(), key.faults)),
    }
    return _credential(credential, response, {} if app_id is None else {"appid": identifier == app_id})


def _known(
    key: Chip, described: Sequence[Mapping[str, Any]], identifiers: Sequence[str]
) -> tuple[Credential, str] | None:
    """Return the first described credential that the key made for one of these RP IDs or AppIDs, with that."""
    for one in described:
        for identifier in identifiers:
            credential = key.find(unbase64url(one["id"], "id"), application(identifier))
            if credential is not None:
                return credential, identifier
    return None


def _verified(key: Chip, options: Mapping[str, Any]) -> int:
    """Return the user verification flag for the requirement of the relying party."""
    requirement = options.get("userVerification", "preferred")
    able = key.verifies_user and key.algorithm is not None
    if requirement == "required" and not able:
        raise ClientRefused("NotAllowedError", "the key does not verify its user")
    return _UV if able and requirement != "discouraged" else 0


def _presence(key: Chip) -> int:
    return 0 if KeyFault.NO_USER_PRESENCE in key.faults else _UP


def _attested(key: Chip, credential: Credential, *, flags: int, count: int, aaguid: bytes) -> bytes:
    """Return authenticator data with attested credential data ("Authenticator Data", "Attested Credential Data")."""
    head = credential.application + bytes((flags,)) + count.to_bytes(4, "big")
    return head + aaguid + len(credential.id).to_bytes(2, "big") + credential.id + credential.key_pair.cose(key.faults)


def _packed(key: Chip, credential: Credential, signed: bytes) -> dict[str, Any]:
    """Return a packed statement ("Packed Attestation Statement Format"): signed by the manufacturer, or self-signed."""
    if key.attestation is None:
        return {"alg": credential.key_pair.algorithm, "sig": credential.key_pair.sign(signed, key.faults)}
    signature = key.attestation.key_pair.sign(signed, key.faults)
    return {"alg": ES256, "sig": signature, "x5c": list(key.certificates())}


def _client_data(key: Chip, typ: str, challenge: str, origin: str) -> bytes:
    """Return the client data ("Client Data Used in WebAuthn Signatures")."""
    if KeyFault.WRONG_TYPE in key.faults:
        typ = _CREATE if typ == _GET else _GET
    challenge, origin = challenge_of(challenge, key.faults), origin_of(origin, key.faults)
    return as_json({"type": typ, "challenge": challenge, "origin": origin, "crossOrigin": False})


def _credential(credential: Credential, response: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    encoded = encode(credential.id)
    return {
        "id": encoded,
        "rawId": encoded,
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "response": response,
        "clientExtensionResults": results,
    }
