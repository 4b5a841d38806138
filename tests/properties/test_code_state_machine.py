# SPDX-License-Identifier: Apache-2.0
"""The laws of the spine, over any life of two users: whatever is typed, in whatever order, whatever the clock shows."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ram_mfa import (
    Advice,
    BeginLogon,
    BeginStepUp,
    Challenge,
    ConfirmVirtualDevice,
    FinishLogon,
    FinishStepUp,
    MFAPolicy,
    MustBind,
    OfferVirtualDevice,
    OpenAccount,
    Operation,
    PasswordChanged,
    Proof,
    Reason,
    Refusal,
    Refused,
    ResetMFA,
    ResyncVirtualDevice,
    SpendReceipt,
    ThrottlePolicy,
    TOTPCode,
    TOTPPolicy,
    Unbind,
)
from ram_mfa import account as bounds
from ram_mfa.codec import decode_account, encode_account
from ram_mfa.engine.records import user_key
from ram_mfa.testing import AuthenticatorApp
from tests.support import all_rounds, rounds
from tests.support.races import wrong_codes
from tests.support.service import DELETE, OTHER_SESSION, ROOT, SESSION, Services

DAY = 86_400
SKEW = 60
"""The clocks of two hosts are that far apart at the most; a perform may run on either."""
PERIOD = 30
FREE, PER_DAY, CAP = 3, 6, 8
POLICY = MFAPolicy.ram(
    issuer="Example",
    totp=TOTPPolicy(period=PERIOD),
    throttle=ThrottlePolicy(free_attempts=FREE, max_per_day=PER_DAY, max_consecutive=CAP),
    clock_skew=SKEW,
)
OPERATIONS = (DELETE, Operation("server.delete", "i-4711"))

users = st.sampled_from(["alice", "bob"])
operations = st.sampled_from(OPERATIONS)
kinds = st.sampled_from(["step", "step", "step", "used", "wrong", "the other's", "spaced"])
offsets = st.integers(-3, 3)
choices = st.integers(0, 1_000_000)
sessions = st.sampled_from([SESSION] * 7 + [OTHER_SESSION])


@attrs.define(eq=False)
class Asked:
    """A ticket or receipt that was handed out, and what must be true of it."""

    user: str
    text: str
    epoch: int
    issued: float
    operation: Operation | None
    spent: bool = False


@attrs.define
class Person:
    """What is known of a user from outside.

    Attributes:
        epoch: how often devices or password changed.
        phone: the phone of the bound device, or None.
        last: the highest step accepted of it.
        drift: steps that its last resync found.
        failures: wrong codes in a row.
        closed_until: no code is verified before that moment of the clock.
        wrong: true moments of the wrong codes that count for the day's budget.
        used: codes that were accepted, each with its step.
        spent: issue and expiry of the tickets that were spent in this epoch.
    """

    epoch: int = 0
    phone: AuthenticatorApp | None = None
    last: int = -1
    drift: int = 0
    failures: int = 0
    closed_until: float = 0
    wrong: list[float] = attrs.field(factory=list)
    used: list[str] = attrs.field(factory=list)
    spent: list[Asked] = attrs.field(factory=list)


class Life(RuleBasedStateMachine):
    """Two users, an administrator, a clock that runs, and hosts whose clocks are a minute apart."""

    challenges = Bundle("challenges")
    receipts = Bundle("receipts")
    steps = 0

    def __init__(self):
        super().__init__()
        self.service = Services("MFA")(policy=POLICY)
        self.true = self.service.clock.now
        self.people = {"alice": Person(), "bob": Person()}
        self.ahead = 0.0

    @initialize()
    def open(self):
        for user in self.people:
            self.service.perform(user, OpenAccount(by=ROOT))
            self._bound(user, wrong_first=0, offset=0)

    # The world

    @rule(seconds=st.sampled_from([1, 15, 29, 30, 30, 31, 31, 60, 61, 90, 299, 300, 3_600, DAY, 2 * DAY]))
    def time_passes(self, seconds):
        self.true += seconds
        self._show()

    @rule(ahead=st.sampled_from([-SKEW / 2, -15, 0, 15, SKEW / 2]))
    def another_host(self, ahead):
        """The next performs run on a host whose clock is off: the clock seems to jump, forward or back."""
        self.ahead = ahead
        self._show()

    def _show(self):
        self.service.clock.set(self.true + self.ahead)

    @property
    def now(self):
        return self.service.clock()

    def _perform(self, user, verb):
        """Perform a verb, and note what it may not have changed."""
        type(self).steps += 1
        before = self.service.store.records
        try:
            outcome = self.service.perform(user, verb)
        except Refused as refused:
            outcome = refused.refusal
        changed = {key for key, record in self.service.store.records.items() if before.get(key) != record}
        assert changed <= {user_key("", user)}
        self.wrote = bool(changed)
        return outcome

    # Binding

    @rule(user=users, wrong_first=st.integers(0, 3), offset=st.integers(-1, 1))
    def bind(self, user, wrong_first, offset):
        self._bound(user, wrong_first=wrong_first, offset=offset)

    def _bound(self, user, *, wrong_first, offset):
        person = self.people[user]
        offered = self._perform(user, OfferVirtualDevice(ROOT, account_name=user, session=SESSION, create=True))
        if person.phone is not None:
            assert isinstance(offered, Refusal)
            assert offered.reason is Reason.TOO_MANY_DEVICES
            assert not self.wrote
            return
        phone = AuthenticatorApp.scan(offered.key_uri)
        for code in wrong_codes(phone, [self.now], wrong_first):
            refusal = self._perform(user, ConfirmVirtualDevice([code], offer=offered.id, by=ROOT, session=SESSION))
            assert refusal.reason is Reason.WRONG_CODE
        code = phone.code_at(self.now + offset * PERIOD)
        verb = ConfirmVirtualDevice([code], offer=offered.id, by=ROOT, session=SESSION)
        bound = self._perform(user, verb)
        assert not isinstance(bound, Refusal), bound
        again = self._perform(user, verb)
        assert again.advice is Advice.START_OVER
        self.people[user] = Person(
            epoch=person.epoch + 1,
            phone=phone,
            last=self._step(phone, code, 0),
            wrong=person.wrong,
            used=[code],
        )

    @rule(user=users, reset=st.booleans())
    def take_away(self, user, reset):
        person = self.people[user]
        outcome = self._perform(user, ResetMFA(ROOT) if reset else Unbind(by=ROOT))
        if person.phone is None and not reset:
            assert outcome.reason is Reason.NO_DEVICE
            return
        assert not isinstance(outcome, Refusal)
        self.people[user] = Person(epoch=person.epoch + 1)

    @rule(user=users)
    def change_the_password(self, user):
        self._perform(user, PasswordChanged())
        self.people[user].epoch += 1
        self.people[user].spent = []

    # Asking

    @rule(target=challenges, user=users, operation=st.none() | operations)
    def begin(self, user, operation):
        asked = self._begun(user, operation)
        return multiple() if asked is None else asked

    def _begun(self, user, operation):
        """Begin, and check that nothing is written; the challenge, or None where none may come."""
        person = self.people[user]
        verb = BeginLogon(session=SESSION) if operation is None else BeginStepUp(operation, session=SESSION)
        outcome = self._perform(user, verb)
        assert not self.wrote
        if person.phone is None:
            assert isinstance(outcome, MustBind) if operation is None else outcome.reason is Reason.NO_DEVICE
            return None
        if person.failures >= CAP:
            assert outcome.reason is Reason.DEVICE_DISABLED
            return None
        assert isinstance(outcome, Challenge)
        return Asked(user, str(outcome.id), person.epoch, self.now, operation)

    # Answering

    @rule(target=receipts, asked=challenges, kind=kinds, offset=offsets, choice=choices, session=sessions)
    def answer(self, asked, kind, offset, choice, session):
        """Answer a challenge, however old, answered already, or of another life of the account."""
        return self._answered(asked, kind=kind, offset=offset, choice=choice, session=session)

    @rule(target=receipts, user=users, operation=st.none() | operations, kind=kinds, offset=offsets, choice=choices)
    def prove(self, user, operation, kind, offset, choice):
        """Ask, and answer at once."""
        asked = self._begun(user, operation)
        if asked is None:
            return multiple()
        return self._answered(asked, kind=kind, offset=offset, choice=choice, session=SESSION)

    @rule(user=users, times=st.integers(1, 4), patient=st.booleans(), choice=choices)
    def guess(self, user, times, patient, choice):
        """Guess some times in a row; whoever is patient comes back when the gate opens, unless that takes an hour."""
        for time in range(times):
            asked = self._begun(user, None)
            if asked is None:
                return
            self._answered(asked, kind="wrong", offset=0, choice=choice + time, session=SESSION)
            wait = self.people[user].closed_until - self.now
            if patient and 0 < wait < 3_600:
                self.true += wait
                self._show()

    def _answered(self, asked, *, kind, offset, choice, session):
        person = self.people[asked.user]
        code = self._code(person, asked.user, kind=kind, offset=offset, choice=choice)
        evidence = TOTPCode(f" {code[:3]}-{code[3:]}\n" if kind == "spaced" else code)
        if asked.operation is None:
            verb = FinishLogon(asked.text, evidence, session=session)
        else:
            verb = FinishStepUp(asked.text, evidence, operation=asked.operation, session=session)
        outcome = self._perform(asked.user, verb)
        alive = self._alive(asked, person, session)
        if isinstance(outcome, Refusal) and outcome.advice is Advice.START_OVER:
            assert alive is not True, outcome
            assert not self.wrote
            return multiple()
        if isinstance(outcome, Refusal) and outcome.reason is Reason.ALREADY_SENT:
            assert asked.spent
            assert session == SESSION
            assert code in person.used
            assert not self.wrote
            return multiple()
        assert alive is not False
        if not self._weighed(person, code, outcome, drift=person.drift, backward=1, forward=1):
            return multiple()
        asked.spent = True
        person.spent.append(asked)
        assert isinstance(outcome, Proof)
        assert outcome.user == asked.user
        assert outcome.operation == asked.operation
        if asked.operation is None:
            return multiple()
        return Asked(asked.user, str(outcome.receipt), person.epoch, self.now, asked.operation)

    @rule(receipt=receipts, operation=operations, session=st.sampled_from([SESSION, SESSION, OTHER_SESSION]))
    def spend(self, receipt, operation, session):
        person = self.people[receipt.user]
        outcome = self._perform(receipt.user, SpendReceipt(receipt.text, operation=operation, session=session))
        alive = self._alive(receipt, person, session) if operation == receipt.operation else False
        if isinstance(outcome, Refusal):
            assert outcome.reason is Reason.BAD_RECEIPT
            assert alive is not True
            assert not self.wrote
            return
        assert alive is not False
        receipt.spent = True
        person.spent.append(receipt)

    @precondition(lambda self: any(person.phone for person in self.people.values()))
    @rule(user=users, drift=st.integers(-12, 12), wrong=st.sampled_from([False, False, True]))
    def resync(self, user, drift, wrong):
        person = self.people[user]
        if person.phone is None:
            return
        codes = person.phone.codes_at(self.now + (drift - 1) * PERIOD)
        if wrong:
            codes.reverse()
        outcome = self._perform(user, ResyncVirtualDevice(codes=codes, by=ROOT))
        if self._told_to_wait(person, outcome):
            return
        present = int(self.now // PERIOD)
        shown = [(step, person.phone.codes_at((step - 1) * PERIOD)) for step in range(present - 10, present + 11)]
        step = max((step for step, pair in shown if pair == codes), default=None)
        if step is None:
            self._count(person, outcome)
        elif step - 1 <= person.last:
            assert outcome.reason is Reason.REPLAYED_CODE
            assert not self.wrote
        else:
            assert not isinstance(outcome, Refusal), outcome
            person.last, person.drift, person.failures, person.closed_until = step, step - present, 0, 0
            person.used += codes

    # What must be true

    def _code(self, person, user, *, kind, offset, choice):
        phone = person.phone
        if kind == "the other's":
            phone = self.people["bob" if user == "alice" else "alice"].phone
        if phone is None:
            return f"{choice:06}"
        if kind == "used" and person.used:
            return person.used[-1 - choice % min(len(person.used), 3)]
        if kind == "wrong":
            return wrong_codes(phone, [self.now + person.drift * PERIOD], 1, first=choice % 900_000)[0]
        return phone.code_at(self.now + (person.drift + offset) * PERIOD)

    def _step(self, phone, code, drift, backward=1, forward=1):
        """The highest step of the window that shows the code, or None."""
        present = int(self.now // PERIOD) + drift
        window = range(present - backward, present + forward + 1)
        return max((step for step in window if phone.code_at(step * PERIOD) == code), default=None)

    def _alive(self, asked, person, session):
        """Whether a ticket must open (True), must not (False), or may have gone because too many were spent (None)."""
        if session != SESSION or asked.epoch != person.epoch or asked.spent or person.phone is None:
            return False
        if self.now >= asked.issued + 300:
            return False
        return None if len(person.spent) > bounds.MAX_SPENT else True

    def _told_to_wait(self, person, outcome):
        """Whether the gate was closed; it is when, and only when, a delay runs, the day's budget is spent, or the cap
        is met. Nothing is written then.
        """
        recent = sum(at > self.true - (DAY - SKEW) for at in person.wrong)
        around = sum(at > self.true - (DAY + SKEW) for at in person.wrong)
        assert recent <= PER_DAY
        refused = outcome.reason if isinstance(outcome, Refusal) else None
        if person.failures >= CAP:
            assert refused is Reason.DEVICE_DISABLED
        elif self.now < person.closed_until or recent >= PER_DAY:
            assert refused is Reason.THROTTLED
        elif around < PER_DAY:
            assert refused is not Reason.THROTTLED
        if refused is Reason.THROTTLED:
            assert outcome.retry_after > 0
            assert not self.wrote
            return True
        if refused is Reason.DEVICE_DISABLED and person.failures >= CAP:
            assert not self.wrote
            return True
        return False

    def _weighed(self, person, code, outcome, *, drift, backward, forward):
        """Check a verdict on a code; whether it was accepted."""
        if self._told_to_wait(person, outcome):
            return False
        step = self._step(person.phone, code, drift, backward, forward)
        if step is None:
            self._count(person, outcome)
            return False
        if step <= person.last:
            assert outcome.reason is Reason.REPLAYED_CODE
            assert outcome.next_challenge is not None
            assert not self.wrote
            return False
        assert not isinstance(outcome, Refusal), outcome
        assert step > person.last
        person.last, person.failures, person.closed_until = step, 0, 0
        person.used.append(code)
        return True

    def _count(self, person, outcome):
        """A wrong code: said to be wrong, written, and one fewer left."""
        assert isinstance(outcome, Refusal)
        person.failures += 1
        person.wrong.append(self.true)
        assert outcome.reason is (Reason.DEVICE_DISABLED if person.failures >= CAP else Reason.WRONG_CODE)
        assert self.wrote
        if person.failures >= FREE:
            delay = min(30 * 2 ** (person.failures - FREE), 3_600)
            person.closed_until = self.now + delay
            assert person.failures >= CAP or outcome.retry_after >= delay

    @invariant()
    def records_are_whole(self):
        """What stands in the store reads back as itself, agrees with what was told, and keeps its bounds."""
        for user, person in self.people.items():
            if user_key("", user) not in self.service.store.records:
                continue
            account = self.service.account(user)
            assert decode_account(encode_account(account)) == account
            assert len(account.devices) == (person.phone is not None)
            assert len(account.wrong) <= PER_DAY
            assert len(account.answered) <= bounds.MAX_SPENT
            assert len(account.offers) <= bounds.MAX_OFFERS
            for device in account.devices:
                assert device.last_step == person.last
                assert device.drift == person.drift
                assert device.failures == person.failures
                assert (device.disabled_at is not None) == (person.failures >= CAP)


class TestLife:
    @pytest.mark.requirement(
        "O7", "O11", "O12", "O13", "O14", "O15", "O16", "O17", "V1", "V3", "V6", "V7", "V26", "V38"
    )
    def test_of_two_users(self):
        """Over 20,000 steps: accepted steps of a device strictly increase; no more than the free tries come between two
        delays, and no more than the day's budget in a day; a ticket opens once, in its session, its epoch and its
        time; whatever is refused for another reason than a wrong code writes nothing; every record reads back.
        """
        Life.steps = 0
        run_state_machine_as_test(
            Life, settings=settings(max_examples=rounds(800), stateful_step_count=60, deadline=None)
        )
        print(f"{Life.steps} verbs")
        assert Life.steps > (20_000 if all_rounds else 300)


class TestHosts:
    @pytest.mark.parametrize("apart", [0, SKEW, 2 * SKEW])
    @pytest.mark.requirement("V38", "S9", "V26", "B14")
    def test_a_fast_clock_frees_nothing_for_a_slow_one(self, apart):
        """A receipt and a ticket that were used up, and that a host whose clock is ahead takes for long expired, do
        not pass again on one whose clock is behind.
        """
        service = Services("MFA")(policy=POLICY)
        phone = service.phone("alice")
        clock = service.clock
        receipt = service.receipt("alice", phone, DELETE)
        issued = clock()
        spend = SpendReceipt(receipt, operation=DELETE, session=SESSION)
        service.perform("alice", spend)
        clock.advance(PERIOD)
        ticket = service.ask("alice").id
        service.perform("alice", FinishLogon(ticket, service.code(phone), session=SESSION))

        for ahead in range(0, 2 * SKEW, PERIOD):
            clock.set(issued + 300 + ahead)
            service.perform("alice", FinishLogon(service.ask("alice").id, service.code(phone), session=SESSION))
            clock.advance(-apart)
            assert service.refusal("alice", spend).reason is Reason.BAD_RECEIPT
            for steps in (0, 1):
                again = FinishLogon(ticket, service.code(phone, steps=steps), session=SESSION)
                refusal = service.refusal("alice", again)
                assert refusal.reason is Reason.ALREADY_SENT or refusal.advice is Advice.START_OVER
