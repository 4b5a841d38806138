# SPDX-License-Identifier: Apache-2.0
"""The ``none`` statement, which says nothing about the authenticator.

Web Authentication Level 3, "None Attestation Statement Format" (https://www.w3.org/TR/webauthn-3/#sctn-none-attestation).

Invariant: the statement is an empty map.
"""

from __future__ import annotations

from typing import Final

from .statement import AttestationObject, AttestationType, Statement, members_of

FORMAT: Final = "none"


def verify_none(attestation: AttestationObject) -> Statement:
    """Check that ``attStmt`` is the empty map.

    Raises:
        MalformedMessage: it is not.
    """
    # #sctn-none-attestation
    members_of(attestation.statement, frozenset())
    return Statement(FORMAT, AttestationType.NONE)
