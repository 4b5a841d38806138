# SPDX-License-Identifier: Apache-2.0
"""A security key in software, with three doors: its own APDUs, the U2F JavaScript API, and WebAuthn.

The rule of this room: it answers as honest hardware behind an honest client, and where it lies, a `KeyFault` says so.
It checks nothing for a relying party, and shares no verification with the library, so that neither hides the
other's mistakes. It is no place for a key that protects anything: its secrets are plain objects.
"""

from __future__ import annotations

from .attestation import SoftAttestation
from .client import ClientRefused
from .faults import Counters, KeyFault
from .key import SoftSecurityKey
from .key_pairs import ALGORITHMS

__all__ = ["ALGORITHMS", "ClientRefused", "Counters", "KeyFault", "SoftAttestation", "SoftSecurityKey"]
