# SPDX-License-Identifier: Apache-2.0
"""The common part of browsers and U2F clients: checks of origins, and client data.

WebAuthn Level 3 (https://www.w3.org/TR/webauthn-3/), "Relying Party Identifier"; FIDO AppID and Facet Specification
1.2, section 3.1.2. A soft client has no list of public suffixes: here, two hosts are of one site where their last two
labels are equal.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from ...encoding.base64url import decode, encode
from .faults import KeyFault

_NOWHERE = "wrong.example"


class ClientRefused(Exception):
    """Refusal of the browser, or no answer of the key; a page sees it as a ``DOMException``.

    Attributes:
        name: the exception's name, such as ``InvalidStateError``.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)
        self.name = name


def host_of(origin: str) -> str:
    """Return the host of an origin that may use a security key: HTTPS, or any scheme on this machine itself.

    Raises:
        ClientRefused: SecurityError for every other origin.
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if parts.scheme == "https" or (parts.scheme == "http" and (host == "localhost" or host.endswith(".localhost"))):
        return host
    raise ClientRefused("SecurityError", "not a secure context")


def check_rp_id(rp_id: str, origin: str) -> None:
    """Check that a page of that origin may speak for that RP ID.

    Raises:
        ClientRefused: SecurityError where it may not.
    """
    host = host_of(origin)
    if host != rp_id and not ("." in rp_id and host.endswith("." + rp_id)):
        raise ClientRefused("SecurityError", "the RP ID is not of this origin")


def check_app_id(app_id: str, origin: str) -> None:
    """Check that a page of that origin may speak for that AppID.

    Raises:
        ClientRefused: SecurityError where it may not.
    """
    asked, asking = urlsplit(app_id), urlsplit(origin)
    same_site = _site(asked.hostname) == _site(asking.hostname)
    if asked.scheme != "https" or asking.scheme != "https" or not same_site:
        raise ClientRefused("SecurityError", "the AppID is not of this origin")


def _site(host: str | None) -> list[str]:
    return (host or "").split(".")[-2:]


def application(identifier: str, faults: frozenset[KeyFault] = frozenset()) -> bytes:
    """Return the SHA-256 of an RP ID or AppID, or of another one where the client is at fault."""
    return hashlib.sha256((_NOWHERE if KeyFault.WRONG_RP_ID_HASH in faults else identifier).encode()).digest()


def challenge_of(challenge: str, faults: frozenset[KeyFault]) -> str:
    """Return the challenge for the client data, or another one where the client is at fault."""
    return encode(hashlib.sha256(challenge.encode()).digest()) if KeyFault.WRONG_CHALLENGE in faults else challenge


def origin_of(origin: str, faults: frozenset[KeyFault]) -> str:
    """Return the origin for the client data, or another one where the client is at fault."""
    return f"https://{_NOWHERE}" if KeyFault.WRONG_ORIGIN in faults else origin


def as_json(members: dict[str, Any]) -> bytes:
    """Return client data as the bytes that are sent and hashed."""
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def unbase64url(text: str, field: str) -> bytes:
    """Return the bytes of a base64url member of a request."""
    return decode(text, message="request", field=field)
