# SPDX-License-Identifier: Apache-2.0
"""oathtool and the virtual phone show the same codes: an implementation that shares no line with this one."""

from __future__ import annotations

import subprocess

import pytest

from ram_mfa.otp import Algorithm, KeyURI
from ram_mfa.testing import AuthenticatorApp
from tests.support import require_program

SECRET = bytes(range(1, 65))
MOMENTS = (59, 1_111_111_109, 1_700_000_000, 20_000_000_000)


def oathtool(*arguments):
    program = require_program("oathtool", "oathtool")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("period", [30, 60])
@pytest.mark.parametrize("digits", [6, 7, 8])
@pytest.mark.parametrize("algorithm", list(Algorithm))
class TestCodes:
    def test_same_codes(self, algorithm, digits, period):
        """At any moment, for every hash, number of digits and period, three codes in a row are oathtool's."""
        uri = KeyURI(
            kind="totp",
            issuer="Example Cloud",
            account="alice@example",
            secret=SECRET,
            algorithm=algorithm,
            digits=digits,
            period=period,
        )
        app = AuthenticatorApp.scan(str(uri))
        for moment in MOMENTS:
            asked = [f"--totp={algorithm.name.lower()}", f"--digits={digits}", f"--time-step-size={period}s"]
            theirs = oathtool(*asked, f"--now=@{moment}", "--window=2", SECRET.hex())
            assert app.codes_at(moment, 3) == theirs


class TestManualEntry:
    def test_typed(self):
        """A setup key typed in by hand gives oathtool's codes for the same base32."""
        typed = "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"
        app = AuthenticatorApp.typed("alice", typed.lower())
        theirs = oathtool("--totp", "-b", "-N", "@1700000000", typed.replace(" ", ""))
        assert [app.code_at(1_700_000_000)] == theirs
