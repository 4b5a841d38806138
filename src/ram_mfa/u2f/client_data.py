# SPDX-License-Identifier: Apache-2.0
"""Client data: the browser's account of the requested operation, its challenge and its origin.

FIDO U2F Raw Message Formats 1.2, section 7
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html#client-data);
FIDO U2F JavaScript API 1.2, section 3.1.

Invariant: the hash is over the bytes as received. The text is parsed once, for comparison, and never re-serialised.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any, Final

import attrs

from ..encoding import base64url
from ..encoding.json import load_object, text_member
from ..errors import Check, MalformedMessage, VerificationError
from .facets import Facet, configured_facet, parse_facet

FINISH_ENROLLMENT: Final = "navigator.id.finishEnrollment"
"""The ``typ`` of a registration."""

GET_ASSERTION: Final = "navigator.id.getAssertion"
"""The ``typ`` of an authentication."""

MAX_SIZE: Final = 16_384
"""The maximum size of client data in bytes; browsers write 150 to 400."""

_MESSAGE: Final = "U2F client data"
_NAMED: Final = ("typ", "challenge", "origin")


@attrs.frozen
class ClientData:
    """Client data as a browser or a native client wrote it. Equal when the bytes are.

    Attributes:
        raw: the bytes as received; ``bytes()`` gives them back, and `challenge_parameter` hashes them.
        typ: the ceremony.
        challenge: the challenge in base64url, as received.
        origin: the web origin or app identity that asked.
        other: all other members, on which nothing relies (``cid_pubkey`` among them: channel ids are gone).
    """

    raw: bytes = attrs.field(repr=False)
    typ: str = attrs.field(eq=False)
    challenge: str = attrs.field(eq=False, repr=False)
    origin: str = attrs.field(eq=False)
    other: dict[str, Any] = attrs.field(eq=False, repr=False)

    @classmethod
    def parse(cls, raw: bytes) -> ClientData:
        """Return the client data that ``raw`` encodes.

        Args:
            raw: JSON in UTF-8.

        Raises:
            MalformedMessage: it is not a JSON object, names a member twice, or lacks ``typ``, ``challenge`` or
                ``origin``.
        """
        if not isinstance(raw, bytes):
            raise MalformedMessage(_MESSAGE, "message", "not bytes")
        members = load_object(raw, message=_MESSAGE, limit=MAX_SIZE)
        typ, challenge, origin = (text_member(members, name, message=_MESSAGE) for name in _NAMED)
        return cls(raw, typ, challenge, origin, {name: members[name] for name in members if name not in _NAMED})

    def __bytes__(self) -> bytes:
        return self.raw

    def check(self, *, typ: str, challenge: bytes | str, facets: Iterable[Facet | str]) -> None:
        """Check that this belongs to the ceremony that was begun, and that a facet of the application asked for it.

        1. The type is that of the ceremony.
        2. The challenge is the one issued, in its canonical encoding.
        3. The origin is one of the facets: parsed and equal whole; both may have the slash that the standard writes
           after an origin and browsers leave out.

        Args:
            typ: `FINISH_ENROLLMENT` or `GET_ASSERTION`.
            challenge: the challenge that was issued for this ceremony: the bytes, or their base64url text.
            facets: origins and app identities, listed one by one, without patterns. An empty list accepts none.

        Raises:
            VerificationError: ``Check.TYPE``, ``Check.CHALLENGE`` or ``Check.ORIGIN``.
            ValueError: the challenge is empty, or a facet is not one.
            TypeError: ``facets`` is a single string.
        """
        if isinstance(facets, str):
            raise TypeError("facets must be a list, not a string")
        allowed = [configured_facet(facet) for facet in facets]
        expected = challenge if isinstance(challenge, str) else base64url.encode(challenge)
        if not expected:
            raise ValueError("a challenge is not empty")
        # (1) Raw Message Formats, section 7: typ
        if self.typ != typ:
            raise VerificationError(Check.TYPE, "client data of another ceremony")
        # (2) section 7: challenge
        if not hmac.compare_digest(_octets(self.challenge), _octets(expected)):
            raise VerificationError(Check.CHALLENGE, "not the challenge of this ceremony")
        # (3) section 7: origin; AppID and Facets 1.2, section 3.1
        try:
            origin = parse_facet(self.origin)
        except MalformedMessage:
            raise VerificationError(Check.ORIGIN, "not an origin in its canonical form") from None
        if origin not in allowed:
            raise VerificationError(Check.ORIGIN, "none of the application's facets")


def _octets(text: str) -> bytes:
    """Return bytes to compare; JSON escapes can produce lone surrogates, which have no UTF-8 encoding."""
    return text.encode("utf-8", "surrogatepass")
