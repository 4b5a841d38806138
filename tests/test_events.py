# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import json
import pickle

import attrs
import pytest

from ram_mfa import Event, What
from ram_mfa.events import CHANGES, REVOCATIONS


@pytest.mark.requirement("B22")
class TestEvent:
    def test_plain(self):
        """An event is a plain frozen value: compared, copied, pickled and written as JSON."""
        event = Event(What.DEVICE_BOUND, "alice", 5.0, "owner", "id", "virtual MFA device")
        assert pickle.loads(pickle.dumps(event)) == copy.copy(event) == event
        written = json.loads(json.dumps({**attrs.asdict(event), "what": event.what.value}))
        assert Event(**{**written, "what": What(written["what"])}) == event
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            event.user = "bob"

    def test_defaults(self):
        """What is not known of it is empty."""
        event = Event(What.PASSWORD_CHANGED, "alice", 5.0)
        assert (event.actor, event.device, event.detail) == ("", None, "")


class TestChanges:
    def test_logons_are_none(self):
        """What happens at a logon or a step-up is no change of devices or settings: a full outbox does not stop it."""
        for what in (What.LOGON_PROVED, What.STEP_UP_PROVED, What.MFA_SKIPPED, What.REFUSED, What.MACHINE_REMEMBERED):
            assert what not in CHANGES
        assert {What.DEVICE_BOUND, What.DEVICE_RENAMED, What.REQUIREMENT_CHANGED} < CHANGES

    def test_revocations_are_none(self):
        """What takes a right away is never refused for want of room."""
        assert {What.DEVICE_UNBOUND, What.MFA_RESET, What.PASSWORD_CHANGED, What.DEVICE_DISABLED} < REVOCATIONS
        assert not CHANGES & REVOCATIONS
