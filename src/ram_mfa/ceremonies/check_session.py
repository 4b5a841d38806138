# SPDX-License-Identifier: Apache-2.0
"""Check of a logged-on session, so that an unbind, a reset or a new password really ends it."""

from __future__ import annotations

import attrs

from .._secret import SecretText
from ..account import Account
from ..context import Context
from ..refusals import Reason
from ..rules import fields
from ..rules.session_marks import is_alive
from ..rules.verb import Transition, Verb, refused


@attrs.frozen
class SessionAlive:
    """The session that a mark was handed out for has not ended. It names nobody: it admits nobody."""


@attrs.frozen
class CheckSession(Verb[SessionAlive]):
    """Check that a session has not ended; refused with `Reason.SESSION_ENDED` where it has. Writes nothing.

    Attributes:
        mark: the ``session_mark`` of the admission, as the application keeps it with the user; None, where it keeps
            none, is refused like any other mark that is not valid.
    """

    mark: SecretText = attrs.field(converter=fields.as_typed, repr=False)

    def __call__(self, account: Account | None, context: Context) -> Transition[SessionAlive]:
        """Return the same account, if the mark is of its present epoch."""
        if not is_alive(self.mark, account, context):
            return refused(account, context, Reason.SESSION_ENDED)
        return Transition(account, SessionAlive())
