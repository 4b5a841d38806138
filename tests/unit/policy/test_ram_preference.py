# SPDX-License-Identifier: Apache-2.0
"""The service's own security preference document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import Kind, MFAPolicy, RelyingParty, RememberMachine, Requirement, SelfManagement, read_ram_preference
from ram_mfa.errors import MalformedMessage

PARTY = RelyingParty(id="example.com", origins=["https://example.com"])


NAMES = [
    *("SecurityPreference", "LoginProfilePreference", "MFAPreference", "VerificationPreference"),
    *("EnableSaveMFATicket", "AllowUserToManageMFADevices", "MFAOperationForLogin", "VerificationTypes"),
]


def deep(depth):
    """Return groups inside one another."""
    document = {}
    for _ in range(depth):
        document = {"MFAPreference": document}
    return document


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

    def test_kinds_that_are_named_beside_others(self):
        """A kind that is known counts; each of the others comes back as a note, cut short and escaped."""
        preference = read({"VerificationTypes": ["U2F", "sms\n" + "x" * 100]})
        assert preference.policy.kinds() == (Kind.SECURITY_KEY,)
        (note,) = preference.notes
        assert "\n" not in note.why
        assert len(note.why) < 80

    @pytest.mark.requirement("A31")
    def test_what_the_application_chose(self):
        """A choice of the application's wins over the document's, and a note says so."""
        preference = read_ram_preference({"EnableSaveMFATicket": True}, issuer="Example", remember=None)
        assert preference.policy.remember is None
        assert [note.name for note in preference.notes] == ["EnableSaveMFATicket"]

    @pytest.mark.requirement("A31")
    def test_no_kind_at_all(self):
        """An empty list of kinds leaves the preset's, and says so."""
        preference = read({"VerificationTypes": []})
        assert preference.policy.kinds() == (Kind.VIRTUAL, Kind.SECURITY_KEY)
        assert [note.name for note in preference.notes] == ["VerificationTypes"]

    @pytest.mark.requirement("A31")
    def test_what_cannot_be_built(self):
        """Errors of the application's own choices are its own, and no peer's message."""
        with pytest.raises((TypeError, ValueError)) as caught:
            read_ram_preference({}, issuer="")
        assert not isinstance(caught.value, MalformedMessage)

    @pytest.mark.requirement("A31")
    @given(
        document=st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["U2F", "mandatory"]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3) | st.integers(), inner, max_size=5)
            ),
            max_leaves=20,
        )
    )
    def test_anything(self, document):
        """Whatever JSON holds: a policy, with a note or a rule for each setting, or a MalformedMessage."""
        try:
            preference = read(document)
        except MalformedMessage:
            return
        assert isinstance(preference.policy, MFAPolicy)

    @pytest.mark.requirement("A31")
    @pytest.mark.parametrize(
        "document",
        [
            [],
            {"EnableSaveMFATicket": True, "MFAPreference": {"EnableSaveMFATicket": False}},
            {"MFAPreference": {"EnableSaveMFATicket": True}, "LoginProfilePreference": {"EnableSaveMFATicket": True}},
            {"SecurityPreference": {"Odd": 1}, "Odd": 1},
            {"enablesavemfaticket": True},
            {"mfapreference": {}},
            {5: True},
            {"MFAOperationForLogin": ["mandatory"]},
            {"MFAOperationForLogin": {}},
            {"MFAOperationForLogin": None},
            deep(5),
            deep(5_000),
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
