# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
import json
import pickle

import attrs
import pytest

from ram_mfa import Event, EventType
from ram_mfa.events import CHANGES, REVOCATIONS


@pytest.mark.requirement("B22")
class TestEvent:
    def test_plain(self):
        """An event is a plain frozen value: compared, copied, pickled and written as JSON."""
        event = Event(
            EventType.DEVICE_BOUND, user="alice", at=5.0, actor="owner", device="id", detail="virtual MFA device"
        )
        assert pickle.loads(pickle.dumps(event)) == copy.copy(event) == event
        written = json.loads(json.dumps({**attrs.asdict(event), "type": event.type.value}))
        assert Event(**{**written, "type": EventType(written["type"])}) == event
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            event.user = "bob"

    def test_defaults(self):
        """What is not known of it is empty."""
        event = Event(EventType.PASSWORD_CHANGED, user="alice", at=5.0)
        assert (event.actor, event.device, event.detail) == ("", None, "")


class TestChanges:
    def test_logons_are_none(self):
        """What happens at a logon or a step-up is no change of devices or settings: a full outbox does not stop it."""
        for what in (
            EventType.LOGON_PROVED,
            EventType.STEP_UP_PROVED,
            EventType.MFA_SKIPPED,
            EventType.REFUSED,
            EventType.MACHINE_REMEMBERED,
        ):
            assert what not in CHANGES
        assert {EventType.DEVICE_BOUND, EventType.DEVICE_RENAMED, EventType.REQUIREMENT_CHANGED} < CHANGES

    def test_revocations_are_none(self):
        """What takes a right away is never refused for want of room."""
        assert {
            EventType.DEVICE_UNBOUND,
            EventType.MFA_RESET,
            EventType.PASSWORD_CHANGED,
            EventType.DEVICE_DISABLED,
        } < REVOCATIONS
        assert not CHANGES & REVOCATIONS
