# SPDX-License-Identifier: Apache-2.0
"""The base of all verbs: a frozen verb turns an account and a context into a transition.

Invariant: no clock, no I/O, no randomness, no logging. A verb is pure; the engine may call it again on a newer account,
and reports only the transition whose account was stored.
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
    """A credential id that must belong to the user before the transition is committed.

    Attributes:
        scope: the RP ID or AppID that the credential is for.
        credential_id: 1 to 1023 bytes.
    """

    scope: str
    credential_id: bytes


@attrs.frozen
class Transition(Generic[T_co]):
    """The result of a verb: the next account, the outcome, and the effects.

    Attributes:
        account: the next account; the very same object where nothing is to be written; None where there is no record.
        outcome: the success value, or the refusal.
        claims: settled by the engine before the account is stored.
        events: reported after the account is stored.
        unfinished: whether the verb is called again once the account is stored; until then there is no outcome.
    """

    account: Account | None
    outcome: T_co | Refusal
    claims: tuple[Claim, ...] = ()
    events: tuple[Event, ...] = ()
    unfinished: bool = False


class Verb(Unpickled, Generic[T_co]):
    """A command on an account; perform it with `ram_mfa.MFA.perform`. It cannot be pickled.

    Attributes:
        privileged: whether only the application can cause it, never a visitor: it then does not queue behind visitors'
            verbs.
    """

    __slots__ = ()
    privileged: ClassVar[bool] = False

    def __call__(self, account: Account | None, context: Context) -> Transition[T_co]:
        """Return the next account, the outcome and the events."""
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
    """Return the transition of a refusal; ``account`` is the account to store."""
    if isinstance(refusal, Reason):
        refusal = Refusal(refusal)
    detail = refusal.reason.name if refusal.check is None else f"{refusal.reason.name}: {refusal.check}"
    event = Event(EventType.REFUSED, context.user, context.now, actor, device, detail)
    return Transition(account, refusal, events=(*events, event))
