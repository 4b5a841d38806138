# SPDX-License-Identifier: Apache-2.0
"""Recovery codes: made by their owner, revoked by an administrator."""

from __future__ import annotations

import attrs

from ..account import Account
from ..context import Context
from ..events import EventType
from ..refusals import Reason
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.recovery_codes import RecoveryCodeSheet, make_codes
from ..rules.verb import ActorVerb, Transition


@attrs.frozen
class MakeRecoveryCodes(ActorVerb[RecoveryCodeSheet]):
    """Make recovery codes; they replace those made before, and are shown once.

    Attributes:
        by: the owner, with the receipt of a step-up for `Operation.RECOVERY`.
    """

    action = Action.MAKE_RECOVERY_CODES
    by: Actor = attrs.field(validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[RecoveryCodeSheet] | Reason:
        """Return the transition to the account with new codes, the receipt spent."""
        policy = context.policy.recovery_codes
        if policy is None:
            return Reason.NO_RECOVERY_CODES
        after, sheet = make_codes(account, context, policy)
        event = context.event(EventType.RECOVERY_CODES_MADE, actor=grant.actor, detail=f"{policy.count} made")
        return Transition(grant.spent(after, context), sheet, events=(event,))


@attrs.frozen
class RevokeRecoveryCodes(ActorVerb[None]):
    """Revoke all recovery codes of a user.

    Attributes:
        by: who asks.
    """

    action = Action.REVOKE_RECOVERY_CODES
    by: Actor = attrs.field(validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[None] | Reason:
        """Return the transition to the account without codes."""
        if account.recovery is None:
            return Reason.NOTHING_TO_DO
        event = context.event(EventType.RECOVERY_CODES_REVOKED, actor=grant.actor)
        return Transition(attrs.evolve(account, recovery=None), None, events=(event,))
