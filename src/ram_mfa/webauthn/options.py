# SPDX-License-Identifier: Apache-2.0
"""Creation and request options for a browser, JSON-ready.

Web Authentication Level 3, "Options for Credential Creation" and "Options for Assertion Generation", as their JSON
(https://www.w3.org/TR/webauthn-3/#sctn-parseCreationOptionsFromJSON,
https://www.w3.org/TR/webauthn-3/#sctn-parseRequestOptionsFromJSON): a page hands the object to
``PublicKeyCredential.parseCreationOptionsFromJSON`` or ``parseRequestOptionsFromJSON``.

Invariant: the defaults ask only for what a U2F key can do. It has no discoverable credentials and no user verification,
so both are discouraged: if one is required, browsers do not offer such a key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import attrs

from .._validation import as_tuple, each, is_a, is_encodable, octets, text
from ..encoding import base64url
from ..signatures.cose import COSEAlgorithm
from .app_id import rp_id_hash
from .credentials import MAX_CREDENTIAL_ID
from .responses import MAX_USER_HANDLE

MIN_CHALLENGE: Final = 16
"""The minimum length of a challenge in bytes (#sctn-cryptographic-challenges)."""
TIMEOUT: Final = 300
"""The browser's time-out for a touch, in seconds; 300 to 600 are recommended (#sctn-timeout-recommended-range)."""
MAX_NAME: Final = 256
"""The maximum length of a name in characters; authenticators may truncate it to 64 bytes (#sctn-strings-truncation)."""
MAX_HINTS: Final = 8
MAX_HINT: Final = 32
OFFERED: Final = (
    COSEAlgorithm.ES256,
    COSEAlgorithm.EDDSA,
    COSEAlgorithm.ED448,
    COSEAlgorithm.ES384,
    COSEAlgorithm.ES512,
    COSEAlgorithm.RS256,
)
"""The algorithms that are offered by default, the preferred first; U2F keys support only the first."""


@attrs.frozen
class CredentialDescriptor:
    """A credential that a browser may use, or whose authenticator it must not register again.

    Attributes:
        id: credential id, or key handle.
        transports: how to reach its authenticator; empty where that is not known.
    """

    id: bytes = attrs.field(validator=octets(1, MAX_CREDENTIAL_ID))
    transports: tuple[str, ...] = attrs.field(
        default=(), converter=as_tuple, validator=each(tuple, text(1, 64), most=16)
    )

    def to_json(self) -> dict[str, Any]:
        """Return the PublicKeyCredentialDescriptorJSON."""
        descriptor: dict[str, Any] = {"type": "public-key", "id": base64url.encode(self.id)}
        if self.transports:
            descriptor["transports"] = list(self.transports)
        return descriptor


def creation_options(
    *,
    challenge: bytes,
    rp_id: str,
    rp_name: str,
    user_handle: bytes,
    user_name: str,
    user_display_name: str | None = None,
    algorithms: Iterable[int] = OFFERED,
    timeout: float = TIMEOUT,
    exclude: Iterable[CredentialDescriptor] = (),
    resident_key: str = "discouraged",
    user_verification: str = "discouraged",
    hints: Iterable[str] = ("security-key",),
    attachment: str | None = None,
    attestation: str = "none",
    app_id_exclude: str | None = None,
) -> dict[str, Any]:
    """Return the options of a registration.

    Args:
        challenge: at least 16 random bytes, for this ceremony alone.
        rp_id: the RP ID, such as ``"example.com"``.
        rp_name: the application's name, for people.
        user_handle: 1 to 64 opaque bytes that identify the user.
        user_name: what the user calls the account, such as ``"alice@example.com"``.
        user_display_name: the user's name, for people; ``user_name`` where left out.
        algorithms: COSE numbers, the preferred first; U2F keys need ES256.
        timeout: how long the browser waits, in seconds.
        exclude: the user's credentials, whose authenticators must not be registered again.
        resident_key: ``"discouraged"``, ``"preferred"`` or ``"required"``.
        user_verification: one of the same three.
        hints: the authenticators that the user will probably use: ``"security-key"``, ``"client-device"`` or
            ``"hybrid"``.
        attachment: ``"cross-platform"`` or ``"platform"`` offers only such authenticators; None offers all.
        attestation: ``"none"`` or ``"direct"``: ``AttestationPolicy.conveyance``.
        app_id_exclude: the AppID under which some of ``exclude`` were registered through U2F
            (#sctn-appid-exclude-extension).

    Raises:
        ValueError: an argument is invalid.
    """
    if not 1 <= len(user_handle) <= MAX_USER_HANDLE:
        raise ValueError(f"a user handle has 1 to {MAX_USER_HANDLE} bytes")
    options: dict[str, Any] = {
        "rp": {"id": _rp_id(rp_id), "name": _name(rp_name, "rp_name")},
        "user": {
            "id": base64url.encode(user_handle),
            "name": _name(user_name, "user_name"),
            "displayName": _name(user_name if user_display_name is None else user_display_name, "user_display_name"),
        },
        "challenge": _challenge(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": int(COSEAlgorithm(alg))} for alg in algorithms],
        "timeout": _milliseconds(timeout),
        "excludeCredentials": [descriptor.to_json() for descriptor in exclude],
        "authenticatorSelection": {
            "residentKey": _one_of(resident_key, _REQUIREMENTS),
            # #dom-authenticatorselectioncriteria-requireresidentkey: for clients that know only Level 1
            "requireResidentKey": resident_key == "required",
            "userVerification": _one_of(user_verification, _REQUIREMENTS),
        },
        "hints": _hints(hints),
        "attestation": _one_of(attestation, _CONVEYANCES),
        "extensions": {},
    }
    if attachment is not None:
        options["authenticatorSelection"]["authenticatorAttachment"] = _one_of(attachment, _ATTACHMENTS)
    if not options["pubKeyCredParams"]:
        raise ValueError("no algorithm is offered")
    if app_id_exclude is not None:
        options["extensions"]["appidExclude"] = app_id_exclude
    return options


def request_options(
    *,
    challenge: bytes,
    rp_id: str,
    allow: Iterable[CredentialDescriptor],
    timeout: float = TIMEOUT,
    user_verification: str = "discouraged",
    hints: Iterable[str] = ("security-key",),
    app_id: str | None = None,
) -> dict[str, Any]:
    """Return the options of an authentication.

    Args:
        challenge: at least 16 random bytes, for this ceremony alone.
        rp_id: the RP ID, such as ``"example.com"``.
        allow: the user's credentials; at least one, as U2F keys keep none by themselves.
        timeout: how long the browser waits, seconds.
        user_verification: ``"discouraged"``, ``"preferred"`` or ``"required"``.
        hints: the authenticators that the user will probably use.
        app_id: the AppID under which some of ``allow`` were registered through U2F (#sctn-appid-extension); the same
            must be given to ``verify_authentication``.

    Raises:
        ValueError: an argument is invalid.
    """
    options: dict[str, Any] = {
        "challenge": _challenge(challenge),
        "timeout": _milliseconds(timeout),
        "rpId": _rp_id(rp_id),
        "allowCredentials": [descriptor.to_json() for descriptor in allow],
        "userVerification": _one_of(user_verification, _REQUIREMENTS),
        "hints": _hints(hints),
        "extensions": {},
    }
    if not options["allowCredentials"]:
        raise ValueError("no credential is allowed")
    if app_id is not None:
        options["extensions"]["appid"] = app_id
    return options


_REQUIREMENTS = ("discouraged", "preferred", "required")
_ATTACHMENTS = ("cross-platform", "platform")
_CONVEYANCES = ("none", "indirect", "direct", "enterprise")


def _rp_id(rp_id: str) -> str:
    rp_id_hash(rp_id)
    return rp_id


def _name(name: str, argument: str) -> str:
    if not is_a(name, str):
        raise TypeError(f"{argument} must be a string")
    if not 1 <= len(name) <= MAX_NAME or not is_encodable(name):
        raise ValueError(f"{argument} must be 1 to {MAX_NAME} characters")
    return name


def _hints(hints: Iterable[str]) -> list[str]:
    """Return the hints as a list; browsers ignore unknown ones (#enum-hints)."""
    found = [] if is_a(hints, str, bytes) else list(hints)
    if is_a(hints, str, bytes) or len(found) > MAX_HINTS or not all(is_a(hint, str) for hint in found):
        raise TypeError(f"hints must be a list of at most {MAX_HINTS} strings")
    if not all(1 <= len(hint) <= MAX_HINT and hint.isascii() and hint.isprintable() for hint in found):
        raise ValueError(f"a hint is 1 to {MAX_HINT} printable ASCII characters")
    return found


def _challenge(challenge: bytes) -> str:
    if len(challenge) < MIN_CHALLENGE:
        raise ValueError(f"a challenge has at least {MIN_CHALLENGE} bytes")
    return base64url.encode(challenge)


def _milliseconds(seconds: float) -> int:
    if not 1 <= seconds <= 3_600:
        raise ValueError("a timeout is 1 to 3,600 seconds")
    return int(seconds * 1_000)


def _one_of(word: str, words: Collection[str]) -> str:
    if word not in words:
        raise ValueError(f"{word!r} is none of {', '.join(words)}")
    return word
