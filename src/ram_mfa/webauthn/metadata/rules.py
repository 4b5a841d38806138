# SPDX-License-Identifier: Apache-2.0
"""Rules for the models of a metadata BLOB that may be registered.

FIDO Metadata Service 3.1.1, section 3.1.4, "AuthenticatorStatus"
(https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1.1-ps-20260105.html).

Invariant: it fails closed. A model that is not listed, that has no root, or that has a report of a status which this
release does not know, is refused.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final

import attrs

from ..._validation import as_frozenset, each, instance_of, is_flag, member_of
from ...attestation_certificates.certificates import AttestationCertificate
from ...attestation_certificates.trust import verify_chain
from ...errors import Check, VerificationError
from .blob import MetadataBlob
from .models import AuthenticatorModel, AuthenticatorStatus, StatusReport, start_of

_COMPROMISED: Final = frozenset(
    {
        AuthenticatorStatus.REVOKED,
        AuthenticatorStatus.USER_VERIFICATION_BYPASS,
        AuthenticatorStatus.ATTESTATION_KEY_COMPROMISE,
        AuthenticatorStatus.USER_KEY_REMOTE_COMPROMISE,
        AuthenticatorStatus.USER_KEY_PHYSICAL_COMPROMISE,
    }
)
_CERTIFIED: Final = frozenset(
    {
        AuthenticatorStatus.FIDO_CERTIFIED,
        AuthenticatorStatus.FIDO_CERTIFIED_L1,
        AuthenticatorStatus.FIDO_CERTIFIED_L1_PLUS,
        AuthenticatorStatus.FIDO_CERTIFIED_L2,
        AuthenticatorStatus.FIDO_CERTIFIED_L2_PLUS,
        AuthenticatorStatus.FIDO_CERTIFIED_L3,
        AuthenticatorStatus.FIDO_CERTIFIED_L3_PLUS,
    }
)
_ABOUT_CERTIFICATION: Final = _CERTIFIED | {AuthenticatorStatus.NOT_FIDO_CERTIFIED}


class Unlisted(enum.Enum):
    """The treatment of an authenticator whose model the BLOB does not list."""

    REFUSED = "refused"
    ALLOWED = "allowed"
    """The policy's own roots decide."""


@attrs.frozen(kw_only=True)
class MetadataRules:
    """A BLOB and the requirements on a model in it.

    Attributes:
        blob: as `read_metadata` returned it.
        refused: statuses that refuse a model, whenever they were reported. A later report lifts none of them: an
            update that a maker offers is not known to be installed on the key at hand.
        certified: whether the latest report about certification must be one of FIDO's certificates.
        unlisted: how models that the BLOB does not list are treated.
    """

    blob: MetadataBlob = attrs.field(validator=instance_of(MetadataBlob))
    refused: frozenset[AuthenticatorStatus] = attrs.field(
        default=_COMPROMISED, converter=as_frozenset, validator=each(frozenset, member_of(AuthenticatorStatus))
    )
    certified: bool = attrs.field(default=True, validator=is_flag)
    unlisted: Unlisted = attrs.field(default=Unlisted.REFUSED, validator=member_of(Unlisted))

    def check(
        self, path: Sequence[AttestationCertificate], *, identifiers: Sequence[str], at: float
    ) -> AuthenticatorModel | None:
        """Return the model that a verified statement's certificates belong to.

        1. The BLOB lists one of the identifiers. The key identifier of the certificate that signed comes first, since
           a U2F key has no AAGUID, and an AAGUID is only a claim until the path is verified.
        2. The path chains to a root of that model, and of no other.
        3. No report about the model, or about one of these certificates, has a refused or an unknown status.
        4. The model is certified, where that is demanded.

        Args:
            path: the certificates of the statement, the authenticator's first.
            identifiers: the claimed AAGUID and the key identifier of the first certificate.
            at: when the certificates must be valid, seconds since the epoch.

        Returns:
            The model, or None where it is not listed and may be so.

        Raises:
            VerificationError: ``Check.MODEL`` (1, 3, 4), with a reason that an administrator can read;
                ``TRUST_PATH`` or ``CERTIFICATE`` (2).
        """
        # (1)
        found = [model for identifier in identifiers for model in self.blob.named(identifier)]
        if not found:
            if self.unlisted is Unlisted.ALLOWED:
                return None
            raise VerificationError(Check.MODEL, "the FIDO metadata does not list this model")
        for model in found:
            # (2)
            verify_chain(path, roots=model.roots, at=at)
            # (3)
            for report in model.reports:
                self._check_report(model, report, path)
            # (4)
            if self.certified and not _is_certified(model, at):
                raise VerificationError(Check.MODEL, f"not certified by FIDO: {_label(model)}")
        return found[0]

    def _check_report(
        self, model: AuthenticatorModel, report: StatusReport, path: Sequence[AttestationCertificate]
    ) -> None:
        concerned = report.certificate is None or any(report.certificate == certificate.der for certificate in path)
        if concerned and (report.status is None or report.status in self.refused):
            since = "" if report.effective is None else f" since {report.effective}"
            raise VerificationError(Check.MODEL, f"reported as {report.name}{since}: {_label(model)}")


def _is_certified(model: AuthenticatorModel, at: float) -> bool:
    """Return whether the latest report about certification that holds at that time is a certificate."""
    about = [
        report
        for report in model.reports
        if report.status in _ABOUT_CERTIFICATION and (report.effective is None or start_of(report.effective) <= at)
    ]
    about.reverse()  # of two reports of one day the later one in the BLOB counts
    latest = max(about, key=lambda report: report.effective or "", default=None)
    return latest is not None and latest.status in _CERTIFIED


def _label(model: AuthenticatorModel) -> str:
    return model.description or min(model.identifiers)
