# SPDX-License-Identifier: Apache-2.0
"""The shape of everything that can happen: a frozen verb turns an account and a moment into a step.

The rule of this room: no clock, no I/O, no randomness, no logging. A verb is pure; the loop may call it again on a
fresher account, and only the step whose account was stored is told to anybody.
"""

from __future__ import annotations

from typing import ClassVar, Generic, Never, TypeVar

import attrs

from .._secret import Unpickled
from ..account import Account
from ..context import Context
from ..events import Event, EventType
from ..refusals import Reason, Refusal

T_co = TypeVar("T_co", covariant=True)


@attrs.frozen
class Claim:
    """A credential id that the step needs to belong to its user before it may land.

    Attributes:
        scope: the RP ID or AppID that the credential is for.
        credential_id: 1 to 1023 bytes.
    """

    scope: str
    credential_id: bytes


@attrs.frozen
class Transition(Generic[T_co]):
    """What a verb comes to.

    Attributes:
        account: the next account; the very same object where nothing is to be written; None where there is no record.
        outcome: the success value, or why not.
        claims: settled by the loop before the account is stored.
        events: told after the account is stored.
        unfinished: whether the verb is called again once the account is stored; until then there is no outcome.
    """

    account: Account | None
    outcome: T_co | Refusal
    claims: tuple[Claim, ...] = ()
    events: tuple[Event, ...] = ()
    unfinished: bool = False


class Verb(Unpickled, Generic[T_co]):
    """Something that can happen to an account; perform it with `ram_mfa.MFA.perform`. It is not pickled.

    Attributes:
        privileged: whether only the application can cause it, never a visitor: it then waits for no visitor's verb.
    """

    __slots__ = ()
    privileged: ClassVar[bool] = False

    def __call__(self, account: Account | None, context: Context) -> Transition[T_co]:
        """Decide: return the next account, the outcome and what is to be told."""
        raise NotImplementedError


def refused(
    account: Account | None,
    context: Context,
    refusal: Reason | Refusal,
    *,
    device: str | None = None,
    actor: str = "",
    events: tuple[Event, ...] = (),
) -> Transition[Never]:
    """Return the step of a refusal; ``account`` is what must be remembered of it."""
    if isinstance(refusal, Reason):
        refusal = Refusal(refusal)
    detail = refusal.reason.name if refusal.check is None else f"{refusal.reason.name}: {refusal.check}"
    event = Event(EventType.REFUSED, context.user, context.now, actor, device, detail)
    return Transition(account, refusal, events=(*events, event))
