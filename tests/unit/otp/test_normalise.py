# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa._secret import SecretText
from ram_mfa.otp import TOTP, canonical_code
from ram_mfa.otp.normalise import MAX_TYPED
from tests.support.code_forms import code_forms

SECRET = b"12345678901234567890"

# Six digits with something between them, mostly what may stand there
gaps = st.lists(st.sampled_from(["", "", "", "", " ", "-", "  ", "\t"]), min_size=7, max_size=7)
almost = gaps.map(lambda around: "".join(gap + digit for gap, digit in zip(around, "755224 ", strict=True)))


class TestCanonicalCode:
    @pytest.mark.requirement("O18")
    @pytest.mark.standard("ASVS 2.2.1", "ram_mfa.otp.canonical_code")
    @pytest.mark.parametrize("code", ["755224", "000000", "0123456", "99999999"])
    def test_forms(self, code):
        """Each of more than 300 forms is the same code, or none; no form is another code."""
        table = code_forms(code)
        assert len(table) >= 300
        for name, typed in table:
            expected = code.encode() if name.startswith("same: ") else None
            assert canonical_code(typed, len(code)) == expected, name

    @pytest.mark.requirement("O18")
    @given(
        typed=st.text(st.sampled_from("0123456789 -\t\n+_.\u0661\uff11\u200b") | st.characters(), max_size=12) | almost
    )
    def test_any_text(self, typed):
        """Whatever was typed: None, or six ASCII digits that were all that was typed but separators; and then again."""
        canonical = canonical_code(typed, 6)
        if canonical is not None:
            assert len(canonical) == 6
            assert set(canonical) <= set(b"0123456789")
            assert "".join(typed.replace("-", " ").split()) == canonical.decode()
            assert canonical_code(canonical.decode(), 6) == canonical

    @pytest.mark.parametrize("typed", [None, 755224, 755224.0, b"755224", ["755224"], object()])
    def test_no_text_at_all(self, typed):
        """What is no text is no code, and no crash."""
        assert canonical_code(typed, 6) is None

    def test_bound(self):
        """A code is found within the first characters that are looked at, and what is longer is none."""
        assert canonical_code(" " * (MAX_TYPED - 6) + "755224", 6) == b"755224"
        assert canonical_code(" " * (MAX_TYPED - 5) + "755224", 6) is None

    def test_text_that_nothing_prints(self):
        """Text of the type with a blank repr is text."""
        assert canonical_code(SecretText("755 224"), 6) == b"755224"

    @pytest.mark.requirement("O18")
    def test_match_applies_it(self):
        """TOTP.match takes every form of the code that is one, and no other, and never raises."""
        totp = TOTP(SECRET)
        for name, typed in code_forms(totp.at(59)):
            assert totp.match(typed, at=59) == (1 if name.startswith("same: ") else None), name
