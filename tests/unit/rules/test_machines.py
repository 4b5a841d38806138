# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ram_mfa import (
    BeginLogon,
    BeginStepUp,
    Challenge,
    Describe,
    EraseAccount,
    EventType,
    FinishLogon,
    ForgetMachine,
    ForgetMachines,
    MFAPolicy,
    Operation,
    PasswordChanged,
    Reason,
    Remembered,
    RememberMachine,
    TOTPCode,
    add_to_machine_cookie,
)
from ram_mfa.policy.values import DAY
from ram_mfa.rules.machines import HANDLE_LENGTH, MAX_HANDLES
from tests.support.service import DELETE, ROOT, SESSION, finish

MARK = "the mark of a password"


@pytest.fixture
def service(services):
    return services(remember=RememberMachine())


def remember(service, phone, user="alice", *, label="Laptop", mark=MARK):
    """Log on with the next code and the box ticked; return the machine's token."""
    service.clock.advance(30)
    verb = finish(service.ask(user, mark=mark), service.code(phone), remember=label, password_mark=mark)
    return service.perform(user, verb).machine


def begin(service, cookie, user="alice", *, mark=MARK):
    return service.perform(user, BeginLogon(session=SESSION, machine=cookie, password_mark=mark))


@pytest.mark.requirement("A11")
class TestLabel:
    @pytest.mark.parametrize("label", ["", " ", "\n", "\x00\u200b\u2028", "\ud800", " \t "])
    def test_nothing_to_read(self, label):
        """An empty label, such as an unticked box sends, is the developer's error: it remembers no machine."""
        with pytest.raises(ValueError, match=r"FinishLogon\.remember must be None, or a label"):
            FinishLogon("ticket", TOTPCode("000000"), session=SESSION, remember=label, password_mark=MARK)

    @pytest.mark.parametrize("label", [True, False, 0, 1, b"Laptop", ["Laptop"], object()])
    def test_no_label(self, label):
        """What is neither a label nor None is the developer's error."""
        with pytest.raises(TypeError, match=r"FinishLogon\.remember must be a label for the machine, or None"):
            FinishLogon("ticket", TOTPCode("000000"), session=SESSION, remember=label, password_mark=MARK)

    @pytest.mark.parametrize(
        ("label", "kept"),
        [
            ("Laptop", "Laptop"),
            ("  my\nLaptop\x1b ", "myLaptop"),
            ("Cafe\u0301", "Café"),
            ("x" * 10_000, "x" * 64),
            ("x" * 63 + " y", "x" * 63),
            ("Жёлтый 笔记本", "Жёлтый 笔记本"),
        ],
    )
    def test_bounded_when_it_is_built(self, label, kept):
        """A label is at most 64 printable characters, in Unicode's composed form, as soon as the verb is built."""
        verb = FinishLogon("ticket", TOTPCode("000000"), session=SESSION, remember=label, password_mark=MARK)
        assert verb.remember == kept

    def test_an_empty_mark(self):
        """A mark that is empty changes with no password."""
        with pytest.raises(ValueError, match="password_mark must change"):
            BeginLogon(session=SESSION, password_mark="")
        with pytest.raises(TypeError, match="password_mark must be a string"):
            BeginLogon(session=SESSION, password_mark=5)


