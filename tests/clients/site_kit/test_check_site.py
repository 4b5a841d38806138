# SPDX-License-Identifier: Apache-2.0
"""The kit for authors of framework adapters, on a site that keeps every promise."""

from __future__ import annotations

import attrs
import pytest

from tests.support import require_module

require_module("flask", "flask")

from ram_mfa.testing.site_kit import Result, check_site  # noqa: E402 - where Flask is installed
from ram_mfa.testing.site_kit.promises import PROMISES  # noqa: E402
from tests.support.kit_site import site_of  # noqa: E402


class TestCheckSite:
    def test_passes_an_honest_site(self):
        """A site that keeps every promise has each of them tried, and none broken."""
        report = check_site(site_of())
        assert report.broken == (), str(report)
        assert report.not_tried == (), str(report)
        assert [row.name for row in report.rows] == list(PROMISES)

    def test_what_is_missing_is_not_tried(self):
        """Without a clock, a second worker and the like promises are not tried, which is not kept."""
        lacking = {"worker": None, "administrator": None, "deny": None, "fetch": None, "carried": ()}
        site = attrs.evolve(site_of(), **lacking)
        names = (
            "browsers.workers_go_on_with_each_other",
            "logon.store_that_is_down_lets_nobody_in",
            "endings.reset_ends_sessions",
            "step_up.receipt_passes_once",
            "step_up.fields_come_back",
        )
        report = check_site(site, only=names)
        assert set(report.not_tried) == set(names)
        report = check_site(attrs.evolve(site_of(), clock=None), only=["browsers.expired_logon_says_so"])
        assert report.not_tried == ("browsers.expired_logon_says_so",)

    def test_a_crash_is_a_broken_promise(self):
        """A site that makes the kit crash has broken the promise, and the kit goes on."""

        def crash(*_):
            raise RuntimeError("of the site")

        site = attrs.evolve(site_of(), sensitive=crash)
        report = check_site(site, only=["step_up.asks_and_then_does", "wire.codes_work_without_a_script"])
        assert report.broken == ("step_up.asks_and_then_does",)
        assert "of the site" in report.rows[0].detail

    def test_skips_what_it_is_told_to(self):
        """A promise that is skipped is not tried; a name that is none is an error."""
        report = check_site(site_of(), only=["logon.code_passes_once"], skip=["logon.code_passes_once"])
        assert [row.result for row in report.rows] == [Result.NOT_TRIED]
        with pytest.raises(ValueError, match="no promises: nonsense"):
            check_site(site_of(), only=["nonsense"])

    def test_every_promise_is_a_sentence(self):
        """Every promise says in a sentence what it is."""
        for promise in PROMISES.values():
            assert (promise.__doc__ or "").strip().endswith(".")
