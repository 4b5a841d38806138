# SPDX-License-Identifier: Apache-2.0
"""Rules for security keys: user verification, algorithms, hints, attachment, resident keys, and attestation.

Web Authentication Level 3, "Options for Credential Creation"
(https://www.w3.org/TR/webauthn-3/#dictionary-makecredentialoptions). The defaults are for a second factor after a
password, and allow every U2F key.
"""

from __future__ import annotations

import enum

import attrs

from .._validation import as_tuple, each, instance_of, member_of, optional, text
from ..signatures.cose import COSEAlgorithm
from ..webauthn import AttestationPolicy
from ..webauthn.options import MAX_HINT, MAX_HINTS, OFFERED


class UserVerification(enum.Enum):
    """Verification of the user by the security key, by PIN or biometrics (#enum-userVerificationRequirement)."""

    DISCOURAGED = "discouraged"
    PREFERRED = "preferred"
    REQUIRED = "required"


class ResidentKey(enum.Enum):
    """Storage of a new credential on the security key, where it takes space (#enum-residentKeyRequirement)."""

    DISCOURAGED = "discouraged"
    PREFERRED = "preferred"
    REQUIRED = "required"


class Attachment(enum.Enum):
    """Which authenticators a browser offers at a bind (#enum-attachment)."""

    CROSS_PLATFORM = "cross-platform"
    PLATFORM = "platform"


@attrs.frozen(kw_only=True)
class SecurityKeyPolicy:
    """Which security keys may be bound, and what their answers must show.

    Attributes:
        user_verification: asked of every key at bind, logon and step-up. Where it is required, an answer without it is
            refused; a key cannot be bound through U2F, which has no user verification, and one that was registered
            through U2F is no longer allowed, even where `DisallowedDevices.KEEP` keeps others.
        algorithms: those that a new key may use, the preferred first; without ES256 no U2F key can be bound. Bound keys
            keep theirs.
        hints: shown to the browser, in order of preference: ``security-key``, ``client-device``, ``hybrid``.
        attachment: restricts the authenticators that a browser offers at a bind; None offers all. It is not verified.
        resident_key: whether a new credential is discoverable; U2F keys cannot store any.
        attestation: which models may be bound.
    """

    user_verification: UserVerification = attrs.field(
        default=UserVerification.DISCOURAGED, validator=member_of(UserVerification)
    )
    algorithms: tuple[COSEAlgorithm, ...] = attrs.field(
        default=OFFERED, converter=as_tuple, validator=each(tuple, member_of(COSEAlgorithm), least=1, most=16)
    )
    hints: tuple[str, ...] = attrs.field(
        default=("security-key",), converter=as_tuple, validator=each(tuple, text(1, MAX_HINT), most=MAX_HINTS)
    )
    attachment: Attachment | None = attrs.field(default=None, validator=optional(member_of(Attachment)))
    resident_key: ResidentKey = attrs.field(default=ResidentKey.DISCOURAGED, validator=member_of(ResidentKey))
    attestation: AttestationPolicy = attrs.field(default=AttestationPolicy(), validator=instance_of(AttestationPolicy))

    def __attrs_post_init__(self) -> None:
        if not all(hint.isascii() and hint.isprintable() for hint in self.hints):
            raise ValueError("SecurityKeyPolicy.hints must be printable ASCII")

    @property
    def verifies_users(self) -> bool:
        """Whether user verification is required."""
        return self.user_verification is UserVerification.REQUIRED

    @property
    def allows_u2f(self) -> bool:
        """Whether a key may be bound through U2F: with ES256, and without user verification."""
        return COSEAlgorithm.ES256 in self.algorithms and not self.verifies_users