class TestRemember:
    @pytest.mark.requirement("B15", "B16", "B18")
    def test_skips_the_step_of_a_logon(self, service):
        """A remembered machine skips the MFA step of a logon: the outcome names the user, the machine and the end."""
        phone = service.phone("alice")
        token = remember(service, phone)
        assert len(token) == HANDLE_LENGTH
        with service.unchanged():
            outcome = begin(service, token)
        machine = service.account("alice").machines[0]
        assert isinstance(outcome, Remembered)
        assert (outcome.user, outcome.machine, outcome.until) == ("alice", machine.id, service.clock() + 7 * DAY)
        assert service.events(EventType.MFA_SKIPPED)[0].detail == f"machine {machine.id}"
        assert service.events(EventType.MACHINE_REMEMBERED)[0].detail == machine.id

    @pytest.mark.requirement("B16")
    def test_only_a_digest_is_kept(self, service):
        """Of a handle only the digest is stored, and no event, view or repr holds the token."""
        phone = service.phone("alice")
        token = remember(service, phone)
        account = service.account("alice")
        assert account.machines[0].digest == hashlib.sha256(token.encode()).digest()
        assert str(token) not in repr((account, service.observed, service.perform("alice", Describe(token)), token))

    @pytest.mark.requirement("B18")
    def test_nothing_else(self, service):
        """It skips neither a step-up nor anything that a receipt is needed for."""
        phone = service.phone("alice")
        remember(service, phone)
        assert isinstance(service.perform("alice", BeginStepUp(DELETE, session=SESSION)), Challenge)

    def test_where_it_is_not_allowed(self, services):
        """Where the policy does not allow it no machine is remembered, and the proof holds no token."""
        service = services()
        phone = service.phone("alice")
        assert remember(service, phone) is None
        assert service.account("alice").machines == ()

    @pytest.mark.requirement("B16")
    @pytest.mark.parametrize(("seconds", "counts"), [(7 * DAY - 0.5, True), (7 * DAY, False), (7 * DAY + 1, False)])
    def test_absolute(self, service, seconds, counts):
        """Seven days absolute, by the server's clock: a logon in between prolongs nothing."""
        phone = service.phone("alice")
        token = remember(service, phone)
        remembered_at = service.clock()
        service.clock.advance(3 * DAY)
        assert isinstance(begin(service, token), Remembered)
        service.clock.set(remembered_at + seconds)
        assert isinstance(begin(service, token), Remembered if counts else Challenge)

    def test_bounded(self, services):
        """So many machines are remembered and no more: the oldest goes."""
        service = services(remember=RememberMachine(max_machines=2))
        phone = service.phone("alice")
        tokens = [remember(service, phone, label=f"Machine {turn}") for turn in range(3)]
        assert isinstance(begin(service, tokens[0]), Challenge)
        assert [machine.label for machine in service.account("alice").machines] == ["Machine 1", "Machine 2"]
        service.clock.advance(8 * DAY)
        remember(service, phone, label="Machine 3")
        assert [machine.label for machine in service.account("alice").machines] == ["Machine 3"]

    def test_labels(self, service):
        """A label keeps what a page can show of it, and not more than that."""
        phone = service.phone("alice")
        remember(service, phone, label="La\x00p\ntop\ud800" + "x" * 100)
        assert service.account("alice").machines[0].label == "Laptop" + "x" * 58


class TestEnds:
    @pytest.mark.requirement("B7", "B17", "V19")
    def test_a_password_change(self, service):
        """A password change ends it, by PasswordChanged and by a new mark alone."""
        phone = service.phone("alice")
        token = remember(service, phone)
        assert isinstance(begin(service, token, mark="another"), Challenge)
        assert isinstance(begin(service, token), Remembered)
        service.perform("alice", PasswordChanged())
        assert isinstance(begin(service, token), Challenge)

    @pytest.mark.requirement("B17")
    def test_an_old_mark_returns(self, service):
        """Once a new mark was seen at a logon, the old mark's return revives nothing."""
        phone = service.phone("alice")
        token = remember(service, phone)
        service.clock.advance(30)
        service.perform(
            "alice", finish(service.ask("alice", mark="another"), service.code(phone), password_mark="another")
        )
        assert isinstance(begin(service, token), Challenge)
        assert service.account("alice").machines == ()

    @pytest.mark.requirement("B17")
    def test_the_setting(self, services):
        """Switched off or shortened it ends at once; switched on again after a logon, it stays ended."""
        rules = [RememberMachine()]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", remember=rules[0]))
        phone = service.phone("alice")
        token = remember(service, phone)
        service.clock.advance(DAY)
        for rule, counts in ((RememberMachine(lifetime=DAY), False), (RememberMachine(lifetime=2 * DAY), True)):
            rules[0] = rule
            assert isinstance(begin(service, token), Remembered if counts else Challenge)
        rules[0] = None
        assert isinstance(begin(service, token), Challenge)
        service.perform("alice", finish(service.ask("alice"), service.code(phone)))
        rules[0] = RememberMachine()
        assert isinstance(begin(service, token), Challenge)

    @pytest.mark.requirement("B17", "S12")
    def test_lost_history(self, service):
        """A machine that was proved before history was lost does not count: its end may be among what was lost."""
        phone = service.phone("alice")
        token = remember(service, phone)
        service.clock.advance(300)
        service.run(service.mfa.declare_restored())
        assert isinstance(begin(service, token), Challenge)
        service.clock.advance(300)
        assert isinstance(begin(service, remember(service, phone)), Remembered)

    def test_a_clock_set_back(self, service):
        """A machine remembered in the future, beyond the clocks' skew, does not count."""
        phone = service.phone("alice")
        token = remember(service, phone)
        service.clock.advance(-60)
        assert isinstance(begin(service, token), Remembered)
        service.clock.advance(-1)
        assert isinstance(begin(service, token), Challenge)

    @pytest.mark.requirement("B16", "V18")
    def test_another_users(self, service):
        """One user's token is none of another's, nor a piece of one, nor a made-up one."""
        phone, other = service.phone("alice"), service.phone("bob")
        token = remember(service, phone)
        remember(service, other, "bob")
        assert isinstance(begin(service, token, "bob"), Challenge)
        for cookie in ("", token[:-1], token + "A", "A" * HANDLE_LENGTH, "é" * HANDLE_LENGTH, ".", "x" * 5_000, None):
            assert isinstance(begin(service, cookie), Challenge)
        for wrong in (5, b"cookie", True):
            with pytest.raises(TypeError, match="machine"):
                begin(service, wrong)


