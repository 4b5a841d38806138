# SPDX-License-Identifier: Apache-2.0
"""Changes of devices and password against what hangs on them, by real processes on one SQLite file.

Whoever wins, the account is in one state that one order of the two explains: one kind of device is bound, and once a
change has landed nothing passes that was handed out before it.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from ram_mfa import (
    MFA,
    Assertion,
    BeginLogon,
    BeginStepUp,
    Bound,
    Challenge,
    ConfirmSecurityKey,
    ConfirmVirtualDevice,
    Describe,
    Enrolment,
    FinishLogon,
    FinishStepUp,
    Kind,
    MFAPolicy,
    MustBind,
    OfferSecurityKey,
    OfferVirtualDevice,
    OpenAccount,
    PasswordChanged,
    Proof,
    Reason,
    Refused,
    RememberMachine,
    ResetMFA,
    SpendReceipt,
    Unbind,
    Verb,
)
from ram_mfa.engine.records import user_key
from ram_mfa.testing import AuthenticatorApp, ManualClock, SoftSecurityKey, enrolled_key
from tests.support import rounds
from tests.support.races import PATIENCE, ServiceOnFile, Worker, Workers, barrier
from tests.support.service import DELETE, ORIGIN, PARTY, ROOT

START = 1_700_000_000.0
POLICY = MFAPolicy.ram(issuer="Example", relying_party=PARTY, remember=RememberMachine())
CHANGES = {"unbind": Unbind(by=ROOT), "reset": ResetMFA(ROOT), "password": PasswordChanged()}


@pytest.fixture
def place(tmp_path):
    return ServiceOnFile(str(tmp_path / "mfa.db"), POLICY)


def attempt(mfa: MFA, user: str, verb: Verb[Any]) -> Any:
    """Perform a verb: its outcome, or the name of the reason."""
    try:
        return mfa.perform(user, verb)
    except Refused as refused:
        return refused.refusal.reason.name


# What the processes do


def confirm_a_kind(worker: Worker, place: ServiceOnFile, meet: Any, users: list[str], by_the_user: bool) -> list[str]:
    """In each round offer the kind of this process to the round's user, and confirm it when both have."""
    mfa, store = place.open(ManualClock(START))
    key, outcomes = SoftSecurityKey(), []
    session = f"the session of browser {worker.number}"
    for user in users:
        by: Any = ROOT
        if by_the_user:
            begun = mfa.perform(user, BeginLogon(session=session))
            assert isinstance(begun, MustBind)
            by = Enrolment(begun.id, session=session)
        confirm: Verb[Bound]
        if worker.number == 0:
            virtual = mfa.perform(user, OfferVirtualDevice(by, account_name=user, session=session, create=True))
            code = AuthenticatorApp.scan(virtual.key_uri).code_at(START)
            confirm = ConfirmVirtualDevice([code], offer=virtual.id, by=by, session=session)
        else:
            offer = mfa.perform(user, OfferSecurityKey(by, account_name=user, session=session, create=True))
            told = key.create(offer.options, ORIGIN)
            confirm = ConfirmSecurityKey(told, offer=offer.id, by=by, session=session)
        meet.wait(PATIENCE)
        told = attempt(mfa, user, confirm)
        outcomes.append(told.kind.name if isinstance(told, Bound) else told)
    store.close()
    return outcomes


def use_or_change(
    worker: Worker, place: ServiceOnFile, meet: Any, users: list[str], against: tuple[str, str]
) -> list[Any]:
    """In each round one process uses what the other's change ends: (when it began, when it ended, what it came to,
    what became of everything older once the change had landed).
    """
    mfa, store = place.open(ManualClock(START))
    (change, use), rows = against, []
    for user in users:
        if worker.number == 0:
            rows.append(_use(mfa, meet, user, use))
        else:
            meet.wait(PATIENCE)
            began = time.monotonic()
            mfa.perform(user, CHANGES[change])
            rows.append((began, time.monotonic(), "changed", []))
            meet.wait(PATIENCE)
    store.close()
    return rows


