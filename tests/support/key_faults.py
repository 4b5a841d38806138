# SPDX-License-Identifier: Apache-2.0
"""What each fault of a security key comes to at the verbs: which check refuses it, or that it passes.

Written down from the standards, fault by fault: a check that is lost shows up as a difference.
"""

from __future__ import annotations

from typing import Final

import attrs

from ram_mfa.testing import KeyFault, SoftSecurityKey

from .doors import Door

EDDSA: Final = -8
ES256: Final = -7


@attrs.frozen
class Kept:
    """A kind of key, and the door it comes through.

    Attributes:
        door: of registrations.
        algorithm: None for a U2F key; else of a newer key.
        answers_at: the doors that it answers at.
    """

    door: Door
    algorithm: int | None
    answers_at: tuple[Door, ...]

    def key(self) -> SoftSecurityKey:
        """Return a new key of the kind."""
        return SoftSecurityKey(algorithm=self.algorithm)

    def __str__(self) -> str:
        kind = {None: "U2F key", ES256: "ES256 key", EDDSA: "EdDSA key"}[self.algorithm]
        return f"{kind} through {self.door.value}"


KINDS: Final = (
    Kept(Door.WEBAUTHN, None, (Door.WEBAUTHN,)),
    Kept(Door.WEBAUTHN, ES256, (Door.WEBAUTHN,)),
    Kept(Door.WEBAUTHN, EDDSA, (Door.WEBAUTHN,)),
    Kept(Door.U2F, None, (Door.WEBAUTHN, Door.U2F)),
)
ANSWERS: Final = tuple((kind, door) for kind in KINDS for door in kind.answers_at)

_CLIENT: Final = {
    KeyFault.WRONG_TYPE: "type",
    KeyFault.WRONG_ORIGIN: "origin",
    KeyFault.WRONG_CHALLENGE: "challenge",
}
COUNTERS: Final = frozenset(
    {KeyFault.FROZEN_COUNTER, KeyFault.ZERO_COUNTER, KeyFault.JUMPING_COUNTER, KeyFault.WRAPPING_COUNTER}
)
_MESSAGE: Final = {Door.WEBAUTHN: "attestation object", Door.U2F: "U2F registration response"}


def at_registration(kind: Kept, fault: KeyFault, *, attested: bool) -> str | None:
    """Return the check that refuses a registration, or None where it binds.

    Args:
        kind: of key, and its door.
        fault: what is wrong.
        attested: whether the policy asks for a statement, without asking for a chain.
    """
    through_u2f, u2f_key = kind.door is Door.U2F, kind.algorithm is None
    if fault in _CLIENT:
        return _CLIENT[fault]
    if fault in COUNTERS or fault is KeyFault.HIGH_S_SIGNATURE:
        return None  # a registration's counter is a beginning; both forms of a signature are as valid (SEC 1)
    if fault is KeyFault.WRONG_RP_ID_HASH:
        return "signature" if through_u2f else "RP ID hash"  # a raw message has no hash in it that could be compared
    if fault is KeyFault.NO_USER_PRESENCE:
        return None if through_u2f else "user presence"  # a raw registration has no room for it
    if fault is KeyFault.TRAILING_BYTES:
        return f"malformed {_MESSAGE[kind.door]}: {'signature' if through_u2f else 'end of message'}"
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


def at_answer(door: Door, fault: KeyFault) -> str | None:
    """Return the check that refuses an answer of a key that has answered once before, or None where it passes."""
    through_u2f = door is Door.U2F
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
