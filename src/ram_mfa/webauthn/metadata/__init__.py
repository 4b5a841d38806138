# SPDX-License-Identifier: Apache-2.0
"""FIDO metadata: the known models of authenticators, their certification, and reports of compromise.

FIDO Metadata Service 3.1.1 (https://fidoalliance.org/specs/mds/fido-metadata-service-v3.1.1-ps-20260105.html).
The application fetches the BLOB; this package reads it offline.
"""

from __future__ import annotations

from .blob import MetadataBlob, read_metadata
from .models import AuthenticatorModel, AuthenticatorStatus, StatusReport
from .rules import MetadataRules, Unlisted

__all__ = [
    "AuthenticatorModel",
    "AuthenticatorStatus",
    "MetadataBlob",
    "MetadataRules",
    "StatusReport",
    "Unlisted",
    "read_metadata",
]
