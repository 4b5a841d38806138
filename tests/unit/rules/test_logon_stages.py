# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import attrs
import pytest

from ram_mfa import Challenge, MFAPolicy, MustBind, PolicyRule, Reason, Requirement, Ticket, UnknownUsers
from ram_mfa._secret import SecretBytes
from ram_mfa.context import Context
from ram_mfa.rules.logon_stages import second_factor, why_not_required
from ram_mfa.rules.tickets import MICROSECONDS, NOTHING
from tests.support.accounts import ACCOUNT, PHONE, ROOT_RECORD
from tests.support.service import SESSION

BOUND = attrs.evolve(ACCOUNT, devices=(attrs.evolve(PHONE, disabled_at=None),), moved_to=None, reserved_for=None)
EMPTY = attrs.evolve(BOUND, devices=(), offers=())
LOGON = Ticket("")
NOW = 1_700_000_000.0


def context(**rules):
    policy = MFAPolicy.ram(issuer="Example", **rules)
    return Context(policy, NOW, SecretBytes(b"e" * 32), ROOT_RECORD, "alice", "u" + 43 * "A")


def asked_for(account, context, until=None):
    return second_factor(account, context, session=SESSION, mark=NOTHING, logon=LOGON, until=until)


class TestWhyNotRequired:
    @pytest.mark.requirement("B11")
    @pytest.mark.parametrize(
        ("unknown_users", "rule"),
        [
            (UnknownUsers.REFUSE, None),
            (UnknownUsers.MUST_BIND, None),
            (UnknownUsers.NOT_REQUIRED, PolicyRule.UNKNOWN_USERS),
        ],
    )
    def test_without_a_record(self, unknown_users, rule):
        """A user without a record needs no MFA only where the policy says so by name."""
        assert why_not_required(None, context(unknown_users=unknown_users)) is rule

    def test_with_a_record(self):
        """Whoever has a device needs it; without one it is the requirement that decides."""
        for required in (False, True):
            assert why_not_required(attrs.evolve(BOUND, required=required), context()) is None
        assert why_not_required(attrs.evolve(EMPTY, required=True), context()) is None
        assert why_not_required(attrs.evolve(EMPTY, required=False), context()) is not None
        everybody = context(requirement=Requirement.EVERYBODY)
        assert why_not_required(attrs.evolve(EMPTY, required=False), everybody) is None


class TestSecondFactor:
    @pytest.mark.requirement("B11", "B19")
    @pytest.mark.parametrize("unknown_users", UnknownUsers)
    def test_without_a_record(self, unknown_users):
        """A user without a record must bind where the policy says so, and is refused otherwise."""
        outcome = asked_for(None, context(unknown_users=unknown_users))
        if unknown_users is UnknownUsers.MUST_BIND:
            assert isinstance(outcome, MustBind)
        else:
            assert outcome is Reason.NO_ACCOUNT

    @pytest.mark.parametrize("unknown_users", UnknownUsers)
    def test_without_a_device(self, unknown_users):
        """A user with a record and no device must bind, whatever holds for users without a record."""
        outcome = asked_for(EMPTY, context(unknown_users=unknown_users))
        assert isinstance(outcome, MustBind)
        assert outcome.expires_at == NOW + 600

    def test_with_a_device(self):
        outcome = asked_for(BOUND, context())
        assert isinstance(outcome, Challenge)
        assert outcome.expires_at == NOW + 300

    @pytest.mark.parametrize("account", [EMPTY, BOUND])
    @pytest.mark.parametrize("left", [1, 200, 100_000])
    def test_no_later_than_the_password(self, account, left):
        """A ticket ends with the first factor, or by its own lifetime, whichever is earlier."""
        longest = 600 if account is EMPTY else 300
        outcome = asked_for(account, context(), until=int((NOW + left) * MICROSECONDS))
        assert outcome.expires_at == NOW + min(left, longest)
