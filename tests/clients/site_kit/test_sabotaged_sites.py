# SPDX-License-Identifier: Apache-2.0
"""Every promise of the kit is found broken on a site that was sabotaged for it."""

from __future__ import annotations

import logging

import pytest

from tests.support import require_module

require_module("flask", "flask")

from ram_mfa.testing.site_kit import check_site  # noqa: E402 - where Flask is installed
from ram_mfa.testing.site_kit.promises import PROMISES  # noqa: E402
from tests.support.kit_site import Parts, site_of  # noqa: E402
from tests.support.sabotaged_sites import SABOTAGES  # noqa: E402


class TestSabotagedSites:
    @pytest.mark.parametrize("name", sorted(PROMISES))
    def test_is_found(self, name, monkeypatch):
        """The kit names the promise that a sabotaged site breaks, and ends."""
        logging.getLogger("kit").setLevel(logging.CRITICAL)  # of Flask, which logs what it answers with 500
        parts = Parts()
        worker = SABOTAGES[name](parts, monkeypatch)
        report = check_site(site_of(parts, worker), only=[name])
        assert report.broken == (name,), str(report)

    def test_there_is_one_for_each(self):
        """No promise is without a sabotage, and no sabotage is of a promise that there is not."""
        assert set(SABOTAGES) == set(PROMISES)
