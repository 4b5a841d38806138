# SPDX-License-Identifier: Apache-2.0
"""What a developer is warned of, and at which line."""

from __future__ import annotations

import os
import warnings

import attrs
import pytest

from ram_mfa import (
    MFA,
    AESGCMSeal,
    AsyncMFA,
    MFAPolicy,
    TOTPPolicy,
    UnsafePlaintext,
    UnsafePlaintextWarning,
    UnsupportedByAppsWarning,
    in_threads,
    policy_from_plain,
)
from ram_mfa.otp import Algorithm
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.stores.sqlite import SQLiteStore

POLICY = MFAPolicy.ram(issuer="Example")


@pytest.mark.requirement("A33")
class TestUnsupportedByApps:
    @pytest.mark.parametrize(
        ("build", "names"),
        [
            (lambda: TOTPPolicy(algorithm=Algorithm.SHA256), "algorithm"),
            (lambda: TOTPPolicy(algorithm=Algorithm.SHA512, digits=8), "algorithm, digits"),
            (lambda: TOTPPolicy(period=60), "period"),
            (lambda: attrs.evolve(TOTPPolicy(), digits=7), "digits"),
            (lambda: policy_from_plain({"issuer": "Example", "totp": {"digits": 8}}), "digits"),
        ],
    )
    def test_what_popular_apps_ignore(self, build, names):
        """An algorithm, digits or a period that popular apps ignore is warned of, at the line that asks for it."""
        with pytest.warns(UnsupportedByAppsWarning, match=f"ignore {names} in a key URI") as caught:
            build()
        assert [warning.filename for warning in caught] == [__file__]

    def test_what_they_know(self):
        """The defaults of every preset are what all apps know; and the warning is silenced by its class."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for preset in (MFAPolicy.ram, MFAPolicy.nist_aal2, MFAPolicy.aws):
                preset(issuer="Example")
            warnings.simplefilter("ignore", UnsupportedByAppsWarning)
            assert TOTPPolicy(digits=8).digits == 8


@pytest.mark.requirement("A36")
class TestUnsafePlaintext:
    def test_on_a_durable_store(self, tmp_path):
        """Records that lie readable beyond the process are warned of, at the line that asks for it."""
        for build in (
            lambda: MFA(SQLiteStore(tmp_path / "mfa.db"), POLICY, seal=UnsafePlaintext()),
            lambda: AsyncMFA(in_threads(SQLiteStore(tmp_path / "mfa.db")), POLICY, seal=UnsafePlaintext()),
        ):
            with pytest.warns(UnsafePlaintextWarning, match="on a durable store") as caught:
                build()
            assert [warning.filename for warning in caught] == [__file__]

    def test_elsewhere(self, tmp_path):
        """Neither a store in memory nor another seal is warned of."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            MFA(MemoryStore(), POLICY, seal=UnsafePlaintext())
            AsyncMFA(in_threads(MemoryStore()), POLICY, seal=UnsafePlaintext())
            MFA(SQLiteStore(tmp_path / "mfa.db"), POLICY, seal=AESGCMSeal({"1": os.urandom(32)}, seal_with="1"))
