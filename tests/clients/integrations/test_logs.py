# SPDX-License-Identifier: Apache-2.0
"""Events into logging."""

from __future__ import annotations

import logging

import pytest

from ram_mfa import Administrator, Describe, Event, EventType, OpenAccount, Reason, UnsafeAdministrator
from ram_mfa.integrations.logs import LogEvents
from tests.support.service import ROOT


@pytest.mark.requirement("B22")
class TestLogEvents:
    def test_one_line_for_each(self, services, caplog):
        """Each event is one record with its fields; a refusal is a warning, the rest is information."""
        caplog.set_level(logging.INFO, "audit")
        service = services(observers=(LogEvents(logging.getLogger("audit")),))
        service.perform("alice", OpenAccount(by=ROOT))
        assert service.refusal("bob", Describe()).reason is Reason.NO_ACCOUNT
        opened, refused = (record for record in caplog.records if record.name == "audit")
        assert (opened.levelname, opened.mfa_type, opened.mfa_user) == ("INFO", "ACCOUNT_OPENED", "alice")
        assert (opened.mfa_actor, opened.mfa_device) == ("administrator root", None)
        assert (refused.levelname, refused.mfa_detail, refused.mfa_at) == ("WARNING", "NO_ACCOUNT", service.clock())
        assert "alice" in opened.getMessage()

    @pytest.mark.requirement("A35")
    @pytest.mark.parametrize("hostile", ["a\nb", "a\r\nb", "a\x1b[2Kb", "a\u2028b", "a\u202eb", "a\x85b", "a\ud800b"])
    def test_no_line_of_its_own(self, caplog, hostile):
        """Whatever an event holds, it is one line of printable characters, in the message and in each field."""
        caplog.set_level(logging.INFO, "audit")
        LogEvents(logging.getLogger("audit"))(
            Event(EventType.DEVICE_BOUND, user=hostile, at=0, actor=hostile, device=hostile, detail=hostile)
        )
        (record,) = (record for record in caplog.records if record.name == "audit")
        for text in (record.getMessage(), record.mfa_user, record.mfa_actor, record.mfa_device, record.mfa_detail):
            assert text.isprintable()
            assert "a" in text
            assert "b" in text

    @pytest.mark.requirement("A35")
    @pytest.mark.parametrize("actor", [Administrator, UnsafeAdministrator])
    @pytest.mark.parametrize(
        "name", ["root\nrefused: user 'bob'", "root\x7f", "root\u2029", "\u202etoor", "", " ", "x" * 129]
    )
    def test_no_such_administrator(self, actor, name):
        """An administrator's name is 1 to 128 printable characters."""
        with pytest.raises(ValueError, match=r"name must be a string of 1 to 128 printable characters"):
            actor(name)
