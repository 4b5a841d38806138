# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa.errors import MalformedMessage
from ram_mfa.webauthn.attestation import AttestationObject, AttestationType, verify_statement
from tests.support.webauthn import attestation_object, authenticator_data, key_pair

pytestmark = pytest.mark.standard(
    "WebAuthn Level 3 #sctn-none-attestation", "ram_mfa.webauthn.attestation.verify_statement"
)


def verify(statement):
    raw = attestation_object("none", statement, authenticator_data(key=key_pair().cose))
    return verify_statement(AttestationObject.parse(raw), bytes(32))


class TestNone:
    def test_the_empty_map(self):
        statement = verify({})
        assert (statement.format, statement.type, statement.path) == ("none", AttestationType.NONE, ())

    @pytest.mark.parametrize("wrong", [{"sig": b""}, {"x5c": []}, {1: 2}, [], None, "", b"", 0, False])
    def test_anything_else(self, wrong):
        """Nothing means an empty map: a statement in disguise is refused."""
        with pytest.raises(MalformedMessage):
            verify(wrong)
