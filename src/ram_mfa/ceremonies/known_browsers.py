# SPDX-License-Identifier: Apache-2.0
"""Help for a user whom somebody else's wrong codes keep out: a browser is admitted, or wrong codes are forgiven."""

from __future__ import annotations

from typing import Final

import attrs

from .._secret import SecretText
from ..account import Account, VirtualMFADevice
from ..context import Context
from ..events import EventType
from ..policy.values import MINUTE
from ..refusals import Reason
from ..rules import unforgiven
from ..rules.actors import Actor, is_actor
from ..rules.authority import Action, Grant
from ..rules.browser_tokens import new_browser_token
from ..rules.password_marks import digest_of, is_password_mark
from ..rules.throttle import clear_day
from ..rules.verb import ActorVerb, Transition

ADMISSION: Final = 10 * MINUTE
"""Seconds for which an admitted browser counts as a known one; its logon's proof then makes it one."""


@attrs.frozen
class AdmittedBrowser:
    """A browser that counts as a known one for 10 minutes. It still has to prove itself.

    Attributes:
        token: for the browser's cookie, through `add_to_browser_cookie`.
        expires_at: seconds since the epoch.
    """

    token: SecretText = attrs.field(repr=False)
    expires_at: float


@attrs.frozen
class AdmitBrowser(ActorVerb[AdmittedBrowser]):
    """Let one new browser use the gate of known ones for 10 minutes, and nothing else.

    For a new browser while somebody else's wrong codes keep new browsers out, for the help desk, and after a password
    was reset. Refused with `Reason.NOT_AUTHORISED` where the policy does not distinguish known browsers.

    Attributes:
        by: who asks.
        password_mark: the user's mark now, where the logon will have one.
    """

    action = Action.ADMIT_BROWSER
    by: Actor = attrs.field(validator=is_actor)
    password_mark: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=is_password_mark)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[AdmittedBrowser] | Reason:
        """Return the transition to the token; the record changes by the spent receipt only."""
        if context.policy.known_browsers is None:
            return Reason.NOT_AUTHORISED
        token = new_browser_token(account, context, lifetime=ADMISSION, mark=digest_of(self.password_mark))
        event = context.event(EventType.BROWSER_ADMITTED, actor=grant.actor)
        admitted = AdmittedBrowser(token, context.now + ADMISSION)
        return Transition(grant.spent(account, context), admitted, events=(event,))


@attrs.frozen
class Unlock(ActorVerb[None]):
    """Forgive the wrong codes of new browsers, and end the delays after them.

    It clears the day's wrong codes of new browsers too; where the policy distinguishes known browsers, once in 24 hours
    at the most, so that the bound on guessing holds. It enables no disabled device, and leaves the count of consecutive
    wrong codes, which only a proof clears.

    Attributes:
        by: who asks.
    """

    action = Action.UNLOCK
    by: Actor = attrs.field(validator=is_actor)

    def perform(self, account: Account, context: Context, grant: Grant) -> Transition[None] | Reason:
        """Return the transition to the account with its wrong codes forgiven."""
        after = unforgiven.forgive_all(account)
        if after.wrong:
            after = clear_day(after, context)
        after = attrs.evolve(
            after,
            devices=tuple(
                [
                    attrs.evolve(device, closed_until=0) if isinstance(device, VirtualMFADevice) else device
                    for device in after.devices
                ]
            ),
        )
        if after == account:
            return Reason.NOTHING_TO_DO
        event = context.event(EventType.UNLOCKED, actor=grant.actor)
        return Transition(grant.spent(after, context), None, events=(event,))
