# SPDX-License-Identifier: Apache-2.0
"""Evaluation of a genuine statement against a policy: trust paths, and lists of models.

Web Authentication Level 3, the steps on trust anchors and on trust
(https://www.w3.org/TR/webauthn-3/#reg-ceremony-attestation-trust-anchors,
https://www.w3.org/TR/webauthn-3/#reg-ceremony-assess-trust).

Invariant: an attestation is "trusted" only if its path ends in a given root at a given time.
"""

from __future__ import annotations

import enum
import uuid

import attrs

from ...attestation_certificates.trust import verify_chain
from ...errors import Check, VerificationError
from ..attestation_policy import AttestationLevel, AttestationPolicy
from . import fido_u2f
from .statement import AttestationType, Statement


class Verdict(enum.Enum):
    """The trust in an authenticator's attestation."""

    NONE = "none"
    """Nothing: no statement, or one in a format that is not verified."""
    SELF = "self"
    """It holds the credential's private key; of its model nothing is known."""
    UNVERIFIED = "unverified"
    """A certificate speaks for it, which chains to no root that was given."""
    TRUSTED = "trusted"
    """A certificate speaks for it, which chains to a given root or is one."""


@attrs.frozen(kw_only=True)
class Attestation:
    """The result of evaluating an authenticator's attestation.

    Attributes:
        format: the statement format's identifier.
        verdict: the attestation verdict.
        models: names of its model, as ``AttestationPolicy`` lists them; only proved ones.
        trust_path: the certificates as received, DER, the authenticator's first; proved
            only if the attestation verdict is trusted.
    """

    format: str
    verdict: Verdict
    models: tuple[str, ...]
    trust_path: tuple[bytes, ...] = attrs.field(repr=False)


def evaluate_attestation(
    statement: Statement, *, policy: AttestationPolicy, aaguid: bytes, at: float | None
) -> Attestation:
    """Evaluate a verified statement.

    1. A certified statement is chained to the roots of its model in the FIDO metadata, and the demands on that model
       are checked; where there is no metadata, or it does not list the model, it is chained to the policy's roots.
    2. Its models are named: the key identifier of the certificate that signed; the AAGUID where the path is trusted,
       and the format's signature covers it.
    3. Where chaining is demanded, nothing but "trusted" passes.
    4. A denied model is refused, and one that is not on the list of accepted ones.

    Args:
        statement: what a format's verification returned.
        policy: the application's requirements.
        aaguid: the claimed AAGUID, 16 bytes.
        at: when the certificates must be valid, seconds since the epoch; needed where the policy has roots or metadata.

    Raises:
        VerificationError: ``Check.TRUST_PATH`` or ``CERTIFICATE`` (1, 3), ``ATTESTATION`` (3, no certificate at all),
            ``MODEL`` (1, 4).
        ValueError: the policy has roots or metadata and there is no time at which to validate certificates.
    """
    # (1) #reg-ceremony-attestation-trust-anchors
    demanded = all(policy.level is not one for one in _UNDEMANDING)
    verdict = _VERDICTS[statement.type]
    if (policy.roots.certificates or policy.metadata is not None) and at is None:
        raise ValueError("certificates are verified at a time: give `at`")
    if _is_listed(statement, policy=policy, aaguid=aaguid, at=0 if at is None else at):
        verdict = Verdict.TRUSTED
    elif statement.path and (demanded or (policy.roots.certificates and at is not None)):
        try:
            verify_chain(statement.path, roots=policy.roots, at=0 if at is None else at)
            verdict = Verdict.TRUSTED
        except VerificationError:
            # (3) #reg-ceremony-assess-trust
            if demanded:
                raise
    elif demanded:
        raise VerificationError(Check.ATTESTATION, "no certificate speaks for the authenticator")
    # (2)
    models = [certificate.key_identifier.hex() for certificate in statement.path[:1]]
    if verdict is Verdict.TRUSTED and statement.format != fido_u2f.FORMAT:
        models.append(str(uuid.UUID(bytes=aaguid)))
    # (4)
    if not policy.denied.isdisjoint(models):
        raise VerificationError(Check.MODEL, "the model is on the list of denied ones")
    if policy.accepted is not None and policy.accepted.isdisjoint(models):
        raise VerificationError(Check.MODEL, "the model is not on the list of accepted ones")
    return Attestation(
        format=statement.format,
        verdict=verdict,
        models=tuple(models),
        trust_path=tuple([certificate.der for certificate in statement.path]),
    )


def _is_listed(statement: Statement, *, policy: AttestationPolicy, aaguid: bytes, at: float) -> bool:
    """Return whether the metadata lists the model, and trusts it; the signature of ``fido-u2f`` covers no AAGUID."""
    if policy.metadata is None or not statement.path:
        return False
    identifiers = [statement.path[0].key_identifier.hex()]
    if statement.format != fido_u2f.FORMAT:
        identifiers.append(str(uuid.UUID(bytes=aaguid)))
    return policy.metadata.check(statement.path, identifiers=identifiers, at=at) is not None


_UNDEMANDING = (AttestationLevel.NOT_ASKED, AttestationLevel.UNVERIFIED_ALLOWED)
_VERDICTS = {
    AttestationType.NONE: Verdict.NONE,
    AttestationType.SELF: Verdict.SELF,
    AttestationType.CERTIFIED: Verdict.UNVERIFIED,
}
