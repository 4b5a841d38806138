# SPDX-License-Identifier: Apache-2.0
"""The outcome of each fault of a security key at the verbs: the check that refuses it, or None where it passes.

The table was written from the standards, independently of the code, so that a lost check shows up as a difference.
"""

from __future__ import annotations

from typing import Final

import attrs

from ram_mfa.testing import KeyFault, SoftSecurityKey

from .key_apis import KeyAPI

EDDSA: Final = -8
ES256: Final = -7


@attrs.frozen
class KeyKind:
    """A kind of key, and the API that it is registered through.

    Attributes:
        api: the API of its registration.
        algorithm: the COSE algorithm; None for a U2F key.
        answers_at: the APIs through which it can answer.
    """

    api: KeyAPI
    algorithm: int | None
    answers_at: tuple[KeyAPI, ...]

    def key(self) -> SoftSecurityKey:
        """Return a new key of the kind."""
        return SoftSecurityKey(algorithm=self.algorithm)

    def __str__(self) -> str:
        kind = {None: "U2F key", ES256: "ES256 key", EDDSA: "EdDSA key"}[self.algorithm]
        return f"{kind} through {self.api.value}"


KINDS: Final = (
    KeyKind(KeyAPI.WEBAUTHN, None, (KeyAPI.WEBAUTHN,)),
    KeyKind(KeyAPI.WEBAUTHN, ES256, (KeyAPI.WEBAUTHN,)),
    KeyKind(KeyAPI.WEBAUTHN, EDDSA, (KeyAPI.WEBAUTHN,)),
    KeyKind(KeyAPI.U2F, None, (KeyAPI.WEBAUTHN, KeyAPI.U2F)),
)
ANSWERS: Final = tuple((kind, api) for kind in KINDS for api in kind.answers_at)

_CLIENT: Final = {
    KeyFault.WRONG_TYPE: "type",
    KeyFault.WRONG_ORIGIN: "origin",
    KeyFault.WRONG_CHALLENGE: "challenge",
}
COUNTERS: Final = frozenset(
    {KeyFault.FROZEN_COUNTER, KeyFault.ZERO_COUNTER, KeyFault.JUMPING_COUNTER, KeyFault.WRAPPING_COUNTER}
)
_MESSAGE: Final = {KeyAPI.WEBAUTHN: "attestation object", KeyAPI.U2F: "U2F registration response"}


def at_registration(kind: KeyKind, fault: KeyFault, *, attested: bool) -> str | None:
    """Return the check that refuses a registration, or None where it binds.

    Args:
        kind: of key, and its API.
        fault: what is wrong.
        attested: whether the policy asks for a statement, without asking for a chain.
    """
    through_u2f, u2f_key = kind.api is KeyAPI.U2F, kind.algorithm is None
    if fault in _CLIENT:
        return _CLIENT[fault]
    if fault in COUNTERS or fault is KeyFault.HIGH_S_SIGNATURE:
        return None  # a registration's counter is a beginning; both forms of a signature are as valid (SEC 1)
    if fault is KeyFault.WRONG_RP_ID_HASH:
        return "signature" if through_u2f else "RP ID hash"  # a raw message has no hash in it that could be compared
    if fault is KeyFault.NO_USER_PRESENCE:
        return None if through_u2f else "user presence"  # a raw registration has no room for it
    if fault is KeyFault.TRAILING_BYTES:
        return f"malformed {_MESSAGE[kind.api]}: {'signature' if through_u2f else 'end of message'}"
    if fault is KeyFault.SECOND_CERTIFICATE:
        if through_u2f:
            return "malformed U2F registration response: signature"
        # A packed statement may bring a chain; where none is asked for, the browser brings no statement at all.
        return "malformed attestation object: x5c" if u2f_key and attested else None
    if fault is KeyFault.MALFORMED_UNUSED_BITS:
        return None  # of the certificate's signature, at which only a chain would look
    if fault is KeyFault.OFF_CURVE_KEY:
        if kind.algorithm == EDDSA:
            return None  # the soft key has no such fault on that curve
        return f"malformed {'U2F registration response' if through_u2f else 'COSE key'}: public key"
    assert fault is KeyFault.WRONG_ALGORITHM
    return "signature" if through_u2f else "algorithm"


def at_answer(api: KeyAPI, fault: KeyFault) -> str | None:
    """Return the check that refuses an answer of a key that has answered once before, or None where it passes."""
    through_u2f = api is KeyAPI.U2F
    if fault in _CLIENT:
        return _CLIENT[fault]
    if fault is KeyFault.WRONG_RP_ID_HASH:
        return "signature" if through_u2f else "RP ID hash"
    if fault is KeyFault.NO_USER_PRESENCE:
        return "user presence"
    if fault in {KeyFault.FROZEN_COUNTER, KeyFault.ZERO_COUNTER}:
        return "sign count"
    if fault is KeyFault.TRAILING_BYTES:
        if through_u2f:
            return "malformed U2F authentication response: signature"
        return "malformed authenticator data: end of message"
    if fault is KeyFault.WRONG_ALGORITHM:
        return "signature"
    return None  # the first jump, the highest count, both forms of a signature, and what only registrations have
