# SPDX-License-Identifier: Apache-2.0
"""oathtool and the virtual phone show the same codes: an implementation that shares no line with this one."""

from __future__ import annotations

import subprocess

import pytest

from ram_mfa import (
    MFA,
    Administrator,
    AESGCMSeal,
    BeginLogon,
    ConfirmVirtualDevice,
    FinishLogon,
    MFAPolicy,
    OfferVirtualDevice,
    Reason,
    Refused,
    TOTPCode,
    TOTPPolicy,
)
from ram_mfa.otp import Algorithm, KeyURI
from ram_mfa.stores.memory import MemoryStore
from ram_mfa.testing import AuthenticatorApp, ManualClock, new_session
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
    @pytest.mark.requirement("O1", "O5", "O6")
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

    @pytest.mark.requirement("O7", "O22")
    def test_bind_and_log_on(self, algorithm, digits, period):
        """A device bound with oathtool's code logs on with oathtool's next one, each of them once."""
        clock = ManualClock(1_700_000_000)
        totp = TOTPPolicy(algorithm=algorithm, digits=digits, period=period)
        seal = AESGCMSeal({"1": bytes(32)}, seal_with="1")
        policy = MFAPolicy.ram(issuer="Example Cloud", totp=totp)
        mfa = MFA(MemoryStore(), policy, seal=seal, clock=clock, create=True)
        root, session = Administrator("root"), new_session()
        offer = mfa.perform(
            "alice", OfferVirtualDevice(root, account_name="alice@example", session=session, create=True)
        )
        asked = [f"--totp={algorithm.name.lower()}", f"--digits={digits}", f"--time-step-size={period}s", "--base32"]

        def shown():
            (code,) = oathtool(*asked, f"--now=@{clock():.0f}", offer.setup_key.replace(" ", ""))
            return code

        def log_on():
            challenge = mfa.perform("alice", BeginLogon(session=session))
            return mfa.perform("alice", FinishLogon(challenge.id, TOTPCode(shown()), session=session))

        mfa.perform("alice", ConfirmVirtualDevice([shown()], offer=offer.id, by=root, session=session))
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                log_on()
            assert refused.value.refusal.reason is Reason.REPLAYED_CODE
            clock.advance(period)
            assert log_on().user == "alice"


class TestManualEntry:
    def test_typed(self):
        """A setup key typed in by hand gives oathtool's codes for the same base32."""
        typed = "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"
        app = AuthenticatorApp.typed("alice", typed.lower())
        theirs = oathtool("--totp", "-b", "-N", "@1700000000", typed.replace(" ", ""))
        assert [app.code_at(1_700_000_000)] == theirs
