# SPDX-License-Identifier: Apache-2.0
"""A security key in software, with three interfaces: APDUs, the U2F JavaScript API, and WebAuthn.

Invariant: it answers like honest hardware behind an honest client, unless a `KeyFault` is set. It verifies nothing for
a relying party and shares no verification code with the library, so neither hides the other's mistakes.

Its secrets are plain objects: use it for no key that protects anything.
"""

from __future__ import annotations

from .attestation import SoftAttestation
from .client import ClientRefused
from .faults import Counters, KeyFault
from .key import SoftSecurityKey
from .key_pairs import ALGORITHMS

__all__ = ["ALGORITHMS", "ClientRefused", "Counters", "KeyFault", "SoftAttestation", "SoftSecurityKey"]
