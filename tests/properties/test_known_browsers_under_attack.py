# SPDX-License-Identifier: Apache-2.0
"""What somebody who has the password can do to the owner, with and without known browsers, over a month and a year.

The figures of each row are those of the library's own verbs: see `tests.support.attacks`.
"""

from __future__ import annotations

import pytest

from ram_mfa import KnownBrowsers, MFAPolicy, NewBrowserRule
from tests.support import rounds
from tests.support.attacks import Attack

TODAY = MFAPolicy.ram(issuer="Example")
KNOWN = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers())
FLOOD = {"days": 30, "per_day": 288, "eager": True}
YEAR = 365
DAYS = max(30, rounds(YEAR))
"""How long the costly attacks last."""


class TestWithoutKnownBrowsers:
    """What the attacks do under a policy without known browsers: the simulation finds what is known to happen."""

    def test_the_owner_is_kept_out(self):
        """A gate that is held shut refuses the owner, and after a hundred wrong codes the device is disabled."""
        result = Attack(TODAY, **FLOOD).run()
        assert (result.passed, result.verified, result.most) == (0, 100, 20)
        assert 4 < result.disabled < 5.5

    def test_a_patient_attacker(self):
        """Fifteen wrong codes a day are never stopped, and succeed once in 800 months."""
        result = Attack(TODAY, days=30, per_day=15, owner="new").run()
        assert (result.verified, result.disabled) == (450, None)
        assert 1.3e-3 < result.probability < 1.4e-3


class TestAFlood:
    @pytest.mark.requirement("B25", "B26")
    def test_and_a_known_browser(self):
        """Every logon of the owner's known browser passes, nothing is disabled; 64 codes are verified in a month."""
        result = Attack(KNOWN, **FLOOD).run()
        assert result.passed == result.logons == 240
        assert result.disabled is None
        assert (result.verified, result.most) == (64, 20)
        assert result.probability < 2e-4

    @pytest.mark.requirement("B25")
    def test_and_new_browsers(self):
        """An owner without a known browser is kept out, but nothing is disabled; admitted, each logon passes."""
        result = Attack(KNOWN, **FLOOD, owner="new").run()
        assert (result.passed, result.disabled) == (0, None)
        assert result.probability < 2e-4
        result = Attack(KNOWN, **FLOOD, owner="admitted").run()
        assert (result.passed, result.disabled) == (240, None)

    @pytest.mark.requirement("B25", "B26")
    def test_of_a_thousand_a_day(self):
        """A thousand wrong codes a day, a year where all rounds are run: 112 are verified, and the owner gets in."""
        result = Attack(KNOWN, days=DAYS, per_day=1_000).run()
        assert result.passed == result.logons
        assert result.disabled is None
        assert result.verified <= 60 + DAYS // 7
        assert result.probability < 3.5e-4

    def test_with_the_only_browser_s_own_token(self):
        """A thief of password and token keeps that browser out and disables the device on the eleventh day."""
        result = Attack(KNOWN, days=30, per_day=1_000, stolen=True).run()
        assert result.passed == 0
        assert 9 < result.disabled < 11
        assert result.most <= 23
        assert result.probability < 3.1e-4


class TestPatience:
    @pytest.mark.requirement("B25", "B26")
    @pytest.mark.parametrize(("per_day", "share"), [(4, 0.983), (15, 0.975)])
    def test_and_new_browsers(self, per_day, share):
        """A few wrong codes a day leave nearly every logon of a new browser to the owner, for 64 guesses a month."""
        result = Attack(KNOWN, days=30, per_day=per_day, owner="new").run()
        assert result.share >= share
        assert (result.verified, result.disabled) == (64, None)

    @pytest.mark.requirement("B25", "B26")
    def test_by_night_for_a_year(self):
        """Fifteen wrong codes a night for a year: 112 are verified, where 4,380 were without known browsers."""
        attack = {"days": YEAR, "per_day": 15, "hours": (0, 6), "owner": "new"}
        result = Attack(KNOWN, **attack).run()
        assert result.share >= 0.994
        assert (result.verified, result.disabled) == (112, None)
        assert result.probability < 3.5e-4
        assert Attack(TODAY, **attack).run().probability > 1.2e-2

    @pytest.mark.parametrize("rule", [NewBrowserRule.CLOSE, NewBrowserRule.DISABLE])
    def test_under_the_other_rules(self, rule):
        """CLOSE keeps the bound and the owner's known browser; DISABLE ends at sixty."""
        policy = MFAPolicy.ram(issuer="Example", known_browsers=KnownBrowsers(beyond=rule))
        result = Attack(policy, days=30, per_day=60).run()
        assert result.verified == {NewBrowserRule.CLOSE: 64, NewBrowserRule.DISABLE: 60}[rule]
        assert result.pairs == 0
        assert (result.passed == result.logons) is (rule is NewBrowserRule.CLOSE)
        assert (result.disabled is None) is (rule is NewBrowserRule.CLOSE)


class TestInAnyDay:
    @pytest.mark.requirement("B26")
    @pytest.mark.parametrize("hours", [1, 5, 23])
    @pytest.mark.parametrize("fresh", [True, False])
    def test_at_most_forty(self, hours, fresh):
        """However often the password mark changes, to a new one or between two, 40 codes are verified in 24 hours."""

        def mark(now):
            number = int(now // (hours * 3_600))
            return f"mark {number if fresh else number % 2}"

        for owner in ("known", "new", "admitted"):
            result = Attack(KNOWN, days=10, per_day=288, eager=True, owner=owner, mark=mark).run()
            assert 20 <= result.most <= 40
