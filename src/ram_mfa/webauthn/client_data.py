# SPDX-License-Identifier: Apache-2.0
"""Client data: the browser's account of the ceremony, its challenge and its origin.

Web Authentication Level 3, "Client Data Used in WebAuthn Signatures"
(https://www.w3.org/TR/webauthn-3/#dictionary-client-data) and "Validating the origin of a credential"
(https://www.w3.org/TR/webauthn-3/#sctn-validating-origin).

Invariant: the hash is over the bytes as received, and an origin is compared whole. Unknown members are kept and not
verified, since browsers add some; ``tokenBinding`` is one of them, as Level 3 no longer looks at it.
"""

from __future__ import annotations

import codecs
import hashlib
import hmac
from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final, Self

import attrs

from ..encoding import base64url
from ..encoding.json import load_object
from ..encoding.origin import Origin
from ..errors import Check, MalformedMessage, VerificationError

_MESSAGE = "client data"

MAX_SIZE: Final = 8_192
"""The most bytes that are looked at."""
CREATE: Final = "webauthn.create"
GET: Final = "webauthn.get"

_ANDROID_PREFIX = "android:apk-key-hash:"


@attrs.frozen
class ClientData:
    """One parsed clientDataJSON.

    Attributes:
        raw: the bytes as received.
        type: ``"webauthn.create"`` or ``"webauthn.get"``, where it is genuine.
        challenge: base64url, as received.
        origin: as received.
        cross_origin: whether the page stood in a frame of another origin.
        top_origin: the origin of the outermost page, if the browser states it.
        others: the members that are not understood.
    """

    raw: bytes = attrs.field(repr=False)
    type: str
    challenge: str
    origin: str
    cross_origin: bool
    top_origin: str | None
    others: dict[str, Any] = attrs.field(repr=False)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read client data.

        Raises:
            MalformedMessage: it is not that: too long, not UTF-8, not one JSON object, a name twice, a member missing
                or of another type.
        """
        # #sctn-registering-a-new-credential: "UTF-8 decode" strips one leading byte order mark.
        members = load_object(raw.removeprefix(codecs.BOM_UTF8), message=_MESSAGE, limit=MAX_SIZE)
        return cls(
            raw,
            _text(members, "type"),
            _text(members, "challenge"),
            _text(members, "origin"),
            _flag(members, "crossOrigin"),
            _text(members, "topOrigin") if "topOrigin" in members else None,
            members,
        )

    @property
    def hash(self) -> bytes:
        """SHA-256 over the bytes as received, 32 bytes."""
        return hashlib.sha256(self.raw).digest()

    def check(
        self,
        *,
        type: str,  # noqa: A002 - the standard's name
        challenge: bytes,
        origins: Collection[str],
        cross_origin: bool = False,
        top_origins: Collection[str] = (),
    ) -> None:
        """Check that this page asked this.

        1. ``type`` is that of the ceremony.
        2. ``challenge`` is the one of this ceremony.
        3. ``origin`` is one of those expected, scheme, host and port.
        4. ``crossOrigin`` is not true, unless frames are expected.
        5. ``topOrigin`` is one of those expected around such a frame. It may be absent where ``crossOrigin`` is not
           true, or where ``top_origins`` is empty: whoever names pages means these and no others, and a browser that
           does not say which page it is in is refused.

        Args:
            type: ``CREATE`` or ``GET``.
            challenge: the bytes that were sent in the options.
            origins: where the application lives, such as ``"https://login.example.com"``.
            cross_origin: whether the page may stand in a frame of another origin.
            top_origins: the pages that such a frame may stand in; empty to ask for none.

        Raises:
            VerificationError: ``Check.TYPE``, ``CHALLENGE``, ``ORIGIN``, ``CROSS_ORIGIN`` or ``TOP_ORIGIN``.
            ValueError: an expected origin is invalid.
        """
        expected, framing = canonical_origins(tuple(origins)), canonical_origins(tuple(top_origins))
        # (1) #dom-collectedclientdata-type
        if self.type != type:
            raise VerificationError(Check.TYPE, f"not {type}")
        # (2) #sctn-cryptographic-challenges
        if not hmac.compare_digest(
            self.challenge.encode("utf-8", "surrogatepass"), base64url.encode(challenge).encode()
        ):
            raise VerificationError(Check.CHALLENGE, "not the challenge of this ceremony")
        # (3) #sctn-validating-origin
        if self.origin not in expected:
            raise VerificationError(Check.ORIGIN, "not an expected origin")
        # (4) #dom-collectedclientdata-crossorigin
        if (self.cross_origin or self.top_origin is not None) and not cross_origin:
            raise VerificationError(Check.CROSS_ORIGIN, "asked from within a frame of another origin")
        # (5) #dom-collectedclientdata-toporigin
        if self.top_origin is not None and (not self.cross_origin or self.top_origin not in framing):
            raise VerificationError(Check.TOP_ORIGIN, "not a page that may frame this one")
        if self.cross_origin and self.top_origin is None and framing:
            raise VerificationError(Check.TOP_ORIGIN, "the browser does not say which page frames this one")


@lru_cache(maxsize=64)
def canonical_origins(origins: tuple[str, ...]) -> frozenset[str]:
    """Return our own origins, each checked to be in canonical form, so that equal text means an equal origin.

    Args:
        origins: ``https`` origins, ``http://localhost`` with or without a port for development, or the origin of an
            Android app, ``android:apk-key-hash:`` and the base64url of 32 bytes.

    Raises:
        ValueError: one of them is neither, or in a form that no browser sends.
    """
    for origin in origins:
        try:
            fine = _is_ours(origin)
        except MalformedMessage:  # not a peer's message: the application's own configuration
            fine = False
        if not fine:
            raise ValueError(f"{origin!r} is neither an https origin nor http://localhost nor an Android app")
    return frozenset(origins)


def _is_ours(origin: str) -> bool:
    if origin.startswith(_ANDROID_PREFIX):
        return len(base64url.decode(origin.removeprefix(_ANDROID_PREFIX), message="origin", field="key hash")) == 32
    parsed = Origin.parse(origin)
    return parsed.secure or parsed.local


def _text(members: dict[str, Any], name: str) -> str:
    value = members.pop(name, None)
    if not isinstance(value, str):
        raise MalformedMessage(_MESSAGE, name, "missing or not a string")
    return value


def _flag(members: dict[str, Any], name: str) -> bool:
    value = members.pop(name, False)
    if not isinstance(value, bool):
        raise MalformedMessage(_MESSAGE, name, "neither true nor false")
    return value
