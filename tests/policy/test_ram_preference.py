# SPDX-License-Identifier: Apache-2.0
"""The service's own security preference document."""

from __future__ import annotations

import pytest

from ram_mfa import Kind, MFAPolicy, RelyingParty, RememberMachine, Requirement, SelfManagement, read_ram_preference
from ram_mfa.errors import MalformedMessage

PARTY = RelyingParty(id="example.com", origins=["https://example.com"])


def read(document):
    return read_ram_preference(document, issuer="Example", relying_party=PARTY)


class TestWhatItCovers:
    def test_the_defaults_of_the_service(self):
        """The service's defaults are the preset's."""
        answer = {
            "SecurityPreference": {
                "LoginProfilePreference": {"EnableSaveMFATicket": False, "MFAOperationForLogin": "independent"},
                "MFAPreference": {"AllowUserToManageMFADevices": True},
            }
        }
        preference = read(answer)
        assert preference.policy == MFAPolicy.ram(issuer="Example", relying_party=PARTY)
        assert preference.notes == ()

    def test_the_other_choices(self):
        """Each setting moves its own rule."""
        policy = read(
            {
                "EnableSaveMFATicket": True,
                "AllowUserToManageMFADevices": False,
                "MFAOperationForLogin": "mandatory",
                "VerificationTypes": ["U2F"],
            }
        ).policy
        assert policy.remember == RememberMachine()
        assert policy.self_management is SelfManagement.NOT_ALLOWED
        assert policy.requirement is Requirement.EVERYBODY
        assert policy.kinds() == (Kind.SECURITY_KEY,)


class TestWhatItDoesNotCover:
    def test_adaptive(self):
        """Logons are not rated here: MFA is required of everybody, and a note says so."""
        preference = read({"MFAOperationForLogin": "adaptive"})
        assert preference.policy.requirement is Requirement.EVERYBODY
        assert [note.name for note in preference.notes] == ["MFAOperationForLogin"]

    def test_other_settings_and_kinds(self):
        """What is not a matter of this library comes back as a note, by name."""
        preference = read({"LoginSessionDuration": 6, "VerificationTypes": ["sms"]})
        assert [note.name for note in preference.notes] == ["LoginSessionDuration", "VerificationTypes"]
        assert preference.policy.kinds() == (Kind.VIRTUAL, Kind.SECURITY_KEY)

    @pytest.mark.parametrize(
        "document",
        [
            [],
            {"MFAPreference": 5},
            {"EnableSaveMFATicket": "yes"},
            {"MFAOperationForLogin": "never"},
            {"VerificationTypes": "U2F"},
            {"VerificationTypes": [5]},
        ],
    )
    def test_what_the_service_does_not_write(self, document):
        """A value that the service does not write is an error."""
        with pytest.raises(MalformedMessage):
            read(document)
