# SPDX-License-Identifier: Apache-2.0
"""Who may do what: one table of deeds and actors, each cell a list of conditions. What is not listed is refused.

A receipt or an enrolment ticket is verified here, never believed; a receipt is spent in the deed's own swap
(requirements B2, B4, B11, B14; V21, V22).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from ..account import Account
from ..context import Context
from ..policy import AdministratorProof, UnknownUsers
from ..refusals import Reason
from .actors import Actor, Administrator, Enrolment, Owner, Role
from .outcomes import Operation
from .tickets import Opened, Purpose, open_receipt, open_ticket, spend


class Action(enum.Enum):
    """What an actor may ask for; the rows of the table."""

    OPEN_ACCOUNT = "open an account"
    BIND = "bind a device"
    UNBIND = "unbind a device"
    RENAME = "rename a device"
    RESYNC = "resynchronise a virtual device"
    MACHINES = "forget machines"
    RESET = "reset MFA"
    IMPORT = "import a device"
    REQUIRE = "require MFA"
    ERASE = "erase an account"
    MOVE = "move an account to another user id"
    DISCARD = "discard an unreadable record"


@attrs.frozen
class Grant:
    """The deed is allowed.

    Attributes:
        account: the account in which the receipt that was shown is spent.
        actor: what records and events call the actor.
    """

    account: Account | None
    actor: str


@attrs.frozen
class _Asked:
    account: Account | None
    context: Context
    actor: Actor
    action: Action


_Verdict = Account | Reason | None
"""The account with a receipt spent, or why not, or nothing to say."""
Condition = Callable[[_Asked], _Verdict]


def administrator_proved(asked: _Asked) -> _Verdict:
    """The administrator's own step-up was verified, where the policy asks for one."""
    policy, actor = asked.context.policy, asked.actor
    if policy.administrator_proof is AdministratorProof.NOT_ASKED:
        return None
    proved = isinstance(actor, Administrator) and asked.context.administrator == actor.name
    return None if proved else Reason.PROOF_NEEDED


def self_managed(asked: _Asked) -> _Verdict:
    """The policy lets users manage their own devices."""
    return None if asked.context.policy.may_manage_self().allowed else Reason.NOT_AUTHORISED


def account_open(asked: _Asked) -> _Verdict:
    """The user has a record."""
    return Reason.NO_ACCOUNT if asked.account is None else None


def no_device_bound(asked: _Asked) -> _Verdict:
    """No device is bound: where one is, a password or an enrolment is not enough."""
    bound = asked.account is not None and asked.account.devices
    return Reason.PROOF_NEEDED if bound else None


def password_fresh(asked: _Asked) -> _Verdict:
    """The password was checked within the policy's lifetime, and not in the future beyond the clocks' skew."""
    policy, actor = asked.context.policy, asked.actor
    never = -math.inf
    password_at = actor.password_at if isinstance(actor, Owner) and actor.password_at is not None else never
    fresh = -policy.clock_skew <= asked.context.now - password_at <= policy.lifetimes.password
    return None if fresh else Reason.PROOF_NEEDED


def receipt_shown(asked: _Asked) -> _Verdict:
    """The receipt of a fresh step-up for this deed is valid; it is spent."""
    account, actor = asked.account, asked.actor
    if account is None or not isinstance(actor, Owner) or actor.receipt is None:
        return Reason.PROOF_NEEDED
    opened = open_receipt(
        actor.receipt, account, asked.context, session=actor.session, operation=_OPERATIONS[asked.action]
    )
    return opened if isinstance(opened, Reason) else spend(account, asked.context, opened[0].stamp)


def enrolment_shown(asked: _Asked) -> _Verdict:
    """The enrolment ticket is valid, and MFA is still required of the user."""
    account, context, actor = asked.account, asked.context, asked.actor
    if account is None:
        required = context.policy.unknown_users is UnknownUsers.MUST_BIND
    else:
        required = context.policy.must_use_mfa(required=account.required).allowed
    if not required:
        return Reason.NOT_AUTHORISED
    ticket, session = (actor.ticket, actor.session) if isinstance(actor, Enrolment) else ("", "")
    opened = open_ticket(ticket, account, context, purpose=Purpose.ENROLMENT, session=session)
    return None if isinstance(opened, Opened) else opened


_OPERATIONS: Final[Mapping[Action, Operation]] = {
    Action.BIND: Operation.BIND,
    Action.UNBIND: Operation.UNBIND,
    Action.RENAME: Operation.RENAME,
    Action.RESYNC: Operation.RESYNC,
    Action.MACHINES: Operation.MACHINES,
}

_ADMINISTRATOR: Final[Mapping[Role, tuple[Condition, ...]]] = {
    Role.ADMINISTRATOR: (administrator_proved,),
    Role.UNSAFE_ADMINISTRATOR: (),
}
_OWNER: Final[Mapping[Role, tuple[Condition, ...]]] = {
    Role.OWNER: (self_managed, account_open, receipt_shown),
}

PERMISSIONS: Final[Mapping[Action, Mapping[Role, tuple[Condition, ...]]]] = {
    Action.OPEN_ACCOUNT: _ADMINISTRATOR,
    Action.BIND: {
        **_ADMINISTRATOR,
        **_OWNER,
        Role.FIRST_DEVICE_OWNER: (self_managed, account_open, no_device_bound, password_fresh),
        Role.ENROLLING: (no_device_bound, enrolment_shown),
    },
    Action.UNBIND: {**_ADMINISTRATOR, **_OWNER},
    Action.RENAME: {**_ADMINISTRATOR, **_OWNER},
    Action.RESYNC: {**_ADMINISTRATOR, **_OWNER},
    Action.MACHINES: {**_ADMINISTRATOR, **_OWNER},
    Action.RESET: _ADMINISTRATOR,
    Action.IMPORT: _ADMINISTRATOR,
    Action.REQUIRE: _ADMINISTRATOR,
    Action.ERASE: _ADMINISTRATOR,
    Action.MOVE: _ADMINISTRATOR,
    Action.DISCARD: _ADMINISTRATOR,
}


def authorise(account: Account | None, context: Context, actor: Actor, action: Action) -> Grant | Reason:
    """Decide whether the actor may do the deed to the account, or why not."""
    conditions = PERMISSIONS[action].get(actor.role)
    if conditions is None:
        return Reason.NOT_AUTHORISED
    spent = account
    for condition in conditions:
        verdict = condition(_Asked(account, context, actor, action))
        if isinstance(verdict, Reason):
            return verdict
        if verdict is not None:
            spent = verdict
    return Grant(spent, actor.label)
