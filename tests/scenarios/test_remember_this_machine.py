# SPDX-License-Identifier: Apache-2.0
"""Remember this machine for 7 days: an administrator allows it, and the user ticks it at a logon."""

from __future__ import annotations

import attrs
import pytest

from ram_mfa import (
    BeginLogon,
    Challenge,
    Describe,
    EventType,
    FinishLogon,
    ForgetMachine,
    ForgetMachines,
    MFAPolicy,
    MustBind,
    Operation,
    PasswordChanged,
    Reason,
    Remembered,
    RememberMachine,
    ResetMFA,
    Unbind,
    add_to_machine_cookie,
)
from ram_mfa.policy.values import DAY
from ram_mfa.testing import new_session
from tests.support.key_apis import KeyAPI, answer
from tests.support.service import PARTY, ROOT, SESSION

MARK = "hash of the password hash"


def tick(service, user, evidence, asked, session, *, label="Laptop", mark=MARK):
    """Finish the logon with "Remember this machine" ticked, and return the proof."""
    return service.perform(user, FinishLogon(asked.id, evidence, session=session, remember=label, password_mark=mark))


def back(service, user, cookie, *, mark=MARK):
    """Come back on the machine, with user name and password: what the logon comes to."""
    return service.perform(user, BeginLogon(session=new_session(), machine=cookie, password_mark=mark))


def remembered(service, user="alice", *, phone=None, label="Laptop"):
    """Log on with a code, ticked; return the phone and the machine's cookie."""
    phone, session = phone or service.phone(user), new_session()
    service.clock.advance(phone.period)
    asked = service.ask(user, session=session, mark=MARK)
    return phone, str(tick(service, user, service.code(phone), asked, session, label=label).machine)


@pytest.fixture
def allowed(services):
    """A service whose administrator set "Remember MFA for Seven Days" to Allowed."""
    return services(remember=RememberMachine())


class TestSevenDays:
    @pytest.mark.requirement("B15", "B16")
    def test_not_allowed(self, service):
        """By default it is not allowed: the page does not offer it, and who ticks it all the same is not remembered."""
        phone, session = service.phone("alice"), new_session()
        asked = service.ask("alice", session=session, mark=MARK)
        assert not asked.may_remember
        proof = tick(service, "alice", service.code(phone), asked, session)
        assert proof.machine is None
        assert service.perform("alice", Describe()).machines == ()

    @pytest.mark.requirement("B15", "B16")
    @pytest.mark.parametrize("device", ["phone", "key"])
    def test_return_within_seven_days(self, allowed, device):
        """Ticked at a logon with either device, MFA is not asked for on that machine within seven days."""
        session = new_session()
        bound = allowed.phone("alice") if device == "phone" else allowed.key("alice")
        asked = allowed.ask("alice", session=session, mark=MARK)
        assert asked.may_remember
        evidence = allowed.code(bound) if device == "phone" else answer(KeyAPI.WEBAUTHN, bound, asked)
        proof = tick(allowed, "alice", evidence, asked, session)
        for days in (0, 1, 6, 7):
            allowed.clock.set(proof.at + days * DAY - (days == 7))
            outcome = back(allowed, "alice", str(proof.machine))
            assert isinstance(outcome, Remembered)
            assert (outcome.user, outcome.until) == ("alice", proof.at + 7 * DAY)
        assert len(allowed.events(EventType.MFA_SKIPPED)) == 4

    @pytest.mark.requirement("B16")
    def test_return_a_second_after(self, allowed):
        """Seven days to the second after it was ticked, MFA is asked for again; coming back did not prolong them."""
        _, cookie = remembered(allowed)
        ticked = allowed.clock()
        allowed.clock.set(ticked + 7 * DAY - 1)
        assert isinstance(back(allowed, "alice", cookie), Remembered)
        for late in (0, 1, DAY):
            allowed.clock.set(ticked + 7 * DAY + late)
            assert isinstance(back(allowed, "alice", cookie), Challenge)

    def test_not_ticked(self, allowed):
        """Without the tick the next logon asks for the device."""
        phone, session = allowed.phone("alice"), new_session()
        asked = allowed.ask("alice", session=session, mark=MARK)
        proof = allowed.perform(
            "alice", FinishLogon(asked.id, allowed.code(phone), session=session, password_mark=MARK)
        )
        assert proof.machine is None
        assert isinstance(back(allowed, "alice", None), Challenge)

    @pytest.mark.requirement("B16", "V18")
    def test_another_machine(self, allowed):
        """It is this machine that is remembered: another browser, another user, and a made-up cookie are asked."""
        _, cookie = remembered(allowed)
        allowed.phone("bob")
        assert isinstance(back(allowed, "alice", None), Challenge)
        assert isinstance(back(allowed, "bob", cookie), Challenge)
        for wrong in (cookie[:-1], cookie[:-1] + "-", "A" * 43, "", cookie.swapcase(), cookie * 20):
            assert isinstance(back(allowed, "alice", wrong), Challenge)


