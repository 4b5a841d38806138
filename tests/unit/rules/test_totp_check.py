# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import MFAPolicy, Reason
from ram_mfa._secret import SecretBytes
from ram_mfa.account import MAX_ACCEPTED
from ram_mfa.context import Context, Loss
from ram_mfa.otp import TOTP
from ram_mfa.rules.totp_check import (
    MAX_HELD_UP,
    accepted_in_the_future,
    lost_step,
    match_one,
    match_run,
    totp_of,
    why_spent,
    with_accepted,
)
from tests.support.accounts import PHONE, ROOT_RECORD

NOW = 1_700_000_010.0
STEP = int(NOW // 30)
ROOT = attrs.evolve(ROOT_RECORD, history=b"y" * 16, losses=())
CONTEXT = Context(MFAPolicy.ram(issuer="Example"), NOW, SecretBytes(b"e" * 32), ROOT, "alice", "u" + 43 * "A")
DEVICE = attrs.evolve(PHONE, drift=0, last_step=STEP - 10, accepted=(STEP - 10,), floor=0, history=b"y" * 16)
SKEW = 4
"""Steps: twice the policy's 60 seconds of clock skew, in steps of 30."""


def lost(at):
    """Return a context in which a history was lost after the device was bound."""
    root = attrs.evolve(ROOT, history=b"z" * 16, losses=(Loss(0.0, b"y" * 16), Loss(at, b"z" * 16)))
    return attrs.evolve(CONTEXT, root=root)


class TestLostStep:
    def test_nothing_lost(self):
        assert lost_step(DEVICE, CONTEXT) == -1

    @pytest.mark.parametrize(("drift", "more"), [(-5, 0), (0, 0), (1, 1), (7, 7)])
    def test_lost(self, drift, more):
        """The step of the loss, the window forward, twice the clocks' skew, and a drift that is ahead."""
        device = attrs.evolve(DEVICE, drift=drift)
        assert lost_step(device, lost(NOW)) == STEP + 1 + SKEW + more

    def test_what_may_have_been_accepted_is_spent(self):
        """No step up to the lost one passes; where the loss itself is of the future, a clock was wrong."""
        step = lost_step(DEVICE, lost(NOW))
        assert why_spent(DEVICE, step, lost(NOW)) is Reason.REPLAYED_CODE
        assert why_spent(DEVICE, step + 1, lost(NOW)) is None
        assert why_spent(DEVICE, step, lost(NOW + 60)) is Reason.REPLAYED_CODE
        assert why_spent(DEVICE, step, lost(NOW + 60.5)) is Reason.CLOCK


class TestWhySpent:
    def test_floor_and_accepted(self):
        """The floor itself and every accepted step are spent; the step above the floor is not."""
        device = attrs.evolve(DEVICE, floor=STEP - 3, accepted=(STEP - 1, STEP + 1))
        spent = [step for step in range(STEP - 5, STEP + 3) if why_spent(device, step, CONTEXT) is not None]
        assert spent == [STEP - 5, STEP - 4, STEP - 3, STEP - 1, STEP + 1]


class TestAcceptedInTheFuture:
    LATEST = int((NOW + 60) // 30) + 1

    def test_nothing(self):
        """What a host with a right clock may accept is not of the future."""
        device = attrs.evolve(DEVICE, last_step=self.LATEST, accepted=(self.LATEST,))
        assert accepted_in_the_future(device, CONTEXT) is None
        assert accepted_in_the_future(attrs.evolve(device, last_step=self.LATEST + 1), CONTEXT) is Reason.RESYNC_NEEDED

    def test_a_drift_ahead(self):
        device = attrs.evolve(DEVICE, drift=3, last_step=self.LATEST + 3)
        assert accepted_in_the_future(device, CONTEXT) is None
        assert accepted_in_the_future(attrs.evolve(device, drift=-3), CONTEXT) is Reason.RESYNC_NEEDED

    @pytest.mark.parametrize(("period", "most"), [(30, 4), (60, 2), (59, 2), (61, 1), (120, 1)])
    def test_too_many(self, period, most):
        """A resynchronisation may leave the user without a code for 120 seconds, or for one step."""
        assert MAX_HELD_UP == 120
        latest = int((NOW + 60) // period) + 1
        for count, needed in ((most, Reason.RESYNC_NEEDED), (most + 1, Reason.REBIND_NEEDED)):
            early = tuple(latest + 1 + number for number in range(count))
            device = attrs.evolve(DEVICE, period=period, last_step=early[-1], accepted=(latest, *early), floor=0)
            assert accepted_in_the_future(device, CONTEXT) is needed

    def test_a_floor_of_the_future(self):
        device = attrs.evolve(DEVICE, floor=self.LATEST, last_step=self.LATEST)
        assert accepted_in_the_future(device, CONTEXT) is None
        assert accepted_in_the_future(attrs.evolve(device, floor=self.LATEST + 1), CONTEXT) is Reason.REBIND_NEEDED


class TestMatchOne:
    def code(self, step):
        return totp_of(DEVICE).at(step * 30)

    @pytest.mark.requirement("O7", "O8")
    def test_the_window(self):
        """One step back and one forward."""
        for step in (STEP - 1, STEP, STEP + 1):
            assert match_one(DEVICE, self.code(step), CONTEXT) == (step, None)
        for step in (STEP - 2, STEP + 2):
            assert match_one(DEVICE, self.code(step), CONTEXT) == (None, Reason.WRONG_CODE)

    def test_the_drift(self):
        device = attrs.evolve(DEVICE, drift=-5)
        assert match_one(device, self.code(STEP - 6), CONTEXT) == (STEP - 6, None)
        assert match_one(device, self.code(STEP - 3), CONTEXT) == (None, Reason.WRONG_CODE)

    def test_spent(self):
        """The last step and those before it are replays, a step of the future needs a resynchronisation."""
        used = attrs.evolve(DEVICE, last_step=STEP, accepted=(STEP,))
        for step in (STEP - 1, STEP):
            assert match_one(used, self.code(step), CONTEXT) == (step, Reason.REPLAYED_CODE)
        ahead = attrs.evolve(DEVICE, last_step=STEP + 100, accepted=(STEP + 100,))
        assert match_one(ahead, self.code(STEP), CONTEXT) == (STEP, Reason.RESYNC_NEEDED)


class TestWithAccepted:
    @given(steps=st.lists(st.integers(0, 100), unique=True, max_size=30))
    def test_any_order(self, steps):
        """The highest steps are kept, in order; the floor is the highest that fell out."""
        accepted, floor = (), -1
        for step in steps:
            accepted, floor = with_accepted(accepted, floor, step)
        assert list(accepted) == sorted(steps)[-MAX_ACCEPTED:]
        assert floor == max(sorted(steps)[:-MAX_ACCEPTED], default=-1)


class TestMatchRun:
    TOTP = TOTP(SecretBytes(b"12345678901234567890"))

    def codes(self, *steps):
        return tuple(self.TOTP.at(step * 30) for step in steps)

    def test_consecutive(self):
        """The last code lies within the window, and each code one step before the next."""
        for last in range(STEP - 3, STEP + 3):
            found = match_run(self.TOTP, self.codes(last - 1, last), now=NOW, backward=2, forward=1)
            assert found == (last if STEP - 2 <= last <= STEP + 1 else None)
        for steps in ((STEP, STEP - 1), (STEP, STEP), (STEP - 2, STEP)):
            assert match_run(self.TOTP, self.codes(*steps), now=NOW, backward=2, forward=1) is None

    def test_from_the_first_step_on(self):
        """Before two steps have passed, no two codes have been shown."""
        assert match_run(self.TOTP, self.codes(0), now=0, backward=1, forward=1) == 0
        assert match_run(self.TOTP, self.codes(0, 1), now=0, backward=1, forward=1) == 1
        assert match_run(self.TOTP, self.codes(0, 1), now=0, backward=1, forward=0) is None
