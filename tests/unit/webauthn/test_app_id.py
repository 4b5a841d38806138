# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import pytest

from ram_mfa.errors import Check, VerificationError
from ram_mfa.webauthn.app_id import check_rp_id_hash, rp_id_hash
from tests.support.hostile_origins import GOOD_HOST, all_hostile_origins
from tests.support.webauthn import RP_ID

APP_ID = "https://login.example.com/app-id.json"
OTHER = "https://login.example.com/other.json"
OF_RP = hashlib.sha256(RP_ID.encode()).digest()
OF_APP = hashlib.sha256(APP_ID.encode()).digest()

pytestmark = pytest.mark.standard("WebAuthn Level 3 #sctn-appid-extension", "ram_mfa.webauthn.app_id.check_rp_id_hash")


def judge(received, *, requested, used, registered):
    """Return True or False as the check does, or the check that failed."""
    try:
        return check_rp_id_hash(received, rp_id=RP_ID, requested=requested, used=used, registered=registered)
    except VerificationError as error:
        return error.check


class TestCheckRpIdHash:
    @pytest.mark.requirement("V33", "U14")
    def test_the_table(self):
        """Requested x used x registered through U2F: exactly one cell of eight lets an AppID's hash in."""
        table = {
            (requested, used, registered): (
                judge(OF_APP, requested=requested, used=used, registered=registered),
                judge(OF_RP, requested=requested, used=used, registered=registered),
            )
            for requested in (None, APP_ID)
            for used in (False, True)
            for registered in (None, APP_ID)
        }
        assert table == {
            (None, False, None): (Check.RP_ID_HASH, False),
            (None, False, APP_ID): (Check.RP_ID_HASH, False),
            (None, True, None): (Check.APP_ID, Check.APP_ID),
            (None, True, APP_ID): (Check.APP_ID, Check.APP_ID),
            (APP_ID, False, None): (Check.RP_ID_HASH, False),
            (APP_ID, False, APP_ID): (Check.RP_ID_HASH, False),
            (APP_ID, True, None): (Check.APP_ID, Check.APP_ID),
            (APP_ID, True, APP_ID): (True, Check.RP_ID_HASH),
        }
        assert [answers[0] for answers in table.values()].count(True) == 1

    def test_another_app_id(self):
        """The AppID is the credential's own, to the letter."""
        of_other = hashlib.sha256(OTHER.encode()).digest()
        for received in (OF_APP, of_other, OF_RP):
            assert judge(received, requested=APP_ID, used=True, registered=OTHER) is Check.APP_ID
            assert judge(received, requested=OTHER, used=True, registered=APP_ID) is Check.APP_ID
        assert judge(of_other, requested=APP_ID, used=True, registered=APP_ID) is Check.RP_ID_HASH

    @pytest.mark.requirement("V28")
    def test_hostile_rp_ids(self):
        """The hash of no other name passes: hosts around ours, origins, AppIDs, case, dots, IDN."""
        hostile = all_hostile_origins()
        names = {text for origin in hostile for text in (origin, origin.removeprefix("https://"))} - {GOOD_HOST}
        assert len(names) >= 500
        for name in names:
            received = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
            with pytest.raises(VerificationError) as refused:
                check_rp_id_hash(received, rp_id=GOOD_HOST, requested=None, used=False, registered=None)
            assert refused.value.check is Check.RP_ID_HASH

    def test_every_bit_counts(self):
        for bit in range(256):
            changed = (int.from_bytes(OF_RP, "big") ^ 1 << bit).to_bytes(32, "big")
            assert judge(changed, requested=None, used=False, registered=None) is Check.RP_ID_HASH


class TestRpIdHash:
    @pytest.mark.parametrize(
        "rp_id", ["example.com", "localhost", "a.b-c.example", "xn--bcher-kva.example", "my_host.example"]
    )
    def test_domains(self, rp_id):
        assert rp_id_hash(rp_id) == hashlib.sha256(rp_id.encode()).digest()

    @pytest.mark.parametrize(
        "rp_id",
        [
            "",
            ".",
            "example.com.",
            ".example.com",
            "example..com",
            "Example.com",
            "https://example.com",
            "example.com:443",
            "example.com/",
            "user@example.com",
            "*.example.com",
            "bücher.example",
            "exa mple.com",
            "example.com\n",
            "-a.example",
            "a" * 64 + ".example",
            ("a" * 60 + ".") * 5 + "example",
        ],
    )
    def test_what_is_no_rp_id(self, rp_id):
        """It is our own argument: wrong is a ValueError, before anything is compared."""
        with pytest.raises(ValueError):
            rp_id_hash(rp_id)