class TestJar:
    @pytest.mark.requirement("B16")
    def test_several_users_of_one_browser(self, service):
        """Several users of one browser do not disturb each other."""
        phones = {user: service.phone(user) for user in ("alice", "bob")}
        cookie = None
        for user, phone in phones.items():
            cookie = add_to_machine_cookie(cookie, remember(service, phone, user))
        for user in phones:
            assert isinstance(begin(service, cookie, user), Remembered)
        assert isinstance(begin(service, add_to_machine_cookie(cookie, "x" * HANDLE_LENGTH), "alice"), Remembered)

    def test_the_newest_counts(self, service):
        """Of several handles of one user in a jar, the newest machine is this one."""
        phone = service.phone("alice")
        first = remember(service, phone, label="First")
        second = remember(service, phone, label="Second")
        outcome = begin(service, add_to_machine_cookie(second, first))
        assert outcome.machine == service.account("alice").machines[-1].id

    @given(
        cookie=st.none() | st.text(st.sampled_from("AB.é"), max_size=100) | st.just("x" * 2_000),
        tokens=st.lists(
            st.text(st.sampled_from("AB"), min_size=HANDLE_LENGTH, max_size=HANDLE_LENGTH), min_size=1, max_size=40
        ),
    )
    def test_law(self, cookie, tokens):
        """A jar holds the last sixteen tokens, each once, the newest last, and nothing else."""
        for token in tokens:
            cookie = add_to_machine_cookie(cookie, token)
        held = cookie.split(".")
        assert held[-1] == tokens[-1]
        assert len(held) == len(set(held)) <= MAX_HANDLES
        assert {len(one) for one in held} == {HANDLE_LENGTH}
        newest = list(dict.fromkeys(reversed(tokens)))[:MAX_HANDLES]
        assert list(reversed(held))[: len(newest)] == newest

    def test_blank(self):
        """A jar has a blank repr."""
        assert repr(add_to_machine_cookie(None, "A" * HANDLE_LENGTH)) == "<secret text>"


class TestForget:
    @pytest.mark.requirement("B17")
    def test_one_and_all(self, service):
        """Machines are forgotten singly and all at once, and only those that are there."""
        phone = service.phone("alice")
        tokens = [remember(service, phone, label=f"Machine {turn}") for turn in range(3)]
        views = service.perform("alice", Describe(tokens[1])).machines
        assert [(view.label, view.this) for view in views] == [
            ("Machine 0", False),
            ("Machine 1", True),
            ("Machine 2", False),
        ]
        service.perform("alice", ForgetMachine(views[1].id, by=ROOT))
        expected = [Remembered, Challenge, Remembered]
        assert [type(begin(service, token)) for token in tokens] == expected
        assert service.refusal("alice", ForgetMachine(views[1].id, by=ROOT)).reason is Reason.NOTHING_TO_DO
        service.perform("alice", ForgetMachines(by=ROOT))
        assert {type(begin(service, token)) for token in tokens} == {Challenge}
        assert service.refusal("alice", ForgetMachines(by=ROOT)).reason is Reason.NOTHING_TO_DO
        assert service.events(EventType.MACHINES_FORGOTTEN)[0].actor == "administrator root"

    def test_by_the_owner(self, service):
        """The owner shows a receipt for it, which is spent."""
        phone = service.phone("alice")
        token = remember(service, phone)
        by = service.owner("alice", phone, Operation.MACHINES)
        service.perform("alice", ForgetMachines(by=by))
        assert isinstance(begin(service, token), Challenge)
        assert service.refusal("alice", ForgetMachines(by=by)).reason is Reason.BAD_RECEIPT
        first = service.first_device("alice")
        assert service.refusal("alice", ForgetMachines(by=first)).reason is Reason.NOT_AUTHORISED

    def test_no_record(self, service):
        """Without a record there is nothing."""
        service.phone("alice")
        service.perform("alice", EraseAccount(by=ROOT))
        for verb in (ForgetMachines(by=ROOT), ForgetMachine("id", by=ROOT)):
            assert service.refusal("alice", verb).reason is Reason.NO_ACCOUNT
