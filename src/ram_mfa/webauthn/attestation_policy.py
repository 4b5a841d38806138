# SPDX-License-Identifier: Apache-2.0
"""An application's requirements on the authenticators that it registers, as one frozen value.

Web Authentication Level 3, "Attestation Conveyance Preference" (https://www.w3.org/TR/webauthn-3/#enum-attestation-convey)
and the step that assesses trust (https://www.w3.org/TR/webauthn-3/#reg-ceremony-assess-trust).

Invariant: nothing asked is the default, and trust comes from roots that were given; without them nothing is
trusted.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import Any, Final

import attrs

from .._validation import as_frozenset, each, instance_of, is_a, is_flag, member_of, optional, text
from ..attestation_certificates.trust import TrustRoots
from .metadata import MetadataRules


class AttestationLevel(enum.Enum):
    """The proof required of an authenticator."""

    NOT_ASKED = "not asked"
    """Any statement that is genuine in itself will do, none too; the browser is asked for none."""
    UNVERIFIED_ALLOWED = "unverified allowed"
    """A statement is asked for and recorded; it need not chain to a root."""
    CHAINED = "chained"
    """The statement's certificate must chain to one of the given roots, or be one of them."""


class OtherFormats(enum.Enum):
    """The treatment of a statement in a format that is recognised but not verified (tpm, android-key, apple ...)."""

    REFUSED = "refused"
    UNATTESTED = "accepted as unattested"
    """As if the statement were ``none``: its contents are not looked at."""


_AAGUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY_IDENTIFIER = re.compile(r"[0-9a-f]{40}")


def _models(models: Iterable[str] | None) -> frozenset[str] | None:
    found: frozenset[str] | None = as_frozenset(models) if models is not None else None
    return found


def _roots(roots: TrustRoots | Iterable[bytes]) -> TrustRoots:
    if is_a(roots, TrustRoots):
        return roots
    if is_a(roots, str, bytes, bytearray, dict) or not isinstance(roots, Iterable):
        raise TypeError("AttestationPolicy.roots must be TrustRoots, or a list of certificates in DER")
    return TrustRoots.of(roots)


def _is_model(instance: object, attribute: Any, model: str) -> None:
    _MODEL(instance, attribute, model)
    if not _AAGUID.fullmatch(model) and not _KEY_IDENTIFIER.fullmatch(model):
        raise ValueError(f"{model!r} is neither an AAGUID in lower case nor a key identifier of 40 digits")


_MODEL: Final = text(1, 64)
_MODELS: Final = each(frozenset, _is_model, most=4_096)


_NO_ROOTS = TrustRoots.of(())


@attrs.frozen(kw_only=True)
class AttestationPolicy:
    """Which authenticators may be registered.

    A model is named as FIDO's metadata names it: by its AAGUID, such as ``"cb69481e-8ff7-4039-93ec-0a2729a154a8"``, or
    (U2F keys have none) by the key identifier of its attestation certificate, 40 hexadecimal digits. An AAGUID counts
    only where the certificate chains to a root, and never for ``fido-u2f``, whose signature does not cover it; a key
    identifier counts wherever that key signed.

    Attributes:
        level: how much must be proved.
        roots: root certificates, or accepted certificates of single models; given as DER or as ``TrustRoots``.
        accepted: the only models allowed; None for all.
        denied: models that are refused; only where the level is CHAINED, since below it a key of a denied model may
            come without a statement.
        metadata: a FIDO metadata BLOB and what is demanded of a model in it; None where none is used; only where the
            level is CHAINED. A model that it lists must chain to that model's own roots; ``roots`` then count for
            models that it does not list.
        other_formats: what becomes of formats that are not verified.
        require_zero_aaguid: whether ``fido-u2f`` with a non-zero AAGUID is refused. CTAP has clients put zeros there;
            the signature does not cover it, the value is ignored, and W3C's own test vector has one.
    """

    level: AttestationLevel = attrs.field(default=AttestationLevel.NOT_ASKED, validator=member_of(AttestationLevel))
    roots: TrustRoots = attrs.field(default=_NO_ROOTS, converter=_roots)
    accepted: frozenset[str] | None = attrs.field(default=None, converter=_models, validator=optional(_MODELS))
    denied: frozenset[str] = attrs.field(default=frozenset(), converter=as_frozenset, validator=_MODELS)
    metadata: MetadataRules | None = attrs.field(
        default=None, repr=False, validator=optional(instance_of(MetadataRules))
    )
    other_formats: OtherFormats = attrs.field(default=OtherFormats.REFUSED, validator=member_of(OtherFormats))
    require_zero_aaguid: bool = attrs.field(default=False, validator=is_flag)

    def __attrs_post_init__(self) -> None:
        if self.level is AttestationLevel.NOT_ASKED and (
            self.roots.certificates or self.denied or self.accepted is not None
        ):
            raise ValueError("roots and lists of models need a level at which a statement is asked for")
        if self.level is not AttestationLevel.CHAINED and (self.denied or self.metadata is not None):
            raise ValueError(
                "AttestationPolicy.denied and .metadata need the level CHAINED: below it, a key of a denied model may "
                "leave its statement out, or sign one of its own"
            )

    @property
    def conveyance(self) -> str:
        """The ``attestation`` member of the creation options: ``"none"`` or ``"direct"``."""
        return "none" if self.level is AttestationLevel.NOT_ASKED else "direct"


NO_ATTESTATION = AttestationPolicy()
"""Nothing is asked: the default."""
