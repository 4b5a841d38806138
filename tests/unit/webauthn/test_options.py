# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from ram_mfa.encoding.base64url import encode
from ram_mfa.webauthn import CredentialDescriptor, creation_options, request_options
from tests.support.webauthn import CHALLENGE, ID, RP_ID

HANDLE = bytes(range(16))
KEY = CredentialDescriptor(ID, ("usb", "nfc"))


def creation(**changes):
    arguments = {
        "challenge": CHALLENGE,
        "rp_id": RP_ID,
        "rp_name": "Example Cloud",
        "user_handle": HANDLE,
        "user_name": "alice@example",
    }
    return creation_options(**(arguments | changes))


def request(**changes):
    return request_options(**({"challenge": CHALLENGE, "rp_id": RP_ID, "allow": [KEY]} | changes))


@pytest.mark.standard("WebAuthn Level 3 #sctn-parseCreationOptionsFromJSON", "ram_mfa.webauthn.creation_options")
class TestCreationOptions:
    def test_the_defaults_suit_a_u2f_key(self):
        """ES256 first, nothing discoverable, nobody to be recognised, five minutes, no attestation."""
        assert creation() == {
            "rp": {"id": RP_ID, "name": "Example Cloud"},
            "user": {"id": encode(HANDLE), "name": "alice@example", "displayName": "alice@example"},
            "challenge": encode(CHALLENGE),
            "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (-7, -8, -53, -35, -36, -257)],
            "timeout": 300_000,
            "excludeCredentials": [],
            "authenticatorSelection": {
                "residentKey": "discouraged",
                "requireResidentKey": False,
                "userVerification": "discouraged",
            },
            "hints": ["security-key"],
            "attestation": "none",
            "extensions": {},
        }

    def test_everything_said(self):
        options = creation(
            user_display_name="Alice",
            algorithms=[-7],
            timeout=60,
            exclude=[KEY, CredentialDescriptor(b"handle")],
            resident_key="required",
            user_verification="preferred",
            hints=[],
            attestation="direct",
            app_id_exclude="https://example.com/app-id.json",
        )
        assert options["user"]["displayName"] == "Alice"
        assert options["pubKeyCredParams"] == [{"type": "public-key", "alg": -7}]
        assert options["timeout"] == 60_000
        assert options["excludeCredentials"] == [
            {"type": "public-key", "id": encode(ID), "transports": ["usb", "nfc"]},
            {"type": "public-key", "id": encode(b"handle")},
        ]
        assert options["authenticatorSelection"] == {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "preferred",
        }
        assert options["hints"] == []
        assert options["attestation"] == "direct"
        assert options["extensions"] == {"appidExclude": "https://example.com/app-id.json"}

    def test_it_is_json(self):
        assert json.loads(json.dumps(creation(exclude=[KEY]))) == creation(exclude=[KEY])

    @pytest.mark.requirement("U16")
    @pytest.mark.parametrize(
        "wrong",
        [
            {"challenge": bytes(15)},
            {"rp_id": "https://example.com"},
            {"user_handle": b""},
            {"user_handle": bytes(65)},
            {"algorithms": []},
            {"algorithms": [-7, -65535]},
            {"timeout": 0},
            {"timeout": 3_601},
            {"timeout": 300_000},
            {"user_name": ""},
            {"rp_name": "x" * 257},
            {"user_display_name": "\ud800"},
            {"hints": ["x" * 33]},
            {"hints": ["\n"]},
            {"resident_key": "no"},
            {"user_verification": True},
            {"attestation": "all"},
        ],
    )
    def test_wrong_arguments(self, wrong):
        with pytest.raises(ValueError):
            creation(**wrong)


@pytest.mark.standard("WebAuthn Level 3 #sctn-parseRequestOptionsFromJSON", "ram_mfa.webauthn.request_options")
class TestRequestOptions:
    def test_the_defaults(self):
        assert request() == {
            "challenge": encode(CHALLENGE),
            "timeout": 300_000,
            "rpId": RP_ID,
            "allowCredentials": [{"type": "public-key", "id": encode(ID), "transports": ["usb", "nfc"]}],
            "userVerification": "discouraged",
            "hints": ["security-key"],
            "extensions": {},
        }

    def test_everything_said(self):
        options = request(
            timeout=1.5, user_verification="required", hints=("hybrid",), app_id="https://example.com/app-id.json"
        )
        assert (options["timeout"], options["userVerification"], options["hints"]) == (1_500, "required", ["hybrid"])
        assert options["extensions"] == {"appid": "https://example.com/app-id.json"}
        assert json.loads(json.dumps(options)) == options

    @pytest.mark.parametrize(
        "wrong", [{"challenge": b""}, {"rp_id": ""}, {"allow": []}, {"timeout": 0.5}, {"user_verification": ""}]
    )
    def test_wrong_arguments(self, wrong):
        """A request that allows no credential asks for any: a U2F key keeps none, so it is our mistake."""
        with pytest.raises(ValueError):
            request(**wrong)


@pytest.mark.requirement("A23")
class TestBounds:
    @pytest.mark.parametrize("wrong", [{"id": b""}, {"id": bytes(1_024)}, {"id": ID, "transports": ("x" * 65,)}])
    def test_descriptors(self, wrong):
        """A descriptor's id has 1 to 1,023 bytes, and its transports are short names."""
        with pytest.raises(ValueError, match="CredentialDescriptor"):
            CredentialDescriptor(**wrong)

    @pytest.mark.parametrize("wrong", [{"hints": "hybrid"}, {"hints": ["x"] * 9}, {"hints": [5]}, {"rp_name": 5}])
    def test_types(self, wrong):
        """Hints are a short list of strings, and a name is a string."""
        with pytest.raises(TypeError, match=next(iter(wrong))):
            creation(**wrong)
