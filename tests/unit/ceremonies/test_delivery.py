# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import Event, EventType, MFAPolicy
from ram_mfa._secret import SecretBytes
from ram_mfa.ceremonies.delivery import Delivered, Waiting, with_events
from ram_mfa.context import Context
from ram_mfa.events import CHANGES, REVOCATIONS
from tests.support.accounts import ACCOUNT, ROOT_RECORD

ROOM = 4


def context(room=ROOM):
    policy = MFAPolicy.ram(issuer="Example", outbox=room)
    return Context(policy, 5.0, SecretBytes(b"e" * 32), ROOT_RECORD, "alice", "u" + 43 * "A")


def event(event_type, number=0):
    return Event(event_type, user="alice", at=float(number))


def holding(*types):
    """Return an account whose outbox holds one event of each type, in this order."""
    return attrs.evolve(ACCOUNT, outbox=tuple(event(one, number) for number, one in enumerate(types)))


def types_of(account):
    return [one.type for one in account.outbox]


REFUSED, PROVED = EventType.REFUSED, EventType.LOGON_PROVED
BOUND, UNBOUND, DROPPED = EventType.DEVICE_BOUND, EventType.DEVICE_UNBOUND, EventType.EVENTS_DROPPED


class TestWaitingAndDelivered:
    def test_waiting(self):
        """The outbox is returned, and nothing changes."""
        account = holding(BOUND, PROVED)
        for one, outbox in ((account, account.outbox), (None, ())):
            transition = Waiting()(one, context())
            assert transition.account is one
            assert transition.outcome == outbox

    def test_delivered(self):
        """What was delivered goes, each event once; what came since stays."""
        account = holding(BOUND, PROVED, REFUSED)
        twice = attrs.evolve(account, outbox=(*account.outbox, account.outbox[0]))
        left = Delivered(account.outbox[:2])(twice, context()).account
        assert left.outbox == (account.outbox[2], account.outbox[0])

    def test_delivered_before(self):
        """Nothing is written where none of the events is there any more."""
        account = holding(BOUND)
        assert Delivered((event(PROVED, 9),))(account, context()).account is account
        assert Delivered((event(PROVED, 9),))(None, context()).account is None


class TestWithEvents:
    def test_room(self):
        """Events are added in order, and no drop is counted."""
        after = with_events(holding(BOUND, REFUSED), (event(PROVED), event(UNBOUND)), context())
        assert types_of(after) == [BOUND, REFUSED, PROVED, UNBOUND]

    @pytest.mark.parametrize("new", [PROVED, BOUND, UNBOUND])
    def test_refusals_make_room(self, new):
        """The oldest refusals are dropped, for an event of any type, and counted."""
        after = with_events(holding(REFUSED, BOUND, REFUSED, PROVED), (event(new, 9),), context())
        assert types_of(after) == [DROPPED, BOUND, REFUSED, PROVED, new]
        assert after.outbox[0].detail == "1"

    @pytest.mark.parametrize("new", sorted(REVOCATIONS, key=lambda one: one.name))
    def test_a_revocation_never_waits(self, new):
        """It displaces the oldest events of any type."""
        after = with_events(holding(BOUND, PROVED, BOUND, PROVED), (event(new, 9),), context())
        assert types_of(after) == [DROPPED, PROVED, BOUND, PROVED, new]

    @pytest.mark.parametrize("new", sorted(CHANGES, key=lambda one: one.name))
    def test_a_change_waits(self, new):
        assert with_events(holding(BOUND, PROVED, BOUND, PROVED), (event(new, 9),), context()) is None

    def test_any_other_event_is_dropped(self):
        """A logon is not refused for want of room: its event is dropped, and counted."""
        account = holding(BOUND, UNBOUND, BOUND, UNBOUND)
        after = with_events(account, (event(PROVED, 9),), context())
        assert types_of(after) == [DROPPED, BOUND, UNBOUND, BOUND, UNBOUND]
        again = with_events(after, (event(PROVED, 10),), context())
        assert types_of(again) == types_of(after)
        assert (after.outbox[0].detail, again.outbox[0].detail) == ("1", "2")

    def test_a_smaller_bound(self):
        """Where the policy's bound is below what is held, what is held stays, and nothing is added."""
        account = holding(BOUND, UNBOUND, BOUND)
        after = with_events(account, (event(PROVED, 9),), context(room=1))
        assert types_of(after) == [DROPPED, BOUND, UNBOUND, BOUND]
