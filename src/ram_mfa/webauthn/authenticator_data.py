# SPDX-License-Identifier: Apache-2.0
"""Authenticator data: one byte string with the RP ID hash, the flags, the counter and a new credential.

Web Authentication Level 3, "Authenticator Data" (https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data) and
"Attested Credential Data" (https://www.w3.org/TR/webauthn-3/#sctn-attested-credential-data).

Invariant: it is read from the first byte to the last, and nothing that it claims is believed before a signature
over it held, or policy said that none is needed.
"""

from __future__ import annotations

import struct
from typing import Final, Self

import attrs

from ..encoding import cbor
from ..errors import MalformedMessage

_MESSAGE = "authenticator data"
_HEADER = struct.Struct(">32sBI")
_ATTESTED = struct.Struct(">16sH")

HEADER_SIZE: Final = 37
"""rpIdHash, flags and signCount, in bytes; all that an assertion by a U2F key holds."""
MAX_SIZE: Final = 16_384
"""The most bytes that are looked at."""

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
"""The flags; bits 1 and 5 are reserved for future use and ignored."""


@attrs.frozen
class AttestedCredential:
    """The credential that a registration makes.

    Attributes:
        aaguid: what the authenticator calls its model, 16 bytes; a claim.
        id: the credential id.
        public_key: the COSE key, bytes as received.
    """

    aaguid: bytes
    id: bytes
    public_key: bytes


@attrs.frozen
class AuthenticatorData:
    """One parsed authenticator data structure.

    Attributes:
        raw: the bytes, which are what is signed.
        rp_id_hash: SHA-256 of the RP ID (or of the AppID), 32 bytes.
        flags: the flags byte.
        sign_count: the signature counter, unsigned, 32 bits.
        attested: the new credential; None in an assertion.
        extensions: authenticator extension outputs by extension identifier; empty where there are none.
    """

    raw: bytes = attrs.field(repr=False)
    rp_id_hash: bytes
    flags: int
    sign_count: int
    attested: AttestedCredential | None
    extensions: dict[int | str, cbor.Value]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read authenticator data, whole.

        Raises:
            MalformedMessage: it is not that, or bytes follow.
        """
        size = len(raw)
        if not HEADER_SIZE <= size <= MAX_SIZE:
            raise MalformedMessage(_MESSAGE, "length", f"not {HEADER_SIZE} to {MAX_SIZE} bytes")
        rp_id_hash, flags, sign_count = _HEADER.unpack_from(raw)
        at = HEADER_SIZE
        attested = None
        if flags & AT:
            attested, at = _attested(raw, at)
        extensions: dict[int | str, cbor.Value] = {}
        if flags & ED:
            extensions, at = _extensions(raw, at)
        if at != size:
            raise MalformedMessage(_MESSAGE, "end of message", f"{size - at} bytes too many", offset=at)
        return cls(raw, rp_id_hash, flags, sign_count, attested, extensions)

    @property
    def user_present(self) -> bool:
        """UP: the user touched the authenticator."""
        return bool(self.flags & UP)

    @property
    def user_verified(self) -> bool:
        """UV: the authenticator verified its user."""
        return bool(self.flags & UV)

    @property
    def backup_eligible(self) -> bool:
        """BE: the credential may be copied to other devices."""
        return bool(self.flags & BE)

    @property
    def backup_state(self) -> bool:
        """BS: the credential is backed up now."""
        return bool(self.flags & BS)


def _attested(raw: bytes, start: int) -> tuple[AttestedCredential, int]:
    """Read attested credential data; return it and where it ends."""
    at = start + _ATTESTED.size
    if at > len(raw):
        raise MalformedMessage(_MESSAGE, "attested credential data", "ends too early", offset=start)
    aaguid, length = _ATTESTED.unpack_from(raw, start)
    key_at = at + length
    if not length or key_at > len(raw):
        raise MalformedMessage(_MESSAGE, "credential id", "empty, or ends too early", offset=at)
    # A COSE key has no length prefix, so its end is found by decoding it; its members are checked when it is loaded.
    _, end = cbor.decode_item(raw, key_at, message=_MESSAGE, field="credential public key")
    return AttestedCredential(aaguid, raw[at:key_at], raw[key_at:end]), end


def _extensions(raw: bytes, start: int) -> tuple[dict[int | str, cbor.Value], int]:
    """Read extension outputs; return them and where they end."""
    outputs, end = cbor.decode_item(raw, start, message=_MESSAGE, field="extensions")
    if not isinstance(outputs, dict) or not all(isinstance(name, str) for name in outputs):
        raise MalformedMessage(_MESSAGE, "extensions", "not a map of identifiers", offset=start)
    return outputs, end
