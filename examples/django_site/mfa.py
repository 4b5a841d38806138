# SPDX-License-Identifier: Apache-2.0
"""The project's MFA policy."""

from __future__ import annotations

import os

from ram_mfa import MFAPolicy, RelyingParty, RememberMachine  # MFA

party = RelyingParty(id="localhost", origins=(os.environ.get("EXAMPLE_ORIGIN", "http://localhost:8000"),))  # MFA
policy = MFAPolicy.ram(issuer="Cloud", relying_party=party, remember=RememberMachine())  # MFA