def _use(mfa: MFA, meet: Any, user: str, use: str) -> tuple[float, float, str, list[str]]:
    session, mark = "the session of one browser", "mark of the old password"
    key = enrolled_key(mfa, user)

    def finish(verb: type[Any], asked: Challenge, **how: Any) -> Any:
        assert asked.options is not None
        return verb(asked.id, Assertion(key.get(asked.options, ORIGIN)), session=session, **how)

    def ask(mark: str | None = None) -> Challenge:
        asked = mfa.perform(user, BeginLogon(session=session, password_mark=mark))
        assert isinstance(asked, Challenge)
        return asked

    step_up = mfa.perform(user, BeginStepUp(DELETE, session=session))
    receipt = mfa.perform(user, finish(FinishStepUp, step_up, operation=DELETE)).receipt
    token = mfa.perform(user, finish(FinishLogon, ask(mark), remember="Laptop", password_mark=mark)).machine
    spend = SpendReceipt(receipt, operation=DELETE, session=session)
    logon = finish(FinishLogon, ask(mark), remember="Office", password_mark=mark)
    another = finish(FinishLogon, ask())
    back = BeginLogon(session=session, machine=token, password_mark=mark)
    verb: Verb[Any] = {"log on": logon, "spend": spend, "come back": back}[use]

    meet.wait(PATIENCE)
    began = time.monotonic()
    came = attempt(mfa, user, verb)
    ended = time.monotonic()
    meet.wait(PATIENCE)

    tokens = [str(token)]
    if isinstance(came, Proof) and came.machine:
        tokens.append(str(came.machine))
    older = [attempt(mfa, user, old) for old in (another, spend, logon)]
    older += [attempt(mfa, user, BeginLogon(session=session, machine=one, password_mark=mark)) for one in tokens]
    told = came if isinstance(came, str) else type(came).__name__
    return began, ended, told, [one if isinstance(one, str) else type(one).__name__ for one in older]


class TestTwoKinds:
    @pytest.mark.parametrize("by_the_user", [False, True], ids=["by administrators", "by the user, at logon"])
    @pytest.mark.requirement("B10", "B21", "V4", "S1")
    def test_one_is_bound(self, place, by_the_user):
        """A virtual device and a security key are confirmed at once, for one user, in two browsers: in each of 1,000
        rounds exactly one kind is bound, and the other is told to start over.
        """
        mfa, store = place.open(ManualClock(START), create=True)
        users = [f"user {number}" for number in range(rounds(1000))]
        for user in users:
            mfa.perform(user, OpenAccount(required=True, by=ROOT))
        with Workers(confirm_a_kind, 2, place, barrier(2), users, by_the_user) as crew:
            virtual, key = crew.results()
        won = Counter()
        for user, *told in zip(users, virtual, key, strict=True):
            (device,) = mfa.perform(user, Describe()).devices
            lost = {Kind.VIRTUAL.name, Kind.SECURITY_KEY.name} - {device.kind.name}
            assert set(told) == {device.kind.name, self.refused(by_the_user, told)}, (user, told)
            assert not lost & set(told)
            won[device.kind] += 1
        assert won.total() == rounds(1000)
        store.close()

    def refused(self, by_the_user, told):
        """What the loser is told: its ticket is of another generation, or a device is bound by now."""
        reasons = {Reason.FOREIGN_TICKET.name, Reason.PROOF_NEEDED.name} if by_the_user else {"FOREIGN_TICKET"}
        (reason,) = set(told) & reasons
        return reason


class TestAChangeLands:
    @pytest.mark.parametrize("use", ["log on", "spend", "come back"])
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.requirement("B5", "B7", "B14", "B17", "V19", "S2", "S13")
    def test_nothing_older_passes(self, place, change, use):
        """An unbind, a reset or a change of password against a logon that is to be remembered, a receipt spent, a
        return on a remembered machine: what began after the change had returned is refused, and so is everything that
        was handed out before it, for good.
        """
        mfa, store = place.open(ManualClock(START), create=True)
        users = [f"user {number}" for number in range(rounds(400))]
        with Workers(use_or_change, 2, place, barrier(2), users, (change, use)) as crew:
            used, changed = crew.results()
        passes = {"log on": "Proof", "spend": "Proof", "come back": "Remembered"}[use]
        gone = {"unbind": "NO_DEVICE", "reset": "NO_DEVICE", "password": ""}[change]
        dead = {"FOREIGN_TICKET", "BAD_RECEIPT", "Challenge", "MustBind", gone}
        for user, (began, _, told, older), (_, landed, _, _) in zip(users, used, changed, strict=True):
            assert told in dead | {passes}, (user, told)
            assert told != passes or began < landed, (user, "began after the change had landed, and passed")
            assert set(older) <= dead, (user, older)
            assert len(older) == 4 + (use == "log on" and told == passes)
            view = mfa.perform(user, Describe())
            assert view.machines == ()
            assert len(view.devices) == (change == "password")
        assert store.load(user_key("", "user 0")) is not None
        store.close()
