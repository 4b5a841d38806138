# SPDX-License-Identifier: Apache-2.0
"""Binding security keys under rules over FIDO metadata, at both APIs, with the library's own soft keys."""

from __future__ import annotations

import hashlib
import uuid

import pytest

from ram_mfa import AttestationLevel, AttestationPolicy, ConfirmSecurityKey, OfferSecurityKey, Reason, SecurityKeyPolicy
from ram_mfa.u2f import AttestationCertificate
from ram_mfa.webauthn.metadata import MetadataRules, read_metadata
from tests.support.key_apis import registration
from tests.support.key_faults import KINDS
from tests.support.metadata import base64_of, blob, entry, report, service_root
from tests.support.service import ROOT, SESSION
from tests.support.webauthn import AT_2030

kinds = pytest.mark.parametrize("kind", KINDS, ids=str)


def identifiers(key):
    """Name the key's model as FIDO metadata does: by AAGUID where it has one, and by its attestation key."""
    certificate = AttestationCertificate.parse(key.attestation.leaf)
    assert certificate.key_identifier == hashlib.sha1(certificate.public_key).digest()
    return {"aaguid": None, "attestationCertificateKeyIdentifiers": [certificate.key_identifier.hex()]}


def policy(key, *reports, **changes):
    listed = entry(*reports, roots=[base64_of(key.attestation.root)], **(identifiers(key) | changes))
    metadata = read_metadata(blob(listed), roots=[service_root()], at=AT_2030)
    return AttestationPolicy(level=AttestationLevel.CHAINED, metadata=MetadataRules(blob=metadata))


def offered(service):
    return service.perform("alice", OfferSecurityKey(ROOT, account_name="alice@example", session=SESSION, create=True))


class TestBinding:
    @kinds
    def test_a_certified_model_is_bound_as_trusted(self, services, kind):
        """Found by its attestation key, chained to its own root."""
        key = kind.key()
        service = services(security_keys=SecurityKeyPolicy(attestation=policy(key, report("FIDO_CERTIFIED", None))))
        offer = offered(service)
        response = registration(kind.api, key, offer)
        bound = service.perform("alice", ConfirmSecurityKey(response, offer=offer.id, by=ROOT, session=SESSION))
        assert bound.model
        assert service.account("alice").devices[0].attestation == "trusted"

    @kinds
    @pytest.mark.parametrize("status", ["REVOKED", "USER_KEY_REMOTE_COMPROMISE", "NOT_FIDO_CERTIFIED", "UNHEARD_OF"])
    def test_a_refused_model_is_not_bound(self, services, kind, status):
        """Revoked, compromised, uncertified, or reported with a status that nobody knows yet."""
        key = kind.key()
        service = services(security_keys=SecurityKeyPolicy(attestation=policy(key, report(status, None))))
        offer = offered(service)
        response = registration(kind.api, key, offer)
        refusal = service.refusal("alice", ConfirmSecurityKey(response, offer=offer.id, by=ROOT, session=SESSION))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "model")

    @kinds
    def test_an_unlisted_model_is_not_bound(self, services, kind):
        key = kind.key()
        other = {"aaguid": str(uuid.uuid4()), "attestationCertificateKeyIdentifiers": None}
        service = services(security_keys=SecurityKeyPolicy(attestation=policy(key, **other)))
        offer = offered(service)
        response = registration(kind.api, key, offer)
        refusal = service.refusal("alice", ConfirmSecurityKey(response, offer=offer.id, by=ROOT, session=SESSION))
        assert (refusal.reason, refusal.check) == (Reason.BAD_REGISTRATION, "model")
