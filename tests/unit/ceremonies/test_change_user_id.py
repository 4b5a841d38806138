# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import MFAPolicy, OpenAccount, Reason, Refusal
from ram_mfa._secret import SecretBytes
from ram_mfa.ceremonies.change_user_id import Arrive, Cancel, Commit, Depart, Leave, Look, Release, Reserve
from ram_mfa.context import Context
from tests.support.accounts import ROOT_RECORD
from tests.support.service import ROOT

OLD = Context(MFAPolicy.ram(issuer="Example"), 5.0, SecretBytes(b"o" * 32), ROOT_RECORD, "alice", "u" + 43 * "A")
NEW = attrs.evolve(OLD, entropy=SecretBytes(b"n" * 32), user="alicia", key="u" + 43 * "B")
LIVING = OpenAccount(by=ROOT)(None, OLD).account
LATER = attrs.evolve(OLD, entropy=SecretBytes(b"l" * 32))
LEAVING = Depart("alicia", by=ROOT)(LIVING, LATER).account
PLACE = Reserve(LEAVING)(None, NEW).account
DEPARTED = Commit(LEAVING, PLACE.reservation)(LEAVING, OLD).account


class TestDepart:
    def test_leaves_for_the_new_id(self):
        """The record is marked, and all that was begun before is over."""
        assert LEAVING.moved_to == "alicia"
        assert LEAVING.epoch != LIVING.epoch

    def test_again(self):
        """The same departure is the same record; another one is refused, and a place cannot depart."""
        assert Depart("alicia", by=ROOT)(LEAVING, OLD).account is LEAVING
        for account, reason in ((LEAVING, Reason.MOVING), (PLACE, Reason.NO_ACCOUNT)):
            transition = Depart("alison", by=ROOT)(account, OLD)
            assert transition.account is account
            assert isinstance(transition.outcome, Refusal)
            assert transition.outcome.reason is reason


class TestReserve:
    def test_takes_a_free_place(self):
        """The place is reserved for the old id, under the epoch of the record that leaves."""
        assert (PLACE.user, PLACE.reserved_for, PLACE.epoch) == ("alicia", "alice", LEAVING.epoch)
        assert len(PLACE.reservation) == 16

    def test_a_taken_place_stays(self):
        transition = Reserve(LEAVING)(LIVING, NEW)
        assert transition.account is transition.outcome is LIVING


class TestCommit:
    def test_names_the_reservation(self):
        assert attrs.evolve(DEPARTED, reservation=None) == LEAVING
        assert DEPARTED.reservation == PLACE.reservation

    @pytest.mark.parametrize(
        "account",
        [
            None,
            LIVING,
            DEPARTED,
            attrs.evolve(LEAVING, moved_to="alison"),
            attrs.evolve(LEAVING, epoch=bytes(16)),
            attrs.evolve(LEAVING, moved_to=None),
        ],
    )
    def test_another_departure(self, account):
        """A record that is not in that very departure, or is committed already, stays as it is."""
        transition = Commit(LEAVING, b"r" * 16)(account, OLD)
        assert transition.account is transition.outcome is account


class TestCancel:
    def test_stays(self):
        transition = Cancel(LEAVING)(LEAVING, OLD)
        assert transition.account == attrs.evolve(LEAVING, moved_to=None)
        assert transition.outcome is True

    @pytest.mark.parametrize(("account", "stays"), [(None, False), (DEPARTED, False), (LIVING, True)])
    def test_too_late(self, account, stays):
        """A record that departed, or stays already, is not written."""
        transition = Cancel(LEAVING)(account, OLD)
        assert transition.account is account
        assert transition.outcome is stays


class TestArrive:
    def test_in_its_place(self):
        """The record arrives under the new id, with its handle and nothing of the move left."""
        transition = Arrive(DEPARTED, "root")(PLACE, NEW)
        arrived = transition.account
        assert (arrived.user, arrived.handle) == ("alicia", LIVING.handle)
        assert arrived.moved_to is arrived.reserved_for is arrived.reservation is None
        assert [event.detail for event in transition.events] == ["from alice"]

    @pytest.mark.parametrize("place", [None, LIVING, attrs.evolve(PLACE, reservation=bytes(16))])
    def test_in_no_other(self, place):
        transition = Arrive(DEPARTED, "root")(place, NEW)
        assert transition.account is place
        assert transition.events == ()


class TestAfterwards:
    def test_leave(self):
        """The record that departed to that place is erased, and no other."""
        assert Leave(PLACE.reservation)(DEPARTED, OLD).account is None
        for account, reservation in ((LIVING, None), (LEAVING, PLACE.reservation), (DEPARTED, bytes(16))):
            assert Leave(reservation)(account, OLD).account is account

    def test_release(self):
        """A place is given free by its own reservation alone."""
        assert Release(PLACE.reservation)(PLACE, NEW).account is None
        for account, reservation in ((PLACE, bytes(16)), (LIVING, None)):
            assert Release(reservation)(account, NEW).account is account

    def test_look(self):
        """Nothing changes, whatever is there."""
        for account in (None, LIVING, LEAVING):
            assert Look()(account, OLD).account is Look()(account, OLD).outcome is account
