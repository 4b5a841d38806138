# SPDX-License-Identifier: Apache-2.0
"""Events into logging."""

from __future__ import annotations

import logging

import pytest

from ram_mfa import Describe, OpenAccount, Reason
from ram_mfa.integrations.logs import LogEvents
from tests.support.spine import ROOT


@pytest.mark.requirement("B22")
class TestLogEvents:
    def test_one_line_for_each(self, services, caplog):
        """Each event is one record with its fields; a refusal is a warning, the rest is information."""
        caplog.set_level(logging.INFO, "audit")
        service = services(observers=(LogEvents(logging.getLogger("audit")),))
        service.perform("alice", OpenAccount(by=ROOT))
        assert service.refusal("bob", Describe()).reason is Reason.NO_ACCOUNT
        opened, refused = (record for record in caplog.records if record.name == "audit")
        assert (opened.levelname, opened.mfa_what, opened.mfa_user) == ("INFO", "ACCOUNT_OPENED", "alice")
        assert (opened.mfa_actor, opened.mfa_device) == ("administrator root", None)
        assert (refused.levelname, refused.mfa_detail, refused.mfa_at) == ("WARNING", "NO_ACCOUNT", service.clock())
        assert "alice" in opened.getMessage()
