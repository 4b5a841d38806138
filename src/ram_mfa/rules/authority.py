# SPDX-License-Identifier: Apache-2.0
"""The permission table: for each action and role, the conditions to meet. Anything not listed is refused.

Receipts and enrolment tickets are verified here; a receipt is spent in the same swap as the action
(requirements B2, B4, B11, B14; V21, V22).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from ..account import Account
from ..context import Context
from ..policy import AdministratorProof, UnknownUsers
from ..refusals import Reason
from .actors import Actor, Administrator, Enrolment, Owner, Rebinding, Role
from .first_factor import open_first_factor
from .operation import Operation
from .password_marks import mark_digest
from .tickets import Opened, Purpose, open_receipt, open_ticket, spend


class Action(enum.Enum):
    """An action that an actor may request; the rows of the table."""

    OPEN_ACCOUNT = "open an account"
    BIND = "bind a device"
    UNBIND = "unbind a device"
    RENAME = "rename a device"
    RESYNC = "resynchronise a virtual device"
    MACHINES = "forget machines"
    ADMIT_BROWSER = "admit a browser"
    UNLOCK = "forgive wrong codes"
    RESET = "reset MFA"
    IMPORT = "import a device"
    MAKE_RECOVERY_CODES = "make recovery codes"
    REVOKE_RECOVERY_CODES = "revoke recovery codes"
    REQUIRE = "require MFA"
    ERASE = "erase an account"
    MOVE = "move an account to another user id"
    DISCARD = "discard an unreadable record"


@attrs.frozen
class Grant:
    """Permission for an action.

    Attributes:
        actor: the actor's name in records and events.
        receipt: the stamp of the receipt that the actor presented, or None.
    """

    actor: str
    receipt: bytes | None

    def spent(self, account: Account, context: Context) -> Account:
        """Return the account with the receipt spent, if the actor presented one."""
        return account if self.receipt is None else spend(account, context, self.receipt)


@attrs.frozen
class _Request:
    account: Account | None
    context: Context
    actor: Actor
    action: Action


_Result = bytes | Reason | None
"""The reason of a refusal; or, where the condition holds, the stamp of a valid receipt, or None."""
Condition = Callable[[_Request], _Result]


def administrator_proved(request: _Request) -> _Result:
    """The administrator's own step-up was verified, where the policy asks for one."""
    policy, actor = request.context.policy, request.actor
    if policy.administrator_proof is AdministratorProof.NOT_ASKED:
        return None
    proved = isinstance(actor, Administrator) and request.context.administrator == actor.name
    return None if proved else Reason.PROOF_NEEDED


def self_managed(request: _Request) -> _Result:
    """The policy lets users manage their own devices."""
    return None if request.context.policy.may_manage_self().allowed else Reason.NOT_AUTHORISED


def account_open(request: _Request) -> _Result:
    """The user has a record."""
    return Reason.NO_ACCOUNT if request.account is None else None


def no_device_bound(request: _Request) -> _Result:
    """No device is bound: where one is, a password or an enrolment is not enough."""
    bound = request.account is not None and request.account.devices
    return Reason.PROOF_NEEDED if bound else None


def first_factor_shown(request: _Request) -> _Result:
    """The first-factor ticket is valid: the password was right in this session, within the policy's lifetime."""
    account, context, actor = request.account, request.context, request.actor
    ticket, session = (actor.first_factor or "", actor.session) if isinstance(actor, Owner) else ("", "")
    given = actor.password_mark if isinstance(actor, Owner) else None
    mark = None if given is None else mark_digest(given)
    opened = open_first_factor(ticket, account, context, session=session, mark=mark)
    return None if isinstance(opened, Opened) else opened


def receipt_shown(request: _Request) -> _Result:
    """The receipt of a fresh step-up for this action is valid."""
    account, actor = request.account, request.actor
    if account is None or not isinstance(actor, Owner) or actor.receipt is None:
        return Reason.PROOF_NEEDED
    opened = open_receipt(
        actor.receipt, account, request.context, session=actor.session, operation=_OPERATIONS[request.action]
    )
    return opened if isinstance(opened, Reason) else opened[0].stamp


def enrolment_shown(request: _Request) -> _Result:
    """The enrolment ticket is valid, and MFA is still required of the user."""
    account, context, actor = request.account, request.context, request.actor
    if account is None:
        required = context.policy.unknown_users is UnknownUsers.MUST_BIND
    else:
        required = context.policy.must_use_mfa(required=account.required).allowed
    if not required:
        return Reason.NOT_AUTHORISED
    ticket, session = (actor.ticket, actor.session) if isinstance(actor, Enrolment) else ("", "")
    opened = open_ticket(ticket, account, context, purpose=Purpose.ENROLMENT, session=session)
    return None if isinstance(opened, Opened) else opened


def rebind_shown(request: _Request) -> _Result:
    """The ticket that a recovery code earned is valid, and the policy still has recovery codes."""
    account, context, actor = request.account, request.context, request.actor
    if context.policy.recovery_codes is None:
        return Reason.NOT_AUTHORISED
    ticket, session = (actor.ticket, actor.session) if isinstance(actor, Rebinding) else ("", "")
    opened = open_ticket(ticket, account, context, purpose=Purpose.REBIND, session=session)
    return None if isinstance(opened, Opened) else opened


_OPERATIONS: Final[Mapping[Action, Operation]] = {
    Action.BIND: Operation.BIND,
    Action.UNBIND: Operation.UNBIND,
    Action.RENAME: Operation.RENAME,
    Action.RESYNC: Operation.RESYNC,
    Action.MACHINES: Operation.MACHINES,
    Action.ADMIT_BROWSER: Operation.ADMIT_BROWSER,
    Action.UNLOCK: Operation.UNLOCK,
    Action.MAKE_RECOVERY_CODES: Operation.RECOVERY,
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
        Role.FIRST_DEVICE_OWNER: (self_managed, account_open, no_device_bound, first_factor_shown),
        Role.ENROLLING: (no_device_bound, enrolment_shown),
        Role.REBINDING: (account_open, rebind_shown),
    },
    Action.UNBIND: {**_ADMINISTRATOR, **_OWNER},
    Action.RENAME: {**_ADMINISTRATOR, **_OWNER},
    Action.RESYNC: {**_ADMINISTRATOR, **_OWNER},
    Action.MACHINES: {**_ADMINISTRATOR, **_OWNER},
    Action.ADMIT_BROWSER: {**_ADMINISTRATOR, **_OWNER},
    Action.UNLOCK: {**_ADMINISTRATOR, **_OWNER},
    Action.RESET: _ADMINISTRATOR,
    Action.IMPORT: _ADMINISTRATOR,
    Action.MAKE_RECOVERY_CODES: _OWNER,
    Action.REVOKE_RECOVERY_CODES: _ADMINISTRATOR,
    Action.REQUIRE: _ADMINISTRATOR,
    Action.ERASE: _ADMINISTRATOR,
    Action.MOVE: _ADMINISTRATOR,
    Action.DISCARD: _ADMINISTRATOR,
}


def authorise(account: Account | None, context: Context, actor: Actor, action: Action) -> Grant | Reason:
    """Return the grant of an action to an actor, or the reason of its refusal."""
    conditions = PERMISSIONS[action].get(actor.role)
    if conditions is None:
        return Reason.NOT_AUTHORISED
    receipt: bytes | None = None
    for condition in conditions:
        result = condition(_Request(account, context, actor, action))
        if isinstance(result, Reason):
            return result
        if result is not None:
            receipt = result
    return Grant(actor.label, receipt)
