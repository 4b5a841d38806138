# SPDX-License-Identifier: Apache-2.0
"""A phone that shares no line with this library, from the QR code's text to the logon: oathtool (RFC 6238)."""

from __future__ import annotations

import subprocess
from urllib.parse import parse_qs, unquote, urlsplit

import attrs
import pytest

from ram_mfa import (
    MFA,
    BeginLogon,
    BeginStepUp,
    Challenge,
    ConfirmVirtualDevice,
    FinishLogon,
    FinishStepUp,
    MFAPolicy,
    OfferVirtualDevice,
    Operation,
    Owner,
    Reason,
    Refused,
    ResyncVirtualDevice,
    TOTPCode,
    TOTPPolicy,
)
from ram_mfa.otp import Algorithm
from ram_mfa.stores.sqlite import SQLiteStore
from ram_mfa.testing import ManualClock
from tests.support import require_program
from tests.support.service import DELETE, ROOT, SEAL, SESSION


@attrs.frozen
class Oathtool:
    """The entry that a phone made of the QR code, read here by the standard library alone."""

    algorithm: str
    digits: str
    period: int
    secret: str = attrs.field(repr=False)

    @classmethod
    def scan(cls, uri):
        parts = urlsplit(uri)
        assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
        assert unquote(parts.path) == "/Example Cloud:alice@example"
        asked = {name: value for name, (value,) in parse_qs(parts.query, strict_parsing=True).items()}
        assert asked.pop("issuer") == "Example Cloud"
        return cls(
            secret=asked.pop("secret"),
            algorithm=asked.pop("algorithm", "SHA1").lower(),
            digits=asked.pop("digits", "6"),
            period=int(asked.pop("period", "30")),
        )

    def codes(self, moment, count=1):
        """The codes that it shows from a moment on."""
        program = require_program("oathtool", "oathtool")
        asked = [f"--totp={self.algorithm}", f"--digits={self.digits}", f"--time-step-size={self.period}s"]
        asked += ["--base32", f"--now=@{moment:.0f}", f"--window={count - 1}", self.secret]
        return subprocess.run([program, *asked], capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(params=[1_700_000_000, 20_000_000_000], ids=["2023", "2603"])
def clock(request):
    return ManualClock(request.param)


@pytest.mark.parametrize("period", [30, 60])
@pytest.mark.parametrize("digits", [6, 7, 8])
@pytest.mark.parametrize("algorithm", list(Algorithm))
class TestOathtool:
    @pytest.mark.requirement("O1", "O2", "O5", "O6", "O7", "O8", "O11", "O22", "B14", "V1", "V6")
    def test_a_life(self, tmp_path, clock, algorithm, digits, period):
        """Two of its codes bind; the next one logs on, in the whole window and never outside it; others step up and
        resynchronise its clock when that is three steps off. No code passes twice on any of these ways.
        """
        store = SQLiteStore(tmp_path / "mfa.db", synchronous="UnsafeNORMAL")
        policy = MFAPolicy.ram(
            issuer="Example Cloud", totp=TOTPPolicy(algorithm=algorithm, digits=digits, period=period, codes=2)
        )
        mfa = MFA(store, policy, seal=SEAL, clock=clock, create=True)
        offer = mfa.perform(
            "alice", OfferVirtualDevice(ROOT, account_name="alice@example", session=SESSION, create=True)
        )
        phone = Oathtool.scan(offer.key_uri)
        assert (phone.algorithm, phone.digits, phone.period) == (algorithm.name.lower(), str(digits), period)
        used = phone.codes(clock() - period, 2)
        assert {len(code) for code in used} == {digits}
        mfa.perform("alice", ConfirmVirtualDevice(used, offer=offer.id, by=ROOT, session=SESSION))

        def log_on(code):
            asked = mfa.perform("alice", BeginLogon(session=SESSION))
            assert isinstance(asked, Challenge)
            return mfa.perform("alice", FinishLogon(asked.id, TOTPCode(code), session=SESSION))

        def refused(code):
            with pytest.raises(Refused) as error:
                log_on(code)
            return error.value.refusal.reason

        for code in used:
            assert refused(code) is Reason.REPLAYED_CODE
        for ahead in (0, -1, 1):  # the present step, one back and one forward, each later than the one before
            clock.advance(3 * period)
            (code,) = phone.codes(clock() + ahead * period)
            assert log_on(code).user == "alice"
            assert refused(code) is Reason.REPLAYED_CODE
        clock.advance(6 * period)
        for ahead in (-2, 2):
            assert refused(*phone.codes(clock() + ahead * period)) is Reason.WRONG_CODE

        receipt = self._receipt(mfa, *phone.codes(clock()), DELETE)
        assert receipt
        clock.advance(period)
        receipt = self._receipt(mfa, *phone.codes(clock()), Operation.RESYNC)
        clock.advance(6 * period)
        ahead = 3 * period
        assert refused(*phone.codes(clock() + ahead)) is Reason.WRONG_CODE
        owner = Owner(receipt, session=SESSION) if period == 30 else ROOT  # a receipt lives for five minutes
        mfa.perform("alice", ResyncVirtualDevice(codes=phone.codes(clock() + ahead - period, 2), by=owner))
        assert refused(*phone.codes(clock() + ahead)) is Reason.REPLAYED_CODE
        clock.advance(period)
        assert log_on(*phone.codes(clock() + ahead)).user == "alice"
        store.close()

    def _receipt(self, mfa, code, operation):
        asked = mfa.perform("alice", BeginStepUp(operation, session=SESSION))
        finish = FinishStepUp(asked.id, TOTPCode(code), operation=operation, session=SESSION)
        proof = mfa.perform("alice", finish)
        assert proof.operation == operation
        with pytest.raises(Refused):
            mfa.perform("alice", finish)
        return proof.receipt