class TestList:
    def test_listed_and_forgotten(self, allowed):
        """The user sees the machines with label and date, which one this is, and forgets one of them, or all."""
        phone, first = remembered(allowed, label="Laptop")
        _, second = remembered(allowed, phone=phone, label="Office")
        view = allowed.perform("alice", Describe(machine=second))
        assert [(one.label, one.this) for one in view.machines] == [("Laptop", False), ("Office", True)]
        me = allowed.owner("alice", phone, Operation.MACHINES)
        allowed.perform("alice", ForgetMachine(view.machines[0].id, by=me))
        assert isinstance(back(allowed, "alice", first), Challenge)
        assert isinstance(back(allowed, "alice", second), Remembered)
        allowed.perform("alice", ForgetMachines(by=ROOT))
        assert isinstance(back(allowed, "alice", second), Challenge)

    def test_two_users_of_one_browser(self, allowed):
        """Two users of one browser are both remembered in its one cookie, and neither disturbs the other."""
        _, alice = remembered(allowed, "alice")
        _, bob = remembered(allowed, "bob")
        cookie = str(add_to_machine_cookie(str(add_to_machine_cookie(None, alice)), bob))
        assert isinstance(back(allowed, "alice", cookie), Remembered)
        assert isinstance(back(allowed, "bob", cookie), Remembered)
        allowed.perform("bob", ForgetMachines(by=ROOT))
        assert isinstance(back(allowed, "alice", cookie), Remembered)
        assert isinstance(back(allowed, "bob", cookie), Challenge)

    def test_the_oldest_goes(self, services):
        """The list is bounded: the oldest machine goes when one more is remembered."""
        service = services(remember=RememberMachine(max_machines=2))
        phone, first = remembered(service)
        _, second = remembered(service, phone=phone)
        _, third = remembered(service, phone=phone)
        outcomes = [type(back(service, "alice", cookie)) for cookie in (first, second, third)]
        assert outcomes == [Challenge, Remembered, Remembered]


@pytest.mark.requirement("B17", "V19")
class TestWhatEndsIt:
    """It ends before its seven days with whatever changes who the machine can vouch for."""

    def test_unbind(self, allowed):
        """The device is unbound, and another one bound: the machine is forgotten."""
        _, cookie = remembered(allowed)
        allowed.perform("alice", Unbind(by=ROOT))
        assert isinstance(back(allowed, "alice", cookie), MustBind)
        allowed.phone("alice")
        assert isinstance(back(allowed, "alice", cookie), Challenge)

    def test_reset(self, allowed):
        """MFA is reset by an administrator."""
        _, cookie = remembered(allowed)
        allowed.perform("alice", ResetMFA(by=ROOT))
        assert isinstance(back(allowed, "alice", cookie), MustBind)
        allowed.phone("alice")
        assert isinstance(back(allowed, "alice", cookie), Challenge)

    def test_password_changed(self, allowed):
        """The password changes, and the application says so."""
        _, cookie = remembered(allowed)
        allowed.perform("alice", PasswordChanged())
        assert isinstance(back(allowed, "alice", cookie), Challenge)

    def test_password_changed_and_nobody_said_so(self, allowed):
        """The password changes, and the application forgets to say so: the mark differs, and that is enough."""
        _, cookie = remembered(allowed)
        assert isinstance(back(allowed, "alice", cookie, mark="hash of the new password hash"), Challenge)

    def test_switched_off(self, services):
        """The administrator no longer allows it."""
        setting = [MFAPolicy.ram(issuer="Example", relying_party=PARTY, remember=RememberMachine())]
        service = services(policy=lambda: setting[0])
        _, cookie = remembered(service)
        assert isinstance(back(service, "alice", cookie), Remembered)
        setting[0] = MFAPolicy.ram(issuer="Example", relying_party=PARTY)
        assert isinstance(back(service, "alice", cookie), Challenge)

    def test_shortened(self, services):
        """The administrator allows a day only: what was ticked for seven is good for one."""
        setting = [RememberMachine()]
        service = services(policy=lambda: MFAPolicy.ram(issuer="Example", relying_party=PARTY, remember=setting[0]))
        _, cookie = remembered(service)
        setting[0] = RememberMachine(lifetime=DAY)
        service.clock.advance(DAY - 1)
        assert isinstance(back(service, "alice", cookie), Remembered)
        service.clock.advance(1)
        assert isinstance(back(service, "alice", cookie), Challenge)

    def test_device_disabled(self, allowed):
        """A hundred wrong codes in a row disable the device: the machine is forgotten, and nobody is let in on it."""
        phone, cookie = remembered(allowed)
        (device,) = allowed.account("alice").devices
        allowed.plant("alice", devices=(attrs.evolve(device, failures=99),))
        asked = allowed.ask("alice")
        verb = FinishLogon(asked.id, allowed.wrong(phone), session=SESSION)
        assert allowed.refusal("alice", verb).reason is Reason.DEVICE_DISABLED
        begin = BeginLogon(session=new_session(), machine=cookie, password_mark=MARK)
        assert allowed.refusal("alice", begin).reason is Reason.DEVICE_DISABLED
        assert allowed.perform("alice", Describe()).machines == ()
